/* SPDX-License-Identifier: MIT */
/* Queues and page pools, as the kernel's family "netdev" lists them; and requests to it that cannot take effect. */
#ifndef NETDEV_H
#define NETDEV_H

#include "netlink.h"
#include "queues.h"

struct netdev_queue {
	uint32_t id, napi;	/* @napi 0: none */
	uint32_t dmabuf;	/* id of the binding, or 0 */
	uint8_t use;		/* enum devmem__queue_use */
};

struct netdev_queues {
	uint32_t count;
	struct netdev_queue *queue;
};

struct netdev_pool {
	uint64_t id, napi, inflight, inflight_bytes;
	uint32_t dmabuf;
	bool io_uring, detached;
};

struct netdev_pools {
	uint32_t count;
	struct netdev_pool *pool;
};

/*
 * RX queues of an interface, those of 0 to the last one that the kernel lists (none while it is down); its page pools.
 * The arrays are the caller's to free, also after a failure. Negative errno of the kernel; no sentence.
 */
int netdev_queues(struct devmem__nl *nl, uint32_t ifindex, struct netdev_queues *q);
int netdev_pools(struct devmem__nl *nl, uint32_t ifindex, struct netdev_pools *p);

/*
 * netdev_ask_bind() - ask for a binding that cannot come about, for what the kernel complains about first.
 * @ifindex:	0: an empty request. -EOPNOTSUPP: the kernel has no such; -EPERM: not for this process.
 * @page_size:	with no dma-buf, and 0 or a size. -EBADF: all else is in order.
 */
int netdev_ask_bind(struct devmem__nl *nl, uint32_t ifindex, uint32_t page_size);

#endif
