// SPDX-License-Identifier: MIT
#include "tx.h"

#include <endian.h>
#include <string.h>

#include "device.h"
#include "tx_packet.h"

static void complete(struct device *d, struct tx_queue *q, unsigned int type, uint16_t value)
{
	struct tx_completion c = {
		.id = q->index, .type = type, .generation = q->generation, .tag = value
	};
	void *const at =
		dma_at(&d->dma, q->completions + q->completion * sizeof(c), sizeof(c), true);
	uint64_t whole;

	if (!at) {
		complain(d, "TX queue %u: the ring of completions is no memory", q->index);
		q->broken = true;
		return;
	}
	memcpy(&whole, &c, sizeof(whole));
	__atomic_store_n((uint64_t *)at, whole, __ATOMIC_RELEASE);
	q->completion = (q->completion + 1) & q->completion_mask;
	if (!q->completion)
		q->generation = !q->generation;
}

/* Frames leave, and are received, before the packet is complete. */
static void serve(struct device *d, struct tx_queue *q)
{
	static struct tx_whole w; /* large; there is one thread */
	bool any = false;

	while (q->created && !q->broken && q->head != q->tail &&
	       !(d->faults.value[FAULT_TX_STALL] >> q->index & 1)) {
		if (!tx_packet_read(d, q, &w))
			break;
		tx_packet_send(d, &w);
		q->head = (w.last + 1) & q->mask;
		if (w.event)
			complete(d, q, COMPLETION_DESC, (uint16_t)q->head);
		complete(d, q, COMPLETION_PKT, w.tag);
		any = true;
	}
	if (!any)
		return;
	irq_raise(d, q->block);
	rx_flush(d->peer);
}

static bool ring_size_ok(const struct params *p, uint32_t size)
{
	return size >= TX_MIN_RING && size <= p->max_ring && !(size & (size - 1));
}

static uint32_t check_create(struct device *d, const struct cmd_create_tx *cmd)
{
	const struct params *p = &d->params;
	const uint32_t id = be32toh(cmd->queue_id), ring = be16toh(cmd->ring_size);
	const uint32_t completions = be16toh(cmd->completion_ring_size);
	const uint64_t at = be64toh(cmd->ring), completions_at = be64toh(cmd->completion_ring);

	if (id >= p->max_queues || d->tx[id].created ||
	    be32toh(cmd->ntfy_id) >= d->resources.blocks)
		return ST_INVALID_ARGUMENT;
	if (!ring_size_ok(p, ring) || !ring_size_ok(p, completions))
		return ST_INVALID_ARGUMENT;
	if ((p->format == FORMAT_DQO_RDA) != (be32toh(cmd->page_list) == NO_PAGE_LIST))
		return ST_INVALID_ARGUMENT;
	if (p->format == FORMAT_DQO_QPL && !pages_find(d, be32toh(cmd->page_list)))
		return ST_NOT_FOUND;
	if (at % sizeof(union tx_desc) || completions_at % sizeof(struct tx_completion) ||
	    !dma_at(&d->dma, at, ring * sizeof(union tx_desc), false) ||
	    !dma_at(&d->dma, completions_at, completions * sizeof(struct tx_completion), true))
		return ST_INVALID_ARGUMENT;
	return ST_PASSED;
}

uint32_t tx_create(struct device *d, const struct cmd_create_tx *cmd)
{
	const struct queue_resources res = { .db_index = htobe32(DB_TX + be32toh(cmd->queue_id)),
					     .counter_index = htobe32(be32toh(cmd->queue_id)) };
	uint32_t status = check_create(d, cmd);
	struct tx_queue *q;

	if (status == ST_PASSED && !dma_write(&d->dma, be64toh(cmd->resources), &res, sizeof(res)))
		status = ST_INVALID_ARGUMENT;
	if (status != ST_PASSED) {
		complain(d, "CREATE_TX_QUEUE %u: invalid", be32toh(cmd->queue_id));
		return status;
	}
	q = &d->tx[be32toh(cmd->queue_id)];
	memset(q, 0, sizeof(*q));
	q->index = be32toh(cmd->queue_id);
	q->block = be32toh(cmd->ntfy_id);
	q->ring = be64toh(cmd->ring);
	q->completions = be64toh(cmd->completion_ring);
	q->mask = be16toh(cmd->ring_size) - 1u;
	q->completion_mask = be16toh(cmd->completion_ring_size) - 1u;
	q->generation = true;
	q->since_event = TX_EVENT_GAP;
	q->pages = pages_find(d, be32toh(cmd->page_list));
	q->created = true;
	return ST_PASSED;
}

void tx_destroy(struct tx_queue *q)
{
	memset(q, 0, sizeof(*q));
}

void tx_doorbell(struct device *d, uint32_t queue, uint32_t tail)
{
	struct tx_queue *q = &d->tx[queue];

	if (!q->created) {
		complain(d, "doorbell of TX queue %u, which does not exist", queue);
		return;
	}
	if (tail > q->mask) {
		complain(d, "TX queue %u: doorbell %u, behind the ring's end", queue, tail);
		return;
	}
	if (((tail - q->head) & q->mask) > q->mask - TX_FREE)
		complain(d, "TX queue %u: doorbell %u leaves fewer than %u free, at %u", queue,
			 tail, TX_FREE, q->head);
	q->tail = tail;
	serve(d, q);
}

void tx_serve(struct device *d)
{
	for (unsigned int i = 0; i < MAX_QUEUES; i++)
		serve(d, &d->tx[i]);
}
