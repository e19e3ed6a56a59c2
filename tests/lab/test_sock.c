// SPDX-License-Identifier: MIT
/*
 * One socket: its counters and engine, the program's own recv() before it is attached and after it
 * is detached, and signals while it is waited for.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

#define MIB   (1u << 20)
#define HANGS 20000 /* ms: for what would sleep for ever */

struct one {
	struct lab lab;
	struct devmem_ring *ring;
	struct lab_pair pair;
	struct lab_stream stream;
};

/* The queue belongs to the ring before anything comes, also with engine zcrx. */
static void open_one(struct one *o)
{
	memset(o, 0, sizeof(*o));
	lab_open(&o->lab, 8 * MIB, 1);
	o->ring = lab_ring(NULL);
	ok(devmem_ring_prepare(o->ring, o->lab.binding));
	o->pair = lab_connect(&o->lab, false);
}

static void close_one(struct one *o)
{
	devmem_ring_close(o->ring);
	lab_close_pair(o->pair);
	lab_close(&o->lab);
}

static void peer_sends(struct one *o, uint64_t from, size_t n)
{
	size_t some;
	const unsigned char *p = pattern_at(from, n, &some);

	assert_int_equal(some, n);
	assert_int_equal(send(o->pair.far, p, n, 0), n);
}

static struct devmem_sock_counters stats_of(const struct devmem_sock *sock)
{
	struct devmem_sock_counters st = { .size = sizeof(st) };

	ok(devmem_sock_stats(sock, &st));
	return st;
}

/* ---------------------------------------------------------------------------- counters, engine */

static uint64_t bytes_of(const struct devmem_sock_counters *st)
{
	return st->bytes_device + st->bytes_linear + st->bytes_plain;
}

static void each_socket_counts_its_own(void **state)
{
	struct devmem_sock_counters a, b;
	struct lab_stream second = { 0 };
	struct lab_sender *sender[2];
	struct devmem_stats all;
	struct lab_pair pair;
	struct one o;

	(void)state;
	open_one(&o);
	pair = lab_connect(&o.lab, true);
	lab_attach(o.ring, &o.lab, o.pair.near, &o.stream);
	lab_attach(o.ring, &o.lab, pair.near, &second);
	sender[0] = lab_send(o.pair.far, 100000, 0, true);
	sender[1] = lab_send(pair.far, 300000, 0, true);
	lab_receive_end(o.ring, &o.lab, &o.stream, NULL);
	lab_receive_end(o.ring, &o.lab, &second, NULL);
	assert_true(lab_sent(sender[0]) && lab_sent(sender[1]));
	a = stats_of(o.stream.sock);
	b = stats_of(second.sock);
	assert_int_equal(bytes_of(&a), 100000);
	assert_int_equal(bytes_of(&b), 300000);
	assert_int_equal(a.fragments_out + b.fragments_out, 0);
	assert_int_equal(a.sends + a.bytes_sent + a.sends_outstanding, 0);
	all = lab_stats(o.ring);
	assert_int_equal(all.fragments, a.fragments + b.fragments);
	assert_int_equal(all.descriptors, a.descriptors + b.descriptors);
	/* what a socket counted stays with the ring */
	devmem_detach(second.sock);
	lab_settle(o.ring);
	assert_int_equal(lab_stats(o.ring).fragments, all.fragments);
	assert_int_equal(lab_stats(o.ring).bytes_device, all.bytes_device);
	assert_int_equal(lab_stats(o.ring).bytes_plain, all.bytes_plain);
	lab_close_pair(pair);
	close_one(&o);
}

static void sends_and_what_is_held_count(void **state)
{
	struct devmem_binding *tx;
	struct devmem_event ev;
	struct one o;
	int n = 0;

	(void)state;
	open_one(&o);
	ok(devmem_bind_tx(NULL, o.lab.buffer, NULL, &tx));
	lab_attach(o.ring, &o.lab, o.pair.near, &o.stream);
	ok(devmem_send(o.stream.sock, tx, &(struct devmem_range){ 0, 500 }, 1, 7));
	assert_int_equal(stats_of(o.stream.sock).sends, 1);
	assert_int_equal(stats_of(o.stream.sock).sends_outstanding, 1);
	while (!n || ev.type != DEVMEM_EVENT_SENT)
		n = ok(devmem_wait(o.ring, &ev, 1, HANGS));
	assert_int_equal(stats_of(o.stream.sock).sends_outstanding, 0);
	assert_int_equal(stats_of(o.stream.sock).bytes_sent_copied, 500);
	peer_sends(&o, 0, 200);
	assert_int_equal(ok(devmem_wait(o.ring, &ev, 1, HANGS)), 1);
	assert_int_equal(ev.type, DEVMEM_EVENT_DATA);
	assert_int_equal(stats_of(o.stream.sock).fragments_out, 1);
	ok(devmem_release(o.ring, &ev, 1));
	assert_int_equal(stats_of(o.stream.sock).fragments_out, 0);
	devmem_binding_close(tx);
	close_one(&o);
}

static void its_size_says_what_is_filled_in(void **state)
{
	struct {
		struct devmem_sock_counters known;
		uint64_t newer;
	} bigger = { .newer = 5 };
	struct one o;

	(void)state;
	open_one(&o);
	lab_attach(o.ring, &o.lab, o.pair.near, &o.stream);
	assert_int_equal(devmem_sock_stats(o.stream.sock, &bigger.known), -EINVAL);
	assert_non_null(strstr(devmem_error(), "set its size"));
	bigger.known.size = sizeof(bigger);
	ok(devmem_sock_stats(o.stream.sock, &bigger.known));
	assert_int_equal(bigger.newer, 0);
	assert_int_equal(bigger.known.size, sizeof(struct devmem_sock_counters));
	close_one(&o);
}

/* The ring tells of the one that was attached last. */
static void each_socket_has_its_engine(void **state)
{
	struct devmem_sock *without;
	struct lab_pair pair;
	const char *why;
	struct one o;

	(void)state;
	lab_cannot("zcrx", "a ring of zcrx takes no socket without a binding");
	if (lab_in("zcrx"))
		return;
	memset(&o, 0, sizeof(o));
	lab_open(&o.lab, 8 * MIB, 1);
	ok(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts,
					.engine = lab_in("syscall") ? "syscall" : NULL),
			    &o.ring));
	o.pair = lab_connect(&o.lab, false);
	pair = lab_connect(&o.lab, false);
	lab_attach(o.ring, &o.lab, o.pair.near, &o.stream);
	ok(devmem_attach(o.ring, pair.near, NULL, 2, NULL, &without));
	assert_string_equal(devmem_sock_engine(o.stream.sock, &why), lab_engine());
	assert_null(strstr(why, "has no binding"));
	assert_string_equal(devmem_sock_engine(without, &why),
			    lab_in("syscall") ? "syscall" : "copy");
	assert_non_null(strstr(why, "has no binding"));
	assert_string_equal(devmem_ring_engine(o.ring, NULL), devmem_sock_engine(without, NULL));
	lab_close_pair(pair);
	close_one(&o);
}

/* --------------------------------------------------------------------------------- plain recv() */

static void await_bytes(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, HANGS), 1);
}

/* What a NIC wrote to device memory no recv() can read, and it stays where it is. */
static bool plain_recv(struct one *o, uint64_t from, size_t n)
{
	unsigned char got[512];
	size_t some;

	await_bytes(o->pair.near);
	if (!lab_copies()) {
		assert_int_equal(recv(o->pair.near, got, n, MSG_DONTWAIT), -1);
		assert_int_equal(errno, EFAULT);
		return false;
	}
	assert_int_equal(recv(o->pair.near, got, n, MSG_WAITALL), n);
	assert_memory_equal(got, pattern_at(from, n, &some), n);
	return true;
}

/* Bytes that recv() had are not in the stream that the library gives. */
static void receive_up_to(struct one *o, uint64_t bytes)
{
	lab_receive(o->ring, &o->lab, &o->stream, bytes);
	assert_int_equal(o->stream.position, bytes);
}

static void plain_recv_before_and_after(void **state)
{
	struct one o;

	(void)state;
	open_one(&o);
	peer_sends(&o, 0, 300);
	if (plain_recv(&o, 0, 300))
		o.stream.position = 300;
	for (unsigned int i = 1; i < 10; i++) {
		const uint64_t before = o.stream.position;

		lab_attach(o.ring, &o.lab, o.pair.near, &o.stream);
		o.stream.position = before;
		peer_sends(&o, i * 600 - 300, 300);
		receive_up_to(&o, i * 600);
		devmem_detach(o.stream.sock);
		/* the ring has let go of the connection: nothing that comes now is lost in it */
		peer_sends(&o, i * 600, 300);
		if (plain_recv(&o, i * 600, 300))
			o.stream.position = i * 600 + 300;
	}
	close_one(&o);
}

/* ------------------------------------------------------------------------------------- signals */

static atomic_bool stop;

static void on_signal(int number)
{
	(void)number;
}

static void *send_signals(void *arg)
{
	const pthread_t *to = arg;

	while (!atomic_load(&stop)) {
		pthread_kill(*to, SIGUSR1);
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	}
	return NULL;
}

/* The loop of devmem_wait(3): EINTR ends nothing, and nothing is lost. A handler with SA_RESTART
 * interrupts as well. */
static void signals_lose_nothing(void **state)
{
	const int restart[] = { 0, SA_RESTART };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct sigaction act = { .sa_handler = on_signal, .sa_flags = restart[i] }, before;
		pthread_t self = pthread_self(), thread;
		struct lab_sender *sender = NULL;
		unsigned int interrupted = 0;
		struct devmem_event ev[16];
		struct one o;
		int n;

		open_one(&o);
		lab_attach(o.ring, &o.lab, o.pair.near, &o.stream);
		atomic_store(&stop, false);
		sigaction(SIGUSR1, &act, &before);
		assert_int_equal(pthread_create(&thread, NULL, send_signals, &self), 0);
		while ((n = devmem_wait(o.ring, ev, 16, -1)) > 0 || n == -EINTR) {
			/* bytes come only when the wait was interrupted */
			if (n < 0 && !interrupted++)
				sender = lab_send(o.pair.far, 2 * MIB, 0, true);
			if (n < 0)
				continue;
			lab_check(&o.lab, ev, n);
			ok(devmem_release(o.ring, ev, (unsigned int)n));
			if (o.stream.ended)
				break;
		}
		atomic_store(&stop, true);
		pthread_join(thread, NULL);
		sigaction(SIGUSR1, &before, NULL);
		assert_true(n > 0);
		assert_true(interrupted > 0);
		assert_true(lab_sent(sender));
		assert_int_equal(o.stream.position, 2 * MIB);
		close_one(&o);
	}
}

/* lab_sock [PATTERN]: the tests whose names match. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(each_socket_counts_its_own),	   LAB_TEST(sends_and_what_is_held_count),
		LAB_TEST(its_size_says_what_is_filled_in), LAB_TEST(each_socket_has_its_engine),
		LAB_TEST(plain_recv_before_and_after),	   LAB_TEST(signals_lose_nothing),
	};

	lab_begin(argc, argv);
	return lab_run("sock", tests, NULL, NULL);
}
