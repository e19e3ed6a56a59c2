// SPDX-License-Identifier: MIT
/* The options of a socket that the library had for a while are as they were when the program gets
 * it back. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB	 (1u << 20)
#define BUF_LOCK 72 /* SO_BUF_LOCK, which older headers lack */
#define OWN_MARK 1000

static const int names[] = { SO_RCVLOWAT, SO_RCVBUF,	BUF_LOCK,	    SO_SNDBUF,
			     SO_ZEROCOPY, SO_BUSY_POLL, SO_PREFER_BUSY_POLL };
#define NAMES (sizeof(names) / sizeof(names[0]))

static void look(int fd, int value[NAMES])
{
	for (unsigned int i = 0; i < NAMES; i++) {
		socklen_t len = sizeof(value[i]);

		value[i] = -1;
		getsockopt(fd, SOL_SOCKET, names[i], &value[i], &len);
	}
}

static void expect_as_before(int fd, const int before[NAMES])
{
	int now[NAMES];

	look(fd, now);
	for (unsigned int i = 0; i < NAMES; i++)
		if (now[i] != before[i])
			fail_msg("option %d is %d, and was %d", names[i], now[i], before[i]);
}

static void own_options(int fd, bool all)
{
	const int mark = OWN_MARK, buffer = 50000;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark)), 0);
	if (all)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
}

static void what_attach_was_asked_to_set(void **state)
{
	struct devmem_attach_opts o = { .size = sizeof(o), .lowat = 100000, .max_fragments = 8 };
	struct lab *lab = *state;

	for (int i = 0; i < 8; i++) {
		struct devmem_ring *ring = lab_ring(NULL);
		struct lab_pair pair = lab_connect(lab, i & 1);
		int before[NAMES], mark = 0;
		socklen_t len = sizeof(mark);
		struct devmem_event ev[1];
		struct lab_stream stream;

		if (i & 2)
			own_options(pair.near, i & 4);
		look(pair.near, before);
		lab_attach_opts(ring, lab, pair.near, &stream, &o);
		assert_int_equal(getsockopt(pair.near, SOL_SOCKET, SO_RCVLOWAT, &mark, &len), 0);
		/* no more than half of a buffer that the program set */
		assert_true(mark >= 50000);
		ok(devmem_wait(ring, ev, 1, 0));
		if (i & 1)
			devmem_detach(stream.sock);
		else
			devmem_ring_close(ring);
		expect_as_before(pair.near, before);
		if (i & 1) {
			ok(devmem_wait(ring, ev, 1, 5));
			expect_as_before(pair.near, before);
			devmem_ring_close(ring);
		}
		close(pair.near);
		close(pair.far);
	}
}

/* Of a stream marks are set that nobody asked for; one of them when the program lets go, and not
 * yet handed in. */
static void marks_that_the_library_sets(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_sender *sender;
	struct devmem_event ev[64];
	struct lab_stream stream;
	int mark = 0;
	socklen_t len = sizeof(mark);

	own_options(pair.near, false);
	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, 1024 * MIB, 0, false);
	while (!lab_stats(ring).lowat_changes) {
		int n = ok(devmem_wait(ring, ev, 64, 5000));

		assert_true(n > 0);
		lab_check(lab, ev, n);
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
	devmem_detach(stream.sock);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(getsockopt(pair.near, SOL_SOCKET, SO_RCVLOWAT, &mark, &len), 0);
		assert_int_equal(mark, OWN_MARK);
		ok(devmem_wait(ring, ev, 64, 5));
	}
	devmem_ring_close(ring);
	close(pair.near);
	assert_false(lab_sent(sender));
	close(pair.far);
}

/* Before anything was sent; afterwards it says that numbers were given. */
static void sending_without_a_copy(void **state)
{
	const struct devmem_range range = { 0, 1000 };
	struct lab *lab = *state;
	struct devmem_binding *binding;

	lab_cannot_copy("it does not set the option");
	ok(devmem_bind_tx(NIC, lab->buffer, DEVMEM_OPTS(devmem_bind_tx_opts, .engine = "devmem"),
			  &binding));
	for (int sends = 0; sends < 2; sends++) {
		struct devmem_ring *ring = lab_ring(NULL);
		struct lab_pair pair = lab_connect(lab, false);
		struct devmem_event ev[4];
		int before[NAMES], on = 0;
		socklen_t len = sizeof(on);
		struct lab_stream stream;

		look(pair.near, before);
		lab_attach(ring, lab, pair.near, &stream);
		ok(devmem_send(stream.sock, binding, &range, 1, 0));
		assert_int_equal(getsockopt(pair.near, SOL_SOCKET, SO_ZEROCOPY, &on, &len), 0);
		assert_int_equal(on, 1);
		if (sends)
			assert_int_equal(ok(devmem_wait(ring, ev, 4, 5000)), 1);
		devmem_detach(stream.sock);
		devmem_wait(ring, ev, 4, 5);
		assert_int_equal(getsockopt(pair.near, SOL_SOCKET, SO_ZEROCOPY, &on, &len), 0);
		assert_int_equal(on, sends);
		devmem_ring_close(ring);
		close(pair.near);
		close(pair.far);
	}
	devmem_binding_close(binding);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_set_up, lab_tear_down)

/* lab_options [PATTERN]: the tests whose names match. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(what_attach_was_asked_to_set),
		TEST(marks_that_the_library_sets),
		TEST(sending_without_a_copy),
	};

	lab_begin(argc, argv);
	return lab_run("options", tests, NULL, NULL);
}
