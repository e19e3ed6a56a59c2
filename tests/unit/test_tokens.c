// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"
#include "tokens.h"

/* -------------------------------------------------------------------------------------- batches */

static void neighbours_share_a_run(void **state)
{
	struct devmem__token_batch b = { 0 };

	(void)state;
	assert_int_equal(devmem__batch_add(&b, 10, 3), 3);
	assert_int_equal(devmem__batch_add(&b, 13, 2), 2);
	assert_int_equal(b.runs, 1);
	assert_int_equal(b.run[0].start, 10);
	assert_int_equal(b.run[0].count, 5);
	assert_int_equal(devmem__batch_add(&b, 20, 1), 1);
	/* next to the first run, which is not the last */
	assert_int_equal(devmem__batch_add(&b, 15, 1), 1);
	assert_int_equal(b.runs, 3);
	assert_int_equal(b.frags, 7);
}

static void a_batch_ends_at_128_runs(void **state)
{
	struct devmem__token_batch b = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 128; i++)
		assert_int_equal(devmem__batch_add(&b, i * 2, 1), 1);
	assert_int_equal(b.runs, 128);
	assert_true(devmem__batch_full(&b));
	assert_int_equal(devmem__batch_add(&b, 1000, 1), 0);
	assert_int_equal(b.runs, 128);
	assert_int_equal(b.frags, 128);
}

static void a_batch_ends_at_1024_fragments(void **state)
{
	struct devmem__token_batch b = { 0 };

	(void)state;
	assert_int_equal(devmem__batch_add(&b, 0, 1000), 1000);
	assert_false(devmem__batch_full(&b));
	/* a short count: the rest is for the next */
	assert_int_equal(devmem__batch_add(&b, 1000, 500), 24);
	assert_true(devmem__batch_full(&b));
	assert_int_equal(b.runs, 1);
	assert_int_equal(b.run[0].count, 1024);
	assert_int_equal(devmem__batch_add(&b, 1024, 1), 0);
	assert_int_equal(b.frags, 1024);
}

static void one_run_longer_than_a_batch(void **state)
{
	struct devmem__token_batch b = { 0 };

	(void)state;
	assert_int_equal(devmem__batch_add(&b, 5, 1500), 1024);
	assert_int_equal(b.run[0].start, 5);
	assert_int_equal(b.run[0].count, 1024);
}

static void nothing_added_is_nothing(void **state)
{
	struct devmem__token_batch b = { 0 };

	(void)state;
	assert_int_equal(devmem__batch_add(&b, 5, 0), 0);
	assert_int_equal(b.runs, 0);
}

/* ----------------------------------------------------------------------------------------- sets */

static void out_and_back(void **state)
{
	struct devmem__token_set s = { 0 };

	(void)state;
	for (uint32_t t = 60; t < 200; t++)
		assert_int_equal(devmem__set_add(&s, t, 1), 0);
	assert_int_equal(s.count, 140);
	assert_int_equal(devmem__set_add(&s, 100, 1), -EEXIST);
	assert_int_equal(devmem__set_take(&s, 60, 140), 0);
	assert_int_equal(s.count, 0);
	devmem__set_free(&s);
}

static void a_release_is_all_or_nothing(void **state)
{
	struct devmem__token_set s = { 0 };

	(void)state;
	for (uint32_t t = 0; t < 130; t++)
		if (t != 70)
			devmem__set_add(&s, t, 1);
	assert_int_equal(devmem__set_take(&s, 60, 20), -EINVAL);
	assert_int_equal(s.count, 129);
	assert_int_equal(devmem__set_take(&s, 60, 10), 0);
	assert_int_equal(devmem__set_take(&s, 60, 10), -EINVAL); /* twice */
	assert_int_equal(devmem__set_take(&s, 71, 59), 0);
	assert_int_equal(s.count, 60);
	devmem__set_free(&s);
}

static void what_was_never_out(void **state)
{
	struct devmem__token_set s = { 0 };

	(void)state;
	assert_int_equal(devmem__set_take(&s, 0, 1), -EINVAL); /* an empty set */
	assert_int_equal(devmem__set_reserve(&s, 64), 0);
	assert_int_equal(devmem__set_take(&s, 64, 1), -EINVAL); /* beyond the end */
	/* past the largest number */
	assert_int_equal(devmem__set_take(&s, UINT32_MAX, 2), -EINVAL);
	assert_int_equal(devmem__set_take(&s, 0, 0), -EINVAL); /* nothing */
	devmem__set_free(&s);
}

static void runs_of_a_set(void **state)
{
	struct devmem__token_set s = { 0 };
	struct devmem__token_run r;

	(void)state;
	assert_false(devmem__set_next_run(&s, 0, &r));
	devmem__set_add(&s, 3, 1);
	for (uint32_t t = 63; t < 130; t++)
		devmem__set_add(&s, t, 1);
	devmem__set_add(&s, 500, 1);
	assert_true(devmem__set_next_run(&s, 0, &r));
	assert_int_equal(r.start, 3);
	assert_int_equal(r.count, 1);
	assert_true(devmem__set_next_run(&s, 4, &r));
	assert_int_equal(r.start, 63);
	assert_int_equal(r.count, 67);
	assert_true(devmem__set_next_run(&s, 130, &r));
	assert_int_equal(r.start, 500);
	assert_false(devmem__set_next_run(&s, 501, &r));
	assert_false(devmem__set_next_run(&s, 100000, &r));
	devmem__set_free(&s);
}

/* Against a model that cannot be wrong: an array of flags. */
static void like_an_array_of_flags(void **state)
{
	struct devmem__token_set s = { 0 };
	unsigned char model[700] = { 0 };
	size_t count = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		uint32_t start = (uint32_t)rand() % 600, n = 1 + (uint32_t)rand() % 90;
		int all = 1, none = 1;

		n = rand() % 3 ? n : 1;
		for (uint32_t t = start; t < start + n; t++) {
			all = all && model[t];
			none = none && !model[t];
		}
		if (rand() % 2) {
			assert_int_equal(devmem__set_add(&s, start, n), none ? 0 : -EEXIST);
			if (none) {
				memset(model + start, 1, n);
				count += n;
			}
		} else {
			assert_int_equal(devmem__set_take(&s, start, n), all ? 0 : -EINVAL);
			if (all) {
				memset(model + start, 0, n);
				count -= n;
			}
		}
		assert_int_equal(s.count, count);
	}
	devmem__set_free(&s);
}

/* ThreadSanitizer's writes zeros even to memory that has just been mapped. */
#if defined(__SANITIZE_THREAD__)
#define CALLOC_TOUCHES true
#elif defined(__has_feature)
#define CALLOC_TOUCHES __has_feature(thread_sanitizer)
#else
#define CALLOC_TOUCHES false
#endif

static unsigned int resident_pages(const void *start, size_t bytes)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
			from = ((uintptr_t)start + page - 1) / page * page;
	const size_t n = ((uintptr_t)start + bytes - from) / page;
	unsigned char *there = malloc(n);
	unsigned int resident = 0;

	assert_non_null(there);
	assert_int_equal(mincore((void *)from, n * page, there), 0);
	for (size_t i = 0; i < n; i++)
		resident += there[i] & 1;
	free(there);
	return resident;
}

/* 16 GiB of 4 KiB, a socket of many: the account has room for each page, and takes memory for those
 * that are out. */
static void a_large_buffer_costs_little(void **state)
{
	const size_t tokens = (16ull << 30) / 4096;
	struct devmem__token_set s = { 0 };

	(void)state;
	assert_int_equal(devmem__set_reserve(&s, 64), 0);
	assert_int_equal(devmem__set_add(&s, 3, 40), 0);
	assert_int_equal(devmem__set_reserve(&s, tokens), 0);
	if (!CALLOC_TOUCHES)
		assert_true(resident_pages(s.bits, tokens / 8) < 16);
	assert_int_equal(devmem__set_take(&s, 3, 40), 0);
	assert_int_equal(devmem__set_add(&s, (uint32_t)tokens - 1, 1), 0);
	devmem__set_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_buffer_costs_little),
		cmocka_unit_test(neighbours_share_a_run),
		cmocka_unit_test(a_batch_ends_at_128_runs),
		cmocka_unit_test(a_batch_ends_at_1024_fragments),
		cmocka_unit_test(one_run_longer_than_a_batch),
		cmocka_unit_test(nothing_added_is_nothing),
		cmocka_unit_test(out_and_back),
		cmocka_unit_test(a_release_is_all_or_nothing),
		cmocka_unit_test(what_was_never_out),
		cmocka_unit_test(runs_of_a_set),
		cmocka_unit_test(like_an_array_of_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
