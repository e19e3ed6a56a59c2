// SPDX-License-Identifier: MIT
/* Processes and threads are told apart, also when their ids are used again. */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "base/process.h"

static bool ended_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && !status;
}

/* In a child made in either way, and in a child of that. */
static void children_have_numbers_of_their_own(void **state)
{
	const uint32_t ours = devmem__process();

	(void)state;
	assert_int_not_equal(ours, 0);
	for (int raw = 0; raw < 2; raw++) {
		pid_t pid = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0) : fork();

		if (!pid) {
			const bool foreign = !devmem__process_is(ours);
			const uint32_t theirs = devmem__process();

			if (!foreign || theirs == ours || !devmem__process_is(theirs))
				_exit(1);
			pid = fork();
			if (!pid)
				_exit(devmem__process_is(ours) || devmem__process_is(theirs));
			_exit(!ended_well(pid));
		}
		assert_true(ended_well(pid));
		assert_true(devmem__process_is(ours));
		assert_int_equal(devmem__process(), ours);
	}
}

/* One that has not asked before its child does. */
static void a_child_that_never_asked(void **state)
{
	const uint32_t ours = devmem__process();
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		pid = fork();
		if (!pid)
			_exit(devmem__process_is(ours) || devmem__process() == ours);
		_exit(!ended_well(pid));
	}
	assert_true(ended_well(pid));
}

/* As on a kernel that cannot clear a page in a child. */
static void without_the_kernel_s_help(void **state)
{
	_Atomic uint32_t *page = devmem__process_page;
	uint32_t ours;
	pid_t pid;

	(void)state;
	devmem__process_page = NULL;
	ours = devmem__process();
	assert_true(devmem__process_is(ours));
	pid = fork();
	if (!pid)
		_exit(devmem__process_is(ours));
	assert_true(ended_well(pid));
	devmem__process_page = page;
}

static void *number(void *arg)
{
	*(uint64_t *)arg = devmem__thread();
	return NULL;
}

static void a_thread_s_number_is_not_used_again(void **state)
{
	uint64_t numbers[3] = { 0 };
	pthread_t thread;

	(void)state;
	numbers[2] = devmem__thread();
	/* the second one has the stack of the first, and its pthread_t */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&thread, NULL, number, &numbers[i]), 0);
		pthread_join(thread, NULL);
	}
	assert_true(numbers[0] != numbers[1] && numbers[1] != numbers[2] &&
		    numbers[0] != numbers[2]);
	assert_int_equal(devmem__thread(), numbers[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_have_numbers_of_their_own),
		cmocka_unit_test(a_child_that_never_asked),
		cmocka_unit_test(without_the_kernel_s_help),
		cmocka_unit_test(a_thread_s_number_is_not_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
