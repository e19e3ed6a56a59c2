// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "base/uapi.h"

#define TRIES 5 /* a dump that changed while being read (EINTR) is read again */

/* Netlink's "uint" is four or eight bytes long, depending on the value. */
static uint64_t get_uint(struct nlattr *a)
{
	if (!a)
		return 0;
	return nla_len(a) >= (int)sizeof(uint64_t) ? nla_get_u64(a) : nla_get_u32(a);
}

struct pools_of {
	uint32_t ifindex;
	struct pools *pools;
};

/* The kernel dumps the pools of all interfaces: skip those of others. */
static int got_pool(struct nlattr **a, void *arg)
{
	struct pools_of *of = arg;
	struct pools *p = of->pools;
	struct pool *more;

	if (get_uint(a[DEVMEM_NETDEV_A_PAGE_POOL_IFINDEX]) != of->ifindex)
		return 0;
	more = realloc(p->pool, (p->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	p->pool = more;
	p->pool[p->count++] = (struct pool){
		.id = get_uint(a[DEVMEM_NETDEV_A_PAGE_POOL_ID]),
		.napi = get_uint(a[DEVMEM_NETDEV_A_PAGE_POOL_NAPI_ID]),
		.inflight = get_uint(a[DEVMEM_NETDEV_A_PAGE_POOL_INFLIGHT]),
		.inflight_bytes = get_uint(a[DEVMEM_NETDEV_A_PAGE_POOL_INFLIGHT_MEM]),
		.dmabuf = (uint32_t)get_uint(a[DEVMEM_NETDEV_A_PAGE_POOL_DMABUF]),
		.io_uring = a[DEVMEM_NETDEV_A_PAGE_POOL_IO_URING],
		.detached = a[DEVMEM_NETDEV_A_PAGE_POOL_DETACH_TIME],
	};
	return 0;
}

int pools_find(struct devmem__nl *nl, uint32_t ifindex, struct pools *p)
{
	struct pools_of of = { .ifindex = ifindex, .pools = p };
	int err = -EINTR;

	memset(p, 0, sizeof(*p));
	for (int i = 0; err == -EINTR && i < TRIES; i++) {
		free(p->pool);
		memset(p, 0, sizeof(*p));
		devmem__nl_begin(nl, DEVMEM_NETDEV_CMD_PAGE_POOL_GET);
		err = devmem__nl_dump(nl, got_pool, &of);
	}
	return err;
}
