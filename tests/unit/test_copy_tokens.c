// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "engines/copy_tokens.h"
#include "unit.h"

static void a_number_comes_back_once(void **state)
{
	struct devmem__copy_tokens p = { 0 };
	int64_t n = devmem__copy_tokens_get(&p, 7, 3);

	(void)state;
	assert_true(n >= 0);
	assert_int_equal(devmem__copy_tokens_put(&p, (uint32_t)n, 3), 7);
	assert_int_equal(devmem__copy_tokens_put(&p, (uint32_t)n, 3), -EINVAL);
	devmem__copy_tokens_free(&p);
}

static void nothing_that_is_not_out_is_taken(void **state)
{
	struct devmem__copy_tokens p = { 0 };
	int64_t n;

	(void)state;
	assert_int_equal(devmem__copy_tokens_put(&p, 0, 0), -EINVAL); /* there is none yet */
	n = devmem__copy_tokens_get(&p, 5, 9);
	/* another socket's */
	assert_int_equal(devmem__copy_tokens_put(&p, (uint32_t)n, 8), -EINVAL);
	assert_int_equal(devmem__copy_tokens_put(&p, (uint32_t)n + 1, 9), -EINVAL);
	assert_int_equal(devmem__copy_tokens_put(&p, UINT32_MAX, 9), -EINVAL);
	assert_int_equal(devmem__copy_tokens_put(&p, (uint32_t)n, 9), 5);
	devmem__copy_tokens_free(&p);
}

/* More than there is room for at first; each is of the chunk that it was made for, in any order. */
static void many_are_told_apart(void **state)
{
	enum { MANY = 5000 };
	struct devmem__copy_tokens p = { 0 };
	static uint32_t number[MANY];
	static bool seen[2 * MANY];

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		int64_t n = devmem__copy_tokens_get(&p, i * 3, (uint16_t)i);

		assert_in_range(n, 0, 2 * MANY - 1);
		assert_false(seen[n]);
		seen[n] = true;
		number[i] = (uint32_t)n;
	}
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t k = i * 1637 % MANY; /* coprime: each once */

		assert_int_equal(devmem__copy_tokens_put(&p, number[k], (uint16_t)k), k * 3);
	}
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(devmem__copy_tokens_put(&p, number[i], (uint16_t)i), -EINVAL);
	devmem__copy_tokens_free(&p);
}

/* Numbers are used again, so that the table is as large as what is out at a time. */
static void the_table_grows_only_with_what_is_out(void **state)
{
	struct devmem__copy_tokens p = { 0 };
	uint32_t count;

	(void)state;
	for (int round = 0; round < 10000; round++) {
		int64_t n[4];

		for (int i = 0; i < 4; i++)
			n[i] = devmem__copy_tokens_get(&p, (uint32_t)round, 1);
		for (int i = 0; i < 4; i++)
			assert_int_equal(devmem__copy_tokens_put(&p, (uint32_t)n[i], 1), round);
		if (!round)
			count = p.count;
		assert_int_equal(p.count, count);
	}
	devmem__copy_tokens_free(&p);
	assert_int_equal(p.count, 0);
	assert_int_equal(devmem__copy_tokens_get(&p, 1, 1), 0); /* and it can be used again */
	devmem__copy_tokens_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_comes_back_once),
		cmocka_unit_test(nothing_that_is_not_out_is_taken),
		cmocka_unit_test(many_are_told_apart),
		cmocka_unit_test(the_table_grows_only_with_what_is_out),
	};

	return cmocka_run_group_tests_name("pieces", tests, NULL, NULL);
}
