// SPDX-License-Identifier: MIT
/*
 * The lab's model of gve against a driver that means no good: whatever that writes to registers,
 * doorbells, configuration space and memory, and whatever messages come in QEMU's place, the model
 * does not crash, hang or leak, and what it keeps stays within its limits.
 *
 * The input: steps of 16 bytes, some with data behind them. They are of a kind that gets far: a
 * working driver in one step, a packet in another, changed in a few bytes. Two devices have one
 * memory, in two regions, and a third that they may only read.
 */
#include <endian.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "gve_driver.h"
#include "gve_frame.h"
#include "server.h"

#define MEMORY	    (1u << 20) /* bytes; each device's driver has a half */
#define READ_ONLY   (GUEST + 2 * MEMORY)
#define MAPPED	    (GUEST + 4 * MEMORY) /* for messages that map */
#define SMALL_FILE  4096u
#define MAX_SENT    20000u /* frames: what comes to more is only slow */
#define MAX_RAW	    2048u
#define MAX_DESCS   256u
#define HEADER	    16u /* of a message */
#define MESSAGE_FDS 2u

enum what {
	START,
	WRITE_MEMORY,
	WRITE_BAR,
	READ,
	CONFIG,
	FAULT,
	COMMAND,
	CREATE_TX,
	CREATE_RX,
	POST,
	SEND,
	SEND_RAW,
	DOORBELL,
	TIME,
	MESSAGE,
	HANG_UP,
	DESCRIBE,
	END_OF_STEPS,
};

struct step {
	uint8_t what, device, a, b;
	uint16_t c, d;
	uint32_t e;
	struct tweak {
		uint8_t at, bits; /* bits that are flipped in what the step makes */
	} tweak[2];
};

_Static_assert(sizeof(struct step) == 16, "so that a change does not move what follows");

struct input {
	const uint8_t *data;
	size_t left;
};

struct world {
	struct device device[2];
	struct driver driver[2];
	struct guest guest[2]; /* two halves of one memory */
	uint32_t seq;
	int small, lowest;
};

static struct world world;

static void take(struct input *in, void *to, size_t bytes)
{
	const size_t n = bytes < in->left ? bytes : in->left;

	memset(to, 0, bytes);
	if (n)
		memcpy(to, in->data, n);
	in->data += n;
	in->left -= n;
}

static void tweak(const struct step *s, void *what, size_t bytes)
{
	for (int i = 0; bytes && i < 2; i++)
		((uint8_t *)what)[s->tweak[i].at % bytes] ^= s->tweak[i].bits;
}

/* ------------------------------------------------------------------------------ two devices */

static void map_memory(struct device *d, int fd)
{
	if (dma_map(&d->dma, GUEST, MEMORY / 2, fd, 0, true) ||
	    dma_map(&d->dma, GUEST + MEMORY / 2, MEMORY / 2, fd, MEMORY / 2, true) ||
	    dma_map(&d->dma, READ_ONLY, 65536, fd, 0, false))
		abort();
}

/* The driver's half is its own again. */
static void forget(struct world *w, int i)
{
	w->guest[i].used = (uint64_t)i * MEMORY / 2;
	if (!driver_init(&w->driver[i], &w->device[i], &w->guest[i]))
		abort();
}

/* The lowest descriptor that is free: one that leaks changes it. */
static int lowest_free(const struct world *w)
{
	const int fd = dup(w->small);

	close(fd);
	return fd;
}

static void set_up(struct world *w, const struct step *s)
{
	static char *no_args[] = { NULL };
	struct params params[2];

	if (!w->guest[0].memory && (!guest_open(&w->guest[0], MEMORY) ||
				    (w->small = memfd_create("small", MFD_CLOEXEC)) < 0 ||
				    ftruncate(w->small, SMALL_FILE)))
		abort();
	w->guest[0].bytes = MEMORY;
	guest_clear(&w->guest[0]);
	w->guest[1] = w->guest[0];
	w->guest[0].bytes = MEMORY / 2;
	w->seq = 0;
	w->lowest = lowest_free(w);
	gve_now = 1000000000u;
	if (!params_read(params, no_args))
		abort();
	for (int i = 0; i < 2; i++) {
		params[i].min_rx_ring = 64;
		params[i].ring = params[i].max_ring = MAX_DESCS;
		params[i].format = s->a >> i & 1 ? FORMAT_DQO_QPL : FORMAT_DQO_RDA;
		params[i].device_rss = s->a >> (2 + i) & 1;
		params[i].header_buffer = s->a >> (4 + i) & 1 ? 0 : s->c % 1024;
		params[i].rules = s->a >> (6 + i) & 1 ? 0 : 64;
		device_init(&w->device[i], i ? "far" : "near", &params[i], &w->device[!i]);
		map_memory(&w->device[i], w->guest[0].fd);
		forget(w, i);
	}
}

static void tear_down(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		device_reset(&w->device[i]);
		dma_unmap_all(&w->device[i].dma);
		irq_close(&w->device[i].irqs);
		wire_free(&w->device[i].wire);
	}
	if (lowest_free(w) != w->lowest)
		abort();
}

static void check_queues(const struct device *d)
{
	for (unsigned int i = 0; i < MAX_QUEUES; i++) {
		const struct rx_queue *const rx = &d->rx[i];
		const struct tx_queue *const tx = &d->tx[i];

		if (tx->head > tx->mask || tx->tail > tx->mask ||
		    tx->completion > tx->completion_mask || rx->head > rx->mask ||
		    rx->tail > rx->mask || rx->completion > rx->mask)
			abort();
		if (rx->waiting > RX_FIFO_BYTES || rx->rsc.bytes > MAX_FRAME + ETH_BYTES)
			abort();
	}
}

static void check_device(const struct device *d)
{
	uint32_t rules = 0;

	check_queues(d);
	for (unsigned int i = 0; i < MAX_RULES; i++)
		rules += d->steer.rule[i].used;
	if (rules != d->steer.rules || d->wire.n > WIRE_MAX_LATE || d->dma.n > DMA_REGIONS)
		abort();
}

/* -------------------------------------------------------------------- registers and commands */

static void step_write(struct device *d, const struct step *s)
{
	static const uint32_t sizes[] = { 4, 4, 1, 2 };
	unsigned char raw[4];

	memcpy(raw, &s->e, 4);
	bar_write(d, s->a % 3, s->c % (BAR_BYTES - 3), raw, sizes[s->b % 4]);
}

static void step_read(struct device *d, const struct step *s)
{
	unsigned char raw[256];
	const uint32_t bytes = s->b % 16 + 1u;

	if (s->a % 4 == 3)
		pci_read(d, s->c % (CONFIG_BYTES - 16), raw, bytes);
	else
		bar_read(d, s->a % 4, s->c % (BAR_BYTES - 16), raw, bytes);
}

static void step_config(struct device *d, const struct step *s)
{
	unsigned char raw[4];

	memcpy(raw, &s->e, 4);
	pci_write(d, s->c % (CONFIG_BYTES - 3), raw, s->b % 4 + 1u);
}

static void step_fault(struct device *d, const struct step *s)
{
	const uint32_t word = htole32((uint32_t)(s->a % (FAULTS + 1u)) << 24 | s->c);

	pci_write(d, 0x84, &word, 4);
}

/* A command's payload as a good driver has it, whatever command it is. */
static size_t payload(struct driver *v, enum opcode opcode, const struct step *s, void *to)
{
	const uint64_t at = htobe64(v->page + s->c % 4096u);
	const uint32_t id = htobe32(s->b % MAX_QUEUES);
	const struct cmd_describe describe = { at, htobe32(1), htobe32(4096 - s->c % 4096u) };
	const struct cmd_register_pages pages = { id, htobe32(s->d % 16 + 1u), at, htobe64(4096) };
	const struct cmd_configure_rss rss = { htobe16(s->d),
					       RSS_TOEPLITZ,
					       0,
					       htobe16(s->e & 1 ? RSS_KEY_BYTES : 0),
					       htobe16(s->e & 2 ? RSS_TABLE : 0),
					       at,
					       at };
	const struct cmd_query_rules rules = {
		htobe16(s->b % 4), { 0 }, htobe32(s->d), htobe64(4096), at
	};
	const struct cmd_report_stats stats = { htobe64(s->d), at, 0 };
	const struct cmd_at where = { htobe64(s->d), at };
	const void *from = &id;
	size_t bytes = sizeof(id);

#define PAYLOAD(of, what)             \
	case of:                      \
		from = &(what);       \
		bytes = sizeof(what); \
		break
	switch (opcode) {
		PAYLOAD(OP_DESCRIBE_DEVICE, describe);
		PAYLOAD(OP_REGISTER_PAGES, pages);
		PAYLOAD(OP_CONFIGURE_RSS, rss);
		PAYLOAD(OP_QUERY_RULES, rules);
		PAYLOAD(OP_REPORT_STATS, stats);
		PAYLOAD(OP_QUERY_RSS, where);
		PAYLOAD(OP_GET_PTYPE_MAP, where);
		PAYLOAD(OP_REPORT_LINK_SPEED, at);
	default:
		break;
	}
	memcpy(to, from, bytes);
	return bytes;
}

static void step_rule(struct driver *v, const struct step *s)
{
	struct cmd_configure_rule rule = { .op = htobe16(s->b % 4),
					   .location = htobe32(s->c % 80),
					   .rule.type = htobe16(s->d % 8),
					   .rule.queue = htobe16(s->e % 18) };

	rule.rule.mask.dst_port = s->e & 256 ? 0xffff : 0;
	tweak(s, &rule, sizeof(rule));
	driver_rule(v, &rule);
}

static void step_command(struct driver *v, const struct step *s)
{
	const enum opcode opcode = s->a % 20 == 19 ? OP_EXTENDED : s->a % 20;
	uint8_t raw[COMMAND_BYTES] = { 0 };

	if (opcode == OP_EXTENDED) {
		step_rule(v, s);
		return;
	}
	payload(v, opcode, s, raw);
	tweak(s, raw, COMMAND_BYTES - 8);
	driver_command(v, opcode, raw, COMMAND_BYTES - 8);
}

/* Pages for a queue of format DQO-QPL: those of its data. */
static void register_pages(struct driver *v, uint32_t id, uint64_t data, uint32_t bytes)
{
	const struct cmd_register_pages cmd = { .id = htobe32(id),
						.num_pages = htobe32(bytes / 4096),
						.list_address = htobe64(v->page),
						.page_size = htobe64(4096) };
	uint64_t *const list = guest_at(v->guest, v->page);

	for (uint32_t i = 0; i < bytes / 4096 && i < 4096 / sizeof(*list); i++)
		list[i] = htobe64(data + i * 4096);
	driver_command(v, OP_REGISTER_PAGES, &cmd, sizeof(cmd));
}

static void step_create_tx(struct driver *v, const struct step *s)
{
	const uint32_t id = s->b % MAX_QUEUES, list = s->a & 4 ? 0 : id;
	struct cmd_create_tx cmd;

	if (!driver_tx_command(v, id, s->a & 1 ? 64 : MAX_DESCS, &cmd)) {
		v->tx[id].size = 0;
		return;
	}
	if (v->device->params.format == FORMAT_DQO_QPL) {
		register_pages(v, list, v->tx[id].data, 65536);
		cmd.page_list = htobe32(list);
	}
	tweak(s, &cmd, sizeof(cmd));
	driver_command(v, OP_CREATE_TX, &cmd, sizeof(cmd));
}

static void step_create_rx(struct driver *v, const struct step *s)
{
	const uint32_t id = s->b % MAX_QUEUES, list = s->a & 4 ? 0 : MAX_QUEUES + id;
	const uint32_t buffer = s->a & 1 ? 4096 : 2048, size = 64;
	struct cmd_create_rx cmd;

	if (!driver_rx_command(v, id, size, buffer, s->a & 2 ? v->device->params.header_buffer : 0,
			       &cmd)) {
		v->rx[id].size = 0;
		return;
	}
	cmd.enable_rsc = !(s->a & 8);
	if (v->device->params.format == FORMAT_DQO_QPL) {
		register_pages(v, list, v->rx[id].data, size * buffer);
		cmd.page_list = htobe32(list);
	}
	tweak(s, &cmd, sizeof(cmd));
	driver_command(v, OP_CREATE_RX, &cmd, sizeof(cmd));
}

/* ----------------------------------------------------------------------------------- packets */

static void step_post(struct driver *v, const struct step *s)
{
	const uint32_t id = s->b % MAX_QUEUES;
	struct driver_ring *const q = &v->rx[id];

	if (!q->size)
		return;
	driver_post(v, id, s->a % q->size);
	tweak(s, guest_at(v->guest, q->ring + (q->tail - 1u) % q->size * sizeof(struct rx_buffer)),
	      sizeof(struct rx_buffer));
}

static void transmit(struct driver *v, const struct step *s, struct driver_packet *p)
{
	const uint32_t id = s->b % MAX_QUEUES;
	struct driver_ring *const q = &v->tx[id];

	if (!q->size || !driver_put(v, id, p))
		return;
	/* the last two descriptors */
	tweak(s, guest_at(v->guest, q->ring + (q->tail - 2u) % q->size / 2 * 2 * 16), 32);
	if (!(s->a & 64))
		driver_ring(v, id);
}

static void step_send(struct world *w, struct driver *v, const struct step *s)
{
	static unsigned char data[FRAME_ROOM];
	struct frame f = { .ipv6 = s->a & 1,
			   .udp = s->a & 2,
			   .ip_options = s->a & 1 ? 0 : s->c >> 14 << 2,
			   .tcp_options = (s->d & 7u) * 4,
			   .flags = (uint8_t)((s->d >> 3 & 31) | TCP_ACK),
			   .seq = w->seq,
			   .destination_port = (uint16_t)(s->d >> 8 & 3),
			   .payload = s->c & 2047 };
	struct driver_packet p = { .data = data,
				   .header = frame_headers(&f),
				   .pieces = s->d >> 10 & 15,
				   .tag = s->b,
				   .checksum = s->a & 8,
				   .event = s->a & 16,
				   .no_context = s->a & 32 };

	if (s->a & 4) {
		p.mss = s->e & 8191;
		f.payload *= 16;
	}
	p.bytes = frame_write(&f, data);
	if (f.tcp_options == 12) /* time stamps */
		memcpy(data + frame_l4(&f) + 20, "\1\1\10\12", 4);
	w->seq += f.payload + (s->e >> 24);
	transmit(v, s, &p);
}

static void step_send_raw(struct driver *v, const struct step *s, struct input *in)
{
	unsigned char data[MAX_RAW];
	struct driver_packet p = { .data = data,
				   .bytes = s->c % MAX_RAW + 1u,
				   .pieces = s->d % 12,
				   .checksum = s->a & 8,
				   .mss = s->a & 4 ? s->e & 16383 : 0,
				   .header = s->e >> 16 & 255 };

	take(in, data, p.bytes);
	transmit(v, s, &p);
}

/* Descriptors of a TX ring, several alike if it is for data: packets of any make. */
static void step_describe(struct driver *v, const struct step *s)
{
	const uint32_t id = s->b % MAX_QUEUES, alike = s->a % 4 < 2 ? 1 : (s->e >> 28) + 1;
	union tx_desc desc = { 0 };

	if (!v->tx[id].size)
		return;
	if (s->a % 4 == 0)
		desc.packet.dtype = TX_DTYPE_GENERAL;
	else if (s->a % 4 == 1)
		desc.tso = (struct tx_tso){ .total = s->e & 0xffffff,
					    .mss = (uint16_t)(s->c & 16383),
					    .header = (uint8_t)s->d,
					    .dtype = TX_DTYPE_TSO,
					    .tso = 1 };
	else
		desc.packet = (struct tx_packet){ .address = htole64(GUEST + s->e % MEMORY),
						  .dtype = TX_DTYPE_PACKET,
						  .end_of_packet = !!(s->a & 4),
						  .checksum = !!(s->a & 8),
						  .report_event = !!(s->a & 16),
						  .tag = s->d,
						  .bytes = s->c & 16383 };
	tweak(s, &desc, sizeof(desc));
	for (uint32_t n = 0; n < alike; n++)
		*driver_desc(v, id) = desc;
	if (s->a & 32)
		driver_ring(v, id);
}

static void step_memory(struct world *w, const struct step *s, struct input *in)
{
	const uint32_t bytes = s->a % 64 + 1u;

	take(in, w->guest[0].memory + s->e % (MEMORY - bytes), bytes);
}

/* ---------------------------------------------------------------------------- QEMU's messages */

static uint32_t message_body(const struct step *s, unsigned int command, unsigned char *body)
{
	const struct {
		uint32_t argsz, flags;
		uint64_t offset, address, size;
	} map = { 32, 3, (uint64_t)s->d % 512 * 4096, MAPPED + (uint64_t)s->e * 4096,
		  (uint64_t)s->c << 8 };
	const struct {
		uint32_t argsz, flags;
		uint64_t address, size;
	} unmap = { 24, s->c & 2, GUEST + (s->d & 1) * MEMORY / 2, MEMORY / 2 };
	const struct vfio_irq_set irqs = { 20, (s->d & 1 ? 4 : 1) | 32, s->c % 6, s->e % 80,
					   s->d >> 1 & 127 };
	const struct {
		uint64_t offset;
		uint32_t region, count, data;
	} access = { s->c, s->d % 10, s->d >> 8 & 15, s->e };
	const uint64_t n = s->d >> 12;
	const uint32_t index[8] = { 32, 0, s->d % 16 };

	memset(body, 0, 64);
	if (command == 2)
		memcpy(body, &map, sizeof(map));
	else if (command == 3)
		memcpy(body, &unmap, sizeof(unmap));
	else if (command == 8)
		memcpy(body, &irqs, sizeof(irqs));
	else if (command == 9 || command == 10)
		memcpy(body, &access, sizeof(access));
	else
		memcpy(body, index, sizeof(index));
	if (command == 15) {
		memcpy(body, &n, sizeof(n));
		memcpy(body + sizeof(n), &access, sizeof(access));
	}
	return s->b % 65;
}

static void send_message(int to, const void *message, size_t bytes, const int *fd, size_t fds)
{
	union {
		char bytes[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)message, .iov_len = bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fds) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		*CMSG_FIRSTHDR(&msg) = (struct cmsghdr){ .cmsg_len = CMSG_LEN(fds * sizeof(int)),
							 .cmsg_level = SOL_SOCKET,
							 .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), fd, fds * sizeof(int));
	}
	if (sendmsg(to, &msg, 0) < 0)
		abort();
}

/* One message; what is missing of it never comes, since the other end hangs up. */
static void step_message(struct world *w, struct device *d, const struct step *s)
{
	const int fds[MESSAGE_FDS] = { s->a & 128 ? w->small : w->guest[0].fd, w->small };
	unsigned char message[HEADER + 64], reply[8192];
	const unsigned int command = s->a % 16;
	uint32_t bytes = message_body(s, command, message + HEADER);
	const struct {
		uint16_t id, command;
		uint32_t size, flags, error;
	} header = { 1, (uint16_t)command, HEADER + bytes, s->b & 128 ? 16 : 0, 0 };
	int pair[2];

	memcpy(message, &header, sizeof(header));
	tweak(s, message, sizeof(message));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	send_message(pair[1], message, HEADER + bytes, fds, s->a >> 4 & 7 ? s->a >> 4 & 1 : 2);
	shutdown(pair[1], SHUT_WR);
	while (server_serve(d, pair[0]))
		while (recv(pair[1], reply, sizeof(reply), MSG_DONTWAIT) > 0)
			;
	close(pair[0]);
	close(pair[1]);
}

/* ----------------------------------------------------------------------------------- the input */

static void time_passes(struct world *w, const struct step *s)
{
	gve_now += (uint64_t)s->c * 100000;
	for (int i = 0; i < 2; i++)
		if (wire_run(&w->device[i]) < -1)
			abort();
}

static void hang_up(struct world *w, int i)
{
	dma_unmap_all(&w->device[i].dma);
	device_reset(&w->device[i]);
	map_memory(&w->device[i], w->guest[0].fd);
}

static void run(struct world *w, const struct step *s, struct input *in)
{
	const int i = s->device & 1;
	struct driver *const v = &w->driver[i];
	struct device *const d = &w->device[i];

	switch (s->what % END_OF_STEPS) {
	case START:
		forget(w, i);
		driver_start(v);
		return;
	case WRITE_MEMORY:
		step_memory(w, s, in);
		return;
	case WRITE_BAR:
		step_write(d, s);
		return;
	case READ:
		step_read(d, s);
		return;
	case CONFIG:
		step_config(d, s);
		return;
	case FAULT:
		step_fault(d, s);
		return;
	case COMMAND:
		step_command(v, s);
		return;
	case CREATE_TX:
		step_create_tx(v, s);
		return;
	case CREATE_RX:
		step_create_rx(v, s);
		return;
	case POST:
		step_post(v, s);
		return;
	case SEND:
		step_send(w, v, s);
		return;
	case SEND_RAW:
		step_send_raw(v, s, in);
		return;
	case DOORBELL:
		driver_doorbell(v, s->c % 1024, s->e);
		return;
	case TIME:
		time_passes(w, s);
		return;
	case MESSAGE:
		step_message(w, d, s);
		return;
	case HANG_UP:
		hang_up(w, i);
		return;
	case DESCRIBE:
		step_describe(v, s);
		return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct step s;

	take(&in, &s, sizeof(s));
	set_up(&world, &s);
	while (in.left && world.device[0].counters[COUNT_TX_PACKETS] +
					  world.device[1].counters[COUNT_TX_PACKETS] <
				  MAX_SENT) {
		take(&in, &s, sizeof(s));
		run(&world, &s, &in);
	}
	check_device(&world.device[0]);
	check_device(&world.device[1]);
	tear_down(&world);
	return 0;
}

static size_t add(uint8_t *data, size_t room, size_t at, const struct step *steps, size_t n)
{
	if (at + n * sizeof(*steps) > room)
		abort();
	memcpy(data + at, steps, n * sizeof(*steps));
	return at + n * sizeof(*steps);
}

#define ADD(data, room, at, ...)                                  \
	add(data, room, at, (const struct step[]){ __VA_ARGS__ }, \
	    sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step))

/* Both start, the second with format DQO-QPL, and send to each other. */
static size_t seed_start(uint8_t *data, size_t room)
{
	return ADD(data, room, 0, { .a = 2, .c = 256 }, /* parameters */
		   { .what = START }, { .what = START, .device = 1 },
		   { .what = COMMAND, .a = OP_DESCRIBE_DEVICE },
		   { .what = COMMAND, .a = OP_GET_PTYPE_MAP, .d = 2048 },
		   { .what = COMMAND, .a = OP_REPORT_STATS, .c = 2048, .d = 1024 },
		   { .what = CREATE_TX, .a = 2 }, { .what = CREATE_TX, .device = 1, .a = 2 },
		   { .what = CREATE_RX, .a = 2 }, { .what = CREATE_RX, .device = 1 },
		   { .what = POST, .a = 56 }, { .what = POST, .device = 1, .a = 56 },
		   { .what = DOORBELL, .c = DB_IRQ, .e = 1 }, { .what = SEND, .a = 8, .c = 1000 },
		   { .what = SEND, .a = 8 | 4, .c = 1000, .e = 500 },
		   { .what = SEND, .a = 8 | 2, .c = 2000 }, { .what = SEND, .a = 8 | 1, .c = 2000 },
		   { .what = SEND, .device = 1, .a = 8 | 64, .c = 1448 },
		   { .what = SEND, .device = 1, .a = 8, .c = 1448 }, { .what = DESCRIBE },
		   { .what = DESCRIBE, .a = 2, .c = 100, .e = 2u << 28 },
		   { .what = DESCRIBE, .a = 2 | 4 | 16 | 32, .c = 100 });
}

/* Each fault by itself, on packets that could be merged. */
static size_t seed_faults(uint8_t *data, size_t room, size_t at)
{
	static const enum fault faults[] = {
		FAULT_DROP_EVERY,      FAULT_REORDER_EVERY, FAULT_DELAY_EVERY,
		FAULT_NOSPLIT_EVERY,   FAULT_CORRUPT_EVERY, FAULT_MISROUTE_EVERY,
		FAULT_DUPLICATE_EVERY, FAULT_STARVE,
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		at = ADD(data, room, at, { .what = FAULT, .a = faults[i], .c = 1 },
			 { .what = SEND, .device = 1, .a = 8 | 64, .c = 100 },
			 { .what = SEND, .device = 1, .a = 8, .c = 100 },
			 { .what = FAULT, .a = faults[i] }, { .what = TIME, .c = 1000 });
	return at;
}

/* Rules, RSS, messages in QEMU's place, and the end. */
static size_t seed_rest(uint8_t *data, size_t room, size_t at)
{
	return ADD(data, room, at, { .what = COMMAND, .a = 19, .d = FLOW_TCPV4, .e = 256 },
		   { .what = COMMAND, .a = OP_QUERY_RULES }, { .what = COMMAND, .a = 19, .b = 1 },
		   { .what = COMMAND, .a = OP_CONFIGURE_RSS, .d = 0x2d2, .e = 1 },
		   { .what = MESSAGE, .a = 9, .b = 16, .d = 0x400 },
		   { .what = MESSAGE, .a = 10, .b = 24, .d = 0x402 },
		   { .what = MESSAGE, .a = 8, .b = 20, .c = 2, .d = 5 },
		   { .what = MESSAGE, .a = 2, .b = 32, .c = 256 },
		   { .what = FAULT, .device = 1, .a = FAULT_TX_STALL, .c = 1 },
		   { .what = SEND, .device = 1, .a = 8, .c = 100 },
		   { .what = FAULT, .device = 1, .a = FAULT_TX_STALL },
		   { .what = COMMAND, .device = 1, .a = OP_DESTROY_RX },
		   { .what = COMMAND, .device = 1, .a = OP_UNREGISTER_PAGES, .b = MAX_QUEUES },
		   { .what = SEND, .d = 3 | 1 << 10, .c = 1000 },
		   { .what = SEND, .a = 8 | 16, .c = 64 }, /* an event */
		   { .what = DESCRIBE, .a = 1, .c = 1400, .d = 54, .e = 16 * 80 },
		   { .what = DESCRIBE }, { .what = DESCRIBE, .a = 2, .c = 54 },
		   { .what = DESCRIBE, .a = 2, .c = 80, .e = 14u << 28 },
		   { .what = DESCRIBE, .a = 2 | 4 | 32, .c = 80 },
		   { .what = FAULT, .a = FAULT_RESET, .c = 1 }, { .what = HANG_UP });
}

/* What a good driver does. */
size_t fuzz_seed(uint8_t *data, size_t room)
{
	return seed_rest(data, room, seed_faults(data, room, seed_start(data, room)));
}
