// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/netdev.h"
#include "base/uapi.h"

#define NO_FD	       0xffffffffu
#define AT_LEAST_ASKED 2u /* queues: while an interface is down the kernel lists none */
#define TRIES	       5  /* a dump is read again if the queues changed meanwhile */

/* --------------------------------------------------------------------------------------- queues */

void devmem__netdev_free(struct devmem__netdev_queues *q)
{
	free(q->use);
	free(q->napi);
	free(q->dmabuf);
	memset(q, 0, sizeof(*q));
}

/* Returns the array with room for @n elements, zeroed from @from on. NULL: no memory, and @array is
 * unchanged. */
static void *grow(void *array, uint32_t from, uint32_t n, size_t size)
{
	unsigned char *more = realloc(array, n * size);

	if (more)
		memset(more + from * size, 0, (n - from) * size);
	return more;
}

static int make_room(struct devmem__netdev_queues *q, uint32_t n)
{
	uint32_t *napi, *dmabuf;
	uint8_t *use;

	if (n > DEVMEM__MAX_QUEUES)
		return -ERANGE;
	if (n <= q->count)
		return 0;
	use = grow(q->use, q->count, n, sizeof(*use));
	q->use = use ? use : q->use;
	napi = grow(q->napi, q->count, n, sizeof(*napi));
	q->napi = napi ? napi : q->napi;
	dmabuf = grow(q->dmabuf, q->count, n, sizeof(*dmabuf));
	q->dmabuf = dmabuf ? dmabuf : q->dmabuf;
	if (!use || !napi || !dmabuf)
		return -ENOMEM;
	q->count = n;
	return 0;
}

int devmem__netdev_got_queue(struct nlattr **a, void *arg)
{
	struct nlattr *id = a[DEVMEM_NETDEV_A_QUEUE_ID], *type = a[DEVMEM_NETDEV_A_QUEUE_TYPE];
	struct nlattr *napi = a[DEVMEM_NETDEV_A_QUEUE_NAPI_ID],
		      *dmabuf = a[DEVMEM_NETDEV_A_QUEUE_DMABUF];
	struct devmem__netdev_queues *q = arg;
	uint32_t at;
	int err;

	if (!id || !type || nla_get_u32(type) != DEVMEM_NETDEV_QUEUE_TYPE_RX)
		return 0;
	at = nla_get_u32(id);
	err = at < DEVMEM__MAX_QUEUES ? make_room(q, at + 1) : -ERANGE;
	if (err)
		return err;
	q->napi[at] = napi ? nla_get_u32(napi) : 0;
	q->dmabuf[at] = dmabuf ? nla_get_u32(dmabuf) : 0;
	q->use[at] |= dmabuf ? DEVMEM__QUEUE_DMABUF : 0;
	q->use[at] |= a[DEVMEM_NETDEV_A_QUEUE_IO_URING] ? DEVMEM__QUEUE_IO_URING : 0;
	q->use[at] |= a[DEVMEM_NETDEV_A_QUEUE_XSK] ? DEVMEM__QUEUE_XSK : 0;
	q->use[at] |= a[DEVMEM_NETDEV_A_QUEUE_LEASE] ? DEVMEM__QUEUE_LEASED : 0;
	return 0;
}

int devmem__netdev_queues(struct devmem__nl *nl, uint32_t ifindex, struct devmem__netdev_queues *q)
{
	int err = -EINTR;

	memset(q, 0, sizeof(*q));
	for (int i = 0; err == -EINTR && i < TRIES; i++) {
		devmem__netdev_free(q);
		devmem__nl_begin(nl, DEVMEM_NETDEV_CMD_QUEUE_GET);
		devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_QUEUE_IFINDEX, ifindex);
		err = devmem__nl_dump(nl, devmem__netdev_got_queue, q);
	}
	if (err)
		devmem__netdev_free(q);
	return err;
}

int devmem__netdev_rings(struct devmem__ethtool *et, struct devmem__netdev_queues *q)
{
	int rings = devmem__ethtool_rings(et);

	return rings > 0 ? make_room(q, (uint32_t)rings) : rings;
}

/* ---------------------------------------------------------------------------------------- rules */

static void hit_context(struct devmem__ethtool *et, uint32_t context, uint8_t *hit, uint32_t n)
{
	uint32_t *table, size;

	if (devmem__ethtool_table(et, context, &table, &size))
		return;
	for (uint32_t i = 0; i < size; i++)
		if (table[i] < n)
			hit[table[i]] = 1;
	free(table);
}

void devmem__netdev_rule_leads(struct devmem__ethtool *et, const struct devmem__rule *rule,
			       uint8_t *hit, uint32_t n)
{
	uint64_t cookie = rule->fs.ring_cookie;

	if (rule->fs.flow_type & DEVMEM_FLOW_RSS && rule->context)
		hit_context(et, rule->context, hit, n);
	else if (cookie != RX_CLS_FLOW_DISC && !ethtool_get_flow_spec_ring_vf(cookie) &&
		 ethtool_get_flow_spec_ring(cookie) < n)
		hit[ethtool_get_flow_spec_ring(cookie)] = 1;
}

/* --------------------------------------------------------------------------------------- asking */

int devmem__netdev_ask_bind(struct devmem__nl *nl, uint32_t ifindex, uint32_t queue_id,
			    uint32_t page_size)
{
	struct nlattr *queue;

	devmem__nl_begin(nl, DEVMEM_NETDEV_CMD_BIND_RX);
	if (!ifindex)
		return devmem__nl_call(nl, NULL, NULL);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_IFINDEX, ifindex);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_FD, NO_FD);
	queue = devmem__nl_nest(nl, DEVMEM_NETDEV_A_DMABUF_QUEUES);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_QUEUE_ID, queue_id);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_QUEUE_TYPE, DEVMEM_NETDEV_QUEUE_TYPE_RX);
	devmem__nl_nest_end(nl, queue);
	if (page_size)
		devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_RX_PAGE_SIZE, page_size);
	return devmem__nl_call(nl, NULL, NULL);
}

int devmem__netdev_ask_any_queue(struct devmem__nl *nl, uint32_t ifindex, uint32_t page_size)
{
	struct devmem__netdev_queues q;
	uint32_t n = AT_LEAST_ASKED;
	int err = devmem__netdev_ask_bind(nl, ifindex, 0, page_size);

	if (err != -EOPNOTSUPP)
		return err;
	if (!devmem__netdev_queues(nl, ifindex, &q)) {
		n = q.count > n ? q.count : n;
		devmem__netdev_free(&q);
	}
	for (uint32_t queue = 1; err == -EOPNOTSUPP && queue < n; queue++)
		err = devmem__netdev_ask_bind(nl, ifindex, queue, page_size);
	/* -EINVAL, -ERANGE: there is no such queue */
	return err == -EINVAL || err == -ERANGE ? -EOPNOTSUPP : err;
}

int devmem__netdev_ask_send(struct devmem__nl *nl, uint32_t ifindex)
{
	devmem__nl_begin(nl, DEVMEM_NETDEV_CMD_BIND_TX);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_IFINDEX, ifindex);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_FD, NO_FD);
	return devmem__nl_call(nl, NULL, NULL);
}
