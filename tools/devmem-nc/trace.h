/* SPDX-License-Identifier: MIT */
/* Messages of the kernel's ncdevmem, word for word, for scripts that look for them. They are
 * printed only if nc_options.trace is set, except for those about wrong bytes. */
#ifndef TRACE_H
#define TRACE_H

#include <devmem/devmem.h>

#include "address.h"
#include "nc.h"

void nc_trace_interface(const struct nc_options *opt);
void nc_trace_bound(const struct nc_options *opt, const struct devmem_binding *binding);
void nc_trace_bound_tx(const struct nc_options *opt, const struct devmem_binding *binding);
void nc_trace_listening(const struct nc_options *opt, const struct address *at);
void nc_trace_accepted(const struct nc_options *opt, const struct address *peer);

/* What a wait returned. @total: bytes received into device memory so far. */
void nc_trace_fragment(const struct nc_options *opt, const struct devmem_event *ev, uint64_t total,
		       uint32_t id);
void nc_trace_linear(const struct nc_options *opt, uint32_t bytes);
void nc_trace_received(const struct nc_options *opt, uint64_t bytes, uint64_t total);
void nc_trace_end(const struct nc_options *opt);

void nc_trace_wrong(unsigned int expected, unsigned int actual, size_t index);
/* on standard output, unless the summary goes there */
void nc_trace_validated(const struct nc_options *opt);

void nc_trace_connecting(const struct nc_options *opt, const struct address *to);
void nc_trace_send(const struct nc_options *opt, uint32_t bytes);
void nc_trace_sent(const struct nc_options *opt, uint64_t number);
void nc_trace_all_sent(const struct nc_options *opt);

#endif
