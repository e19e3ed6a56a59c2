// SPDX-License-Identifier: MIT
/*
 * What is pending gets to the kernel by devmem_flush(), and by a devmem_wait() without room for
 * events. A program that sleeps on devmem_ring_fd() is woken for it, whoever left it pending.
 */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB	   (1u << 20)
#define HANGS	   20000 /* ms: for what would sleep for ever */
#define PART	   3000u
#define MOST_SENDS 15 /* what the peer's kernel takes though nobody reads it: 64 KiB */

struct loop {
	struct lab lab;
	struct devmem_binding *tx;
	struct devmem_buffer *from;
	struct devmem_ring *ring;
	struct lab_pair pair;
	struct lab_stream stream;
	struct devmem_event held[64];
	unsigned int n;
};

static void open_loop(struct loop *l)
{
	memset(l, 0, sizeof(*l));
	lab_open(&l->lab, 8 * MIB, 1);
	l->from = lab_buffer(MIB);
	ok(devmem_bind_tx(NIC, l->from, NULL, &l->tx));
	l->ring = lab_ring(NULL);
	ok(devmem_ring_prepare(l->ring,
			       l->lab.binding)); /* what comes first is in the buffer too */
	l->pair = lab_connect(&l->lab, false);
}

static void close_loop(struct loop *l)
{
	devmem_ring_close(l->ring);
	devmem_binding_close(l->tx);
	lab_close_pair(l->pair);
	lab_close(&l->lab);
	devmem_buffer_close(l->from);
}

static void drain(struct loop *l)
{
	struct devmem_event ev[16];
	int n;

	while ((n = ok(devmem_wait(l->ring, ev, 16, 0))) > 0) {
		for (int i = 0; i < n; i++)
			if (ev[i].type <= DEVMEM_EVENT_ERROR)
				lab_check(&l->lab, &ev[i], 1);
		ok(devmem_release(l->ring, ev, (unsigned int)n));
	}
}

static void attach(struct loop *l)
{
	lab_attach(l->ring, &l->lab, l->pair.near, &l->stream);
}

static void send_some(struct loop *l)
{
	ok(devmem_send(l->stream.sock, l->tx, &(struct devmem_range){ 0, PART }, 1, 7));
}

/* @n fragments, that stay out. */
static void hold(struct loop *l, unsigned int n)
{
	while (l->n < n) {
		size_t some;
		const unsigned char *p = pattern_at(l->stream.position, PART, &some);
		const uint64_t until = l->stream.position + some;

		assert_int_equal(send(l->pair.far, p, some, 0), some);
		while (l->stream.position < until) {
			int got = ok(devmem_wait(l->ring, l->held + l->n, 64 - l->n, HANGS));

			assert_true(got > 0);
			lab_check(&l->lab, l->held + l->n, got);
			l->n += (unsigned int)got;
		}
	}
}

/* ---------------------------------------------------------------------------------- handing in */

static int by_flush(struct devmem_ring *ring)
{
	return devmem_flush(ring);
}

static int by_wait(struct devmem_ring *ring)
{
	return devmem_wait(ring, NULL, 0, 0);
}

static int (*const ways[])(struct devmem_ring *) = { by_flush, by_wait };

static void sends_are_handed_in(void **state)
{
	static char got[PART];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct loop l;

		open_loop(&l);
		attach(&l);
		drain(&l);
		send_some(&l);
		assert_int_equal(recv(l.pair.far, got, PART, MSG_DONTWAIT), -1);
		assert_int_equal(ways[i](l.ring), 0);
		assert_int_equal(recv(l.pair.far, got, PART, MSG_WAITALL), PART);
		close_loop(&l);
	}
}

/* The kernel itself is asked: a few tokens would wait for more. */
static void tokens_are_handed_in(void **state)
{
	(void)state;
	if (!lab_tokens())
		lab_name_case(__func__, "its fragments are no tokens of the kernel's");
	for (unsigned int i = 0; i < 2 && lab_tokens(); i++) {
		struct loop l;

		open_loop(&l);
		attach(&l);
		hold(&l, 3);
		ok(devmem_release(l.ring, l.held, l.n));
		assert_int_equal(ways[i](l.ring), 0);
		assert_int_equal(lab_leaked(l.pair.near), 0);
		close_loop(&l);
	}
}

/* By system calls a request waits for the next turn, which the descriptor then tells of. */
static void requests_to_receive_are_handed_in(void **state)
{
	struct pollfd came = { .events = POLLIN };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct loop l;
		int queued = 0;

		open_loop(&l);
		came.fd = l.pair.near;
		assert_int_equal(send(l.pair.far, "x", 1, 0), 1);
		assert_int_equal(poll(&came, 1, HANGS), 1);
		attach(&l);
		assert_int_equal(ioctl(l.pair.near, SIOCINQ, &queued), 0);
		assert_int_equal(queued, 1);
		assert_int_equal(ways[i](l.ring), 0);
		assert_int_equal(ioctl(l.pair.near, SIOCINQ, &queued), 0);
		assert_int_equal(queued, lab_in("syscall"));
		close_loop(&l);
	}
}

/* ------------------------------------------------------------------------------- the descriptor */

static bool is_readable(int fd)
{
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) == 1;
}

/* It may be readable without a reason, but not for ever. */
static int quiet(struct loop *l)
{
	int fd = ok(devmem_ring_fd(l->ring));

	do
		drain(l);
	while (is_readable(fd));
	return fd;
}

static void what_the_own_thread_leaves_makes_it_readable(void **state)
{
	struct loop l;
	int fd, other = eventfd(0, EFD_CLOEXEC);

	(void)state;
	open_loop(&l);
	fd = quiet(&l);
	attach(&l);
	assert_true(is_readable(fd));
	hold(&l, 3);
	quiet(&l);
	send_some(&l);
	assert_true(is_readable(fd));
	quiet(&l);
	ok(devmem_release(l.ring, l.held, 1));
	assert_true(is_readable(fd));
	quiet(&l);
	ok(devmem_gather(l.ring, l.held + 1, 1, l.from, 0, 1));
	assert_true(is_readable(fd));
	quiet(&l);
	ok(devmem_watch(l.ring, other, 1));
	assert_true(is_readable(fd));
	quiet(&l);
	ok(devmem_unwatch(l.ring, other));
	assert_true(is_readable(fd));
	quiet(&l);
	devmem_abort(l.stream.sock);
	assert_true(is_readable(fd));
	quiet(&l);
	devmem_detach(l.stream.sock);
	assert_true(is_readable(fd));
	quiet(&l);
	close(other);
	close_loop(&l);
}

/* The turn before told of something that no completion brought: nothing has made it readable. */
static void also_behind_a_turn_with_events(void **state)
{
	struct devmem_event ev[4];
	struct loop l;
	int fd;

	(void)state;
	open_loop(&l);
	attach(&l);
	fd = quiet(&l);
	devmem_wake(l.ring);
	assert_int_equal(devmem_wait(l.ring, ev, 4, 0), 1);
	assert_int_equal(ev[0].type, DEVMEM_EVENT_WOKEN);
	send_some(&l);
	assert_true(is_readable(fd));
	quiet(&l);
	close_loop(&l);
}

/* What devmem_flush() handed in may be over at once, and is told of. */
static void also_behind_a_flush(void **state)
{
	struct devmem_event ev[4];
	struct loop l;
	int fd, n;

	(void)state;
	open_loop(&l);
	attach(&l);
	fd = quiet(&l);
	send_some(&l);
	ok(devmem_flush(l.ring));
	for (;;) {
		assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, HANGS), 1);
		n = ok(devmem_wait(l.ring, ev, 4, 0));
		if (n && ev[0].type == DEVMEM_EVENT_SENT)
			break;
	}
	close_loop(&l);
}

static void *release_elsewhere(void *arg)
{
	struct loop *l = arg;

	ok(devmem_release(l->ring, l->held, l->n));
	return NULL;
}

static void *wake_elsewhere(void *arg)
{
	devmem_wake(((struct loop *)arg)->ring);
	return NULL;
}

static void what_other_threads_leave_makes_it_readable(void **state)
{
	void *(*const does[])(void *) = { release_elsewhere, wake_elsewhere };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct pollfd p = { .events = POLLIN };
		pthread_t thread;
		struct loop l;

		open_loop(&l);
		attach(&l);
		hold(&l, 3);
		p.fd = quiet(&l);
		assert_int_equal(pthread_create(&thread, NULL, does[i], &l), 0);
		assert_int_equal(poll(&p, 1, HANGS), 1);
		pthread_join(thread, NULL);
		quiet(&l);
		close_loop(&l);
	}
}

/*
 * A loop that makes one turn for each time that the descriptor is readable, with room for one
 * event, and leaves something pending behind most turns. It must never sleep for ever.
 */
static void one_turn_for_each_wake_up_is_enough(void **state)
{
	const unsigned int rounds = 300;
	struct pollfd p = { .events = POLLIN };
	unsigned int gathers = 0, gathered = 0, sends = 0, sent = 0;
	struct lab_sender *sender;
	struct devmem_event ev;
	struct loop l;

	(void)state;
	open_loop(&l);
	attach(&l);
	p.fd = ok(devmem_ring_fd(l.ring));
	sender = lab_send(l.pair.far, (uint64_t)rounds * PART, PART, true);
	while (!l.stream.ended || gathered < gathers || sent < sends) {
		assert_int_equal(poll(&p, 1, HANGS), 1);
		if (ok(devmem_wait(l.ring, &ev, 1, 0)) != 1)
			continue;
		gathered += ev.type == DEVMEM_EVENT_GATHERED;
		sent += ev.type == DEVMEM_EVENT_SENT;
		if (ev.type == DEVMEM_EVENT_SENT || ev.type == DEVMEM_EVENT_GATHERED)
			continue;
		lab_check(&l.lab, &ev, 1);
		if (ev.type == DEVMEM_EVENT_DATA && ev.length <= MIB && gathers <= sends) {
			ok(devmem_gather(l.ring, &ev, 1, l.from, 0, 1));
			gathers++;
			continue;
		}
		ok(devmem_release(l.ring, &ev, 1));
		if (ev.type <= DEVMEM_EVENT_HOST && sends < MOST_SENDS) {
			send_some(&l);
			sends++;
		}
	}
	assert_true(lab_sent(sender));
	assert_int_equal(l.stream.position, (uint64_t)rounds * PART);
	close_loop(&l);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(sends_are_handed_in),
		LAB_TEST(tokens_are_handed_in),
		LAB_TEST(requests_to_receive_are_handed_in),
		LAB_TEST(what_the_own_thread_leaves_makes_it_readable),
		LAB_TEST(also_behind_a_turn_with_events),
		LAB_TEST(also_behind_a_flush),
		LAB_TEST(what_other_threads_leave_makes_it_readable),
		LAB_TEST(one_turn_for_each_wake_up_is_enough),
	};

	lab_begin(argc, argv);
	return lab_run("pending", tests, NULL, NULL);
}
