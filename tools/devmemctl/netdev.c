// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netdev.h"
#include "uapi.h"

#define NO_FD 0xffffffffu
#define TRIES 5		/* a dump that changed while it was read is read again */

/* Netlink's "uint" takes four bytes or eight, as the value needs. */
static uint64_t get_uint(struct nlattr *a)
{
	if (!a)
		return 0;
	return nla_len(a) >= (int)sizeof(uint64_t) ? nla_get_u64(a) : nla_get_u32(a);
}

/* ---------------------------------------------------------------------------------------------- queues */

static int make_room(struct netdev_queues *q, uint32_t id)
{
	struct netdev_queue *more;

	if (id < q->count)
		return 0;
	more = realloc(q->queue, ((size_t)id + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	q->queue = more;
	while (q->count <= id) {
		q->queue[q->count] = (struct netdev_queue){ .id = q->count };
		q->count++;
	}
	return 0;
}

static int got_queue(struct nlattr **a, void *arg)
{
	struct nlattr *id = a[DEVMEM_NETDEV_A_QUEUE_ID], *type = a[DEVMEM_NETDEV_A_QUEUE_TYPE];
	struct netdev_queues *q = arg;
	struct netdev_queue *queue;

	if (!id || !type || nla_get_u32(type) != DEVMEM_NETDEV_QUEUE_TYPE_RX)
		return 0;
	if (make_room(q, nla_get_u32(id)))
		return -ENOMEM;
	queue = &q->queue[nla_get_u32(id)];
	queue->napi = (uint32_t)get_uint(a[DEVMEM_NETDEV_A_QUEUE_NAPI_ID]);
	queue->dmabuf = (uint32_t)get_uint(a[DEVMEM_NETDEV_A_QUEUE_DMABUF]);
	queue->use |= a[DEVMEM_NETDEV_A_QUEUE_DMABUF] ? DEVMEM__QUEUE_DMABUF : 0;
	queue->use |= a[DEVMEM_NETDEV_A_QUEUE_IO_URING] ? DEVMEM__QUEUE_IO_URING : 0;
	queue->use |= a[DEVMEM_NETDEV_A_QUEUE_XSK] ? DEVMEM__QUEUE_XSK : 0;
	queue->use |= a[DEVMEM_NETDEV_A_QUEUE_LEASE] ? DEVMEM__QUEUE_LEASED : 0;
	return 0;
}

int netdev_queues(struct devmem__nl *nl, uint32_t ifindex, struct netdev_queues *q)
{
	int err = -EINTR;

	memset(q, 0, sizeof(*q));
	for (int i = 0; err == -EINTR && i < TRIES; i++) {
		free(q->queue);
		memset(q, 0, sizeof(*q));
		devmem__nl_begin(nl, DEVMEM_NETDEV_CMD_QUEUE_GET);
		devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_QUEUE_IFINDEX, ifindex);
		err = devmem__nl_dump(nl, got_queue, q);
	}
	return err;
}

/* ----------------------------------------------------------------------------------------------- pools */

struct pools_of {
	uint32_t ifindex;
	struct netdev_pools *pools;
};

/* The kernel lists those of all interfaces. */
static int got_pool(struct nlattr **a, void *arg)
{
	struct pools_of *of = arg;
	struct netdev_pools *p = of->pools;
	struct netdev_pool *more;

	if (get_uint(a[DEVMEM_NETDEV_A_PAGE_POOL_IFINDEX]) != of->ifindex)
		return 0;
	more = realloc(p->pool, (p->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	p->pool = more;
	p->pool[p->count++] = (struct netdev_pool){
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

int netdev_pools(struct devmem__nl *nl, uint32_t ifindex, struct netdev_pools *p)
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

/* ---------------------------------------------------------------------------------------------- asking */

int netdev_ask_bind(struct devmem__nl *nl, uint32_t ifindex, uint32_t page_size)
{
	struct nlattr *queue;

	devmem__nl_begin(nl, DEVMEM_NETDEV_CMD_BIND_RX);
	if (!ifindex)
		return devmem__nl_call(nl, NULL, NULL);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_IFINDEX, ifindex);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_FD, NO_FD);
	queue = devmem__nl_nest(nl, DEVMEM_NETDEV_A_DMABUF_QUEUES);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_QUEUE_ID, 0);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_QUEUE_TYPE, DEVMEM_NETDEV_QUEUE_TYPE_RX);
	devmem__nl_nest_end(nl, queue);
	if (page_size)
		devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_RX_PAGE_SIZE, page_size);
	return devmem__nl_call(nl, NULL, NULL);
}
