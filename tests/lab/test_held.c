// SPDX-License-Identifier: MIT
/* Nothing can be received, since the application holds what it would be received into: ends are
 * told all the same. */
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB   (1u << 20)
#define MANY  4096
#define PAIRS 4u

struct held {
	struct lab lab;
	struct devmem_ring *ring;
	struct lab_pair pair[PAIRS];
	struct lab_stream stream[PAIRS];
	struct devmem_event ev[MANY];
	unsigned int n;
	bool ready; /* a descriptor that is watched */
};

static void open_with(struct held *h, const struct devmem_ring_opts *ring,
		      const struct devmem_attach_opts *opts)
{
	h->ring = lab_ring(ring);
	for (unsigned int i = 0; i < PAIRS; i++) {
		h->pair[i] = lab_connect(&h->lab, i & 1);
		lab_attach_opts(h->ring, &h->lab, h->pair[i].near, &h->stream[i], opts);
	}
}

static int set_up(void **state)
{
	static const uint32_t queue = 1;
	struct held *h = calloc(1, sizeof(*h));

	lab_open_as(&h->lab, &(struct lab_opts){ .bytes = lab_copies() ? MIB : 16 * MIB,
						 .queues = 1,
						 .queue_list = &queue });
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct held *h = *state;

	if (!lab_in("lo"))
		lab_faults_off();
	devmem_ring_close(h->ring);
	for (unsigned int i = 0; i < PAIRS && h->pair[i].near; i++) {
		close(h->pair[i].near);
		close(h->pair[i].far);
	}
	lab_close(&h->lab);
	free(h);
	return 0;
}

/* One wait, whose events are kept. */
static int keep(struct held *h, int timeout_ms)
{
	int got = ok(devmem_wait(h->ring, h->ev + h->n, MANY - h->n, timeout_ms));

	lab_check(&h->lab, h->ev + h->n, got);
	h->n += (unsigned int)got;
	return got;
}

static void release_all(struct held *h)
{
	ok(devmem_release(h->ring, h->ev, h->n));
	h->n = 0;
}

static void send_bytes(struct held *h, unsigned int i, uint64_t start, uint64_t bytes,
		       bool then_fin)
{
	assert_true(lab_sent(lab_send_from(h->pair[i].far, start, bytes, then_fin)));
}

/* The kernel has so many bytes that it cannot hand out. */
static void await_queued(const struct held *h, unsigned int i, int bytes)
{
	int queued = 0;

	for (int tries = 0; queued < bytes && tries < 10000; tries++) {
		usleep(1000);
		assert_int_equal(ioctl(h->pair[i].near, SIOCINQ, &queued), 0);
	}
	assert_int_equal(queued, bytes);
}

static void await_end(struct held *h, unsigned int i, int error)
{
	for (int silent = 0; !h->stream[i].ended; silent++)
		if (!keep(h, 1000) && silent == 10)
			fail_msg("the end of connection %u was not told", i);
	assert_int_equal(h->stream[i].error, error);
}

/* @i has one byte more than was handed out, and its end behind that. */
static void one_byte_is_behind(struct held *h, unsigned int i, uint64_t before)
{
	assert_false(h->stream[i].ended);
	assert_int_equal(h->stream[i].position, before);
	release_all(h);
	for (int silent = 0; !h->stream[i].ended; silent++) {
		if (!keep(h, 1000) && silent == 10)
			fail_msg("what was behind a byte was not told");
		release_all(h);
	}
	assert_int_equal(h->stream[i].error, 0);
	assert_int_equal(h->stream[i].position, before + 1);
}

static void all_of_the_buffer_is_held(void **state)
{
	struct held *h = *state;
	struct lab_sender *sender;

	lab_cannot("devmem", "a queue without memory drops what tells of an end, too");
	lab_cannot("zcrx", "a queue without memory drops what tells of an end, too");
	if (!lab_copies())
		lab_cannot("syscall", "a queue without memory drops what tells of an end, too");
	open_with(h, NULL, NULL);
	sender = lab_send(h->pair[0].far, 64 * MIB, 0, false);
	while (keep(h, 300))
		;
	assert_int_equal(h->stream[0].position, MIB);
	send_bytes(h, 1, 0, 1, true);
	await_queued(h, 1, 1);
	shutdown(h->pair[2].far, SHUT_WR);
	lab_reset(h->pair[3].far);
	await_end(h, 2, 0);
	await_end(h, 3, -ECONNRESET);
	lab_reset(h->pair[0].far);
	assert_false(lab_sent(sender));
	await_end(h, 0, -ECONNRESET);
	one_byte_is_behind(h, 1, 0);
}

/* Each has as many fragments out as it may. */
static void as_much_is_held_as_may_be(void **state)
{
	struct held *h = *state;

	open_with(h, NULL, DEVMEM_OPTS(devmem_attach_opts, .max_fragments = 1));
	for (unsigned int i = 0; i < PAIRS; i++)
		send_bytes(h, i, 0, 1, false);
	while (lab_stats(h->ring).paused < PAIRS)
		assert_true(keep(h, 5000) > 0);
	keep(h, 20); /* what was armed is cancelled */
	send_bytes(h, 1, 1, 1, true);
	send_bytes(h, 2, 1, 1, false);
	await_queued(h, 1, 1);
	await_queued(h, 2, 1);
	shutdown(h->pair[0].far, SHUT_WR);
	lab_reset(h->pair[2].far);
	lab_reset(h->pair[3].far);
	await_end(h, 0, 0);
	await_end(h, 3, -ECONNRESET);
	await_end(h, 2, -ECONNRESET);
	one_byte_is_behind(h, 1, 1);
}

/* Bytes that came through another queue lie in receive buffers: here in the only one. */
static void all_receive_buffers_are_held(void **state)
{
	struct held *h = *state;

	lab_cannot_copy("it has no receive buffers");
	lab_fault("misroute_every", 1);
	open_with(h, DEVMEM_OPTS(devmem_ring_opts, .buffers = 1), NULL);
	send_bytes(h, 0, 0, 1, false);
	while (!h->stream[0].host)
		assert_true(keep(h, 5000) > 0);
	send_bytes(h, 1, 0, 1, true);
	await_queued(h, 1, 1);
	shutdown(h->pair[0].far, SHUT_WR);
	shutdown(h->pair[2].far, SHUT_WR);
	lab_reset(h->pair[3].far);
	await_end(h, 0, 0);
	await_end(h, 2, 0);
	await_end(h, 3, -ECONNRESET);
	one_byte_is_behind(h, 1, 0);
}

/* As keep(), while there is no room in the spill buffer: that is told each time when there is
 * nothing else. */
static int keep_full(struct held *h, int timeout_ms)
{
	int got, events = 0;

	devmem_feature(NULL);
	got = devmem_wait(h->ring, h->ev + h->n, MANY - h->n, timeout_ms);
	if (got == -ENOBUFS) { /* an answer, and no error: it leaves the message as it is */
		assert_string_equal(devmem_error(), "devmem_feature: no name");
		return got;
	}
	for (ok(got); events++ != got; h->n++) {
		h->ready |= h->ev[h->n].type == DEVMEM_EVENT_READY;
		if (h->ev[h->n].type != DEVMEM_EVENT_READY)
			lab_check(&h->lab, h->ev + h->n, 1);
	}
	return got;
}

static void await_end_full(struct held *h, unsigned int i, int error)
{
	for (int turns = 0; !h->stream[i].ended; turns++)
		if (keep_full(h, 100) == -ENOBUFS && turns == 10000)
			fail_msg("the end of connection %u was not told", i);
	assert_int_equal(h->stream[i].error, error);
}

static void await_full(struct held *h)
{
	int got;

	do
		got = keep_full(h, 5000);
	while (got > 0);
	assert_int_equal(got, -ENOBUFS);
}

/* Of all bytes that go to the spill buffer the first have its only page. What is no byte, and
 * behind no byte, is told. */
static void all_of_the_spill_buffer_is_held(void **state)
{
	struct held *h = *state;
	int watched[2];

	lab_cannot_copy("nothing comes to host memory, so there is no spill buffer (test_copy.c)");
	lab_fault("misroute_every", 1);
	open_with(h, DEVMEM_OPTS(devmem_ring_opts, .spill_bytes = 4096),
		  DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_PLACE));
	h->lab.spill = devmem_ring_spill(h->ring);
	assert_int_equal(pipe(watched), 0);
	ok(devmem_watch(h->ring, watched[0], 0));
	send_bytes(h, 0, 0, 1, false);
	while (!h->stream[0].position)
		assert_true(keep_full(h, 5000) > 0);
	send_bytes(h, 1, 0, 1, true);
	await_full(h);
	assert_int_equal(write(watched[1], "", 1), 1);
	shutdown(h->pair[2].far, SHUT_WR);
	lab_reset(h->pair[3].far);
	await_end_full(h, 2, 0);
	await_end_full(h, 3, -ECONNRESET);
	for (int i = 0; !h->ready && i < 1000; i++)
		keep_full(h, 100);
	assert_true(h->ready);
	ok(devmem_unwatch(h->ring, watched[0]));
	/* of one that failed they are dropped */
	send_bytes(h, 0, 1, 1, false);
	usleep(100000);
	await_full(h);
	lab_reset(h->pair[0].far);
	await_end_full(h, 0, -ECONNRESET);
	assert_int_equal(h->stream[0].position, 1);
	await_full(h);
	assert_int_equal(keep_full(h, 0), -ENOBUFS);
	one_byte_is_behind(h, 1, 0);
	close(watched[0]);
	close(watched[1]);
}

static const char *engine_without_a_binding(void)
{
	return lab_in("syscall") ? "syscall" : "copy";
}

/* On a port that is not steered: what comes through a bound queue cannot be read. */
static void attach_without_a_binding(struct held *h)
{
	const int listener = lab_listen(0);

	h->pair[0].far = lab_dial(lab_port(listener), false);
	h->pair[0].near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(h->pair[0].near >= 0);
	close(listener);
	ok(devmem_attach(h->ring, h->pair[0].near, NULL, (uintptr_t)&h->stream[0], NULL,
			 &h->stream[0].sock));
	h->stream[0].lab = &h->lab;
}

/* A message is kept until it is whole: so much of it that the memory for sockets without a binding
 * has to be large. */
static void much_is_held_without_a_binding(void **state)
{
	struct held *h = *state;
	struct lab_sender *sender;

	h->ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .engine = engine_without_a_binding()));
	attach_without_a_binding(h);
	sender = lab_send(h->pair[0].far, 24 * MIB, 0, true);
	while (!h->stream[0].ended)
		assert_true(keep(h, 5000) > 0);
	assert_true(lab_sent(sender));
	assert_int_equal(h->stream[0].position, 24 * MIB);
	assert_int_equal(h->lab.low, 0);
	release_all(h);
}

/* ... and when it is used up, that is told. */
static void too_much_is_held_without_a_binding(void **state)
{
	struct held *h = *state;
	struct lab_sender *sender;
	bool told = false;

	h->ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .host_bytes = MIB,
				       .engine = engine_without_a_binding()));
	attach_without_a_binding(h);
	sender = lab_send(h->pair[0].far, 2 * MIB, 0, true);
	while (keep(h, 300))
		;
	assert_int_equal(h->stream[0].position, MIB);
	for (unsigned int i = 0; i < h->n; i++)
		told |= h->ev[i].type == DEVMEM_EVENT_LOW && h->ev[i].buffer == 0;
	assert_true(told);
	while (!h->stream[0].ended) {
		release_all(h);
		keep(h, 5000);
	}
	assert_int_equal(h->stream[0].position, 2 * MIB);
	assert_true(lab_sent(sender));
	release_all(h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* lab_held [PATTERN]: the tests whose names match. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(all_of_the_buffer_is_held),      TEST(as_much_is_held_as_may_be),
		TEST(all_receive_buffers_are_held),   TEST(all_of_the_spill_buffer_is_held),
		TEST(much_is_held_without_a_binding), TEST(too_much_is_held_without_a_binding),
	};

	lab_begin(argc, argv);
	return lab_run("held", tests, NULL, NULL);
}
