/* SPDX-License-Identifier: MIT */
/* What the kernel supports, apart from any interface. Found by trying, without changing
 * anything. */
#ifndef DEVMEM__NETLINK_PROBE_H
#define DEVMEM__NETLINK_PROBE_H

#include "base/internal.h"

/*
 * devmem__kernel_lacks() - what this kernel lacks for receiving into device memory, as text that is
 * valid until this thread's next failure; NULL: nothing. @may_bind is set to whether this process
 * may bind device memory, as far as that can be found out.
 */
const char *devmem__kernel_lacks(bool *may_bind);

/* devmem__kernel_has_zcrx() - does io_uring support zero-copy receive, and may this process use
 * io_uring? */
bool devmem__kernel_has_zcrx(void);

/* devmem__kernel_has_page_sizes() - can RX queues have larger pages than the system's? Only a
 * process that may bind can find out. */
bool devmem__kernel_has_page_sizes(void);

/* devmem__kernel_sends() - can the kernel send from device memory? Needs no privilege. */
bool devmem__kernel_sends(void);

/*
 * devmem__kernel_pieces() - how many pieces a packet may have in this kernel (CONFIG_MAX_SKB_FRAGS,
 * 17 to 45). It cannot be seen from a container; then the most that any kernel allows. Somebody may
 * have set the limit lower, and packets of device memory may have more all the same.
 */
unsigned int devmem__kernel_pieces(void);

#endif
