// SPDX-License-Identifier: MIT
#include "rx.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

/* -------------------------------------------------------------------------- to the driver */

static uint32_t available(const struct device *d, const struct rx_queue *q)
{
	if (q->broken || d->faults.value[FAULT_STARVE] >> q->index & 1)
		return 0;
	return (q->tail - q->head) & q->mask;
}

/* A packet without payload takes a buffer, too, which stays empty. */
static uint32_t buffers_for(const struct rx_queue *q, uint32_t bytes)
{
	return bytes ? (bytes + q->packet_buffer - 1) / q->packet_buffer : 1;
}

static void broken(struct device *d, struct rx_queue *q, const char *what, uint64_t address)
{
	complain(d, "RX queue %u: %s 0x%llx", q->index, what, (unsigned long long)address);
	q->broken = true;
}

/* Copies the next buffer's descriptor. False: it leads nowhere. */
static bool next_buffer(struct device *d, struct rx_queue *q, struct rx_buffer *b)
{
	if (!dma_read(&d->dma, q->buffers + q->head * sizeof(*b), b, sizeof(*b))) {
		broken(d, q, "the ring of buffers is no memory:", q->buffers);
		return false;
	}
	if (b->reserved0 || b->reserved1 || b->reserved2)
		complain(d, "RX queue %u: a buffer's reserved fields are not 0", q->index);
	q->head = (q->head + 1) & q->mask;
	return true;
}

static bool fill(struct device *d, struct rx_queue *q, uint64_t address, const void *data,
		 uint32_t bytes, uint32_t room)
{
	if (q->pages && !pages_have(q->pages, address, room)) {
		broken(d, q, "a buffer is outside of its queue's page list:", address);
		return false;
	}
	if (!dma_at(&d->dma, address, room, true) || !dma_write(&d->dma, address, data, bytes)) {
		broken(d, q, "a buffer is no memory:", address);
		return false;
	}
	return true;
}

/* The first eight bytes have the generation bit: the driver reads the others after it. */
static void complete(struct device *d, struct rx_queue *q, struct rx_completion *c)
{
	unsigned char *const at =
		dma_at(&d->dma, q->completions + q->completion * sizeof(*c), sizeof(*c), true);
	uint64_t first;

	if (!at) {
		broken(d, q, "the ring of completions is no memory:", q->completions);
		return;
	}
	c->rxdid = 1;
	c->descriptor_done = 1;
	c->generation = q->generation;
	memcpy(&first, c, sizeof(first));
	memcpy(at + sizeof(first), (unsigned char *)c + sizeof(first), sizeof(*c) - sizeof(first));
	__atomic_store_n((uint64_t *)(void *)at, first, __ATOMIC_RELEASE);
	q->completion = (q->completion + 1) & q->mask;
	if (!q->completion)
		q->generation = !q->generation;
}

static void describe(struct rx_completion *c, const struct rx_info *info)
{
	c->packet_type = info->type;
	c->hash = info->hash;
	c->l3_l4_processed = 1;
	c->ipv6_ex_add = info->ip_options;
	c->csum_ip_err = info->ip_wrong;
	c->csum_l4_err = info->l4_wrong;
	c->rsc = info->segment != 0;
	c->rsc_seg_len = info->segment;
}

/* Writes a packet into as many buffers as it takes; there are enough. */
static void write_packet(struct device *d, struct rx_queue *q, const unsigned char *data,
			 uint32_t bytes, const struct rx_info *info)
{
	const uint32_t header = info->overflow ? 0 : info->header;
	uint32_t at = header, part;

	for (bool first = true; first || at < bytes; first = false, at += part) {
		struct rx_completion c = { 0 };
		struct rx_buffer b;

		if (!next_buffer(d, q, &b))
			return;
		part = bytes - at < q->packet_buffer ? bytes - at : q->packet_buffer;
		if (first && header &&
		    !fill(d, q, b.header_address, data, header, q->header_buffer))
			return;
		if (!fill(d, q, b.address, data + at, part, q->packet_buffer))
			return;
		describe(&c, info);
		if (first && info->header) {
			c.split_header = 1;
			c.header_len = info->overflow ? 0 : (uint16_t)header;
			c.header_buffer_overflow = info->overflow;
		}
		c.packet_len = (uint16_t)part;
		c.buffer_id = b.id;
		c.end_of_packet = at + part == bytes;
		complete(d, q, &c);
	}
	irq_raise(d, q->block);
}

static uint32_t data_bytes(uint32_t bytes, const struct rx_info *info)
{
	return info->overflow ? bytes : bytes - info->header;
}

static void wait_for_buffers(struct device *d, struct rx_queue *q, const struct packet *p,
			     const struct rx_info *info)
{
	struct rx_waiting *w = NULL;

	if (q->waiting + p->bytes <= RX_FIFO_BYTES && !q->broken)
		w = malloc(sizeof(*w) + p->bytes);
	if (!w) {
		q->no_buffers++;
		d->counters[COUNT_NO_BUFFER]++;
		return;
	}
	w->next = NULL;
	w->info = *info;
	w->bytes = p->bytes;
	memcpy(w->data, p->data, p->bytes);
	*q->last = w;
	q->last = &w->next;
	q->waiting += p->bytes;
}

static void count(struct device *d, uint32_t bytes, const struct rx_info *info)
{
	d->counters[COUNT_RX_PACKETS] += info->segments ? info->segments : 1;
	d->counters[COUNT_RX_BYTES] += bytes;
	if (info->header && !info->overflow)
		d->counters[COUNT_SPLIT]++;
}

void rx_deliver(struct device *d, struct rx_queue *q, const struct packet *p,
		const struct rx_info *info)
{
	if (q->first || available(d, q) < buffers_for(q, data_bytes(p->bytes, info))) {
		wait_for_buffers(d, q, p, info);
		return;
	}
	count(d, p->bytes, info);
	write_packet(d, q, p->data, p->bytes, info);
}

static struct rx_waiting *take_waiting(struct rx_queue *q)
{
	struct rx_waiting *const w = q->first;

	q->first = w->next;
	if (!q->first)
		q->last = &q->first;
	q->waiting -= w->bytes;
	return w;
}

static void serve_waiting(struct device *d, struct rx_queue *q)
{
	while (q->first &&
	       available(d, q) >= buffers_for(q, data_bytes(q->first->bytes, &q->first->info))) {
		struct rx_waiting *const w = take_waiting(q);

		count(d, w->bytes, &w->info);
		write_packet(d, q, w->data, w->bytes, &w->info);
		free(w);
	}
}

/* ------------------------------------------------------------------------------------ the queue */

static uint32_t check_create(struct device *d, const struct cmd_create_rx *cmd)
{
	const struct params *p = &d->params;
	const uint32_t id = be32toh(cmd->queue_id), ring = be16toh(cmd->completion_ring_size);
	const uint32_t buffer = be16toh(cmd->packet_buffer), header = be16toh(cmd->header_buffer);

	if (id >= p->max_queues || d->rx[id].created ||
	    be32toh(cmd->ntfy_id) >= d->resources.blocks)
		return ST_INVALID_ARGUMENT;
	if (ring < p->min_rx_ring || ring > p->max_ring || ring & (ring - 1) ||
	    be16toh(cmd->buffer_ring_size) != ring)
		return ST_INVALID_ARGUMENT;
	if ((buffer != 2048 && buffer != 4096) || buffer > p->buffer)
		return ST_INVALID_ARGUMENT;
	if (header && (header != p->header_buffer || p->format != FORMAT_DQO_RDA))
		return ST_INVALID_ARGUMENT;
	if ((p->format == FORMAT_DQO_RDA) != (be32toh(cmd->page_list) == NO_PAGE_LIST))
		return ST_INVALID_ARGUMENT;
	if (p->format == FORMAT_DQO_QPL && !pages_find(d, be32toh(cmd->page_list)))
		return ST_NOT_FOUND;
	if (be64toh(cmd->buffer_ring) % sizeof(struct rx_buffer) ||
	    be64toh(cmd->completion_ring) % sizeof(struct rx_completion))
		return ST_INVALID_ARGUMENT;
	if (!dma_at(&d->dma, be64toh(cmd->buffer_ring), ring * sizeof(struct rx_buffer), false) ||
	    !dma_at(&d->dma, be64toh(cmd->completion_ring), ring * sizeof(struct rx_completion),
		    true))
		return ST_INVALID_ARGUMENT;
	return ST_PASSED;
}

uint32_t rx_create(struct device *d, const struct cmd_create_rx *cmd)
{
	const struct queue_resources res = { .db_index = htobe32(DB_RX + be32toh(cmd->queue_id)),
					     .counter_index = htobe32(be32toh(cmd->queue_id)) };
	uint32_t status = check_create(d, cmd);
	struct rx_queue *q;

	if (status == ST_PASSED && !dma_write(&d->dma, be64toh(cmd->resources), &res, sizeof(res)))
		status = ST_INVALID_ARGUMENT;
	if (status != ST_PASSED) {
		complain(d, "CREATE_RX_QUEUE %u: invalid", be32toh(cmd->queue_id));
		return status;
	}
	q = &d->rx[be32toh(cmd->queue_id)];
	memset(q, 0, sizeof(*q));
	q->index = be32toh(cmd->queue_id);
	q->block = be32toh(cmd->ntfy_id);
	q->buffers = be64toh(cmd->buffer_ring);
	q->completions = be64toh(cmd->completion_ring);
	q->mask = be16toh(cmd->completion_ring_size) - 1u;
	q->generation = true;
	q->packet_buffer = be16toh(cmd->packet_buffer);
	q->header_buffer = be16toh(cmd->header_buffer);
	q->rsc_on = cmd->enable_rsc;
	q->pages = pages_find(d, be32toh(cmd->page_list));
	q->last = &q->first;
	q->created = true;
	return ST_PASSED;
}

void rx_destroy(struct rx_queue *q)
{
	while (q->first)
		free(take_waiting(q));
	rsc_free(&q->rsc);
	memset(q, 0, sizeof(*q));
}

void rx_doorbell(struct device *d, uint32_t queue, uint32_t tail)
{
	struct rx_queue *q = &d->rx[queue];

	if (!q->created) {
		complain(d, "doorbell of RX queue %u, which does not exist", queue);
		return;
	}
	if (tail > q->mask || tail % RX_DOORBELL_STEP) {
		complain(d, "RX queue %u: doorbell %u is not a multiple of %u in the ring", queue,
			 tail, RX_DOORBELL_STEP);
		return;
	}
	q->tail = tail;
	serve_waiting(d, q);
}

/* -------------------------------------------------------------------------- from the wire */

/* Header split is for TCP. Of every n-th packet the fault splits off too much, or it cannot. */
static void decide_split(struct device *d, const struct rx_queue *q, const struct packet *p,
			 struct rx_info *info)
{
	const uint32_t payload = p->bytes - p->payload_at;
	const uint32_t more = d->faults.value[FAULT_NOSPLIT_BYTES];

	if (!q->header_buffer || p->l4 != L4_TCP)
		return;
	info->header = p->payload_at;
	if (payload && fault_strikes(&d->faults, FAULT_NOSPLIT_EVERY)) {
		d->counters[COUNT_UNSPLIT]++;
		info->unmergeable = true;
		info->overflow = !more;
		info->header += more < payload ? more : payload;
	}
	if (info->header > q->header_buffer)
		info->overflow = true;
}

static struct rx_queue *choose_queue(struct device *d, const struct packet *p, uint32_t hash)
{
	uint32_t queue = steer_queue(&d->steer, p, hash), n = 0;

	if (fault_strikes(&d->faults, FAULT_MISROUTE_EVERY)) {
		while (n < MAX_QUEUES && d->rx[n].created)
			n++;
		queue = n ? (queue + 1) % n : queue;
		d->counters[COUNT_MISROUTED]++;
	}
	return d->rx[queue].created ? &d->rx[queue] : NULL;
}

void rx_input(struct device *d, unsigned char *data, uint32_t bytes)
{
	struct rx_info info = { 0 };
	struct rx_queue *q;
	struct packet p;

	packet_parse(&p, data, bytes);
	info.type = packet_type(&p);
	info.hash = steer_hash(&d->steer, &p);
	info.ip_options = p.ip_options;
	info.ip_wrong = !packet_ip_checksum_ok(&p);
	info.l4_wrong = !packet_l4_checksum_ok(&p);
	q = choose_queue(d, &p, info.hash);
	if (!q) {
		d->counters[COUNT_NO_BUFFER]++;
		return;
	}
	q->bad_checksums += info.l4_wrong;
	decide_split(d, q, &p, &info);
	if (!rsc_take(d, q, &p, &info))
		rx_deliver(d, q, &p, &info);
}

void rx_serve(struct device *d)
{
	for (unsigned int i = 0; i < MAX_QUEUES; i++)
		if (d->rx[i].created)
			serve_waiting(d, &d->rx[i]);
}

void rx_flush(struct device *d)
{
	for (unsigned int i = 0; i < MAX_QUEUES; i++)
		if (d->rx[i].created)
			rsc_flush(d, &d->rx[i]);
}
