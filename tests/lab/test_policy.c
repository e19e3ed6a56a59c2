// SPDX-License-Identifier: MIT
/*
 * Where io_uring is refused: by a policy (EPERM) or a kernel without it (ENOSYS). loopback_policy
 * EPERM|ENOSYS, started by without_uring with the same word. What needs io_uring says so; what does
 * not, receives.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"

#define MIB (1u << 20)

static int refusal;
static const char *word; /* that its sentence has */

static void it_is_refused_here(void **state)
{
	char params[120] = { 0 };

	(void)state;
	assert_int_equal(syscall(__NR_io_uring_setup, 8, params), -1);
	assert_int_equal(errno, refusal); /* else this program shows nothing */
}

static void engines_that_need_it_are_refused(void **state)
{
	static const char *const names[] = { "devmem", "zcrx", "copy" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct devmem_ring *ring = (void *)1;

		assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = names[i]),
						  &ring),
				 -refusal);
		assert_non_null(strstr(devmem_error(), word));
		assert_ptr_equal(ring, (void *)1);
	}
}

/* By itself, and with the reason on record, before the first socket and after. */
static void system_calls_are_chosen_and_receive(void **state)
{
	struct devmem_ring *ring;
	struct lab_flows flows;
	struct devmem_stats st;
	const char *reason;
	struct lab lab;

	(void)state;
	ok(devmem_ring_open(NULL, &ring));
	assert_string_equal(devmem_ring_engine(ring, &reason), "syscall");
	lab_open(&lab, 4 * MIB, 1);
	lab_flows_start(&flows, ring, &lab, 4, 8 * MIB);
	assert_string_equal(devmem_ring_engine(ring, &reason), "syscall");
	print_message("%s\n", reason);
	assert_non_null(strstr(reason, word));
	assert_non_null(strstr(reason, "engine copy"));
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, 4 * 8 * MIB, true);
	assert_string_equal(st.engine_reason, reason);
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* There is nothing to poll with; asked for, it is no choice that could be made. */
static void busy_polling_is_refused(void **state)
{
	static const char *const names[] = { NULL, "syscall" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct devmem_ring *ring = (void *)1;

		assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .busy_poll_us = 50,
							      .engine = names[i]),
						  &ring),
				 -ENOSYS);
		assert_non_null(strstr(devmem_error(), "busy"));
		assert_ptr_equal(ring, (void *)1);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_refused_here),
		cmocka_unit_test(engines_that_need_it_are_refused),
		cmocka_unit_test(system_calls_are_chosen_and_receive),
		cmocka_unit_test(busy_polling_is_refused),
	};
	bool policy = argc == 2 && !strcmp(argv[1], "EPERM");

	if (argc != 2 || (!policy && strcmp(argv[1], "ENOSYS"))) {
		fprintf(stderr, "usage: without_uring EPERM|ENOSYS loopback_policy EPERM|ENOSYS\n");
		return 2;
	}
	refusal = policy ? EPERM : ENOSYS;
	word = policy ? "disabled by policy" : "this kernel has no io_uring";
	setenv("DEVMEM_TEST_ENGINE", "syscall", 1);
	lab_begin(1, argv);
	return lab_run("policy", tests, NULL, NULL);
}
