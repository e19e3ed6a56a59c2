// SPDX-License-Identifier: MIT
/* The loop without a NIC: options, waiting, watching, what attach and release refuse. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fds.h"
#include "ring/loop.h"
#include "unit.h"
#include "devmem/devmem.h"

static int set_up(void **state)
{
	struct devmem_ring *ring;
	int err = devmem_ring_open(NULL, &ring);

	*state = err ? NULL : ring;
	if (err)
		print_message("no io_uring here: %s\n", devmem_error());
	return 0;
}

static int tear_down(void **state)
{
	devmem_ring_close(*state);
	return 0;
}

static struct devmem_ring *ring_or_skip(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static void options_out_of_range(void **state)
{
	struct devmem_ring *ring;

	(void)state;
	assert_int_equal(devmem_ring_open(NULL, NULL), -EINVAL);
	assert_non_null(strstr(devmem_error(), "devmem_ring_open: no place"));
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .entries = 40000), &ring),
			 -EINVAL);
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .buffers = 3), &ring),
			 -EINVAL);
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .buffer_bytes = 5000),
					  &ring),
			 -EINVAL);
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .merge = 1025), &ring),
			 -EINVAL);
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .spill_bytes = 100), &ring),
			 -EINVAL);
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .host_bytes = 5000), &ring),
			 -EINVAL);
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .busy_poll_us = 10001),
					  &ring),
			 -EINVAL);
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .coalesce_us = 100001),
					  &ring),
			 -EINVAL);
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .coalesce_us = 1,
						      .busy_poll_us = 1),
					  &ring),
			 -EINVAL);
}

static void opening_and_closing_leaks_no_descriptor(void **state)
{
	unsigned int before;
	struct devmem_ring *ring;

	ring_or_skip(state);
	before = open_fds();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(devmem_ring_open(NULL, &ring), 0);
		assert_int_equal(devmem_wait(ring, NULL, 0, 0), 0);
		devmem_ring_close(ring);
	}
	assert_int_equal(open_fds(), before);
}

static void a_wait_ends_with_its_time(void **state)
{
	struct devmem_ring *ring = ring_or_skip(state);
	struct devmem_event ev[4];
	struct timespec a, b;

	assert_int_equal(devmem_wait(ring, ev, 4, 0), 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(devmem_wait(ring, ev, 4, 30), 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >= 30000000);
}

static void no_more(int signal)
{
	(void)signal;
}

struct pest {
	pthread_t victim;
	atomic_bool over;
};

static void *disturb(void *arg)
{
	struct pest *p = arg;

	while (!atomic_load(&p->over)) {
		pthread_kill(p->victim, SIGUSR1);
		usleep(1000);
	}
	return NULL;
}

/* -EINTR is an answer, not an error: the error message stays what it was. */
static void a_signal_leaves_the_error_message(void **state)
{
	struct devmem_ring *ring = ring_or_skip(state);
	const struct sigaction handled = { .sa_handler = no_more };
	struct pest pest = { .victim = pthread_self() };
	struct devmem_event ev[4];
	pthread_t thread;
	int n;

	assert_int_equal(sigaction(SIGUSR1, &handled, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, disturb, &pest), 0);
	devmem_feature(NULL);
	while (!(n = devmem_wait(ring, ev, 4, 1000)))
		;
	atomic_store(&pest.over, true);
	pthread_join(thread, NULL);
	assert_int_equal(n, -EINTR);
	assert_string_equal(devmem_error(), "devmem_feature: no name");
}

static void a_watched_descriptor_is_reported_while_readable(void **state)
{
	struct devmem_ring *ring = ring_or_skip(state);
	struct devmem_event ev[4];
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t value = 1;

	assert_int_equal(devmem_watch(ring, -1, 0), -EBADF);
	assert_int_equal(devmem_watch(ring, fd, 42), 0);
	assert_int_equal(devmem_watch(ring, fd, 43), -EEXIST);
	assert_int_equal(devmem_wait(ring, ev, 4, 0), 0);
	assert_int_equal(write(fd, &value, 8), 8);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(devmem_wait(ring, ev, 4, 1000), 1);
		assert_int_equal(ev[0].type, DEVMEM_EVENT_READY);
		assert_int_equal(ev[0].user_data, 42);
	}
	assert_int_equal(devmem_release(ring, ev, 1), 0); /* no fragment: skipped */
	assert_int_equal(read(fd, &value, 8), 8);
	while (devmem_wait(ring, ev, 4, 0) == 1)
		;
	assert_int_equal(devmem_wait(ring, ev, 4, 10), 0);
	assert_int_equal(devmem_unwatch(ring, fd), 0);
	assert_int_equal(devmem_unwatch(ring, fd), -ENOENT);
	assert_int_equal(write(fd, &value, 8), 8);
	assert_int_equal(devmem_wait(ring, ev, 4, 10), 0);
	close(fd);
}

/* The smallest ring by plain system calls: of 8 completions some wait to be handed out, so that few
 * requests find room. */
static void what_could_not_be_unwatched_can_be_later(void **state)
{
	struct devmem_ring *ring;
	struct devmem_event ev[8];
	int ready[5], quiet[8], err = 0, n;
	unsigned int at;

	(void)state;
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .entries = 1,
						      .engine = "syscall"),
					  &ring),
			 0);
	for (at = 0; at < 8; at++) {
		quiet[at] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		assert_int_equal(devmem_watch(ring, quiet[at], 100 + at), 0);
	}
	for (at = 0; at < 5; at++) {
		ready[at] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
		assert_int_equal(devmem_watch(ring, ready[at], at), 0);
	}
	assert_int_equal(devmem_wait(ring, ev, 1, 0), 1);
	for (at = 0; at < 8; at++) {
		err = devmem_unwatch(ring, quiet[at]);
		if (err)
			break;
	}
	assert_int_equal(err, -EBUSY);
	assert_int_equal(devmem_watch(ring, quiet[at], 0), -EEXIST);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(read(ready[i], &(uint64_t){ 0 }, 8), 8);
	while (devmem_wait(ring, ev, 8, 0) > 0)
		;
	for (; at < 8; at++) {
		assert_int_equal(devmem_unwatch(ring, quiet[at]), 0);
		while (devmem_wait(ring, ev, 8, 0) > 0)
			;
	}
	for (at = 0; at < 8; at++)
		assert_int_equal(write(quiet[at], &(uint64_t){ 1 }, 8), 8);
	/* the end of an io_uring of a test before this one is work for our thread, and interrupts
	 * system calls */
	do
		n = devmem_wait(ring, ev, 8, 10);
	while (n == -EINTR);
	assert_int_equal(n, 0);
	devmem_ring_close(ring);
	for (at = 0; at < 8; at++)
		close(quiet[at]);
	for (at = 0; at < 5; at++)
		close(ready[at]);
}

static void what_attach_refuses(void **state)
{
	struct devmem_ring *ring = ring_or_skip(state);
	struct devmem_binding *binding = (void *)8; /* never looked at before the socket */
	struct devmem_sock *sock = (void *)1;
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
	    tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int pipe_fd = eventfd(0, EFD_CLOEXEC);

	assert_int_equal(devmem_attach(ring, tcp, NULL, 0,
				       DEVMEM_OPTS(devmem_attach_opts,
						   .flags = DEVMEM_ATTACH_PLACE),
				       &sock),
			 -EINVAL);
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "none"),
					  (void *)&sock),
			 -EINVAL);
	assert_int_equal(devmem_attach(ring, tcp, binding, 0,
				       DEVMEM_OPTS(devmem_attach_opts, .flags = 8), &sock),
			 -EINVAL);
	assert_int_equal(devmem_attach(ring, 9999, binding, 0, NULL, &sock), -EBADF);
	assert_int_equal(devmem_attach(ring, pipe_fd, binding, 0, NULL, &sock), -ENOTSOCK);
	assert_int_equal(devmem_attach(ring, udp, binding, 0, NULL, &sock), -EPROTOTYPE);
	assert_int_equal(devmem_attach(ring, tcp, binding, 0, NULL, &sock), -ENOTCONN);
	assert_ptr_equal(sock, (void *)1);
	close(udp);
	close(tcp);
	close(pipe_fd);
}

/* In a signal handler, say: what it does may fail, and whom it interrupts does not see that. */
static void devmem_wake_keeps_errno(void **state)
{
	struct devmem_ring *ring = ring_or_skip(state);
	const int fd = ring->wake.fd;

	ring->wake.fd = -1;
	atomic_store(&ring->remote.sleeping, true);
	errno = ENOTTY;
	devmem_wake(ring);
	assert_int_equal(errno, ENOTTY);
	ring->wake.fd = fd;
}

static uint64_t times_written(int eventfd)
{
	char path[64], line[128];
	unsigned long long times = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", eventfd);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "eventfd-count: %llx", &times);
	fclose(f);
	return times;
}

static void leave_something(struct devmem_ring *ring, const int *fds, unsigned int n)
{
	struct devmem_event ev[8];

	while (devmem_wait(ring, ev, 8, 0) > 0)
		;
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(devmem_watch(ring, fds[i], i), 0);
}

/* Until the next turn one write is enough; and none is made for a program that does not ask for the
 * descriptor. */
static void what_is_pending_is_told_once(void **state)
{
	struct devmem_ring *ring = ring_or_skip(state);
	int fd, fds[6];

	for (unsigned int i = 0; i < 6; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	leave_something(ring, fds, 3);
	assert_false(ring->wake.quiet || atomic_load(&ring->remote.sleeping));
	assert_int_equal(times_written(ring->wake.fd), 0);
	fd = devmem_ring_fd(ring);
	assert_true(fd >= 0);
	leave_something(ring, NULL, 0);
	assert_int_equal(devmem_release(ring, &(struct devmem_event){ .type = DEVMEM_EVENT_END },
					1),
			 0);
	assert_int_equal(times_written(fd), 0);
	leave_something(ring, fds + 3, 3);
	devmem_wake(ring);
	assert_int_equal(times_written(fd), 1);
	assert_int_equal(times_written(ring->wake.fd), 0);
	for (unsigned int i = 0; i < 6; i++)
		close(fds[i]);
}

static void what_release_refuses(void **state)
{
	struct devmem_ring *ring = ring_or_skip(state);
	struct devmem_event data = {
		.type = DEVMEM_EVENT_DATA, .sock = 3, .token = 1, .tokens = 1
	};
	struct devmem_event host = { .type = DEVMEM_EVENT_HOST, .token = 0x10002 };
	struct devmem_event end = { .type = DEVMEM_EVENT_END };

	assert_int_equal(devmem_release(ring, &data, 1), -EINVAL);
	assert_int_equal(devmem_release(ring, &host, 1), -EINVAL);
	assert_int_equal(devmem_release(ring, &end, 1), 0);
	/* another event releases its fragment */
	data.flags = host.flags = DEVMEM_EVENT_F_PART;
	assert_int_equal(devmem_release(ring, &data, 1), 0);
	assert_int_equal(devmem_release(ring, &host, 1), 0);
}

struct other {
	struct devmem_ring *ring;
	int result;
};

static void *release_elsewhere(void *arg)
{
	struct other *o = arg;
	struct devmem_event data = {
		.type = DEVMEM_EVENT_DATA, .sock = 3, .token = 1, .tokens = 1
	};

	o->result = 0;
	for (int i = 0; i < 1000 && !o->result; i++)
		o->result = devmem_release(o->ring, &data, 1);
	return NULL;
}

/* Their fragments are not of this ring and are passed over; what is tested is the way there, and
 * the waking. */
static void other_threads_hand_over_without_disturbing(void **state)
{
	struct devmem_ring *ring = ring_or_skip(state);
	struct other others[4];
	struct devmem_event ev[4];
	pthread_t thread[4];

	for (int i = 0; i < 4; i++) {
		others[i].ring = ring;
		pthread_create(&thread[i], NULL, release_elsewhere, &others[i]);
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(devmem_wait(ring, ev, 4, 1), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(others[i].result, 0);
	}
	assert_int_equal(devmem_wait(ring, ev, 4, 0), 0);
}

static void *use_elsewhere(void *arg)
{
	struct other *o = arg;
	struct devmem_event ev[4];
	struct devmem_sock *sock;

	o->result = devmem_wait(o->ring, ev, 4, 0) == -EPERM &&
		    strstr(devmem_error(), "call devmem_ring_open() in the thread") &&
		    devmem_ring_fd(o->ring) == -EPERM &&
		    strstr(devmem_error(), "devmem_ring_open()") &&
		    devmem_unwatch(o->ring, 0) == -EPERM &&
		    strstr(devmem_error(), "devmem_ring_open()") &&
		    devmem_attach(o->ring, 0, NULL, 0, NULL, &sock) == -EPERM &&
		    strstr(devmem_error(), "devmem_ring_open()");
	return NULL;
}

static void another_thread_is_told_whose_it_is(void **state)
{
	struct other other = { .ring = ring_or_skip(state) };
	struct devmem_event ev[4];
	pthread_t thread;

	pthread_create(&thread, NULL, use_elsewhere, &other);
	pthread_join(thread, NULL);
	assert_true(other.result);
	assert_int_equal(devmem_wait(other.ring, ev, 4, 0), 0);
}

static void *open_and_leave(void *arg)
{
	return (void *)(intptr_t)devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "syscal"
											  "l"),
						  arg);
}

static void *wait_elsewhere(void *arg)
{
	struct other *o = arg;
	struct devmem_event ev;

	o->result = devmem_wait(o->ring, &ev, 1, 0);
	return NULL;
}

/* The next thread has the stack of the one that ended, and is the same by its pthread_t. No kernel
 * says no with this engine. */
static void a_thread_that_came_after_is_another(void **state)
{
	struct other other = { .ring = NULL };
	pthread_t first, second;

	(void)state;
	assert_int_equal(pthread_create(&first, NULL, open_and_leave, &other.ring), 0);
	pthread_join(first, NULL);
	assert_non_null(other.ring);
	assert_int_equal(pthread_create(&second, NULL, wait_elsewhere, &other), 0);
	pthread_join(second, NULL);
	assert_int_equal(other.result, -EPERM);
	devmem_ring_close(other.ring);
}

static void *wake(void *arg)
{
	devmem_wake(arg);
	return NULL;
}

/* The thread that wakes it still is in devmem_wake() when it is closed for that reason:
 * ThreadSanitizer sees what that reads. */
static void who_is_woken_may_close_the_ring(void **state)
{
	struct devmem_event ev[4];
	struct devmem_ring *ring;
	pthread_t thread;

	ring_or_skip(state);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(devmem_ring_open(NULL, &ring), 0);
		assert_int_equal(pthread_create(&thread, NULL, wake, ring), 0);
		while (devmem_wait(ring, ev, 4, i % 2 ? 0 : -1) != 1)
			;
		devmem_ring_close(ring);
		pthread_join(thread, NULL);
	}
}

/* tests/lab/test_fork.c has every call. */
static void a_child_is_told_whose_it_is(void **state)
{
	struct devmem_ring *ring = ring_or_skip(state);
	struct devmem_event ev[4];
	pid_t child = fork();
	int status;

	if (!child)
		_exit(devmem_wait(ring, ev, 4, 0) != -EEXIST || !strstr(devmem_error(), "fork"));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(devmem_wait(ring, ev, 4, 0), 0);
}

static void statistics_follow_the_caller_s_size(void **state)
{
	struct devmem_ring *ring = ring_or_skip(state);
	struct devmem_stats st = { 0 };
	struct {
		struct devmem_stats known;
		uint64_t newer;
	} bigger = { .newer = 5 };

	assert_int_equal(devmem_ring_stats(ring, &st), -EINVAL);
	bigger.known.size = sizeof(bigger);
	assert_int_equal(devmem_ring_stats(ring, &bigger.known), 0);
	assert_int_equal(bigger.newer, 0);
	assert_int_equal(bigger.known.size, sizeof(struct devmem_stats));
	assert_string_equal(devmem_ring_engine(ring, NULL), "devmem");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_out_of_range),
		TEST(opening_and_closing_leaks_no_descriptor),
		TEST(a_wait_ends_with_its_time),
		TEST(a_signal_leaves_the_error_message),
		TEST(a_watched_descriptor_is_reported_while_readable),
		cmocka_unit_test(what_could_not_be_unwatched_can_be_later),
		TEST(what_attach_refuses),
		TEST(devmem_wake_keeps_errno),
		TEST(what_is_pending_is_told_once),
		TEST(what_release_refuses),
		TEST(other_threads_hand_over_without_disturbing),
		TEST(another_thread_is_told_whose_it_is),
		TEST(a_thread_that_came_after_is_another),
		TEST(who_is_woken_may_close_the_ring),
		TEST(a_child_is_told_whose_it_is),
		TEST(statistics_follow_the_caller_s_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
