// SPDX-License-Identifier: MIT
/* The lab's model of gve: receiving. Packets lie in the buffers that the driver posted, wait if
 * there are none, and faults do what their names say. */
#include <endian.h>
#include <string.h>

#include "gve_pair.h"

static int set_up(void **state)
{
	(void)state;
	PAIR("rsc_limit=1");
	pair_queues(2048, 0);
	return 0;
}

static int set_up_split(void **state)
{
	(void)state;
	PAIR("rsc_limit=1", "header_buffer=128");
	pair_queues(2048, 128);
	return 0;
}

static void post(uint32_t n)
{
	driver_post(&pair.receiver, 0, n);
}

/* Frames that differ by their sequence number, so that it is seen which one came. */
static struct frame numbered(uint32_t n)
{
	struct frame f = pair_tcp;

	f.seq = n * 100000;
	return f;
}

static void send_numbered(uint32_t n)
{
	const struct frame f = numbered(n);

	pair_send(&f, 1);
}

static void expect_numbered(uint32_t n)
{
	const struct frame f = numbered(n);

	pair_expect(&f);
}

/* ----------------------------------------------------------------------------------- buffers */

static void packets_take_as_many_buffers_as_they_need(void **state)
{
	static const uint32_t bytes[] = { 60, 2047, 2048, 2049, 4096, 4097, 9014 };

	(void)state;
	for (unsigned int which = 0; which < 2; which++) {
		const uint32_t buffer = which ? 4096 : 2048;

		PAIR("rsc_limit=1");
		pair_queues(buffer, 0);
		for (unsigned int i = 0; i < COUNT(bytes); i++) {
			struct frame f = pair_tcp;
			const uint32_t n = (bytes[i] + buffer - 1) / buffer;

			f.payload = bytes[i] - frame_headers(&f);
			post(8);
			pair_send(&f, 1);
			pair_expect(&f);
			assert_int_equal(pair.got.buffers, n);
			assert_int_equal(pair.got.first.packet_len,
					 bytes[i] < buffer ? bytes[i] : buffer);
			assert_int_equal(pair.got.first.end_of_packet, n == 1);
			pair_expect_nothing();
		}
		pair_end(0);
	}
}

static void the_rings_go_round(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		if (i % 8 == 0)
			post(8);
		send_numbered(i);
		expect_numbered(i);
		assert_int_equal(pair.got.first.buffer_id, i % RX_RING);
	}
	pair_expect_nothing();
	assert_int_equal(pair_counter(&pair.far, COUNT_RX_PACKETS), 500);
	pair_end(0);
}

static void packets_wait_for_buffers(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		send_numbered(i);
	pair_expect_nothing();
	post(8);
	for (uint32_t i = 0; i < 8; i++)
		expect_numbered(i);
	pair_expect_nothing();
	send_numbered(20); /* behind those that wait */
	post(16);
	for (uint32_t i = 8; i < 21; i++)
		expect_numbered(i);
	pair_expect_nothing();
	assert_int_equal(pair_counter(&pair.far, COUNT_NO_BUFFER), 0);
	pair_end(0);
}

/* What is larger than the buffers that are left waits for more, and what comes later behind it. */
static void a_packet_is_not_begun_without_room(void **state)
{
	struct frame large = numbered(1);

	(void)state;
	large.payload = 8900; /* five buffers */
	post(8);
	for (uint32_t i = 0; i < 4; i++)
		send_numbered(2 + i);
	pair_send(&large, 1);
	send_numbered(9);
	for (uint32_t i = 0; i < 4; i++)
		expect_numbered(2 + i);
	pair_expect_nothing();
	post(8);
	pair_expect(&large);
	expect_numbered(9);
	pair_end(0);
}

static void what_waits_has_a_limit(void **state)
{
	const uint32_t each = frame_headers(&pair_tcp) + pair_tcp.payload;
	const uint32_t fit = RX_FIFO_BYTES / each;

	(void)state;
	for (uint32_t i = 0; i < fit + 10; i++)
		send_numbered(i);
	assert_int_equal(pair_counter(&pair.far, COUNT_NO_BUFFER), 10);
	assert_int_equal(pair.far.rx[0].no_buffers, 10);
	for (uint32_t i = 0; i < fit; i++) {
		if (i % 8 == 0)
			post(8);
		expect_numbered(i);
	}
	pair_expect_nothing();
	assert_int_equal(pair.far.rx[0].waiting, 0);
	pair_end(0);
}

/* Neither what waits nor what is held may be lost from the books: a sanitizer looks. */
static void a_queue_ends_with_packets_that_wait(void **state)
{
	const uint32_t id = 0;

	(void)state;
	send_numbered(1);
	assert_int_equal(driver_command(&pair.receiver, OP_DESTROY_RX, &id, sizeof(id)), ST_PASSED);
	send_numbered(2);
	assert_int_equal(pair_counter(&pair.far, COUNT_NO_BUFFER), 1);
	assert_int_equal(driver_command(&pair.receiver, OP_DESTROY_RX, &id, sizeof(id)),
			 ST_NOT_FOUND);
	pair_end(1);
}

static void doorbells_are_multiples_of_eight(void **state)
{
	(void)state;
	driver_doorbell(&pair.receiver, DB_RX, 4);
	assert_int_equal(pair_complaints(), 1);
	driver_doorbell(&pair.receiver, DB_RX, RX_RING);
	assert_int_equal(pair_complaints(), 2);
	driver_doorbell(&pair.receiver, DB_RX + 1, 8);
	assert_int_equal(pair_complaints(), 3);
	send_numbered(1);
	pair_expect_nothing(); /* none of them gave it buffers */
	post(8);
	expect_numbered(1);
	pair_end(3);
}

static struct rx_buffer *posted(uint32_t n)
{
	return guest_at(&pair.guest, pair.receiver.rx[0].ring + n * sizeof(struct rx_buffer));
}

/* Buffers that lead nowhere break the queue, and nothing is written behind the memory's end. */
static void buffers_that_are_no_memory(void **state)
{
	static const uint64_t addresses[] = { 0, GUEST - 1, GUEST + (4u << 20) - 2047, UINT64_MAX };

	(void)state;
	pair_end(0);
	for (unsigned int i = 0; i < COUNT(addresses); i++) {
		set_up(NULL);
		post(16);
		posted(1)->address = htole64(addresses[i]);
		send_numbered(1);
		send_numbered(2);
		expect_numbered(1);
		assert_int_equal(pair_complaints(), 1);
		send_numbered(3);
		pair_expect_nothing();
		assert_int_equal(pair_counter(&pair.far, COUNT_NO_BUFFER), 1);
		pair_end(1);
	}
}

static void buffers_with_reserved_fields(void **state)
{
	(void)state;
	post(16);
	posted(0)->reserved0 = 1;
	posted(1)->reserved1 = 1;
	posted(2)->reserved2 = 1;
	for (uint32_t i = 0; i < 4; i++) {
		send_numbered(i);
		expect_numbered(i);
	}
	pair_end(3);
}

static void header_buffers_that_are_no_memory(void **state)
{
	(void)state;
	post(16);
	posted(0)->header_address = htole64(GUEST + pair.guest.bytes - 127);
	send_numbered(1);
	pair_expect_nothing();
	pair_end(1);
}

/* A buffer must be in one region, as QEMU's regions are apart in its memory. */
static void buffers_over_two_regions(void **state)
{
	const uint64_t half = pair.guest.bytes / 2;

	(void)state;
	dma_unmap_all(&pair.far.dma);
	assert_int_equal(dma_map(&pair.far.dma, GUEST, half, pair.guest.fd, 0, true), 0);
	assert_int_equal(dma_map(&pair.far.dma, GUEST + half, half, pair.guest.fd, half, true), 0);
	post(16);
	posted(0)->address = htole64(GUEST + half - 2048);
	posted(1)->address = htole64(GUEST + half);
	posted(2)->address = htole64(GUEST + half - 1024);
	send_numbered(0);
	assert_memory_equal(guest_at(&pair.guest, GUEST + half - 2048), pair.frame, 1000);
	send_numbered(1);
	assert_memory_equal(guest_at(&pair.guest, GUEST + half), pair.frame, 1000);
	assert_int_equal(pair_complaints(), 0);
	send_numbered(2);
	pair_end(1);
}

/* ------------------------------------------------------------------------------ header split */

static void headers_go_into_their_own_buffer(void **state)
{
	(void)state;
	for (unsigned int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct frame f = pair_tcp;

		post(8);
		f.ipv6 = ipv6;
		f.tcp_options = 12;
		f.payload = 5000;
		pair_send(&f, 2);
		pair_expect(&f);
		assert_true(pair.got.first.split_header);
		assert_false(pair.got.first.header_buffer_overflow);
		assert_int_equal(pair.got.header, frame_headers(&f));
		assert_int_equal(pair.got.first.packet_len, 2048);
		assert_int_equal(pair.got.buffers, 3);
	}
	assert_int_equal(pair_counter(&pair.far, COUNT_SPLIT), 2);
	pair_end(0);
}

static void a_packet_without_payload_takes_a_buffer(void **state)
{
	struct frame f = pair_tcp;

	(void)state;
	post(8);
	f.payload = 0;
	pair_send(&f, 1);
	pair_expect(&f);
	assert_int_equal(pair.got.header, frame_headers(&f));
	assert_int_equal(pair.got.first.packet_len, 0);
	assert_int_equal(pair.got.buffers, 1);
	pair_end(0);
}

static void only_tcp_is_split(void **state)
{
	struct frame f = pair_tcp;

	(void)state;
	post(8);
	f.udp = true;
	pair_send(&f, 1);
	pair_expect(&f);
	assert_false(pair.got.first.split_header);
	assert_int_equal(pair_counter(&pair.far, COUNT_SPLIT), 0);
	pair_end(0);
}

static void headers_that_do_not_fit(void **state)
{
	struct frame f = pair_tcp;

	(void)state;
	post(8);
	f.ip_options = 40;
	f.tcp_options = 36; /* with 130 bytes: two more than there are */
	assert_int_equal(frame_headers(&f), 130);
	pair_send(&f, 1);
	pair_expect(&f);
	assert_true(pair.got.first.split_header);
	assert_true(pair.got.first.header_buffer_overflow);
	assert_int_equal(pair.got.first.header_len, 0);
	f.tcp_options = 32;
	pair_send(&f, 1);
	pair_expect(&f);
	assert_int_equal(pair.got.header, 126);
	assert_int_equal(pair_counter(&pair.far, COUNT_SPLIT), 1);
	pair_end(0);
}

/* Some of the payload goes with the headers, as much as the fault says and the packet has. */
static void unsplit_bytes(void **state)
{
	struct frame f = pair_tcp;

	(void)state;
	post(16);
	pair_fault(&pair.far, FAULT_NOSPLIT_EVERY, 2);
	for (unsigned int i = 0; i < 6; i++) {
		pair_send(&f, 1);
		pair_expect(&f);
		assert_int_equal(pair.got.header, frame_headers(&f) + (i % 2 ? 64 : 0));
	}
	f.payload = 10;
	pair_send(&f, 1);
	pair_send(&f, 1);
	pair_expect(&f);
	pair_expect(&f);
	assert_int_equal(pair.got.header, frame_headers(&f) + 10);
	assert_int_equal(pair.got.first.packet_len, 0);
	pair_fault(&pair.far, FAULT_NOSPLIT_BYTES, 0);
	pair_send(&f, 1);
	pair_send(&f, 1);
	pair_expect(&f);
	assert_false(pair.got.first.header_buffer_overflow);
	pair_expect(&f);
	assert_true(pair.got.first.header_buffer_overflow);
	assert_int_equal(pair_counter(&pair.far, COUNT_UNSPLIT), 5);
	pair_end(0);
}

/* Payload that would make the headers larger than their buffer is an overflow, too. */
static void unsplit_bytes_that_do_not_fit(void **state)
{
	(void)state;
	post(8);
	pair_fault(&pair.far, FAULT_NOSPLIT_EVERY, 1);
	pair_fault(&pair.far, FAULT_NOSPLIT_BYTES, 75);
	pair_send(&pair_tcp, 1);
	pair_expect(&pair_tcp);
	assert_true(pair.got.first.header_buffer_overflow);
	pair_fault(&pair.far, FAULT_NOSPLIT_BYTES, 74);
	pair_send(&pair_tcp, 1);
	pair_expect(&pair_tcp);
	assert_int_equal(pair.got.header, 128);
	pair_end(0);
}

/* ------------------------------------------------------------------------- what is told of it */

static void completions_describe_the_packet(void **state)
{
	uint8_t map[2 * PTYPES];

	(void)state;
	packet_type_map(map);
	post(32);
	for (unsigned int kind = 0; kind < 4; kind++) {
		struct frame f = pair_tcp;
		const struct rx_completion *const c = &pair.got.first;
		struct packet p;

		f.ipv6 = kind & 1;
		f.udp = kind & 2;
		pair_send(&f, 1);
		pair_expect(&f);
		assert_int_equal(c->rxdid, 1);
		assert_true(c->descriptor_done && c->l3_l4_processed && !c->rx_error);
		assert_false(c->rsc || c->csum_ip_err || c->csum_l4_err || c->ipv6_ex_add);
		assert_int_equal(map[2 * c->packet_type], f.ipv6 ? L3_IPV6 : L3_IPV4);
		assert_int_equal(map[2 * c->packet_type + 1], f.udp ? L4_UDP : L4_TCP);
		packet_parse(&p, pair.got.data, pair.got.bytes);
		assert_int_equal(c->hash, steer_hash(&pair.far.steer, &p));
		assert_int_not_equal(c->hash, 0);
	}
	pair_end(0);
}

/* Sends what is in pair.frame as it is. */
static void send_raw(uint32_t bytes)
{
	const struct driver_packet p = { .data = pair.frame, .bytes = bytes };

	assert_true(driver_send(&pair.sender, 0, &p));
	assert_true(driver_received(&pair.receiver, 0, &pair.got));
}

static void wrong_checksums_are_told(void **state)
{
	struct frame f = pair_tcp;
	uint32_t bytes;

	(void)state;
	post(16);
	bytes = frame_write(&f, pair.frame);
	pair.frame[ETH_BYTES + 10] ^= 1;
	send_raw(bytes);
	assert_true(pair.got.first.csum_ip_err && !pair.got.first.csum_l4_err);
	bytes = frame_write(&f, pair.frame);
	pair.frame[bytes - 1] ^= 1;
	send_raw(bytes);
	assert_true(!pair.got.first.csum_ip_err && pair.got.first.csum_l4_err);
	assert_int_equal(pair.far.rx[0].bad_checksums, 1);
	f.ipv6 = true;
	bytes = frame_write(&f, pair.frame);
	pair.frame[ETH_BYTES + 6] = 43; /* a routing header */
	send_raw(bytes);
	assert_true(pair.got.first.ipv6_ex_add);
	pair_end(0);
}

/* ------------------------------------------------------------------------------------- faults */

static void packets_are_dropped(void **state)
{
	(void)state;
	post(16);
	pair_fault(&pair.far, FAULT_DROP_EVERY, 3);
	for (uint32_t i = 1; i <= 9; i++)
		send_numbered(i);
	for (uint32_t i = 1; i <= 9; i++)
		if (i % 3)
			expect_numbered(i);
	pair_expect_nothing();
	assert_int_equal(pair_counter(&pair.far, COUNT_DROPPED), 3);
	pair_end(0);
}

static void packets_come_twice(void **state)
{
	(void)state;
	post(16);
	pair_fault(&pair.far, FAULT_DUPLICATE_EVERY, 2);
	for (uint32_t i = 1; i <= 4; i++)
		send_numbered(i);
	for (uint32_t i = 1; i <= 4; i++) {
		expect_numbered(i);
		if (i % 2 == 0)
			expect_numbered(i);
	}
	pair_expect_nothing();
	pair_end(0);
}

static void packets_are_overtaken(void **state)
{
	(void)state;
	post(16);
	pair_fault(&pair.far, FAULT_REORDER_EVERY, 3);
	for (uint32_t i = 1; i <= 6; i++)
		send_numbered(i);
	expect_numbered(1);
	expect_numbered(2);
	expect_numbered(4);
	expect_numbered(3);
	expect_numbered(5);
	pair_expect_nothing();
	assert_int_equal(wire_run(&pair.far), 11); /* it does not wait for ever */
	gve_now += 10 * 1000000;
	assert_int_equal(wire_run(&pair.far), -1);
	expect_numbered(6);
	assert_int_equal(pair_counter(&pair.far, COUNT_REORDERED), 2);
	pair_end(0);
}

static void packets_are_late(void **state)
{
	(void)state;
	post(16);
	pair_fault(&pair.far, FAULT_DELAY_EVERY, 2);
	for (uint32_t i = 1; i <= 4; i++)
		send_numbered(i);
	pair_fault(&pair.far, FAULT_DELAY_US, 300);
	send_numbered(5);
	send_numbered(6); /* due before 2 and 4 */
	expect_numbered(1);
	expect_numbered(3);
	expect_numbered(5);
	pair_expect_nothing();
	assert_int_equal(wire_run(&pair.far), 1);
	gve_now += 300 * 1000;
	assert_int_equal(wire_run(&pair.far), 1);
	expect_numbered(6);
	pair_expect_nothing();
	gve_now += 700 * 1000;
	assert_int_equal(wire_run(&pair.far), -1);
	expect_numbered(2);
	expect_numbered(4);
	pair_expect_nothing();
	assert_int_equal(pair_counter(&pair.far, COUNT_DELAYED), 3);
	pair_end(0);
}

/* As many as may be late; and what is on the wire at the end is freed. */
static void late_packets_have_a_limit(void **state)
{
	(void)state;
	pair_fault(&pair.far, FAULT_DELAY_EVERY, 1);
	for (uint32_t i = 0; i < WIRE_MAX_LATE + 5; i++)
		send_numbered(i);
	assert_int_equal(pair_counter(&pair.far, COUNT_DROPPED), 5);
	assert_int_equal(pair.far.wire.n, WIRE_MAX_LATE);
	pair_fault(&pair.far, FAULT_DELAY_EVERY, 0);
	pair_fault(&pair.far, FAULT_REORDER_EVERY, 1);
	send_numbered(1);
	assert_non_null(pair.far.wire.held);
	pair_end(0);
}

/* A byte of the payload, and the checksum says so: the driver has to see it. */
static void payload_is_corrupted(void **state)
{
	struct frame f = pair_tcp;
	unsigned int differ = 0;

	(void)state;
	post(16);
	pair_fault(&pair.far, FAULT_CORRUPT_EVERY, 2);
	f.payload = 0;
	pair_send(&f, 1); /* does not count: there is nothing to change */
	pair_expect(&f);
	pair_send(&pair_tcp, 1);
	pair_expect(&pair_tcp);
	pair_send(&pair_tcp, 1);
	assert_true(driver_received(&pair.receiver, 0, &pair.got));
	frame_write(&pair_tcp, pair.frame);
	for (uint32_t i = 0; i < pair.got.bytes; i++)
		differ += pair.got.data[i] != pair.frame[i];
	assert_int_equal(differ, 1);
	assert_memory_equal(pair.got.data, pair.frame, frame_headers(&pair_tcp));
	assert_true(pair.got.first.csum_l4_err);
	assert_int_equal(pair_counter(&pair.far, COUNT_CORRUPTED), 1);
	pair_end(0);
}

static void packets_take_the_wrong_queue(void **state)
{
	(void)state;
	post(16);
	assert_true(driver_create_rx(&pair.receiver, 1, RX_RING, 2048, 0));
	driver_post(&pair.receiver, 1, 16);
	pair_fault(&pair.far, FAULT_MISROUTE_EVERY, 2);
	send_numbered(1);
	send_numbered(2);
	expect_numbered(1);
	pair_expect_nothing();
	assert_true(driver_received(&pair.receiver, 1, &pair.got));
	assert_int_equal(get32(pair.got.data + frame_l4(&pair_tcp) + 4), numbered(2).seq);
	assert_int_equal(pair_counter(&pair.far, COUNT_MISROUTED), 1);
	pair_end(0);
}

static void a_starved_queue_takes_no_buffers(void **state)
{
	(void)state;
	post(16);
	pair_fault(&pair.far, FAULT_STARVE, 2); /* another queue */
	send_numbered(1);
	expect_numbered(1);
	pair_fault(&pair.far, FAULT_STARVE, 3);
	send_numbered(2);
	post(8);
	send_numbered(3);
	pair_expect_nothing();
	pair_fault(&pair.far, FAULT_STARVE, 2);
	expect_numbered(2);
	expect_numbered(3);
	pair_expect_nothing();
	pair_end(0);
}

static void without_a_link_nothing_arrives(void **state)
{
	(void)state;
	post(16);
	pair_fault(&pair.far, FAULT_LINK, 0);
	send_numbered(1);
	pair_fault(&pair.far, FAULT_LINK, 1);
	pair_fault(&pair.near, FAULT_LINK, 0);
	send_numbered(2);
	pair_fault(&pair.near, FAULT_LINK, 1);
	send_numbered(3);
	expect_numbered(3);
	pair_expect_nothing();
	assert_int_equal(pair_counter(&pair.far, COUNT_DROPPED), 2);
	pair_end(0);
}

/* What waits, or is late, does not come into memory that the guest has freed long since. */
static void a_device_that_is_gone_touches_nothing(void **state)
{
	unsigned char *memory = guest_at(&pair.guest, pair.receiver.rx[0].data);
	static unsigned char ones[8], nothing[16 * 2048];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	pair_fault(&pair.far, FAULT_STARVE, 1);
	post(16);
	send_numbered(1);
	pair_fault(&pair.far, FAULT_DELAY_EVERY, 1);
	send_numbered(2);
	pair_fault(&pair.far, FAULT_REMOVE, 1);
	pair_fault(&pair.far, FAULT_STARVE, 0);
	pair_fault(&pair.far, FAULT_DELAY_EVERY, 0);
	gve_now += 1000000;
	wire_run(&pair.far);
	send_numbered(3);
	post(8);
	assert_memory_equal(memory, nothing, sizeof(nothing));
	bar_read(&pair.far, 0, 0, pair.frame, 8);
	assert_memory_equal(pair.frame, ones, 8);
	pair_end(0);
}

static void frames_over_the_mtu_are_dropped(void **state)
{
	struct frame f = pair_tcp;

	(void)state;
	pair_end(0);
	PAIR("far.mtu=1500", "rsc_limit=1");
	pair_queues(2048, 0);
	post(8);
	f.payload = 1501 - 40;
	pair_send(&f, 1);
	pair_expect_nothing();
	f.payload = 1500 - 40;
	pair_send(&f, 1);
	pair_expect(&f);
	pair_end(0);
}

/* ------------------------------------------------------------------------------- the command */

struct refusal {
	const char *what;
	void (*change)(struct cmd_create_rx *cmd);
};

static void high_id(struct cmd_create_rx *cmd)
{
	cmd->queue_id = htobe32(16);
}

static void high_interrupt(struct cmd_create_rx *cmd)
{
	cmd->ntfy_id = htobe32(32);
}

static void small_ring(struct cmd_create_rx *cmd)
{
	cmd->completion_ring_size = cmd->buffer_ring_size = htobe16(32);
}

static void odd_ring(struct cmd_create_rx *cmd)
{
	cmd->completion_ring_size = cmd->buffer_ring_size = htobe16(96);
}

static void large_ring(struct cmd_create_rx *cmd)
{
	cmd->completion_ring_size = cmd->buffer_ring_size = htobe16(8192);
}

static void unlike_rings(struct cmd_create_rx *cmd)
{
	cmd->buffer_ring_size = htobe16(128);
}

static void odd_buffer(struct cmd_create_rx *cmd)
{
	cmd->packet_buffer = htobe16(3000);
}

static void no_buffer(struct cmd_create_rx *cmd)
{
	cmd->packet_buffer = 0;
}

static void other_header_buffer(struct cmd_create_rx *cmd)
{
	cmd->header_buffer = htobe16(64);
}

static void a_page_list(struct cmd_create_rx *cmd)
{
	cmd->page_list = 0;
}

static void odd_address(struct cmd_create_rx *cmd)
{
	cmd->buffer_ring = htobe64(be64toh(cmd->buffer_ring) + 16);
}

static void odd_completion_address(struct cmd_create_rx *cmd)
{
	cmd->completion_ring = htobe64(be64toh(cmd->completion_ring) + 16);
}

static void ring_outside(struct cmd_create_rx *cmd)
{
	cmd->buffer_ring = htobe64(GUEST + pair.guest.bytes - 32);
}

static void completions_outside(struct cmd_create_rx *cmd)
{
	cmd->completion_ring = htobe64(UINT64_MAX - 31);
}

static void resources_outside(struct cmd_create_rx *cmd)
{
	cmd->resources = htobe64(GUEST + pair.guest.bytes - 4);
}

static void queues_that_are_refused(void **state)
{
	static const struct refusal all[] = {
		{ "a high number", high_id },
		{ "a high interrupt", high_interrupt },
		{ "a small ring", small_ring },
		{ "a ring that is no power of two", odd_ring },
		{ "a large ring", large_ring },
		{ "rings of different sizes", unlike_rings },
		{ "an odd buffer", odd_buffer },
		{ "no buffer", no_buffer },
		{ "another header buffer", other_header_buffer },
		{ "a page list", a_page_list },
		{ "an odd address", odd_address },
		{ "an odd address of completions", odd_completion_address },
		{ "a ring outside", ring_outside },
		{ "completions outside", completions_outside },
		{ "resources outside", resources_outside },
	};
	struct cmd_create_rx cmd, changed;

	(void)state;
	assert_true(driver_rx_command(&pair.receiver, 1, RX_RING, 2048, 0, &cmd));
	for (unsigned int i = 0; i < COUNT(all); i++) {
		changed = cmd;
		all[i].change(&changed);
		if (driver_command(&pair.receiver, OP_CREATE_RX, &changed, sizeof(cmd)) !=
		    ST_INVALID_ARGUMENT)
			fail_msg("%s", all[i].what);
		assert_int_equal(pair_complaints(), i + 1);
	}
	assert_int_equal(driver_command(&pair.receiver, OP_CREATE_RX, &cmd, sizeof(cmd)),
			 ST_PASSED);
	assert_int_equal(driver_command(&pair.receiver, OP_CREATE_RX, &cmd, sizeof(cmd)),
			 ST_INVALID_ARGUMENT);
	pair_end(COUNT(all) + 1);
}

/* Buffers of 4096 bytes are not for a device that has 2048 alone. */
static void the_largest_buffer_is_the_devices(void **state)
{
	(void)state;
	PAIR("buffer=2048");
	assert_false(driver_create_rx(&pair.receiver, 0, RX_RING, 4096, 0));
	assert_true(driver_create_rx(&pair.receiver, 0, RX_RING, 2048, 0));
	pair_end(1);
}

/* "Header split is only supported on DQ RDA queue format." */
static void no_split_of_pages(void **state)
{
	struct cmd_create_rx cmd;

	(void)state;
	PAIR("format=qpl");
	assert_true(driver_rx_command(&pair.receiver, 0, RX_RING, 2048, 256, &cmd));
	cmd.page_list = htobe32(1);
	assert_int_equal(driver_command(&pair.receiver, OP_CREATE_RX, &cmd, sizeof(cmd)),
			 ST_INVALID_ARGUMENT);
	cmd.header_buffer = 0; /* ... and now only the list is not there */
	assert_int_equal(driver_command(&pair.receiver, OP_CREATE_RX, &cmd, sizeof(cmd)),
			 ST_NOT_FOUND);
	pair_end(2);
}

/* "Destroying queue 0 while other queues exist is not supported in DQO" */
static void queue_0_is_the_first_and_the_last(void **state)
{
	uint32_t id = 0;

	(void)state;
	assert_true(driver_create_rx(&pair.receiver, 1, RX_RING, 2048, 0));
	assert_int_equal(pair_complaints(), 0);
	assert_int_equal(driver_command(&pair.receiver, OP_DESTROY_RX, &id, 4), ST_PASSED);
	assert_int_equal(pair_complaints(), 1);
	id = htobe32(1);
	assert_int_equal(driver_command(&pair.receiver, OP_DESTROY_RX, &id, 4), ST_PASSED);
	assert_true(driver_create_rx(&pair.receiver, 2, RX_RING, 2048, 0));
	pair_end(2);
}

static void commands_fail_by_faults(void **state)
{
	struct cmd_create_rx cmd;
	const uint32_t id = htobe32(1);

	(void)state;
	assert_true(driver_rx_command(&pair.receiver, 1, RX_RING, 2048, 0, &cmd));
	pair_fault(&pair.far, FAULT_FAIL_CREATE_RX, 2);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(driver_command(&pair.receiver, OP_CREATE_RX, &cmd, sizeof(cmd)),
				 i < 2 ? ST_INTERNAL_ERROR : ST_PASSED);
	pair_fault(&pair.far, FAULT_FAIL_DESTROY_RX, 1);
	assert_int_equal(driver_command(&pair.receiver, OP_DESTROY_RX, &id, 4), ST_INTERNAL_ERROR);
	assert_true(pair.far.rx[1].created);
	assert_int_equal(driver_command(&pair.receiver, OP_DESTROY_RX, &id, 4), ST_PASSED);
	assert_int_equal(pair_counter(&pair.far, COUNT_FAILED), 3);
	pair_end(0);
}

/* --------------------------------------------------------------------------- pages, DQO-QPL */

/* The pages of buffers 0 to 15, two in each. */
static uint32_t register_pages(uint32_t id)
{
	const struct cmd_register_pages pages = { .id = htobe32(id),
						  .num_pages = htobe32(8),
						  .list_address = htobe64(pair.receiver.page),
						  .page_size = htobe64(4096) };
	uint64_t *const list = guest_at(&pair.guest, pair.receiver.page);

	for (unsigned int i = 0; i < 8; i++)
		list[i] = htobe64(pair.receiver.rx[0].data + i * 4096);
	return driver_command(&pair.receiver, OP_REGISTER_PAGES, &pages, sizeof(pages));
}

static void start_qpl(void)
{
	struct cmd_create_rx cmd;

	PAIR("far.format=qpl", "rsc_limit=1");
	assert_true(driver_create_tx(&pair.sender, 0, TX_RING));
	assert_true(driver_rx_command(&pair.receiver, 0, RX_RING, 2048, 0, &cmd));
	assert_int_equal(register_pages(40), ST_PASSED);
	cmd.page_list = htobe32(40);
	assert_int_equal(driver_command(&pair.receiver, OP_CREATE_RX, &cmd, sizeof(cmd)),
			 ST_PASSED);
}

static void buffers_are_in_the_page_list(void **state)
{
	const uint32_t list = htobe32(40), other = htobe32(41);

	(void)state;
	start_qpl();
	post(24);
	for (uint32_t i = 0; i < 16; i++) {
		send_numbered(i);
		expect_numbered(i);
	}
	assert_int_equal(driver_command(&pair.receiver, OP_UNREGISTER_PAGES, &list, 4),
			 ST_FAILED_PRECONDITION);
	assert_int_equal(pair_complaints(), 1);
	assert_int_equal(register_pages(41), ST_PASSED);
	assert_int_equal(driver_command(&pair.receiver, OP_UNREGISTER_PAGES, &other, 4), ST_PASSED);
	send_numbered(16); /* the first one that is not */
	pair_expect_nothing();
	pair_end(2);
	start_qpl();
	post(8);
	posted(0)->address = htole64(pair.receiver.rx[0].data + 2048 + 1); /* over a page's end */
	send_numbered(1);
	pair_expect_nothing();
	pair_end(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_take_as_many_buffers_as_they_need),
		cmocka_unit_test_setup(the_rings_go_round, set_up),
		cmocka_unit_test_setup(packets_wait_for_buffers, set_up),
		cmocka_unit_test_setup(a_packet_is_not_begun_without_room, set_up),
		cmocka_unit_test_setup(what_waits_has_a_limit, set_up),
		cmocka_unit_test_setup(a_queue_ends_with_packets_that_wait, set_up),
		cmocka_unit_test_setup(doorbells_are_multiples_of_eight, set_up),
		cmocka_unit_test_setup(buffers_that_are_no_memory, set_up),
		cmocka_unit_test_setup(buffers_with_reserved_fields, set_up),
		cmocka_unit_test_setup(header_buffers_that_are_no_memory, set_up_split),
		cmocka_unit_test_setup(buffers_over_two_regions, set_up),
		cmocka_unit_test_setup(headers_go_into_their_own_buffer, set_up_split),
		cmocka_unit_test_setup(a_packet_without_payload_takes_a_buffer, set_up_split),
		cmocka_unit_test_setup(only_tcp_is_split, set_up_split),
		cmocka_unit_test_setup(headers_that_do_not_fit, set_up_split),
		cmocka_unit_test_setup(unsplit_bytes, set_up_split),
		cmocka_unit_test_setup(unsplit_bytes_that_do_not_fit, set_up_split),
		cmocka_unit_test_setup(completions_describe_the_packet, set_up),
		cmocka_unit_test_setup(wrong_checksums_are_told, set_up),
		cmocka_unit_test_setup(packets_are_dropped, set_up),
		cmocka_unit_test_setup(packets_come_twice, set_up),
		cmocka_unit_test_setup(packets_are_overtaken, set_up),
		cmocka_unit_test_setup(packets_are_late, set_up),
		cmocka_unit_test_setup(late_packets_have_a_limit, set_up),
		cmocka_unit_test_setup(payload_is_corrupted, set_up),
		cmocka_unit_test_setup(packets_take_the_wrong_queue, set_up),
		cmocka_unit_test_setup(a_starved_queue_takes_no_buffers, set_up),
		cmocka_unit_test_setup(without_a_link_nothing_arrives, set_up),
		cmocka_unit_test_setup(a_device_that_is_gone_touches_nothing, set_up),
		cmocka_unit_test_setup(frames_over_the_mtu_are_dropped, set_up),
		cmocka_unit_test_setup(queues_that_are_refused, set_up),
		cmocka_unit_test(the_largest_buffer_is_the_devices),
		cmocka_unit_test(no_split_of_pages),
		cmocka_unit_test_setup(queue_0_is_the_first_and_the_last, set_up),
		cmocka_unit_test_setup(commands_fail_by_faults, set_up),
		cmocka_unit_test(buffers_are_in_the_page_list),
	};

	return cmocka_run_group_tests_name("gve_rx", tests, NULL, NULL);
}
