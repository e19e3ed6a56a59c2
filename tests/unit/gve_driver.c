// SPDX-License-Identifier: MIT
#include "gve_driver.h"

#include <endian.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE	   4096u
#define TX_DATA	   (1u << 16) /* bytes for packets of a TX ring */
#define OF_BLOCKS  4u	      /* bytes for each interrupt's doorbell */
#define ADMIN_SLOT (ADMINQ_BYTES / COMMAND_BYTES)

/* ------------------------------------------------------------------------- the guest's memory */

uint64_t gve_now;

/* clock_gettime() of the model: see CMakeLists.txt. */
int gve_clock(clockid_t clock, struct timespec *ts);

int gve_clock(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	ts->tv_sec = (time_t)(gve_now / 1000000000u);
	ts->tv_nsec = (long)(gve_now % 1000000000u);
	return 0;
}

bool guest_open(struct guest *g, uint64_t bytes)
{
	g->bytes = bytes;
	g->used = 0;
	g->fd = memfd_create("guest", MFD_CLOEXEC);
	if (g->fd < 0 || ftruncate(g->fd, (off_t)bytes))
		return false;
	g->memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, g->fd, 0);
	return g->memory != MAP_FAILED;
}

void guest_close(struct guest *g)
{
	munmap(g->memory, g->bytes);
	close(g->fd);
}

void guest_clear(struct guest *g)
{
	memset(g->memory, 0, g->bytes);
	g->used = 0;
}

uint64_t guest_take(struct guest *g, uint64_t bytes, uint64_t align)
{
	const uint64_t at = (g->used + align - 1) / align * align;

	if (at > g->bytes || bytes > g->bytes - at)
		return 0;
	g->used = at + bytes;
	return GUEST + at;
}

void *guest_at(const struct guest *g, uint64_t address)
{
	return g->memory + (address - GUEST);
}

/* ------------------------------------------------------------------------------ admin queue */

static void write_register(struct driver *v, uint32_t at, uint32_t value)
{
	unsigned char raw[4];

	put32(raw, value);
	bar_write(v->device, 0, at, raw, 4);
}

bool driver_init(struct driver *v, struct device *d, struct guest *g)
{
	memset(v, 0, sizeof(*v));
	v->device = d;
	v->guest = g;
	v->admin = guest_take(g, ADMINQ_BYTES, ADMINQ_BYTES);
	v->page = guest_take(g, PAGE, PAGE);
	return v->admin && v->page;
}

void driver_admin_queue(struct driver *v)
{
	unsigned char length[2];

	put16(length, ADMINQ_BYTES);
	bar_write(v->device, 0, REG_ADMINQ_LENGTH, length, 2);
	write_register(v, REG_ADMINQ_BASE_HI, (uint32_t)(v->admin >> 32));
	write_register(v, REG_ADMINQ_BASE_LO, (uint32_t)v->admin);
	write_register(v, REG_DRIVER_STATUS, DRIVER_RUN);
	v->commands = 0;
}

uint32_t driver_command(struct driver *v, enum opcode opcode, const void *payload, size_t bytes)
{
	const uint64_t at = v->admin + v->commands % ADMIN_SLOT * COMMAND_BYTES;
	unsigned char *const cmd = guest_at(v->guest, at);

	memset(cmd, 0, COMMAND_BYTES);
	put32(cmd, opcode);
	if (bytes)
		memcpy(cmd + 8, payload, bytes < COMMAND_BYTES - 8 ? bytes : COMMAND_BYTES - 8);
	write_register(v, REG_ADMINQ_DOORBELL, ++v->commands);
	return get32(cmd + 4);
}

uint32_t driver_verify(struct driver *v)
{
	const struct cmd_verify_driver cmd = { .length = htobe64(DRIVER_INFO_BYTES),
					       .address = htobe64(v->page) };
	const uint64_t can = htobe64(DRIVER_CAN_DQO_RDA | DRIVER_CAN_BUFFER_SZ);
	unsigned char *const info = guest_at(v->guest, v->page);

	memset(info, 0, DRIVER_INFO_BYTES);
	info[DRIVER_INFO_OS] = 1;
	memcpy(info + DRIVER_INFO_FLAGS, &can, sizeof(can));
	return driver_command(v, OP_VERIFY_DRIVER, &cmd, sizeof(cmd));
}

uint32_t driver_configure(struct driver *v, enum queue_format format, uint32_t interrupts)
{
	const struct cmd_configure_resources cmd = {
		.counter_array = htobe64(v->page),
		.irq_db_addr = htobe64(v->page + PAGE / 2),
		.num_counters = htobe32(2 * MAX_QUEUES),
		.num_irq_dbs = htobe32(interrupts),
		.irq_db_stride = htobe32(OF_BLOCKS),
		.queue_format = (uint8_t)format,
	};

	return driver_command(v, OP_CONFIGURE_RESOURCES, &cmd, sizeof(cmd));
}

uint32_t driver_rule(struct driver *v, const struct cmd_configure_rule *rule)
{
	const struct cmd_extended cmd = { .opcode = htobe32(OP_CONFIGURE_RULE),
					  .length = htobe32(sizeof(*rule)),
					  .address = htobe64(v->page) };

	memcpy(guest_at(v->guest, v->page), rule, sizeof(*rule));
	return driver_command(v, OP_EXTENDED, &cmd, sizeof(cmd));
}

bool driver_start(struct driver *v)
{
	driver_admin_queue(v);
	return driver_verify(v) == ST_PASSED &&
	       driver_configure(v, v->device->params.format, 2 * v->device->params.max_queues) ==
		       ST_PASSED;
}

/* ----------------------------------------------------------------------------------- queues */

bool driver_tx_command(struct driver *v, uint32_t id, uint32_t size, struct cmd_create_tx *cmd)
{
	struct driver_ring *const q = &v->tx[id];

	memset(q, 0, sizeof(*q));
	q->size = size;
	q->generation = true;
	q->ring = guest_take(v->guest, size * sizeof(union tx_desc), PAGE);
	q->completions = guest_take(v->guest, size * sizeof(struct tx_completion), PAGE);
	q->data = guest_take(v->guest, TX_DATA, PAGE);
	*cmd = (struct cmd_create_tx){
		.queue_id = htobe32(id),
		.resources = htobe64(v->page),
		.ring = htobe64(q->ring),
		.page_list = htobe32(NO_PAGE_LIST),
		.ntfy_id = htobe32(id),
		.completion_ring = htobe64(q->completions),
		.ring_size = htobe16((uint16_t)size),
		.completion_ring_size = htobe16((uint16_t)size),
	};
	return q->ring && q->completions && q->data;
}

bool driver_rx_command(struct driver *v, uint32_t id, uint32_t size, uint32_t buffer,
		       uint32_t header, struct cmd_create_rx *cmd)
{
	struct driver_ring *const q = &v->rx[id];

	memset(q, 0, sizeof(*q));
	q->size = size;
	q->buffer = buffer;
	q->header = header;
	q->generation = true;
	q->ring = guest_take(v->guest, size * sizeof(struct rx_buffer), PAGE);
	q->completions = guest_take(v->guest, size * sizeof(struct rx_completion), PAGE);
	q->data = guest_take(v->guest, (uint64_t)size * buffer, PAGE);
	q->headers = header ? guest_take(v->guest, (uint64_t)size * header, PAGE) : GUEST;
	*cmd = (struct cmd_create_rx){
		.queue_id = htobe32(id),
		.ntfy_id = htobe32(v->device->params.max_queues + id),
		.resources = htobe64(v->page),
		.completion_ring = htobe64(q->completions),
		.buffer_ring = htobe64(q->ring),
		.page_list = htobe32(NO_PAGE_LIST),
		.completion_ring_size = htobe16((uint16_t)size),
		.packet_buffer = htobe16((uint16_t)buffer),
		.buffer_ring_size = htobe16((uint16_t)size),
		.enable_rsc = 1,
		.header_buffer = htobe16((uint16_t)header),
	};
	return q->ring && q->completions && q->data && q->headers;
}

bool driver_create_tx(struct driver *v, uint32_t id, uint32_t size)
{
	struct cmd_create_tx cmd;

	return driver_tx_command(v, id, size, &cmd) &&
	       driver_command(v, OP_CREATE_TX, &cmd, sizeof(cmd)) == ST_PASSED;
}

bool driver_create_rx(struct driver *v, uint32_t id, uint32_t size, uint32_t buffer,
		      uint32_t header)
{
	struct cmd_create_rx cmd;

	return driver_rx_command(v, id, size, buffer, header, &cmd) &&
	       driver_command(v, OP_CREATE_RX, &cmd, sizeof(cmd)) == ST_PASSED;
}

void driver_doorbell(struct driver *v, uint32_t index, uint32_t value)
{
	value = htole32(value);
	bar_write(v->device, 2, 4 * index, &value, 4);
}

void driver_post(struct driver *v, uint32_t id, uint32_t n)
{
	struct driver_ring *const q = &v->rx[id];

	for (; n; n--) {
		const struct rx_buffer b = {
			.id = htole16((uint16_t)q->tail),
			.address = htole64(q->data + (uint64_t)q->tail * q->buffer),
			.header_address = htole64(q->headers + (uint64_t)q->tail * q->header),
		};

		memcpy(guest_at(v->guest, q->ring + q->tail * sizeof(b)), &b, sizeof(b));
		q->tail = (q->tail + 1) % q->size;
	}
	driver_doorbell(v, DB_RX + id, q->tail);
}

/* ---------------------------------------------------------------------------------- sending */

union tx_desc *driver_desc(struct driver *v, uint32_t id)
{
	struct driver_ring *const q = &v->tx[id];
	union tx_desc *const desc = guest_at(v->guest, q->ring + q->tail * sizeof(union tx_desc));

	memset(desc, 0, sizeof(*desc));
	q->tail = (q->tail + 1) % q->size;
	return desc;
}

void driver_ring(struct driver *v, uint32_t id)
{
	driver_doorbell(v, DB_TX + id, v->tx[id].tail);
}

static void put_contexts(struct driver *v, uint32_t id, const struct driver_packet *p)
{
	if (p->mss)
		driver_desc(v, id)->tso = (struct tx_tso){ .total = p->bytes - p->header,
							   .mss = (uint16_t)p->mss,
							   .header = (uint8_t)p->header,
							   .dtype = TX_DTYPE_TSO,
							   .tso = 1 };
	if (!p->no_context)
		driver_desc(v, id)->packet.dtype = TX_DTYPE_GENERAL;
}

bool driver_put(struct driver *v, uint32_t id, const struct driver_packet *p)
{
	const uint32_t pieces = p->pieces ? p->pieces : 1;
	struct driver_ring *const q = &v->tx[id];
	uint64_t data;
	uint32_t at = 0;

	if (p->bytes > TX_DATA || pieces > p->bytes)
		return false;
	q->next = p->bytes > TX_DATA - q->next ? 0 : q->next;
	data = q->data + q->next;
	q->next += p->bytes;
	memcpy(guest_at(v->guest, data), p->data, p->bytes);
	put_contexts(v, id, p);
	for (uint32_t i = 0; i < pieces; i++) {
		const uint32_t bytes = (p->bytes - at) / (pieces - i);

		driver_desc(v, id)->packet =
			(struct tx_packet){ .address = htole64(data + at),
					    .dtype = TX_DTYPE_PACKET,
					    .end_of_packet = i + 1 == pieces,
					    .checksum = p->checksum,
					    .report_event = i + 1 == pieces && p->event,
					    .tag = p->tag,
					    .bytes = (uint16_t)bytes };
		at += bytes;
	}
	return true;
}

bool driver_send(struct driver *v, uint32_t id, const struct driver_packet *p)
{
	if (!driver_put(v, id, p))
		return false;
	driver_ring(v, id);
	return true;
}

static bool moved_on(struct driver_ring *q, bool generation)
{
	if (generation != q->generation)
		return false;
	q->completion = (q->completion + 1) % q->size;
	if (!q->completion)
		q->generation = !q->generation;
	return true;
}

bool driver_completed(struct driver *v, uint32_t id, struct tx_completion *c)
{
	struct driver_ring *const q = &v->tx[id];

	memcpy(c, guest_at(v->guest, q->completions + q->completion * sizeof(*c)), sizeof(*c));
	return moved_on(q, c->generation);
}

/* -------------------------------------------------------------------------------- receiving */

static void append(struct driver_received *r, const void *from, uint32_t bytes)
{
	if (bytes <= sizeof(r->data) - r->bytes)
		memcpy(r->data + r->bytes, from, bytes);
	r->bytes += bytes;
}

bool driver_received(struct driver *v, uint32_t id, struct driver_received *r)
{
	struct driver_ring *const q = &v->rx[id];
	struct rx_completion c;

	r->bytes = r->buffers = r->header = 0;
	do {
		memcpy(&c, guest_at(v->guest, q->completions + q->completion * sizeof(c)),
		       sizeof(c));
		if (c.buffer_id >= q->size || !moved_on(q, c.generation))
			return false;
		if (!r->buffers++)
			r->first = c;
		if (c.split_header && !c.header_buffer_overflow) {
			r->header = c.header_len;
			append(r, guest_at(v->guest, q->headers + c.buffer_id * q->header),
			       c.header_len);
		}
		append(r, guest_at(v->guest, q->data + (uint64_t)c.buffer_id * q->buffer),
		       c.packet_len);
	} while (!c.end_of_packet);
	return r->bytes <= sizeof(r->data);
}
