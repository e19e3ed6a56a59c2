// SPDX-License-Identifier: MIT
/*
 * Receiving on the real stack: every byte is checked, and at the end nothing is out: no token, no
 * descriptor, no change of the NIC.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB (1u << 20)

static int set_up(void **state)
{
	struct lab *lab = malloc(sizeof(*lab));

	lab_open(lab, 32 * MIB, 2);
	*state = lab;
	return 0;
}

static int tear_down(void **state)
{
	lab_close(*state);
	free(*state);
	return 0;
}

static void close_pair(struct lab_pair pair)
{
	close(pair.near);
	close(pair.far);
}

/* @n connections with @bytes each, all of it device memory if @all_device. */
static struct devmem_stats transfer(struct lab *lab, const struct devmem_ring_opts *opts,
				    unsigned int n, uint64_t bytes, bool ipv6, bool all_device)
{
	struct devmem_ring *ring = lab_ring(opts);
	struct lab_stream *streams = calloc(n, sizeof(*streams));
	struct lab_sender **senders = calloc(n, sizeof(*senders));
	struct lab_pair *pairs = calloc(n, sizeof(*pairs));
	struct devmem_stats st;
	unsigned int i;

	for (i = 0; i < n; i++) {
		pairs[i] = lab_connect(lab, ipv6);
		lab_attach(ring, lab, pairs[i].near, &streams[i]);
		senders[i] = lab_send(pairs[i].far, bytes, 0, true);
	}
	assert_true(lab_drain(ring, lab, streams, n));
	for (i = 0; i < n; i++)
		if (streams[i].error) /* else its sender would be waited for */
			fail_msg("stream %u broke after %llu bytes: %s (%s)", i,
				 (unsigned long long)streams[i].position,
				 strerror(-streams[i].error), devmem_error());
	for (i = 0; i < n; i++) {
		assert_true(lab_sent(senders[i]));
		assert_int_equal(streams[i].position, bytes);
		if (all_device)
			assert_int_equal(streams[i].device, bytes);
		devmem_detach(streams[i].sock);
		close_pair(pairs[i]);
	}
	lab_settle(ring);
	st = lab_stats(ring);
	lab_expect(&st, n * bytes, all_device);
	devmem_ring_close(ring);
	free(streams);
	free(senders);
	free(pairs);
	return st;
}

static void one_stream(void **state)
{
	transfer(*state, NULL, 1, 48 * MIB, false, true);
}

static void ipv6(void **state)
{
	transfer(*state, NULL, 2, 16 * MIB, true, true);
}

static void sixty_four_streams(void **state)
{
	transfer(*state, NULL, 64, MIB, false, true);
}

static void without_merging(void **state)
{
	struct devmem_stats st = transfer(*state, DEVMEM_OPTS(devmem_ring_opts, .merge = 1), 2,
					  8 * MIB, false, true);

	assert_int_equal(st.descriptors, st.fragments);
	if (lab_copies()) /* each is the bytes of one receive */
		assert_true(st.fragments <= st.completions);
	st = transfer(*state, NULL, 2, 8 * MIB, false, true);
	/* what was copied to neighbouring places is one fragment from the start */
	if (lab_copies())
		assert_int_equal(st.descriptors, st.fragments);
	else
		assert_true(st.descriptors < st.fragments);
}

static void busy_polling(void **state)
{
	lab_cannot("syscall", "it is io_uring that polls; asked for, it is refused "
			      "(test_refusals.c, test_policy.c)");
	transfer(*state, DEVMEM_OPTS(devmem_ring_opts, .busy_poll_us = 100), 2, 8 * MIB, false,
		 true);
}

/* Fewer buffers than sockets: receives pause with ENOBUFS and are armed again. */
static void two_receive_buffers_for_sixteen_streams(void **state)
{
	struct devmem_stats st;

	lab_cannot_copy("it receives into the buffer itself, which runs out in test_copy.c");
	lab_cannot("zcrx", "it takes no receive buffers while all goes well");
	st = transfer(*state, DEVMEM_OPTS(devmem_ring_opts, .buffers = 2, .buffer_bytes = 64 << 10),
		      16, 2 * MIB, false, true);
	assert_true(st.no_buffers > 0); /* else this test shows nothing */
}

/* A completion has more than one event's worth, and comes in parts. */
static void an_array_of_one(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1));
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_stream stream;
	struct lab_sender *sender;
	struct devmem_event ev;

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, 2 * MIB, 0, true);
	while (!stream.ended) {
		int n = ok(devmem_wait(ring, &ev, 1, 2000));

		assert_int_equal(n, 1);
		lab_check(lab, &ev, n);
		ok(devmem_release(ring, &ev, 1));
	}
	assert_true(lab_sent(sender));
	assert_int_equal(stream.device, 2 * MIB);
	devmem_detach(stream.sock);
	lab_settle(ring);
	devmem_ring_close(ring);
	close_pair(pair);
}

/* A tail shorter than the raised low-water mark, and then silence: it must come all the same. */
static void a_tail_is_not_held_back(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_stream stream;
	struct lab_sender *sender;
	struct devmem_event ev[64];

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, 8 * MIB + 100, 0, false);
	while (stream.position < 8 * MIB + 100) {
		int n = ok(devmem_wait(ring, ev, 64, 2000));

		assert_true(n > 0);
		lab_check(lab, ev, n);
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
	assert_true(lab_sent(sender));
	assert_true(lab_stats(ring).lowat_changes > 0); /* else this test shows nothing */
	devmem_detach(stream.sock);
	lab_settle(ring);
	devmem_ring_close(ring);
	close_pair(pair);
}

#define MESSAGES 96u

/* The other end sends a message when the one before was answered. Returns how many were sent. */
static void *converse(void *far)
{
	static unsigned char bytes[MIB];
	uintptr_t sent = 0;
	char answer;

	do {
		for (size_t at = 0, n; at < MIB; at += n) {
			ssize_t some = send(*(int *)far, bytes + at, MIB - at, MSG_NOSIGNAL);

			if (some <= 0)
				return (void *)sent;
			n = (size_t)some;
		}
	} while (++sent < MESSAGES && recv(*(int *)far, &answer, 1, 0) == 1);
	return (void *)sent;
}

/*
 * Messages as large as a mark look like a stream, but the end of each is waited for: the mark that
 * held it back may not do so each time. It is raised once at first, and then after 2, 4, 8, 16 and
 * 32 MiB; each time it can be corrected and falls.
 */
static void messages_that_are_answered_are_seldom_held_back(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct devmem_sock *sock;
	struct devmem_event ev[64];
	uint64_t bytes = 0;
	pthread_t other;
	void *sent;

	ok(devmem_attach(ring, pair.near, lab->binding, 0, NULL, &sock));
	assert_int_equal(pthread_create(&other, NULL, converse, &pair.far), 0);
	while (bytes < (uint64_t)MESSAGES * MIB) {
		const uint64_t messages = bytes / MIB;
		int n = ok(devmem_wait(ring, ev, 64, 5000));

		assert_true(n > 0);
		for (int i = 0; i < n; i++)
			bytes += ev[i].type <= DEVMEM_EVENT_HOST ? ev[i].length : 0;
		ok(devmem_release(ring, ev, (unsigned int)n));
		if (bytes / MIB > messages)
			assert_int_equal(send(pair.near, "", 1, MSG_NOSIGNAL), 1);
	}
	pthread_join(other, &sent);
	assert_int_equal((uintptr_t)sent, MESSAGES);
	print_message("%llu changes of marks\n", (unsigned long long)lab_stats(ring).lowat_changes);
	assert_true(lab_stats(ring).lowat_changes > 0); /* else this test shows nothing */
	assert_true(lab_stats(ring).lowat_changes <= MESSAGES / 2);
	devmem_detach(sock);
	lab_settle(ring);
	devmem_ring_close(ring);
	close_pair(pair);
}

/* The reader keeps every fragment until the buffer is empty and the sender stuck, then gives all
 * back. */
static void a_reader_that_keeps_everything_loses_nothing(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	static struct devmem_event kept[65536];
	struct lab_stream stream;
	struct lab_sender *sender;
	unsigned int n = 0;

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, 96 * MIB, 0, true);
	for (;;) {
		int got = ok(devmem_wait(ring, kept + n, 65536 - n, 500));

		if (!got)
			break;
		lab_check(lab, kept + n, got);
		n += (unsigned int)got;
	}
	assert_false(stream.ended);
	assert_true(stream.position > MIB);
	assert_true(lab_stats(ring).tokens_outstanding > (lab_copies() ? 0 : 256));
	ok(devmem_release(ring, kept, n));
	assert_true(lab_drain(ring, lab, &stream, 1));
	assert_true(lab_sent(sender));
	assert_int_equal(stream.position, 96 * MIB);
	devmem_detach(stream.sock);
	lab_settle(ring);
	devmem_ring_close(ring);
	close_pair(pair);
}

static void released_twice(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_stream stream;
	struct lab_sender *sender;
	struct devmem_event ev;

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, 1000, 0, true);
	assert_int_equal(ok(devmem_wait(ring, &ev, 1, 2000)), 1);
	assert_int_equal(ev.type, DEVMEM_EVENT_DATA);
	assert_int_equal(devmem_release(ring, &ev, 1), 0);
	assert_int_equal(devmem_release(ring, &ev, 1), -EINVAL);
	assert_true(lab_sent(sender));
	devmem_detach(stream.sock);
	lab_settle(ring);
	devmem_ring_close(ring);
	close_pair(pair);
}

/* Detached, descriptor closed, fragments still out: they stay readable until they are released. */
static void fragments_outlive_their_socket(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1));
	struct lab_pair pair = lab_connect(lab, false), other;
	struct lab_stream stream, next;
	struct devmem_event ev[16], late[16];
	struct lab_sender *sender;
	int n, m;

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, 60000, 0, false);
	n = ok(devmem_wait(ring, ev, 16, 2000));
	assert_true(n > 0);
	assert_true(lab_sent(sender));
	devmem_detach(stream.sock);
	close(pair.near);
	/* another connection takes what pages it can get */
	other = lab_connect(lab, false);
	lab_attach(ring, lab, other.near, &next);
	sender = lab_send(other.far, 64 * MIB, 0, true);
	while (!next.ended) {
		m = ok(devmem_wait(ring, late, 16, 2000));
		assert_true(m > 0);
		lab_check(lab, late, m);
		ok(devmem_release(ring, late, (unsigned int)m));
	}
	assert_true(lab_sent(sender));
	lab_check(lab, ev, n);
	ok(devmem_release(ring, ev, (unsigned int)n));
	devmem_detach(next.sock);
	lab_settle(ring);
	devmem_ring_close(ring);
	close(pair.far);
	close_pair(other);
}

/* Data of a socket that was detached while completions of it were waiting is discarded, not
 * leaked. */
static void detached_with_data_on_the_way(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1));
	struct lab_stream streams[8];
	struct lab_sender *senders[8];
	struct lab_pair pairs[8];
	struct devmem_event ev[4];
	int n, i;

	for (i = 0; i < 8; i++) {
		pairs[i] = lab_connect(lab, false);
		lab_attach(ring, lab, pairs[i].near, &streams[i]);
		senders[i] = lab_send(pairs[i].far, MIB, 0, false);
	}
	n = ok(devmem_wait(ring, ev, 4, 2000));
	assert_true(n > 0);
	for (i = 0; i < 8; i++) {
		devmem_detach(streams[i].sock);
		shutdown(pairs[i].near, SHUT_RDWR);
		close(pairs[i].near);
	}
	ok(devmem_release(ring, ev, (unsigned int)n));
	for (i = 0; i < 5; i++)
		assert_int_equal(ok(devmem_wait(ring, ev, 4, 20)), 0);
	assert_int_equal(lab_stats(ring).tokens_outstanding, 0);
	for (i = 0; i < 8; i++) {
		lab_sent(senders[i]);
		close(pairs[i].far);
	}
	devmem_ring_close(ring);
}

static void a_reset_is_an_error_after_what_came_before(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct linger hard = { .l_onoff = 1 };
	struct lab_stream stream;
	struct lab_sender *sender;

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, 100000, 0, false); /* fits into the socket: nobody reads yet */
	assert_true(lab_sent(sender));
	setsockopt(pair.far, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(pair.far);
	assert_true(lab_drain(ring, lab, &stream, 1));
	assert_int_equal(stream.error, -ECONNRESET);
	devmem_detach(stream.sock);
	lab_settle(ring);
	devmem_ring_close(ring);
	close(pair.near);
}

/* Both are there before the ring looks: a receive that was armed takes the bytes, and the reset
 * must not be missed. */
static void a_reset_right_behind_the_data(void **state)
{
	struct lab *lab = *state;
	struct linger hard = { .l_onoff = 1 };
	struct devmem_event ev[4];

	for (int round = 0; round < 3; round++) {
		struct devmem_ring *ring = lab_ring(NULL);
		struct lab_pair pair = lab_connect(lab, false);
		struct lab_stream stream;

		lab_attach(ring, lab, pair.near, &stream);
		assert_int_equal(ok(devmem_wait(ring, ev, 4, 0)), 0);
		assert_true(lab_sent(lab_send(pair.far, 1000, 0, false)));
		setsockopt(pair.far, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(pair.far);
		usleep(100000); /* so that the reset has come too */
		assert_true(lab_drain(ring, lab, &stream, 1));
		assert_int_equal(stream.error, -ECONNRESET);
		devmem_detach(stream.sock);
		lab_settle(ring);
		devmem_ring_close(ring);
		close(pair.near);
	}
}

/* Several break together: each ERROR event is the last of its wait, and the error message is about
 * it. */
static void each_error_has_its_message(void **state)
{
	enum { MANY = 4 };
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct linger hard = { .l_onoff = 1 };
	struct lab_stream streams[MANY];
	struct lab_pair pairs[MANY];
	struct devmem_event ev[16];
	unsigned int errors = 0;

	for (unsigned int i = 0; i < MANY; i++) {
		pairs[i] = lab_connect(lab, false);
		lab_attach(ring, lab, pairs[i].near, &streams[i]);
	}
	assert_int_equal(ok(devmem_wait(ring, ev, 16, 0)), 0);
	for (unsigned int i = 0; i < MANY; i++) {
		setsockopt(pairs[i].far, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(pairs[i].far);
	}
	usleep(100000); /* so that all resets have come, and one wait finds them */
	while (errors < MANY) {
		int n = ok(devmem_wait(ring, ev, 16, 5000));

		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			if (ev[i].type != DEVMEM_EVENT_ERROR)
				continue;
			assert_int_equal(i, n - 1);
			assert_int_equal(ev[i].result, -ECONNRESET);
			assert_string_equal(devmem_error(), "the connection broke: Connection "
							    "reset by peer");
			/* another message */
			assert_int_equal(devmem_watch(ring, -1, 0), -EBADF);
			errors++;
		}
	}
	for (unsigned int i = 0; i < MANY; i++) {
		devmem_detach(streams[i].sock);
		close(pairs[i].near);
	}
	devmem_ring_close(ring);
}

static void closing_the_ring_gives_everything_back(void **state)
{
	struct lab *lab = *state;

	for (int round = 0; round < 5; round++) {
		struct devmem_ring *ring = lab_ring(NULL);
		struct lab_pair pair = lab_connect(lab, false);
		struct lab_stream stream;
		struct lab_sender *sender;
		struct devmem_event ev[64];

		lab_attach(ring, lab, pair.near, &stream);
		/* nothing is released: five rounds of this are more than the buffer holds */
		sender = lab_send(pair.far, 12 * MIB, 0, false);
		while (stream.position < 8 * MIB) {
			int n = ok(devmem_wait(ring, ev, 64, 3000));

			assert_true(n > 0);
			lab_check(lab, ev, n);
		}
		shutdown(pair.near, SHUT_RD);
		devmem_ring_close(ring);
		shutdown(pair.far, SHUT_RDWR);
		close(pair.near);
		lab_sent(sender);
		close(pair.far);
	}
}

struct releaser {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct devmem_ring *ring;
	struct devmem_event ev[4096];
	unsigned int n;
	bool stop;
};

static void *release_elsewhere(void *arg)
{
	struct releaser *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->stop || r->n) {
		if (!r->n) {
			pthread_cond_wait(&r->more, &r->lock);
			continue;
		}
		devmem_release(r->ring, r->ev, r->n);
		r->n = 0;
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* As a GPU's completion thread does. The buffer is small, so that the ring sleeps until fragments
 * come back. */
static void released_by_another_thread(void **state)
{
	struct lab *lab = *state;
	struct releaser r = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_stream stream;
	struct lab_sender *sender;

	r.ring = lab_ring(NULL);
	pthread_create(&r.thread, NULL, release_elsewhere, &r);
	lab_attach(r.ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, 64 * MIB, 0, true);
	while (!stream.ended) {
		struct devmem_event ev[128];
		int n = ok(devmem_wait(r.ring, ev, 128, 3000));

		assert_true(n > 0);
		lab_check(lab, ev, n);
		pthread_mutex_lock(&r.lock);
		if (r.n + (unsigned int)n > 4096) {
			devmem_release(r.ring, r.ev, r.n);
			r.n = 0;
		}
		memcpy(r.ev + r.n, ev, (size_t)n * sizeof(ev[0]));
		r.n += (unsigned int)n;
		pthread_cond_signal(&r.more);
		pthread_mutex_unlock(&r.lock);
	}
	pthread_mutex_lock(&r.lock);
	r.stop = true;
	pthread_cond_signal(&r.more);
	pthread_mutex_unlock(&r.lock);
	pthread_join(r.thread, NULL);
	assert_true(lab_sent(sender));
	assert_int_equal(stream.position, 64 * MIB);
	devmem_detach(stream.sock);
	lab_settle(r.ring);
	devmem_ring_close(r.ring);
	close_pair(pair);
}

static void unsplit_packets_are_copied_and_counted(void **state)
{
	struct lab *lab = *state;
	struct devmem_stats st;

	lab_cannot("lo", "loopback has no packets to split, and no faults");
	lab_cannot_copy("the NIC is asked to split nothing");
	lab_fault("nosplit_every", 7);
	st = transfer(lab, NULL, 2, 4 * MIB, false, false);
	lab_fault("nosplit_every", 0);
	print_message("%llu bytes unsplit\n",
		      (unsigned long long)(st.bytes_linear + st.bytes_plain));
	assert_true(st.bytes_linear + st.bytes_plain > 0);
	assert_true(st.bytes_device > 0);
	if (lab_in("zcrx"))
		assert_true(st.fallbacks > 0);
}

static void drops_and_reordering(void **state)
{
	struct lab *lab = *state;

	lab_cannot("lo", "loopback has no faults");
	lab_fault("drop_every", 97);
	lab_fault("reorder_every", 53);
	transfer(lab, NULL, 4, 4 * MIB, false, true);
	lab_fault("drop_every", 0);
	lab_fault("reorder_every", 0);
}

static void the_queue_is_one_of_the_bound_ones(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_stream stream;
	struct lab_sender *sender;
	uint32_t queues[2];
	unsigned int n;
	int queue;

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, 100000, 0, true);
	assert_true(lab_drain(ring, lab, &stream, 1));
	assert_true(lab_sent(sender));
	n = devmem_binding_queues(lab->binding, queues, 2);
	assert_int_equal(n, lab_copies() ? 0 : lab_in("zcrx") ? 1 : 2);
	devmem_feature(NULL);
	queue = devmem_sock_queue(stream.sock);
	if (queue == -EAGAIN) /* an answer, and no error */
		assert_string_equal(devmem_error(), "devmem_feature: no name");
	if (lab_copies()) /* there is none to name; on loopback there is no NAPI either */
		assert_int_equal(queue, lab_in("lo") ? -EAGAIN : -ENOENT);
	else
		assert_true(queue == (int)queues[0] || (n == 2 && queue == (int)queues[1]));
	devmem_detach(stream.sock);
	lab_settle(ring);
	devmem_ring_close(ring);
	close_pair(pair);
}

/* Everything closed in the wrong order: what is still needed stays, and goes when it is not. */
static void closed_in_any_order(void **state)
{
	char *before = lab_nic_view();
	unsigned int fds = lab_open_fds();
	struct devmem_event ev[16];
	struct lab_stream stream;
	struct devmem_ring *ring;
	struct lab_sender *sender;
	struct lab_pair pair;
	struct lab lab;
	int n;

	(void)state;
	lab_open(&lab, 4 * MIB, 1);
	pair = lab_connect(&lab, false);
	ring = lab_ring(NULL);
	lab_attach(ring, &lab, pair.near, &stream);
	lab_close(&lab); /* the listener, the NIC, the binding, the buffer */
	sender = lab_send(pair.far, 20000, 0, false);
	n = ok(devmem_wait(ring, ev, 16, 2000));
	assert_true(n > 0);
	assert_int_equal(ev[0].type, DEVMEM_EVENT_DATA);
	devmem_detach(stream.sock);
	ok(devmem_release(ring, ev, (unsigned int)n));
	for (int i = 0; i < 3; i++)
		ok(devmem_wait(ring, ev, 16, 20));
	/* nothing is undone on the way of the data: the last fragment is back, and the next call
	 * that may wait does it */
	devmem_ring_close(ring);
	assert_true(lab_same_view(before));
	lab_sent(sender);
	close_pair(pair);
	assert_int_equal(lab_open_fds(), fds);
	free(before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(one_stream),
		TEST(ipv6),
		TEST(sixty_four_streams),
		TEST(without_merging),
		TEST(busy_polling),
		TEST(two_receive_buffers_for_sixteen_streams),
		TEST(an_array_of_one),
		TEST(a_tail_is_not_held_back),
		TEST(messages_that_are_answered_are_seldom_held_back),
		TEST(a_reader_that_keeps_everything_loses_nothing),
		TEST(released_twice),
		TEST(fragments_outlive_their_socket),
		TEST(detached_with_data_on_the_way),
		TEST(a_reset_is_an_error_after_what_came_before),
		TEST(a_reset_right_behind_the_data),
		TEST(each_error_has_its_message),
		TEST(closing_the_ring_gives_everything_back),
		TEST(released_by_another_thread),
		TEST(unsplit_packets_are_copied_and_counted),
		TEST(drops_and_reordering),
		TEST(the_queue_is_one_of_the_bound_ones),
		cmocka_unit_test(closed_in_any_order),
	};

	lab_begin(argc, argv);
	return lab_run("receive", tests, NULL, NULL);
}
