/* SPDX-License-Identifier: MIT */
/* Page pools, as the kernel's family "netdev" lists them. */
#ifndef POOLS_H
#define POOLS_H

#include "netlink/genl.h"

struct pool {
	uint64_t id, napi, inflight, inflight_bytes;
	uint32_t dmabuf; /* number of the binding, or 0 */
	bool io_uring, detached;
};

struct pools {
	uint32_t count;
	struct pool *pool;
};

/* Those of an interface. The array is the caller's to free, also after a failure. The kernel's
 * negative errno; no sentence. */
int pools_find(struct devmem__nl *nl, uint32_t ifindex, struct pools *p);

#endif
