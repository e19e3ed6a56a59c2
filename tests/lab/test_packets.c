// SPDX-License-Identifier: MIT
/*
 * Sending by a NIC that drops packets of device memory with more pieces than it has descriptors:
 * gve, or labnic with the fault tx_pieces (lab/README.md). Whatever is sent, no packet has too
 * many, and where one has all the same, its connection ends with an error. LAB_SENDS=200000: how
 * many short sends, instead of a tenth of it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sending.h"

#define PIECES 9u /* gve's, and what the library keeps to on this NIC */

/* gve has this limit by itself. */
static void limit_pieces(void)
{
	if (!lab_nic_is("gve"))
		lab_fault("tx_pieces", PIECES);
}

/* All arrived, as it should, and nothing was dropped for its pieces. */
static void expect_all(struct out *o, uint64_t bytes, uint64_t dropped_before)
{
	out_expect(o, bytes);
	out_finish(o);
	assert_int_equal(lab_counter("too_many_pieces"), dropped_before);
}

static unsigned int how_many(void)
{
	const char *text = getenv("LAB_SENDS");

	return text ? (unsigned int)strtoul(text, NULL, 10) : 20000;
}

/* Each of up to three ranges. */
static void many_short_sends_on_eight_connections(void **state)
{
	const uint64_t before = lab_counter("too_many_pieces"), sends = how_many();
	struct out *o = *state;
	uint64_t done = 0;

	limit_pieces();
	o->most = 300;
	out_start(o, 8, sends / 8 * 160); /* more than the mean of a send */
	out_pump(o);
	for (unsigned int i = 0; i < o->n; i++)
		done += o->flow[i].next_back;
	assert_true(done >= sends);
	print_message("%llu sends\n", (unsigned long long)done);
	expect_all(o, sends / 8 * 160 * 8, before);
}

static void the_same_with_losses(void **state)
{
	const uint64_t before = lab_counter("too_many_pieces");
	struct out *o = *state;

	limit_pieces();
	far_fault("drop_every", 61);
	far_fault("reorder_every", 31);
	o->most = 300;
	out_start(o, 8, 50000);
	out_pump(o);
	expect_all(o, 400000, before);
}

/* Lengths of all kinds on one connection. */
static void short_and_long_ones_mixed(void **state)
{
	const uint64_t before = lab_counter("too_many_pieces");
	struct out *o = *state;
	uint64_t bytes = 0;

	limit_pieces();
	out_start(o, 4, 0);
	for (int round = 0; round < 60; round++) {
		o->most = round % 3 == 2 ? SLOT : round % 3 ? 3000 : 40;
		bytes += 12 * o->most;
		for (unsigned int i = 0; i < o->n; i++)
			o->flow[i].bytes = bytes;
		out_send(o);
		out_turn(o, 0);
	}
	out_pump(o);
	expect_all(o, 4 * bytes, before);
}

/* One send of many ranges of a few bytes, in a buffer's slot of its own. */
static void gather_one(struct out *o, struct flow *f, unsigned int at, unsigned int n,
		       uint32_t each)
{
	struct devmem_range *range = calloc(n, sizeof(*range));
	const uint32_t bytes = n * each;

	assert_non_null(range);
	out_fill(o, at, f->queued, bytes);
	for (unsigned int i = 0; i < n; i++)
		range[i] = (struct devmem_range){ (uint64_t)at * SLOT + i * each, each };
	ok(devmem_send(f->sock, o->binding, range, n, f->next_cookie << 16 | at));
	free(range);
	o->slot[at] = (struct slot){ true, bytes, 0 };
	f->queued += bytes;
	f->bytes += bytes;
	f->next_cookie++;
}

static void gathered_lists_of_tiny_ranges(void **state)
{
	const uint64_t before = lab_counter("too_many_pieces");
	struct out *o = *state;
	uint64_t bytes = 0;

	limit_pieces();
	out_start(o, 1, 0);
	for (unsigned int i = 0; i < 20; i++) {
		gather_one(o, &o->flow[0], i, 1 + i * 37, 1 + i % 5);
		bytes += (1 + i * 37) * (1 + i % 5);
	}
	out_pump(o);
	expect_all(o, bytes, before);
}

static void set_tcp(struct out *o, int name, int value)
{
	for (unsigned int i = 0; i < o->n; i++)
		assert_int_equal(setsockopt(o->flow[i].pair.near, IPPROTO_TCP, name, &value,
					    sizeof(value)),
				 0);
}

/* Single bytes, which TCP puts together (cork), or does not (nodelay). */
static void single_bytes(void **state)
{
	const uint64_t before = lab_counter("too_many_pieces");
	struct out *o = *state;

	limit_pieces();
	o->most = 1;
	out_start(o, 2, 1000);
	set_tcp(o, TCP_NODELAY, 1);
	out_pump(o);
	set_tcp(o, TCP_CORK, 1);
	for (unsigned int i = 0; i < o->n; i++)
		o->flow[i].bytes = 2000;
	for (int i = 0; i < 200; i++) {
		out_send(o);
		out_turn(o, 1);
	}
	set_tcp(o, TCP_CORK, 0);
	out_pump(o);
	expect_all(o, 4000, before);
}

/* ------------------------------------------------------------------- where a limit is not known */

static void pump_for(struct out *o, int turns)
{
	for (int i = 0; i < turns && !out_all_back(o); i++)
		out_turn(o, 1000);
}

/* A NIC that takes fewer than its driver is known for. Nothing gets through: the connection ends,
 * and says why. */
static void what_is_dropped_for_ever_ends_with_an_error(void **state)
{
	struct out *o = *state;

	lab_cannot_copy("what is copied can be read, and is not dropped");
	lab_needs_fault("tx_pieces");
	lab_fault("tx_pieces", 2);
	o->most = 30;
	out_start(o, 1, 3000);
	out_send(o);
	pump_for(o, 60);
	assert_true(out_all_back(o));
	for (unsigned int i = 0; i < o->n; i++) {
		struct flow *f = &o->flow[i];

		assert_true(f->failed > 0);
		assert_int_equal(f->first_error, -ECOMM);
		for (int n = 0; n < 5 && !f->error && !f->ended; n++)
			out_turn(o, 1000);
		assert_int_equal(f->error, -ECOMM);
		assert_non_null(strstr(devmem_error(), "tx_dropped"));
		assert_int_equal(devmem_send(f->sock, o->binding, &(struct devmem_range){ 0, 1 }, 1,
					     0),
				 -ECOMM);
		out_join(f);
		out_close_flow(f);
	}
	assert_true(lab_counter("too_many_pieces") > 0);
}

/* A peer that does not read, on a NIC that drops what others send: that is no reason. */
static void a_peer_that_does_not_read_is_waited_for(void **state)
{
	struct out *o = *state;

	lab_cannot_copy("nothing is dropped for its pieces");
	lab_cannot("syscall", "what looks at it is the same as with engine devmem");
	o->n = 1;
	out_connect(o, 0, NULL);
	o->flow[0].bytes = 24 * MIB;
	o->flow[0].reader.pause = true;
	out_read(&o->flow[0]);
	far_fault("drop_every", 5);
	for (int i = 0; i < 8; i++) {
		out_send(o);
		out_turn(o, 1000);
	}
	assert_int_equal(o->flow[0].failed, 0);
	far_fault("drop_every", 0);
	o->flow[0].reader.pause = false;
	out_pump(o);
	out_expect(o, 24 * MIB);
	out_finish(o);
}

/* Then the kernel counts what is sent as dropped, too. */
static void a_link_that_is_down_is_waited_for(void **state)
{
	struct out *o = *state;

	lab_cannot_copy("nothing is dropped for its pieces");
	lab_cannot("syscall", "what looks at it is the same as with engine devmem");
	out_start(o, 2, 4 * MIB);
	out_send(o);
	out_turn(o, 0);
	far_fault("link", 0);
	for (int i = 0; i < 18; i++) {
		out_send(o);
		out_turn(o, 1000);
	}
	for (unsigned int i = 0; i < o->n; i++)
		assert_int_equal(o->flow[i].failed, 0);
	far_fault("link", 1);
	out_pump(o);
	out_expect(o, 8 * MIB);
	out_finish(o);
}

static int close_and_off(void **state)
{
	lab_faults_off();
	return out_close(state);
}

#define PACKETS_TEST(name) cmocka_unit_test_setup_teardown(name, out_open, close_and_off)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		PACKETS_TEST(many_short_sends_on_eight_connections),
		PACKETS_TEST(the_same_with_losses),
		PACKETS_TEST(short_and_long_ones_mixed),
		PACKETS_TEST(gathered_lists_of_tiny_ranges),
		PACKETS_TEST(single_bytes),
		PACKETS_TEST(what_is_dropped_for_ever_ends_with_an_error),
		PACKETS_TEST(a_peer_that_does_not_read_is_waited_for),
		PACKETS_TEST(a_link_that_is_down_is_waited_for),
	};

	lab_begin(argc, argv);
	return lab_run("packets", tests, NULL, NULL);
}
