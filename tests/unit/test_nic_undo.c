// SPDX-License-Identifier: MIT
/* The order in which changes are undone, and what is left of failures. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/internal.h"
#include "nic/changes.h"

/* What was undone, in order, by context number; those in fails[] fail. */
struct record {
	unsigned int order[64], n;
	int fails[64];
};

static int undo_one(const struct devmem__change *c, void *arg)
{
	struct record *r = arg;

	r->order[r->n++] = c->context;
	return r->fails[c->context] ? devmem__fail(r->fails[c->context], "change %u", c->context)
				    : 0;
}

static void change(struct devmem__undo *u, uint32_t number)
{
	struct devmem__change *c = devmem__undo_prepare(u, DEVMEM__CHANGE_CONTEXT);

	assert_non_null(c);
	assert_null(c->before);
	c->context = number;
	c->before = malloc(16);
	c->after = malloc(16);
	c->queues = malloc(16);
	devmem__undo_commit(u);
}

static void last_one_first(void **state)
{
	struct devmem__undo u = { 0 };
	struct record r = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 20; i++)
		change(&u, i);
	assert_int_equal(devmem__undo_rollback(&u, 0, undo_one, &r), 0);
	assert_int_equal(r.n, 20);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(r.order[i], 19 - i);
	assert_int_equal(devmem__undo_rollback(&u, 0, undo_one, &r), 0);
	assert_int_equal(r.n, 20);
	devmem__undo_free(&u);
}

static void to_a_savepoint(void **state)
{
	struct devmem__undo u = { 0 };
	struct record r = { 0 };

	(void)state;
	change(&u, 0);
	change(&u, 1);
	change(&u, 2);
	assert_int_equal(devmem__undo_rollback(&u, 2, undo_one, &r), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.order[0], 2);
	change(&u, 3);
	assert_int_equal(devmem__undo_rollback(&u, 0, undo_one, &r), 0);
	assert_int_equal(r.n, 4);
	assert_int_equal(r.order[1], 3);
	assert_int_equal(r.order[3], 0);
	devmem__undo_free(&u);
}

static void goes_on_past_failures(void **state)
{
	struct devmem__undo u = { 0 };
	struct record r = { .fails = { [1] = EIO, [3] = ESTALE } };

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		change(&u, i);
	assert_int_equal(devmem__undo_rollback(&u, 0, undo_one, &r), -ESTALE);
	assert_string_equal(devmem_error(), "change 3");
	assert_int_equal(r.n, 5);
	assert_int_equal(u.count, 0);
	devmem__undo_free(&u);
}

/* From the middle, with a change prepared but not committed: the others keep their order, and
 * nothing leaks or is freed twice. */
static void one_is_forgotten(void **state)
{
	static const unsigned int left[] = { 7, 6, 4, 3, 1 };
	struct devmem__undo u = { 0 };
	struct record r = { 0 };
	struct devmem__change *c;

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		change(&u, i);
	devmem__undo_forget(&u, 5);
	devmem__undo_forget(&u, 0);
	c = devmem__undo_prepare(&u, DEVMEM__CHANGE_TABLE);
	assert_null(c->before);
	c->before = malloc(16);
	devmem__undo_forget(&u, 1);
	assert_int_equal(u.count, 5);
	assert_int_equal(devmem__undo_rollback(&u, 0, undo_one, &r), 0);
	assert_int_equal(r.n, 5);
	assert_memory_equal(r.order, left, sizeof(left));
	change(&u, 9);
	devmem__undo_forget(&u, 0);
	assert_int_equal(u.count, 0);
	devmem__undo_free(&u);
}

/* A change that was written down but not made is not undone, and does not leak. */
static void not_committed(void **state)
{
	struct devmem__undo u = { 0 };
	struct record r = { 0 };
	struct devmem__change *c;

	(void)state;
	change(&u, 1);
	c = devmem__undo_prepare(&u, DEVMEM__CHANGE_TABLE);
	c->before = malloc(16);
	c = devmem__undo_prepare(&u, DEVMEM__CHANGE_TABLE);
	assert_null(c->before);
	c->after = malloc(16);
	assert_int_equal(devmem__undo_rollback(&u, 0, undo_one, &r), 0);
	assert_int_equal(r.n, 1);
	c = devmem__undo_prepare(&u, DEVMEM__CHANGE_TABLE);
	c->after = malloc(16);
	devmem__undo_free(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_one_first),	 cmocka_unit_test(to_a_savepoint),
		cmocka_unit_test(goes_on_past_failures), cmocka_unit_test(one_is_forgotten),
		cmocka_unit_test(not_committed),
	};

	return cmocka_run_group_tests_name("undo", tests, NULL, NULL);
}
