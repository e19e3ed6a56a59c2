// SPDX-License-Identifier: MIT
/*
 * A ring that lets completions come together. It sleeps by ppoll(), which is ours here and takes no
 * time: what happens meanwhile is done by the test. Engine syscall waits by ppoll() too, on another
 * descriptor.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ring/loop.h"
#include "unit.h"

#define COALESCE_US 100000u

struct fixture {
	struct devmem_ring *ring;
	int near[2], far[2];
	/* a bit for each connection: a byte comes there while the ring sleeps */
	unsigned int send_to;
	bool wake, interrupt; /* what else happens then */
	unsigned int slept;   /* so often ... */
	uint64_t longest;     /* ... and so long at most, ns */
};

static struct fixture f;

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	uint64_t ns;

	(void)mask;
	assert_int_equal(n, 1);
	if (fds->fd != f.ring->wake.fd)
		return poll(fds, 1,
			    timeout ? (int)(timeout->tv_sec * 1000 +
					    (timeout->tv_nsec + 999999) / 1000000)
				    : -1);
	ns = (uint64_t)timeout->tv_sec * 1000000000u + (uint64_t)timeout->tv_nsec;
	f.slept++;
	f.longest = ns > f.longest ? ns : f.longest;
	for (int i = 0; i < 2; i++)
		if (f.send_to & 1u << i)
			assert_int_equal(send(f.far[i], "x", 1, 0), 1);
	f.send_to = 0;
	if (f.interrupt) {
		errno = EINTR;
		return -1;
	}
	if (f.wake)
		devmem_wake(f.ring);
	return poll(fds, 1, 0);
}

static void connection(int *near, int *far)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	*far = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(*far, (struct sockaddr *)&address, length), 0);
	*near = accept(listener, NULL, NULL);
	assert_true(*near >= 0);
	close(listener);
}

static void open_ring(const char *engine, uint32_t coalesce_us)
{
	struct devmem_sock *sock;

	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = engine,
					 .coalesce_us = coalesce_us),
			     &f.ring)) {
		print_message("skipped: %s\n", devmem_error());
		skip();
	}
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(devmem_attach(f.ring, f.near[i], NULL, i, NULL, &sock), 0);
}

static int set_up(void **state)
{
	(void)state;
	f = (struct fixture){ 0 };
	for (int i = 0; i < 2; i++)
		connection(&f.near[i], &f.far[i]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	devmem_ring_close(f.ring);
	for (int i = 0; i < 2; i++) {
		close(f.near[i]);
		close(f.far[i]);
	}
	return 0;
}

/* What one wait brings, which is given back. */
static int brought(int timeout_ms, unsigned int type)
{
	struct devmem_event ev[8];
	int n = devmem_wait(f.ring, ev, 8, timeout_ms);

	for (int i = 0; i < n; i++)
		assert_int_equal(ev[i].type, type);
	if (n > 0)
		assert_int_equal(devmem_release(f.ring, ev, (unsigned int)n), 0);
	return n;
}

static void first_byte(void)
{
	assert_int_equal(send(f.far[0], "x", 1, 0), 1);
	assert_int_equal(brought(-1, DEVMEM_EVENT_HOST), 1);
	assert_int_equal(f.slept, 0); /* nothing was brought before: at once */
}

static void what_comes_meanwhile_comes_together(void)
{
	first_byte();
	f.send_to = 3;
	assert_int_equal(brought(-1, DEVMEM_EVENT_HOST), 2);
	assert_int_equal(f.slept, 1);
	assert_true(f.longest > 0 && f.longest <= COALESCE_US * 1000u);
}

static void together(void **state)
{
	(void)state;
	open_ring(NULL, COALESCE_US);
	what_comes_meanwhile_comes_together();
}

static void together_by_system_calls(void **state)
{
	(void)state;
	open_ring("syscall", COALESCE_US);
	what_comes_meanwhile_comes_together();
}

static void not_unless_asked_for(void **state)
{
	(void)state;
	open_ring(NULL, 0);
	first_byte();
	assert_int_equal(send(f.far[1], "x", 1, 0), 1);
	assert_int_equal(brought(-1, DEVMEM_EVENT_HOST), 1);
	assert_int_equal(f.slept, 0);
}

/* Who came too late, or for nothing, does not pay twice. */
static void a_wait_that_brings_nothing_is_followed_by_none(void **state)
{
	(void)state;
	open_ring(NULL, COALESCE_US);
	first_byte();
	assert_int_equal(brought(1, DEVMEM_EVENT_HOST), 0);
	assert_int_equal(f.slept, 1);
	assert_true(f.longest <= 1000000u); /* no longer than the wait itself */
	assert_int_equal(send(f.far[0], "x", 1, 0), 1);
	assert_int_equal(brought(-1, DEVMEM_EVENT_HOST), 1);
	assert_int_equal(f.slept, 1);
}

static void a_wait_of_no_time_is_as_ever(void **state)
{
	(void)state;
	open_ring(NULL, COALESCE_US);
	first_byte();
	assert_int_equal(send(f.far[0], "x", 1, 0), 1);
	assert_int_equal(brought(0, DEVMEM_EVENT_HOST), 1);
	assert_int_equal(f.slept, 0);
}

static void a_wake_is_answered_at_once(void **state)
{
	(void)state;
	open_ring(NULL, COALESCE_US);
	first_byte();
	f.wake = true;
	assert_int_equal(brought(-1, DEVMEM_EVENT_WOKEN), 1);
	assert_int_equal(f.slept, 1);
	f.wake = false;
	f.send_to = 1;
	/* and the next turn is like any other */
	assert_int_equal(brought(-1, DEVMEM_EVENT_HOST), 1);
	assert_int_equal(f.slept, 2);
}

static void a_wake_before_it_sleeps_is_not_slept_on(void **state)
{
	(void)state;
	open_ring(NULL, COALESCE_US);
	assert_int_equal(send(f.far[0], "x", 1, 0), 1);
	assert_int_equal(brought(-1, DEVMEM_EVENT_HOST), 1);
	devmem_wake(f.ring);
	assert_int_equal(brought(-1, DEVMEM_EVENT_WOKEN), 1);
	assert_int_equal(f.slept, 0);
}

static void a_signal_ends_it_and_loses_nothing(void **state)
{
	(void)state;
	open_ring(NULL, COALESCE_US);
	first_byte();
	f.interrupt = true;
	f.send_to = 1;
	assert_int_equal(brought(-1, DEVMEM_EVENT_HOST), -EINTR);
	f.interrupt = false;
	assert_int_equal(brought(-1, DEVMEM_EVENT_HOST), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(together_by_system_calls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_unless_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wait_that_brings_nothing_is_followed_by_none,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wait_of_no_time_is_as_ever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wake_is_answered_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wake_before_it_sleeps_is_not_slept_on, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_signal_ends_it_and_loses_nothing, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
