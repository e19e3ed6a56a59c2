// SPDX-License-Identifier: MIT
/* How streams end: what came before an end or a reset is there to the last byte, and neither of the
 * two is missed. */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB (1u << 20)

static int tcp_state(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_state;
}

/* Waits for the peer's FIN to be there. */
static void wait_for_fin(int fd)
{
	for (int i = 0; i < 10000; i++) {
		if (tcp_state(fd) == TCP_CLOSE_WAIT)
			return;
		usleep(1000);
	}
	fail_msg("no FIN came");
}

static void fin_with_data_still_queued(void **state)
{
	struct lab *lab = *state;
	struct devmem_event ev[8];

	for (unsigned int mode = 0; mode < (lab_in("lo") ? 2 : 4); mode++) {
		struct devmem_ring *ring =
			lab_ring(mode & 2 ? DEVMEM_OPTS(devmem_ring_opts, .merge = 1) : NULL);
		struct lab_pair pair = lab_connect(lab, mode & 1);
		struct lab_stream stream;
		bool mixed = mode & 2;

		if (mixed)
			lab_fault("nosplit_every", 3);
		assert_true(lab_sent(lab_send(pair.far, 60000, 0, true)));
		wait_for_fin(pair.near);
		lab_attach(ring, lab, pair.near, &stream);
		while (!stream.ended) {
			int n = ok(devmem_wait(ring, ev, 8, 5000));

			assert_true(n > 0);
			lab_check(lab, ev, n);
			ok(devmem_release(ring, ev, (unsigned int)n));
		}
		assert_int_equal(stream.error, 0);
		assert_int_equal(stream.position, 60000);
		if (mixed && !lab_copies())
			assert_true(stream.host > 0);
		lab_settle(ring); /* and END comes once */
		assert_int_equal(lab_leaked(pair.near), 0);
		devmem_detach(stream.sock);
		devmem_ring_close(ring);
		close(pair.near);
		close(pair.far);
	}
}

/* Everything is sent before anybody attaches, by many, and the buffers are few. */
static void fins_of_many_wait_behind_few_buffers(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring;
	struct lab_stream streams[16];
	struct lab_pair pairs[16];

	lab_cannot("lo", "loopback has no faults");
	lab_cannot_copy("it has no receive buffers; it waits behind few chunks in test_copy.c");
	ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .buffers = 1, .buffer_bytes = 4096));
	lab_fault("misroute_every", 2);
	for (int i = 0; i < 16; i++) {
		pairs[i] = lab_connect(lab, i & 1);
		assert_true(lab_sent(lab_send(pairs[i].far, 40000, 0, true)));
	}
	for (int i = 0; i < 16; i++) {
		wait_for_fin(pairs[i].near);
		lab_attach(ring, lab, pairs[i].near, &streams[i]);
	}
	assert_true(lab_drain(ring, lab, streams, 16));
	assert_true(lab_stats(ring).no_buffers > 0);
	assert_true(lab_stats(ring).bytes_plain > 0);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(streams[i].error, 0);
		assert_int_equal(streams[i].position, 40000);
		devmem_detach(streams[i].sock);
		close(pairs[i].near);
		close(pairs[i].far);
	}
	lab_settle(ring);
	devmem_ring_close(ring);
}

static void wait_for_close(int fd)
{
	for (int i = 0; i < 10000 && tcp_state(fd) != TCP_CLOSE; i++)
		usleep(1000);
	assert_int_equal(tcp_state(fd), TCP_CLOSE);
}

/* It is attached when it is over: its bytes are there, and then what recv() would say. */
static void expect_over(struct lab *lab, const struct lab_pair *pair, uint64_t bytes, int error)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_stream stream;

	wait_for_close(pair->near);
	lab_attach(ring, lab, pair->near, &stream);
	assert_true(lab_drain(ring, lab, &stream, 1));
	assert_int_equal(stream.position, bytes);
	assert_int_equal(stream.error, error);
	lab_settle(ring);
	assert_int_equal(lab_leaked(pair->near), 0);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	close(pair->near);
	close(pair->far);
}

static void reset_before_it_is_attached(void **state)
{
	struct lab *lab = *state;

	for (int i = 0; i < 4; i++) {
		struct lab_pair pair = lab_connect(lab, i & 1);
		const uint64_t bytes = i & 2 ? 50000 : 0;

		assert_true(lab_sent(lab_send(pair.far, bytes, 0, false)));
		for (int sent = 1; sent;) {
			usleep(1000);
			assert_int_equal(ioctl(pair.far, SIOCOUTQ, &sent), 0);
		}
		lab_reset(pair.far);
		expect_over(lab, &pair, bytes, -ECONNRESET);
	}
}

/* We ended first, and the peer answered and did so too. */
static void answered_and_closed_before_it_is_attached(void **state)
{
	struct lab *lab = *state;

	for (int i = 0; i < 2; i++) {
		struct lab_pair pair = lab_connect(lab, i);

		shutdown(pair.near, SHUT_WR);
		wait_for_fin(pair.far);
		assert_true(lab_sent(lab_send(pair.far, 50000, 0, true)));
		expect_over(lab, &pair, 50000, 0);
	}
}

static void no_connection_is_refused(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_sock *sock = (void *)1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned int fds = lab_open_fds();

	assert_int_equal(devmem_attach(ring, fd, lab->binding, 0, NULL, &sock), -ENOTCONN);
	assert_int_equal(devmem_attach(ring, lab->listener, lab->binding, 0, NULL, &sock),
			 -ENOTCONN);
	assert_ptr_equal(sock, (void *)1);
	assert_int_equal(lab_open_fds(), fds);
	devmem_ring_close(ring);
	close(fd);
}

static void reset_at_once(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, true);
	struct lab_stream stream;

	lab_attach(ring, lab, pair.near, &stream);
	lab_reset(pair.far);
	assert_true(lab_drain(ring, lab, &stream, 1));
	assert_int_equal(stream.error, -ECONNRESET);
	lab_settle(ring);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
}

/*
 * What was received before stays valid, and goes back like any other. Host bytes are not kept: they
 * lie in receive buffers, and without one nothing more is received.
 */
static void reset_in_mid_stream(void **state)
{
	struct lab *lab = *state;
	static struct devmem_event ev[65536];

	for (unsigned int round = 0; round < (lab_in("lo") ? 2 : 6); round++) {
		struct devmem_ring *ring = lab_ring(NULL);
		struct lab_pair pair = lab_connect(lab, round & 1);
		bool mixed = round & 2, reset = false;
		struct lab_sender *sender;
		struct lab_stream stream;
		unsigned int n = 0;

		lab_attach(ring, lab, pair.near, &stream);
		if (!lab_in("lo"))
			lab_fault("nosplit_every", mixed ? 4 : 0);
		sender = lab_send(pair.far, 512 * MIB, 0, true);
		while (!stream.ended) {
			int got = ok(devmem_wait(ring, ev + n, 65536 - n, 10000));

			if (!got)
				fail_msg("round %u: nothing after %llu bytes, %u events; reset %d, "
					 "state %d",
					 round, (unsigned long long)stream.position, n, reset,
					 tcp_state(pair.near));
			lab_check(lab, ev + n, got);
			if (mixed)
				ok(devmem_release(ring, ev, (unsigned int)got));
			else
				n += (unsigned int)got;
			if (stream.position > round * MIB && !reset) {
				lab_reset(pair.far);
				reset = true;
			}
		}
		assert_int_equal(stream.error, -ECONNRESET);
		assert_true(stream.position > round * MIB);
		assert_int_equal(!stream.host, !mixed || lab_copies());
		assert_false(lab_sent(sender));
		/* the same bytes once more, now that the connection is gone */
		stream.position = 0;
		stream.ended = false;
		lab_check(lab, ev, (int)n);
		ok(devmem_release(ring, ev, n));
		lab_settle(ring);
		assert_int_equal(lab_leaked(pair.near), 0);
		devmem_detach(stream.sock);
		devmem_ring_close(ring);
		close(pair.near);
		close(pair.far);
	}
}

/*
 * A receive is armed, and before the ring looks again much data has come and the end behind it:
 * more than the kernel takes at a time.
 */
static void an_end_behind_much_data_is_not_missed(void **state)
{
	const int room = 8 * MIB;
	struct lab *lab = *state;
	struct devmem_event ev[64];

	lab_cannot("lo", "so large a receive buffer takes a privilege");

	for (int reset = 0; reset < 2; reset++) {
		struct devmem_ring *ring = lab_ring(NULL);
		struct lab_pair pair;
		struct lab_stream stream;

		assert_int_equal(setsockopt(lab->listener, SOL_SOCKET, SO_RCVBUFFORCE, &room,
					    sizeof(room)),
				 0);
		pair = lab_connect(lab, false);
		lab_attach(ring, lab, pair.near, &stream);
		assert_int_equal(ok(devmem_wait(ring, ev, 64, 0)), 0);
		assert_true(lab_sent(lab_send(pair.far, 3 * MIB, 0, !reset)));
		for (int i = 0, sent = 1; i < 5000 && sent; i++) {
			assert_int_equal(ioctl(pair.far, SIOCOUTQ, &sent), 0);
			usleep(1000);
		}
		if (reset)
			lab_reset(pair.far);
		usleep(200000);
		if (!lab_drain(ring, lab, &stream, 1))
			fail_msg("%s was missed after %llu bytes; state %d",
				 reset ? "a reset" : "the end", (unsigned long long)stream.position,
				 tcp_state(pair.near));
		assert_int_equal(stream.error, reset ? -ECONNRESET : 0);
		devmem_detach(stream.sock);
		lab_settle(ring);
		devmem_ring_close(ring);
		close(pair.near);
		close(pair.far);
	}
}

/* After END nothing comes any more, not even an error. */
static void reset_after_fin(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_sender *sender;
	struct lab_stream stream;

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, MIB, 0, true);
	assert_true(lab_drain(ring, lab, &stream, 1));
	assert_true(lab_sent(sender));
	assert_int_equal(stream.error, 0);
	lab_reset(pair.far);
	lab_settle(ring);
	lab_settle(ring);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_set_up, lab_tear_down)

/* lab_ends [PATTERN]: the tests whose names match. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(fin_with_data_still_queued),
		TEST(reset_before_it_is_attached),
		TEST(answered_and_closed_before_it_is_attached),
		TEST(no_connection_is_refused),
		TEST(reset_at_once),
		TEST(reset_in_mid_stream),
		TEST(an_end_behind_much_data_is_not_missed),
		TEST(reset_after_fin),
		TEST(fins_of_many_wait_behind_few_buffers),
	};

	lab_begin(argc, argv);
	return lab_run("ends", tests, NULL, NULL);
}
