// SPDX-License-Identifier: MIT
/* What the application is told in time: a buffer that runs low, a flow on the wrong queue; and
 * other ways to wait. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lab.h"

#define MIB	      (1u << 20)
#define MANY	      16384
#define FEW_BUFFERS   2u
#define IN_COMPLETION 400u /* fragments, at most: what the control data has room for */
#define FEW_ENTRIES   16u
#define COMPLETIONS   8u  /* that have room, for each of the entries */
#define TOO_FEW	      63u /* tokens that wait for more before they go back */

struct fixture {
	struct lab lab;
	struct devmem_ring *ring;
	struct lab_pair pair, other; /* @other: of a test that has two */
	struct lab_stream stream;
	struct devmem_event ev[MANY];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	lab_open(&f->lab, 16 * MIB, 1);
	f->ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1));
	f->pair = lab_connect(&f->lab, false);
	*state = f;
	return 0;
}

/* After a failure, too: what a test left out goes back when the ring is closed, and is complained
 * of when all is closed. */
static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct devmem_event ev[16];
	uint64_t out;

	if (!lab_in("lo"))
		lab_faults_off();
	if (f->stream.sock)
		devmem_detach(f->stream.sock);
	while (devmem_wait(f->ring, ev, 16, 20) > 0)
		;
	out = lab_stats(f->ring).tokens_outstanding;
	devmem_ring_close(f->ring);
	close(f->pair.near);
	close(f->pair.far);
	if (f->other.near) {
		close(f->other.near);
		close(f->other.far);
	}
	lab_close(&f->lab);
	free(f);
	assert_int_equal(out, 0);
	return 0;
}

/* Keeps what comes until nothing more does; returns the number of events. What is told comes with
 * what it is about. */
static unsigned int keep_all(struct fixture *f, int patience_ms)
{
	unsigned int n = 0;
	int got;

	while ((got = ok(devmem_wait(f->ring, f->ev + n, MANY - n, patience_ms)))) {
		lab_check(&f->lab, f->ev + n, got);
		n += (unsigned int)got;
		assert_true(n < MANY);
		assert_int_equal(lab_stats(f->ring).low, f->lab.low);
	}
	return n;
}

static void a_buffer_that_runs_low_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct lab_sender *sender;
	unsigned int n;

	lab_attach(f->ring, &f->lab, f->pair.near, &f->stream);
	sender = lab_send(f->pair.far, 64 * MIB, 0, true);
	n = keep_all(f, 700);
	assert_false(f->stream.ended);
	assert_int_equal(f->lab.low, 1);
	assert_int_equal(lab_stats(f->ring).low, 1);
	ok(devmem_release(f->ring, f->ev, n)); /* its LOW event is skipped */
	assert_true(lab_drain(f->ring, &f->lab, &f->stream, 1));
	assert_true(lab_sent(sender));
}

/* Of one page all is out with the first byte, and back with its release. */
static void a_small_buffer_is_told_of_each_time(void **state)
{
	lab_cannot("devmem", "a queue needs more than a page");
	lab_cannot("zcrx", "a queue needs more than a page");
	if (!lab_in("lo"))
		lab_cannot("syscall", "a queue needs more than a page");
	for (unsigned int pages = 1; pages <= 3; pages++) {
		struct devmem_ring *ring = lab_ring(NULL);
		struct lab_stream stream;
		struct devmem_event ev[64];
		struct lab_pair pair;
		unsigned int n = 0;
		struct lab lab;

		(void)state;
		lab_open_as(&lab, &(struct lab_opts){ .bytes = pages * 4096, .queues = 1 });
		pair = lab_connect(&lab, false);
		lab_attach(ring, &lab, pair.near, &stream);
		for (unsigned int i = 0; i < 3; i++) {
			assert_true(lab_sent(
				lab_send_from(pair.far, i * pages * 4096, pages * 4096, false)));
			while (stream.position < (i + 1) * pages * 4096 || lab.low <= i) {
				int got = ok(devmem_wait(ring, ev + n, 64 - n, 5000));

				if (!got)
					fail_msg("%u pages: after %llu bytes LOW came %u times",
						 pages, (unsigned long long)stream.position,
						 lab.low);
				lab_check(&lab, ev + n, got);
				n += (unsigned int)got;
			}
			ok(devmem_release(ring, ev, n));
			n = 0;
		}
		devmem_detach(stream.sock);
		devmem_ring_close(ring);
		close(pair.near);
		close(pair.far);
		lab_close(&lab);
	}
}

static void a_reader_that_releases_at_once_is_not_bothered(void **state)
{
	struct fixture *f = *state;
	struct lab_sender *sender;

	lab_attach(f->ring, &f->lab, f->pair.near, &f->stream);
	sender = lab_send(f->pair.far, 32 * MIB, 0, true);
	assert_true(lab_drain(f->ring, &f->lab, &f->stream, 1));
	assert_true(lab_sent(sender));
	assert_int_equal(f->lab.low, 0);
}

/* Every second one, then the others: each is a run of tokens by itself, and requests are soon
 * full. */
static void release_apart(struct fixture *f, unsigned int n)
{
	for (unsigned int first = 0; first < 2; first++)
		for (unsigned int i = first; i < n; i += 2)
			ok(devmem_release(f->ring, &f->ev[i], 1));
}

/*
 * Each turn brings more than a wait hands out, and before all of it was seen there are requests to
 * hand in again. What went back is nevertheless known to be back when a turn has passed. So what is
 * not is of two turns, and what was kept for longer.
 */
static void what_went_back_is_soon_known(void **state)
{
	const unsigned int some = 32, kept = 256, turn = FEW_BUFFERS * IN_COMPLETION;
	struct fixture *f = *state;
	struct lab_sender *sender;
	uint64_t most = 0;

	lab_cannot_copy("no request carries back what was copied");
	devmem_ring_close(f->ring);
	f->ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1, .buffers = FEW_BUFFERS));
	lab_attach(f->ring, &f->lab, f->pair.near, &f->stream);
	sender = lab_send(f->pair.far, 96 * MIB, 0, true);
	while (!f->stream.ended) {
		unsigned int n = 0;
		uint64_t out;

		while (n < kept && !f->stream.ended) {
			int got = ok(devmem_wait(f->ring, f->ev + n, some, 5000));

			assert_true(got > 0);
			lab_check(&f->lab, f->ev + n, got);
			n += (unsigned int)got;
		}
		release_apart(f, n);
		out = lab_stats(f->ring).tokens_outstanding;
		most = out > most ? out : most;
	}
	assert_true(lab_sent(sender));
	print_message("%llu fragments were on their way back\n", (unsigned long long)most);
	assert_in_range(most, 0, 2 * turn + kept + some + TOO_FEW);
}

static unsigned int fragments_in(const struct devmem_event *ev, unsigned int n)
{
	unsigned int fragments = 0;

	for (unsigned int i = 0; i < n; i++)
		fragments += ev[i].tokens;
	return fragments;
}

/* What one turn can bring, in fragments. Where no message tells of them, each is a completion, and
 * one more ends the receive. */
static unsigned int most_in_a_turn(void)
{
	return lab_in("zcrx") || lab_copies() ? FEW_ENTRIES * COMPLETIONS + 1
					      : FEW_BUFFERS * IN_COMPLETION;
}

/* One consumer keeps all it gets, held to a limit; another on the same ring is served meanwhile. */
static void a_limit_keeps_room_for_others(void **state)
{
	struct fixture *f = *state;
	struct lab_sender *greedy, *fair = NULL;
	struct lab_stream second;
	struct devmem_event *ev = f->ev;
	static struct devmem_event kept[MANY];
	/* what is copied comes in fragments of up to 256 KiB: 16 of them are as much of the
	 * buffer */
	const unsigned int limit = lab_copies() ? 16 : 256;
	unsigned int n = 0, out;

	devmem_ring_close(f->ring);
	f->ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1, .buffers = FEW_BUFFERS,
				       .entries = FEW_ENTRIES));
	f->other = lab_connect(&f->lab, false);
	lab_attach_opts(f->ring, &f->lab, f->pair.near, &f->stream,
			DEVMEM_OPTS(devmem_attach_opts, .max_fragments = limit));
	lab_attach(f->ring, &f->lab, f->other.near, &second);
	greedy = lab_send(f->pair.far, 24 * MIB, 0, true);
	while (!second.ended) {
		int got = ok(devmem_wait(f->ring, ev, 256, 5000));

		assert_true(got > 0);
		lab_check(&f->lab, ev, got);
		for (int i = 0; i < got; i++) {
			if (ev[i].user_data == (uintptr_t)&f->stream)
				kept[n++] = ev[i];
			else
				ok(devmem_release(f->ring, &ev[i], 1));
			assert_true(n < MANY);
		}
		if (!fair && lab_stats(f->ring).paused)
			fair = lab_send(f->other.far, 48 * MIB, 0, true);
	}
	assert_true(lab_sent(fair));
	assert_int_equal(second.position, 48 * MIB);
	assert_false(f->stream.ended);
	out = fragments_in(kept, n);
	print_message("%u fragments out, limit %u\n", out, limit);
	/* one less than the limit, and a turn */
	assert_in_range(out, limit, limit - 1 + most_in_a_turn());
	assert_int_equal(ok(devmem_wait(f->ring, ev, 1, 20)), 0); /* the other's go back */
	assert_int_equal(lab_stats(f->ring).tokens_outstanding, out);
	ok(devmem_release(f->ring, kept, n));
	assert_true(lab_drain(f->ring, &f->lab, &f->stream, 1));
	assert_true(lab_sent(greedy));
	assert_int_equal(f->stream.position, 24 * MIB);
	devmem_detach(second.sock);
}

/* Somebody deletes our rule: the flow goes on through an ordinary queue, copied, and we are told
 * which. */
static void a_rule_that_is_gone_is_told(void **state)
{
	struct fixture *f = *state;
	struct lab_sender *sender;

	lab_cannot_copy("there is no rule: bytes may come any way");
	lab_attach(f->ring, &f->lab, f->pair.near, &f->stream);
	sender = lab_send(f->pair.far, MIB, 0, false);
	while (f->stream.position < MIB) {
		int got = ok(devmem_wait(f->ring, f->ev, 64, 2000));

		assert_true(got > 0);
		lab_check(&f->lab, f->ev, got);
		ok(devmem_release(f->ring, f->ev, (unsigned int)got));
	}
	assert_true(lab_sent(sender));
	assert_int_equal(f->stream.misplaced, 0);
	assert_int_equal(f->stream.device, MIB);
	lab_delete_rules();
	f->stream.position = 0; /* the pattern begins again */
	sender = lab_send(f->pair.far, MIB, 0, true);
	assert_true(lab_drain(f->ring, &f->lab, &f->stream, 1));
	assert_true(lab_sent(sender));
	assert_int_equal(f->stream.misplaced, 1);
	assert_in_range(f->stream.misplaced_queue, 0, 2); /* the bound one is 3 */
	assert_true(f->stream.host > 0);
	assert_int_equal(lab_stats(f->ring).misplaced, 1);
	assert_int_equal(lab_stats(f->ring).bytes_plain, f->stream.host);
}

/* Each of two that begin at once is told by itself: lab_check() compares it with the error
 * message. */
static void flows_that_go_astray_together(void **state)
{
	struct fixture *f = *state;
	struct lab_stream second;

	lab_cannot_copy("there is no rule: bytes may come any way");
	f->other = lab_connect(&f->lab, true);
	lab_attach(f->ring, &f->lab, f->pair.near, &f->stream);
	lab_attach(f->ring, &f->lab, f->other.near, &second);
	lab_fault("misroute_every", 1);
	assert_true(lab_sent(lab_send(f->pair.far, 1, 0, true)));
	assert_true(lab_sent(lab_send(f->other.far, 1, 0, true)));
	usleep(200000);
	while (!f->stream.ended || !second.ended) {
		int got = ok(devmem_wait(f->ring, f->ev, 64, 5000));

		assert_true(got > 0);
		lab_check(&f->lab, f->ev, got);
		ok(devmem_release(f->ring, f->ev, (unsigned int)got));
	}
	assert_int_equal(f->stream.misplaced, 1);
	assert_int_equal(second.misplaced, 1);
	devmem_detach(second.sock);
}

/* That somebody deleted the rules is no failure: they are gone, as they were before us. */
static int tear_down_without_rules(void **state)
{
	struct fixture *f = *state;

	if (lab_copies())
		return tear_down(state);
	devmem_detach(f->stream.sock);
	while (ok(devmem_wait(f->ring, f->ev, 16, 20)))
		;
	devmem_ring_close(f->ring);
	close(f->pair.near);
	close(f->pair.far);
	close(f->lab.listener);
	devmem_binding_close(f->lab.binding);
	ok(devmem_nic_close(f->lab.nic));
	devmem_buffer_close(f->lab.buffer);
	free(f);
	return 0;
}

/* A stream through somebody else's epoll: nothing is missed between a turn and the sleep. */
static void epoll_and_the_ring_s_descriptor(void **state)
{
	struct fixture *f = *state;
	struct epoll_event want = { .events = EPOLLIN }, came;
	int ep = epoll_create1(EPOLL_CLOEXEC), n;
	struct lab_sender *sender;

	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, devmem_ring_fd(f->ring), &want), 0);
	lab_attach(f->ring, &f->lab, f->pair.near, &f->stream);
	/* a tail that a mark may hold */
	sender = lab_send(f->pair.far, 24 * MIB + 100, 0, false);
	while (f->stream.position < 24 * MIB + 100) {
		while ((n = ok(devmem_wait(f->ring, f->ev, 64, 0)))) {
			lab_check(&f->lab, f->ev, n);
			ok(devmem_release(f->ring, f->ev, (unsigned int)n));
		}
		if (f->stream.position == 24 * MIB + 100)
			break;
		n = epoll_wait(ep, &came, 1, 5000);
		/* io_uring's own work may interrupt it */
		assert_true(n == 1 || (n < 0 && errno == EINTR));
	}
	assert_true(lab_sent(sender));
	assert_true(lab_stats(f->ring).lowat_changes > 0);
	close(ep);
}

static void *wake_soon(void *ring)
{
	usleep(50000);
	devmem_wake(ring);
	return NULL;
}

static void woken_from_another_thread(void **state)
{
	struct fixture *f = *state;
	struct pollfd p = { .fd = devmem_ring_fd(f->ring), .events = POLLIN };
	pthread_t thread;
	int n = 0;

	devmem_wake(f->ring); /* before the wait: not lost */
	devmem_wake(f->ring); /* twice is once */
	assert_int_equal(ok(devmem_wait(f->ring, f->ev, 4, -1)), 1);
	assert_int_equal(f->ev[0].type, DEVMEM_EVENT_WOKEN);
	pthread_create(&thread, NULL, wake_soon, f->ring);
	assert_int_equal(ok(devmem_wait(f->ring, f->ev, 4, -1)), 1);
	assert_int_equal(f->ev[0].type, DEVMEM_EVENT_WOKEN);
	pthread_join(thread, NULL);
	assert_int_equal(ok(devmem_wait(f->ring, f->ev, 4, 0)), 0);
	pthread_create(&thread, NULL, wake_soon, f->ring);
	/* asleep on the descriptor, which may be readable without a reason */
	for (int i = 0; i < 10 && !n; i++) {
		assert_int_equal(poll(&p, 1, 5000), 1);
		n = ok(devmem_wait(f->ring, f->ev, 4, 0));
	}
	assert_int_equal(n, 1);
	assert_int_equal(f->ev[0].type, DEVMEM_EVENT_WOKEN);
	pthread_join(thread, NULL);
}

static void the_link_goes_down_and_comes_back(void **state)
{
	struct fixture *f = *state;
	struct lab_sender *sender;
	int got;

	lab_cannot("lo", "loopback has no link that goes down, and no faults");
	lab_attach(f->ring, &f->lab, f->pair.near, &f->stream);
	sender = lab_send(f->pair.far, 24 * MIB, 0, true);
	while (f->stream.position < MIB) {
		got = ok(devmem_wait(f->ring, f->ev, 64, 2000));
		assert_true(got > 0);
		lab_check(&f->lab, f->ev, got);
		ok(devmem_release(f->ring, f->ev, (unsigned int)got));
	}
	lab_fault("link", 0);
	while (!f->lab.links) {
		got = ok(devmem_wait(f->ring, f->ev, 64, 5000));
		assert_true(got > 0);
		lab_check(&f->lab, f->ev, got);
		ok(devmem_release(f->ring, f->ev, (unsigned int)got));
	}
	assert_int_equal(f->lab.link, 0);
	lab_fault("link", 1);
	assert_true(lab_drain(f->ring, &f->lab, &f->stream, 1));
	assert_true(lab_sent(sender));
	assert_int_equal(f->stream.position, 24 * MIB);
	/* the kernel tells of links once a second at most: all bytes may be here before
	 * [net/core/link_watch.c] */
	lab_await_link(f->ring, &f->lab, 1);
}

/* Unsplit packets, and whole flows through an ordinary queue: the application sees device memory
 * only. */
static void placement_hides_host_bytes(void **state)
{
	struct fixture *f = *state;
	struct lab_sender *sender;
	struct devmem_stats st;

	lab_cannot_copy("nothing comes to host memory, so there is nothing to place (test_copy.c)");
	lab_attach_opts(f->ring, &f->lab, f->pair.near, &f->stream,
			DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_PLACE));
	f->lab.spill = devmem_ring_spill(f->ring);
	assert_non_null(f->lab.spill);
	lab_fault("nosplit_every", 3);
	lab_fault("misroute_every", 50);
	sender = lab_send(f->pair.far, 12 * MIB, 0, true);
	assert_true(lab_drain(f->ring, &f->lab, &f->stream, 1));
	assert_true(lab_sent(sender));
	lab_fault("nosplit_every", 0);
	lab_fault("misroute_every", 0);
	st = lab_stats(f->ring);
	print_message("%llu bytes placed\n", (unsigned long long)st.bytes_placed);
	assert_int_equal(f->stream.position, 12 * MIB);
	assert_int_equal(f->stream.host, 0);
	if (lab_in("zcrx")) /* which of the two it was is asked once a second */
		assert_true(st.bytes_linear + st.bytes_plain > 0);
	else
		assert_true(st.bytes_linear > 0 && st.bytes_plain > 0);
	assert_int_equal(st.bytes_placed, st.bytes_linear + st.bytes_plain);
	assert_int_equal(f->stream.spilled, st.bytes_placed);
}

/* The spill buffer is full: said, nothing lost, and it goes on when fragments come back. */
static void a_full_spill_buffer_waits(void **state)
{
	struct fixture *f = *state;
	struct lab_sender *sender;
	unsigned int n = 0;
	int got;

	lab_cannot_copy("nothing comes to host memory, so there is no spill buffer (test_copy.c)");
	devmem_ring_close(f->ring);
	f->ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .spill_bytes = 64 << 10));
	lab_attach_opts(f->ring, &f->lab, f->pair.near, &f->stream,
			DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_PLACE));
	f->lab.spill = devmem_ring_spill(f->ring);
	assert_int_equal(devmem_buffer_size(f->lab.spill), 64 << 10);
	lab_fault("nosplit_every", 2);
	sender = lab_send(f->pair.far, 4 * MIB, 0, true);
	while ((got = devmem_wait(f->ring, f->ev + n, 100, 3000)) > 0) {
		lab_check(&f->lab, f->ev + n, got);
		n += (unsigned int)got;
		assert_true(n < MANY - 100);
	}
	assert_int_equal(got, -ENOBUFS);
	devmem_feature(NULL);
	assert_int_equal(devmem_wait(f->ring, f->ev + n, 100, 0), -ENOBUFS);
	assert_string_equal(devmem_error(), "devmem_feature: no name"); /* an answer, no error */
	ok(devmem_release(f->ring, f->ev, n));
	assert_true(lab_drain(f->ring, &f->lab, &f->stream, 1));
	lab_fault("nosplit_every", 0);
	assert_true(lab_sent(sender));
	assert_int_equal(f->stream.position, 4 * MIB);
	/* released twice: refused */
	for (unsigned int i = 0; i < n; i++)
		if (f->ev[i].type == DEVMEM_EVENT_DATA &&
		    f->ev[i].buffer == devmem_buffer_id(f->lab.spill))
			assert_int_equal(devmem_release(f->ring, &f->ev[i], 1), -EINVAL);
}

static void a_plan_for_this_nic(void **state)
{
	struct fixture *f = *state;
	struct devmem_plan plan = { .size = sizeof(plan), .queues = 2, .buffer_bytes = 4096 };

	lab_cannot("lo", "loopback has no rings to plan with");
	assert_int_equal(devmem_plan(f->lab.nic, &plan), -ENOSPC);
	assert_true(plan.ring_entries >= 64 && plan.mtu >= 1500);
	assert_int_equal(plan.pinned_bytes, 2ull * plan.ring_entries * 4096);
	plan.buffer_bytes = plan.advised_bytes;
	ok(devmem_plan(f->lab.nic, &plan));
	plan.page_size = 5000;
	assert_int_equal(devmem_plan(f->lab.nic, &plan), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_buffer_that_runs_low_is_told_once),
		cmocka_unit_test(a_small_buffer_is_told_of_each_time),
		TEST(a_reader_that_releases_at_once_is_not_bothered),
		TEST(what_went_back_is_soon_known),
		TEST(a_limit_keeps_room_for_others),
		cmocka_unit_test_setup_teardown(a_rule_that_is_gone_is_told, set_up,
						tear_down_without_rules),
		TEST(flows_that_go_astray_together),
		TEST(epoll_and_the_ring_s_descriptor),
		TEST(woken_from_another_thread),
		TEST(the_link_goes_down_and_comes_back),
		TEST(placement_hides_host_bytes),
		TEST(a_full_spill_buffer_waits),
		TEST(a_plan_for_this_nic),
	};

	lab_begin(argc, argv);
	return lab_run("pressure", tests, NULL, NULL);
}
