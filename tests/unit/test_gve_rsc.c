// SPDX-License-Identifier: MIT
/* The lab's model of gve: segments that are merged (RSC, hardware GRO), and those that must not
 * be. */
#include <endian.h>
#include <string.h>

#include "gve_pair.h"

#define MSS 1448u

static int set_up(void **state)
{
	(void)state;
	PAIR("header_buffer=128");
	pair_queues(4096, 128);
	driver_post(&pair.receiver, 0, 56);
	return 0;
}

/* A segment comes in, with nothing behind it yet. */
static void arrive(const struct frame *f)
{
	rx_input(&pair.far, pair.frame, frame_write(f, pair.frame));
}

static void flush(void)
{
	rx_flush(&pair.far);
}

/* The n-th segment of a connection. */
static struct frame segment(uint32_t n)
{
	struct frame f = pair_tcp;

	f.payload = MSS;
	f.seq += n * MSS;
	f.id = (uint16_t)n;
	return f;
}

/* All that is received next is this; but the checksum of TCP is the first segment's. */
static void expect_merged(const struct frame *whole, uint32_t mss)
{
	const uint32_t bytes = frame_write(whole, pair.frame), sum = frame_l4(whole) + 16;

	assert_true(driver_received(&pair.receiver, 0, &pair.got));
	assert_int_equal(pair.got.bytes, bytes);
	memcpy(pair.frame + sum, pair.got.data + sum, 2);
	assert_memory_equal(pair.got.data, pair.frame, bytes);
	assert_true(pair.got.first.rsc);
	assert_int_equal(pair.got.first.rsc_seg_len, mss);
	assert_false(pair.got.first.csum_l4_err || pair.got.first.csum_ip_err);
	assert_int_equal(pair.got.header, frame_headers(whole));
}

static void expect_single(const struct frame *f)
{
	pair_expect(f);
	assert_false(pair.got.first.rsc);
	assert_int_equal(pair.got.first.rsc_seg_len, 0);
}

/* --------------------------------------------------------------------------- what is merged */

static void segments_in_order_are_merged(void **state)
{
	(void)state;
	for (unsigned int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct frame whole = segment(0);

		whole.ipv6 = ipv6;
		whole.payload = 10 * MSS;
		for (uint32_t i = 0; i < 10; i++) {
			struct frame f = segment(i);

			f.ipv6 = ipv6;
			arrive(&f);
			pair_expect_nothing();
		}
		flush();
		expect_merged(&whole, MSS);
		pair_expect_nothing();
	}
	assert_int_equal(pair_counter(&pair.far, COUNT_RX_PACKETS), 20);
	assert_int_equal(pair_counter(&pair.far, COUNT_MERGED), 18);
	assert_int_equal(pair_counter(&pair.far, COUNT_SPLIT), 2);
	pair_end(0);
}

/* All of what one doorbell sends: TSO. */
static void the_end_of_a_doorbell_flushes(void **state)
{
	struct frame whole = segment(0);
	struct driver_packet p = { .data = pair.frame, .mss = MSS, .checksum = true, .pieces = 3 };

	(void)state;
	whole.payload = 5 * MSS; /* none of them is short, or pushed */
	p.bytes = frame_write(&whole, pair.frame);
	p.header = frame_headers(&whole);
	assert_true(driver_put(&pair.sender, 0, &p));
	driver_ring(&pair.sender, 0);
	expect_merged(&whole, MSS);
	pair_expect_nothing();
	pair_end(0);
}

static void one_segment_is_left_as_it_is(void **state)
{
	const struct frame f = segment(0);

	(void)state;
	arrive(&f);
	flush();
	expect_single(&f);
	flush();
	pair_expect_nothing();
	pair_end(0);
}

/* Acknowledgement, window and flags are those of the last one. */
static void the_last_segment_gives_its_words(void **state)
{
	struct frame whole = segment(0), last = segment(1);

	(void)state;
	arrive(&whole);
	last.ack = 5000;
	last.window = 9;
	last.flags |= TCP_PSH;
	last.payload = 100;
	arrive(&last);
	whole.payload += last.payload;
	whole.ack = last.ack;
	whole.window = last.window;
	whole.flags = last.flags;
	expect_merged(&whole, MSS); /* it was pushed: nothing waits for more */
	pair_end(0);
}

static void a_short_segment_is_the_last(void **state)
{
	struct frame whole = segment(0), f = segment(1);

	(void)state;
	arrive(&whole);
	f.payload = MSS - 1;
	arrive(&f);
	whole.payload += MSS - 1;
	expect_merged(&whole, MSS);
	pair_end(0);
}

static void write_timestamps(uint32_t value, uint32_t echo)
{
	unsigned char *const at = pair.frame + frame_l4(&pair_tcp) + 20;

	memcpy(at, "\1\1\x8\xa", 4);
	put32(at + 4, value);
	put32(at + 8, echo);
}

/* What is in pair.frame arrives, its options having been changed. */
static void arrive_changed(const struct frame *f)
{
	const uint32_t bytes = frame_headers(f) + f->payload, l4 = frame_l4(f);

	put16(pair.frame + l4 + 16, 0);
	put16(pair.frame + l4 + 16, frame_l4_sum(pair.frame, l4, bytes));
	rx_input(&pair.far, pair.frame, bytes);
}

static void arrive_at(struct frame f, uint32_t value)
{
	f.tcp_options = 12;
	frame_write(&f, pair.frame);
	write_timestamps(value, value / 2);
	arrive_changed(&f);
}

static void the_last_time_stamps_stay(void **state)
{
	struct frame whole = segment(0);

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		arrive_at(segment(i), 1000 + i);
	flush();
	whole.payload *= 3;
	whole.tcp_options = 12;
	assert_true(driver_received(&pair.receiver, 0, &pair.got));
	assert_int_equal(pair.got.bytes, frame_write(&whole, pair.frame));
	write_timestamps(1002, 501);
	memcpy(pair.frame + frame_l4(&whole) + 16, pair.got.data + frame_l4(&whole) + 16, 2);
	assert_memory_equal(pair.got.data, pair.frame, pair.got.bytes);
	assert_int_equal(pair.got.first.rsc_seg_len, MSS);
	pair_end(0);
}

/* ------------------------------------------------------------------------- what is not merged */

struct other {
	const char *what;
	void (*change)(struct frame *f); /* the second of two segments */
};

static void late(struct frame *f)
{
	f->seq += 1;
}

static void again(struct frame *f)
{
	f->seq -= MSS;
}

static void from_another_port(struct frame *f)
{
	f->source_port++;
}

static void to_another_port(struct frame *f)
{
	f->destination_port++;
}

static void from_another_address(struct frame *f)
{
	f->source[3]++;
}

static void to_another_address(struct frame *f)
{
	f->destination[0]++;
}

static void with_congestion(struct frame *f)
{
	f->tos |= 3;
}

static void longer(struct frame *f)
{
	f->payload++;
}

static void with_options(struct frame *f)
{
	f->tcp_options = 12;
}

static void with_ip_options(struct frame *f)
{
	f->ip_options = 4;
}

static void urgent(struct frame *f)
{
	f->flags |= 0x20;
}

static void the_end(struct frame *f)
{
	f->flags |= TCP_FIN;
}

static void reset(struct frame *f)
{
	f->flags |= TCP_RST;
}

static void syn(struct frame *f)
{
	f->flags |= TCP_SYN;
}

static void without_ack(struct frame *f)
{
	f->flags = 0;
}

static void without_payload(struct frame *f)
{
	f->payload = 0;
}

static void udp(struct frame *f)
{
	f->udp = true;
}

static void of_ipv6(struct frame *f)
{
	f->ipv6 = true;
}

/* Both arrive as they are, and in this order. */
static void what_differs_is_not_merged(void **state)
{
	static const struct other all[] = {
		{ "later", late },
		{ "the same again", again },
		{ "from another port", from_another_port },
		{ "to another port", to_another_port },
		{ "from another address", from_another_address },
		{ "to another address", to_another_address },
		{ "marked", with_congestion },
		{ "longer", longer },
		{ "with options", with_options },
		{ "with options of IP", with_ip_options },
		{ "urgent", urgent },
		{ "the end", the_end },
		{ "a reset", reset },
		{ "SYN", syn },
		{ "without ACK", without_ack },
		{ "without payload", without_payload },
		{ "UDP", udp },
		{ "IPv6", of_ipv6 },
	};

	(void)state;
	for (unsigned int i = 0; i < COUNT(all); i++) {
		const struct frame f = segment(0);
		struct frame other = segment(1);

		if (i % 8 == 0 && i)
			driver_post(&pair.receiver, 0, 16);
		all[i].change(&other);
		arrive(&f);
		arrive(&other);
		flush();
		expect_single(&f);
		if (pair.far.counters[COUNT_MERGED])
			fail_msg("%s", all[i].what);
		expect_single(&other);
		pair_expect_nothing();
	}
	pair_end(0);
}

/* An option of another kind is not to be lost: SACK, in place of time stamps and beside them. */
static void other_options_are_not_merged(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		struct frame f = segment(i);

		f.tcp_options = i < 2 ? 12 : 20;
		frame_write(&f, pair.frame);
		write_timestamps(i, i);
		if (i == 1)
			pair.frame[frame_l4(&f) + 22] = 5;
		arrive_changed(&f);
	}
	flush();
	assert_int_equal(pair_counter(&pair.far, COUNT_MERGED), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_true(driver_received(&pair.receiver, 0, &pair.got));
	pair_end(0);
}

static void a_pushed_segment_waits_for_none(void **state)
{
	struct frame f = segment(0), next = segment(1);

	(void)state;
	f.flags |= TCP_PSH;
	arrive(&f);
	expect_single(&f);
	arrive(&next);
	flush();
	expect_single(&next);
	pair_end(0);
}

static void wrong_checksums_are_not_hidden(void **state)
{
	const struct frame f = segment(0), next = segment(1);
	uint32_t bytes;

	(void)state;
	arrive(&f);
	bytes = frame_write(&next, pair.frame);
	pair.frame[bytes - 1] ^= 1;
	rx_input(&pair.far, pair.frame, bytes);
	flush();
	expect_single(&f);
	assert_true(driver_received(&pair.receiver, 0, &pair.got));
	assert_true(pair.got.first.csum_l4_err && !pair.got.first.rsc);
	pair_end(0);
}

/* A connection that another interrupts goes on as a new one. */
static void the_next_connection_flushes(void **state)
{
	struct frame a[2] = { segment(0), segment(1) }, b = segment(0);

	(void)state;
	b.source_port++;
	arrive(&a[0]);
	arrive(&b);
	arrive(&a[1]);
	flush();
	expect_single(&a[0]);
	expect_single(&b);
	expect_single(&a[1]);
	pair_end(0);
}

/* ------------------------------------------------------------------------------------- limits */

static void the_fault_limits_segments(void **state)
{
	(void)state;
	pair_fault(&pair.far, FAULT_RSC_LIMIT, 4);
	for (uint32_t i = 0; i < 10; i++) {
		const struct frame f = segment(i);

		arrive(&f);
	}
	flush();
	for (uint32_t i = 0; i < 10; i += 4) {
		struct frame whole = segment(i);

		whole.payload *= i == 8 ? 2 : 4;
		expect_merged(&whole, MSS);
	}
	pair_fault(&pair.far, FAULT_RSC_LIMIT, 1);
	for (uint32_t i = 0; i < 2; i++) {
		const struct frame f = segment(i);

		arrive(&f);
		expect_single(&f);
	}
	pair_end(0);
}

/* The length of IP has 16 bits. */
static void ip_limits_bytes(void **state)
{
	const uint32_t mss = 8948, fit = 7; /* 7 * 8948 + 40 = 62676 */

	(void)state;
	for (uint32_t i = 0; i < 9; i++) {
		struct frame f = segment(0);

		f.payload = mss;
		f.seq += i * mss;
		f.id = (uint16_t)i;
		arrive(&f);
	}
	flush();
	for (uint32_t i = 0; i < 9; i += fit) {
		struct frame whole = segment(0);

		whole.seq += i * mss;
		whole.id = (uint16_t)i;
		whole.payload = (i ? 2 : fit) * mss;
		expect_merged(&whole, mss);
	}
	pair_end(0);
}

/* "a single maximum-sized RSC packet can consume up to 19 descriptors", the driver says. */
static void buffers_limit_bytes(void **state)
{
	struct frame whole = segment(0);

	(void)state;
	pair_end(0);
	PAIR("header_buffer=128", "rsc_limit=64");
	pair_queues(2048, 128);
	driver_post(&pair.receiver, 0, 56);
	for (uint32_t i = 0; i < 40; i++) {
		struct frame f = segment(0);

		f.payload = 1024;
		f.seq += i * 1024;
		f.id = (uint16_t)i;
		arrive(&f);
	}
	flush();
	whole.payload = 38 * 1024;
	expect_merged(&whole, 1024);
	assert_int_equal(pair.got.buffers, 19);
	whole.seq += whole.payload;
	whole.id = 38;
	whole.payload = 2 * 1024;
	expect_merged(&whole, 1024);
	pair_end(0);
}

static void the_driver_turns_it_off(void **state)
{
	struct cmd_create_rx cmd;

	(void)state;
	pair_end(0);
	PAIR("header_buffer=128");
	assert_true(driver_rx_command(&pair.receiver, 0, RX_RING, 2048, 0, &cmd));
	cmd.enable_rsc = 0;
	assert_int_equal(driver_command(&pair.receiver, OP_CREATE_RX, &cmd, sizeof(cmd)),
			 ST_PASSED);
	driver_post(&pair.receiver, 0, 8);
	for (uint32_t i = 0; i < 3; i++) {
		const struct frame f = segment(i);

		arrive(&f);
		expect_single(&f);
	}
	pair_end(0);
}

/* What is merged can wait for buffers as one, and a queue can end with it. */
static void merged_packets_wait(void **state)
{
	struct frame whole = segment(0);

	(void)state;
	pair_fault(&pair.far, FAULT_STARVE, 1);
	for (uint32_t i = 0; i < 3; i++) {
		const struct frame f = segment(i);

		arrive(&f);
	}
	flush();
	pair_fault(&pair.far, FAULT_STARVE, 0);
	whole.payload *= 3;
	expect_merged(&whole, MSS);
	arrive(&whole);
	assert_int_equal(driver_command(&pair.receiver, OP_DESTROY_RX, &(uint32_t){ 0 }, 4),
			 ST_PASSED);
	pair_end(0);
}

static void unsplit_packets_are_not_merged(void **state)
{
	const struct frame f[3] = { segment(0), segment(1), segment(2) };

	(void)state;
	pair_fault(&pair.far, FAULT_NOSPLIT_EVERY, 2);
	for (uint32_t i = 0; i < 3; i++)
		arrive(&f[i]);
	flush();
	for (uint32_t i = 0; i < 3; i++) {
		expect_single(&f[i]);
		assert_int_equal(pair.got.header, frame_headers(&f[i]) + (i == 1 ? 64 : 0));
	}
	pair_end(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(segments_in_order_are_merged, set_up),
		cmocka_unit_test_setup(the_end_of_a_doorbell_flushes, set_up),
		cmocka_unit_test_setup(one_segment_is_left_as_it_is, set_up),
		cmocka_unit_test_setup(the_last_segment_gives_its_words, set_up),
		cmocka_unit_test_setup(a_short_segment_is_the_last, set_up),
		cmocka_unit_test_setup(the_last_time_stamps_stay, set_up),
		cmocka_unit_test_setup(what_differs_is_not_merged, set_up),
		cmocka_unit_test_setup(other_options_are_not_merged, set_up),
		cmocka_unit_test_setup(a_pushed_segment_waits_for_none, set_up),
		cmocka_unit_test_setup(wrong_checksums_are_not_hidden, set_up),
		cmocka_unit_test_setup(the_next_connection_flushes, set_up),
		cmocka_unit_test_setup(the_fault_limits_segments, set_up),
		cmocka_unit_test_setup(ip_limits_bytes, set_up),
		cmocka_unit_test_setup(buffers_limit_bytes, set_up),
		cmocka_unit_test_setup(the_driver_turns_it_off, set_up),
		cmocka_unit_test_setup(merged_packets_wait, set_up),
		cmocka_unit_test_setup(unsplit_packets_are_not_merged, set_up),
	};

	return cmocka_run_group_tests_name("gve_rsc", tests, NULL, NULL);
}
