// SPDX-License-Identifier: MIT
/* The table of attached connections: each once, whatever was added and removed before. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring/attached.h"
#include "unit.h"

static void each_is_there_once(void **state)
{
	(void)state;
	assert_int_equal(devmem__attached_add(7), 0);
	assert_int_equal(devmem__attached_add(7), -EEXIST);
	assert_int_equal(devmem__attached_add(8), 0);
	devmem__attached_remove(7);
	devmem__attached_remove(7);
	assert_int_equal(devmem__attached_add(8), -EEXIST);
	assert_int_equal(devmem__attached_add(7), 0);
	devmem__attached_remove(7);
	devmem__attached_remove(8);
	devmem__attached_remove(9);
}

static void an_unknown_one_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(devmem__attached_add(0), 0);
	assert_int_equal(devmem__attached_add(0), 0);
	devmem__attached_remove(0);
}

/* Against a plain list of what is there: many collide, and what is removed leaves no hole. */
static void as_a_list_would(void **state)
{
	enum { COOKIES = 3000 };
	static bool there[COOKIES + 1];
	unsigned int seed = 5;

	(void)state;
	for (unsigned int i = 0; i < 200000; i++) {
		const unsigned int cookie = 1 + (unsigned int)rand_r(&seed) % COOKIES;

		if (rand_r(&seed) & 64) {
			assert_int_equal(devmem__attached_add(cookie), there[cookie] ? -EEXIST : 0);
			there[cookie] = true;
		} else {
			devmem__attached_remove(cookie);
			there[cookie] = false;
		}
	}
	for (unsigned int cookie = 1; cookie <= COOKIES; cookie++) {
		assert_int_equal(devmem__attached_add(cookie), there[cookie] ? -EEXIST : 0);
		devmem__attached_remove(cookie);
	}
}

static void *add_and_remove(void *arg)
{
	const uint64_t first = *(const uint64_t *)arg;

	for (unsigned int i = 0; i < 20000; i++) {
		if (devmem__attached_add(first + i % 100))
			return arg;
		devmem__attached_remove(first + i % 100);
	}
	return NULL;
}

static void any_thread_may_call_it(void **state)
{
	uint64_t first[4] = { 1000, 2000, 3000, 4000 };
	pthread_t thread[4];
	void *wrong;

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, add_and_remove, &first[i]), 0);
	for (unsigned int i = 0; i < 4; i++) {
		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
}

/* What its parent has attached is no affair of a child's rings, and the other way round. */
static void a_child_has_its_own(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(devmem__attached_add(7), 0);
	pid = fork();
	if (!pid)
		_exit(devmem__attached_add(7) || devmem__attached_add(7) != -EEXIST ||
		      devmem__attached_add(8));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(devmem__attached_add(7), -EEXIST);
	assert_int_equal(devmem__attached_add(8), 0);
	devmem__attached_remove(7);
	devmem__attached_remove(8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_there_once),  cmocka_unit_test(an_unknown_one_is_ignored),
		cmocka_unit_test(as_a_list_would),     cmocka_unit_test(any_thread_may_call_it),
		cmocka_unit_test(a_child_has_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
