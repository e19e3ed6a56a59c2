// SPDX-License-Identifier: MIT
/*
 * Where io_uring is refused: each of its three calls by each errno, some of their operations, and
 * by RLIMIT_MEMLOCK. Plain system calls serve if no engine was named. What is refused is so for
 * good, so each test has a process of its own.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "child.h"
#include "fds.h"
#include "refuse.h"

#define LAST_ERRNO  134	  /* and those of the kernel's own beyond */
#define PROBE	    8	  /* IORING_REGISTER_PROBE */
#define NAPI	    27	  /* IORING_REGISTER_NAPI */
#define PBUF_RING   22	  /* IORING_REGISTER_PBUF_RING */
#define SYNC_CANCEL 24	  /* IORING_REGISTER_SYNC_CANCEL */
#define NOBODY	    64321 /* a user who runs nothing else: RLIMIT_MEMLOCK is of users */

static void receive_a_byte(struct devmem_ring *ring)
{
	struct devmem_sock *sock;
	struct devmem_event ev;
	int pair[2];

	connect_pair(pair);
	CHECK(!devmem_attach(ring, pair[1], NULL, 7, NULL, &sock));
	CHECK(write(pair[0], "x", 1) == 1);
	CHECK(devmem_wait(ring, &ev, 1, 5000) == 1 && ev.type == DEVMEM_EVENT_HOST &&
	      ev.length == 1);
	CHECK(!devmem_release(ring, &ev, 1));
	close(pair[0]);
	close(pair[1]);
}

static void plain_calls_serve(const char *word, bool receive)
{
	struct devmem_ring *ring;
	const char *reason;

	CHECK(!devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .entries = 1), &ring));
	CHECK(!strcmp(devmem_ring_engine(ring, &reason), "syscall"));
	CHECK(strstr(reason, word));
	if (receive)
		receive_a_byte(ring);
	devmem_ring_close(ring);
}

/* The kernel gives memory of rings back some time after they are closed: of many, all that an
 * ordinary user may lock is out. */
static bool is_limit(int result)
{
	return geteuid() && result == -ENOMEM && strstr(devmem_error(), "RLIMIT_MEMLOCK");
}

static void named_engines_are_refused(int err)
{
	static const char *const names[] = { "devmem", "zcrx", "copy" };
	struct devmem_ring *ring = (void *)1;

	for (int i = 0; i < 3; i++) {
		int result = devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = names[i],
							  .entries = 1),
					      &ring);

		CHECK((result == -err || is_limit(result)) && ring == (void *)1);
	}
}

static void under_each_errno(const char *name)
{
	unsigned int before = open_fds();

	for (int err = 1; err <= LAST_ERRNO; err++) {
		int answer = err < LAST_ERRNO ? err : 524; /* ENOTSUPP */

		CHECK(!refuse(refuse_uring(name), answer, NULL, 0));
		plain_calls_serve("io_uring", err == EPERM || err == EACCES);
		named_engines_are_refused(answer);
	}
	CHECK(open_fds() == before);
}

static void without_setup(void)
{
	under_each_errno("setup");
}

static void without_enter(void)
{
	under_each_errno("enter");
}

static void without_register(void)
{
	under_each_errno("register");
}

static void every_call_by_every_errno(void **state)
{
	(void)state;
	in_a_process(without_setup);
	in_a_process(without_enter);
	in_a_process(without_register);
}

static void without_an_operation(uint32_t operation, const char *word)
{
	struct refuse_arg op = { 1, operation };

	CHECK(!refuse(refuse_uring("register"), EACCES, &op, 1));
	plain_calls_serve(word, true);
	named_engines_are_refused(EACCES);
}

static void without_buffers(void)
{
	without_an_operation(PBUF_RING, "providing buffers");
}

static void without_cancel(void)
{
	without_an_operation(SYNC_CANCEL, "cancelling requests");
}

static void what_comes_later_is_tried_first(void **state)
{
	(void)state;
	in_a_process(without_buffers);
	in_a_process(without_cancel);
}

static uint32_t operation;

/* Those that are not tried are not needed: a ring has io_uring without them, and it works either
 * way. */
static void without_this_operation(void)
{
	const bool needed =
		operation == PROBE || operation == PBUF_RING || operation == SYNC_CANCEL;
	const struct refuse_arg op = { 1, operation };
	struct devmem_ring *ring;
	bool uring;

	CHECK(!devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .entries = 1), &ring));
	uring = strcmp(devmem_ring_engine(ring, NULL), "syscall");
	devmem_ring_close(ring);
	CHECK(!refuse(refuse_uring("register"), EACCES, &op, 1));
	CHECK(!devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .entries = 1), &ring));
	CHECK(!strcmp(devmem_ring_engine(ring, NULL), "syscall") == (needed || !uring));
	receive_a_byte(ring);
	devmem_ring_close(ring);
}

/* Of io_uring_register(): a policy may know some and refuse all others. */
static void each_operation_of_register(void **state)
{
	(void)state;
	for (operation = 0; operation < 48; operation++)
		in_a_process(without_this_operation);
}

static void features_without_operations(void)
{
	const struct refuse_arg napi = { 1, NAPI }, probe = { 1, PROBE };
	const bool uring = devmem_feature("io_uring") == 1;
	struct devmem_ring *ring = (void *)1;

	CHECK(!refuse(refuse_uring("register"), EACCES, &napi, 1));
	CHECK(devmem_feature("busy-poll") == 0 && (!uring || strstr(devmem_error(), "busy poll")));
	CHECK(devmem_feature("io_uring") == uring);
	CHECK(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .busy_poll_us = 1), &ring) ==
		      -ENOSYS &&
	      ring == (void *)1);
	CHECK(!refuse(refuse_uring("register"), EACCES, &probe, 1));
	CHECK(devmem_feature("io_uring") == 0 && (!uring || strstr(devmem_error(), "io_uring_"
										   "register is "
										   "refused")));
	CHECK(devmem_feature("zcrx") == 0 && devmem_feature("syscall") == 1);
}

static void features_say_it(void **state)
{
	(void)state;
	in_a_process(features_without_operations);
}

static void limit_locked(rlim_t bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	CHECK(!getrlimit(RLIMIT_MEMLOCK, &limit));
	limit.rlim_cur = bytes;
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
}

static void without_locked_memory(void)
{
	char params[120] = { 0 };

	limit_locked(0);
	CHECK(geteuid() || !setresuid(NOBODY, NOBODY, NOBODY));
	if (syscall(__NR_io_uring_setup, 256, params) >= 0 || errno != ENOMEM) {
		fprintf(stderr, "(this kernel does not count it)\n");
		return;
	}
	plain_calls_serve("RLIMIT_MEMLOCK", true);
	named_engines_are_refused(ENOMEM);
}

/* Enough for the ring, and perhaps not for what comes later: whatever is chosen, it receives. */
static void with_little_locked_memory(void)
{
	struct devmem_ring *ring;

	if (geteuid())
		return; /* others run as this user */
	CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
	for (rlim_t pages = 1; pages < 32; pages++) {
		limit_locked(pages * 4096);
		CHECK(!devmem_ring_open(NULL, &ring));
		receive_a_byte(ring);
		devmem_ring_close(ring);
	}
}

static void by_a_limit(void **state)
{
	(void)state;
	in_a_process(without_locked_memory);
	in_a_process(with_little_locked_memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_by_every_errno),
		cmocka_unit_test(what_comes_later_is_tried_first),
		cmocka_unit_test(each_operation_of_register),
		cmocka_unit_test(features_say_it),
		cmocka_unit_test(by_a_limit),
	};

	return cmocka_run_group_tests_name("port", tests, NULL, NULL);
}
