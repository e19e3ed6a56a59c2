// SPDX-License-Identifier: MIT
/* RSS indirection tables. */
#include <errno.h>
#include <string.h>

#include "unit.h"

#include "netlink/rss.h"

#define ENTRIES 128

static const uint8_t spare[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

static void fill(uint32_t *table, uint32_t rings)
{
	for (uint32_t i = 0; i < ENTRIES; i++)
		table[i] = i % rings;
}

static unsigned int count(const uint32_t *table, uint32_t queue)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < ENTRIES; i++)
		n += table[i] == queue;
	return n;
}

static void knows_the_default(void **state)
{
	uint32_t t[ENTRIES];

	(void)state;
	fill(t, 4);
	assert_true(devmem__rss_is_default(t, ENTRIES, 4));
	assert_false(devmem__rss_is_default(t, ENTRIES, 3));
	assert_false(devmem__rss_is_default(t, ENTRIES, 0));
	t[ENTRIES - 1] = 0;
	assert_false(devmem__rss_is_default(t, ENTRIES, 4));
}

static void two_of_four(void **state)
{
	const uint32_t out[] = { 2, 3 };
	uint32_t t[ENTRIES];

	(void)state;
	fill(t, 4);
	assert_true(devmem__rss_uses(t, ENTRIES, out, 2));
	assert_int_equal(devmem__rss_without(t, ENTRIES, out, 2, spare, 4), 0);
	assert_false(devmem__rss_uses(t, ENTRIES, out, 2));
	assert_int_equal(count(t, 0), 64);
	assert_int_equal(count(t, 1), 64);
}

/* What stays where it was, stays: flows of other queues do not move. */
static void others_do_not_move(void **state)
{
	const uint32_t out[] = { 7 };
	uint32_t t[ENTRIES], before[ENTRIES];

	(void)state;
	fill(t, 8);
	memcpy(before, t, sizeof(t));
	assert_int_equal(devmem__rss_without(t, ENTRIES, out, 1, spare, 8), 0);
	for (unsigned int i = 0; i < ENTRIES; i++)
		assert_true(before[i] == 7 ? t[i] != 7 : t[i] == before[i]);
	for (uint32_t q = 0; q < 7; q++)
		assert_in_range(count(t, q), 18, 19);
}

/* Queue 0 had twice the share of queue 1, and keeps it. */
static void shares_are_kept(void **state)
{
	const uint32_t out[] = { 3 };
	uint32_t t[ENTRIES];

	(void)state;
	for (unsigned int i = 0; i < ENTRIES; i++)
		t[i] = i < 32 ? 3 : i % 3 == 0 ? 1 : 0;
	assert_int_equal(devmem__rss_without(t, ENTRIES, out, 1, spare, 4), 0);
	assert_in_range(count(t, 1), 41, 44);
	assert_int_equal(count(t, 0) + count(t, 1), ENTRIES);
}

/* The same where each queue's entries stand together. */
static void shares_of_blocks(void **state)
{
	const uint32_t out[] = { 2, 3 };
	uint32_t t[ENTRIES];

	(void)state;
	for (unsigned int i = 0; i < ENTRIES; i++)
		t[i] = i < 64 ? 0 : i < 96 ? 1 : i < 112 ? 2 : 3;
	assert_int_equal(devmem__rss_without(t, ENTRIES, out, 2, spare, 4), 0);
	assert_in_range(count(t, 0), 85, 86);
	assert_in_range(count(t, 1), 42, 43);
}

static void only_ours_were_used(void **state)
{
	const uint8_t free_ones[4] = { 1, 0, 1, 1 };
	const uint32_t out[] = { 3 };
	uint32_t t[ENTRIES];

	(void)state;
	for (unsigned int i = 0; i < ENTRIES; i++)
		t[i] = 3;
	assert_int_equal(devmem__rss_without(t, ENTRIES, out, 1, free_ones, 4), 0);
	assert_int_equal(count(t, 0), 64);
	assert_int_equal(count(t, 2), 64);
}

static void nothing_left(void **state)
{
	const uint8_t none[2] = { 0 };
	const uint32_t out[] = { 1, 0 };
	uint32_t t[ENTRIES];

	(void)state;
	fill(t, 2);
	assert_int_equal(devmem__rss_without(t, ENTRIES, out, 2, spare, 2), -EBUSY);
	assert_true(devmem__rss_is_default(t, ENTRIES, 2));
	assert_int_equal(devmem__rss_without(t, ENTRIES, out, 2, none, 2), -EBUSY);
	assert_int_equal(devmem__rss_without(t, 0, out, 2, none, 2), 0);
}

static void more_queues_than_entries(void **state)
{
	const uint32_t out[] = { 5 };
	uint32_t t[] = { 5, 5 };

	(void)state;
	assert_int_equal(devmem__rss_without(t, 2, out, 1, spare, 16), 0);
	assert_int_equal(t[0], 0);
	assert_int_equal(t[1], 1);
}

static void context_table(void **state)
{
	const uint32_t queues[] = { 3, 1, 2 };
	uint32_t t[ENTRIES];

	(void)state;
	devmem__rss_over(t, ENTRIES, queues, 3);
	assert_int_equal(count(t, 3), 43);
	assert_int_equal(count(t, 1), 43);
	assert_int_equal(count(t, 2), 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_default),  cmocka_unit_test(two_of_four),
		cmocka_unit_test(others_do_not_move), cmocka_unit_test(shares_are_kept),
		cmocka_unit_test(shares_of_blocks),   cmocka_unit_test(only_ours_were_used),
		cmocka_unit_test(nothing_left),	      cmocka_unit_test(more_queues_than_entries),
		cmocka_unit_test(context_table),
	};

	return cmocka_run_group_tests_name("rss", tests, NULL, NULL);
}
