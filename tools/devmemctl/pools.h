/* SPDX-License-Identifier: MIT */
/* Page pools, as the kernel's netlink family "netdev" lists them. */
#ifndef POOLS_H
#define POOLS_H

#include "netlink/genl.h"

struct pool {
	uint64_t id, napi, inflight, inflight_bytes;
	uint32_t dmabuf; /* the binding's number, or 0 */
	bool io_uring, detached;
};

struct pools {
	uint32_t count;
	struct pool *pool;
};

/* pools_find() - lists an interface's page pools. The caller frees the array, even after a failure.
 * Returns 0 or the kernel's negative errno. Sets no error message. */
int pools_find(struct devmem__nl *nl, uint32_t ifindex, struct pools *p);

#endif
