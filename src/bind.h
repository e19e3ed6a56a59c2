/* SPDX-License-Identifier: MIT */
/*
 * Room bind: bindings of buffers to queues, as rings and sockets see them. It may include nic,
 * netlink, memory and base, and knows no ring.
 */
#ifndef DEVMEM__BIND_H
#define DEVMEM__BIND_H

#include "bind/attached.h"
#include "bind/chunks.h"
#include "base/internal.h"
#include "bind/page_size.h"
#include "base/engine_name.h"

void devmem__binding_ref(struct devmem_binding *binding);

/*
 * devmem__binding_drop() - drop a reference without ever waiting: the last one goes to @ended, the
 * ring's list. devmem__binding_end_all() - end what is there, which may wait for the kernel, the
 * NIC and other processes.
 */
void devmem__binding_drop(struct devmem_binding *binding, struct devmem_binding **ended);
void devmem__binding_end_all(struct devmem_binding **ended);

/* devmem__binding_check() - -EEXIST, with its sentence, if another process made it. */
int devmem__binding_check(const struct devmem_binding *binding);

enum devmem__engine_id devmem__binding_engine_id(const struct devmem_binding *binding);
struct devmem_buffer *devmem__binding_buffer(const struct devmem_binding *binding);
uint16_t devmem__binding_buffer_id(const struct devmem_binding *binding);
size_t devmem__binding_bytes(const struct devmem_binding *binding);
/* 0: of no interface */
unsigned int devmem__binding_ifindex(const struct devmem_binding *binding);

/* devmem__binding_own() - a ring's own: no NIC, bytes are copied. The buffer need not be free. */
int devmem__binding_own(struct devmem_buffer *buffer, const char *why, struct devmem_binding **out);

/* The connections that receive with it, on all rings. */
struct devmem__attached *devmem__binding_attached(struct devmem_binding *binding);

/* Is it for sending? Then it has no queues, and nothing is received with it. */
bool devmem__binding_sends(const struct devmem_binding *binding);
/* its engine was asked for: no other will do */
bool devmem__binding_forced(const struct devmem_binding *binding);
/* (for sending) of a packet: quirks.h; 0: not known */
unsigned int devmem__binding_pieces(const struct devmem_binding *binding);
const char *devmem__binding_ifname(const struct devmem_binding *binding); /* (for sending) or "" */

/* Of engine "copy": how its buffer is divided, and where the kernel copies to: the buffer, or
 * (@staged) a stage. */
struct devmem__chunks *devmem__binding_chunks(struct devmem_binding *binding);
unsigned char *devmem__binding_memory(const struct devmem_binding *binding, bool *staged);

/* The sizes of pages to try for its queues, and which one it was. */
int devmem__binding_pages(struct devmem_binding *binding, struct devmem__pages *pages);
void devmem__binding_set_pages(struct devmem_binding *binding, const struct devmem__pages *pages,
			       unsigned int taken);

/* Of engine "zcrx": one ring at a time has the queue (false: another has it), and gives it back
 * when it is closed. */
bool devmem__binding_take_queue(struct devmem_binding *binding);
void devmem__binding_give_queue(struct devmem_binding *binding, bool was_bound);

/*
 * devmem__binding_out() - so many more pages are out; any thread. Returns how many bytes of the
 * buffer they are all together, at most, if that has just become too many, and 0 otherwise.
 */
uint64_t devmem__binding_out(struct devmem_binding *binding, size_t pages);
void devmem__binding_back(struct devmem_binding *binding, size_t pages);

/* devmem__binding_saw_mixture() - GRO made one packet of what the NIC split and what it did not. It
 * is turned off there. */
void devmem__binding_saw_mixture(const struct devmem_binding *binding);

/* devmem__binding_misplaced() - set the sentence for flows that arrive on @queue (or -errno).
 * Returns @queue. */
int devmem__binding_misplaced(const struct devmem_binding *binding, int queue);

/* devmem__nic_explain_link_down() of its NIC. */
bool devmem__binding_blame_link(struct devmem_binding *binding, int err);

/* devmem__binding_guarded() - is urgent data for it dropped at the interface's ingress? */
bool devmem__binding_guarded(const struct devmem_binding *binding);

bool devmem__binding_has_queue(const struct devmem_binding *binding, int queue);
int devmem__binding_queue_of_napi(const struct devmem_binding *binding, unsigned int napi_id);

/* The same from what is known, for the way of the data: -EBUSY: it cannot be known now. Without a
 * sentence. */
int devmem__binding_queue_known(const struct devmem_binding *binding, unsigned int napi_id);

#endif
