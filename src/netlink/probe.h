/* SPDX-License-Identifier: MIT */
/* What the kernel has, whatever the interface: found by trying, without changing anything. */
#ifndef DEVMEM__NETLINK_PROBE_H
#define DEVMEM__NETLINK_PROBE_H

#include "base/internal.h"

/*
 * devmem__kernel_lacks() - what receiving into device memory needs and this kernel has not, in
 * words that live until this thread's next failure; NULL: nothing. @may_bind: may this process bind
 * device memory, as far as the kernel can be asked?
 */
const char *devmem__kernel_lacks(bool *may_bind);

/* devmem__kernel_has_zcrx() - does its io_uring have zero-copy receive, and may this process have
 * an io_uring? */
bool devmem__kernel_has_zcrx(void);

/* devmem__kernel_has_page_sizes() - may queues have larger pages than the system's? Only who may
 * bind can ask. */
bool devmem__kernel_has_page_sizes(void);

/* devmem__kernel_sends() - can it send from device memory? Anybody may ask. */
bool devmem__kernel_sends(void);

#endif
