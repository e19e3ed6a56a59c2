// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "internal.h"

struct ours {
	size_t size;
	uint32_t a;
	uint32_t b;
};

struct newer {
	struct ours known;
	uint64_t unknown;
};

static void null_is_all_defaults(void **state)
{
	struct ours o = { .a = 1 };

	(void)state;
	assert_int_equal(devmem__options(&o, sizeof(o), NULL, "ours"), 0);
	assert_int_equal(o.size, sizeof(o));
	assert_int_equal(o.a, 0);
}

static void older_caller_gets_zeroes(void **state)
{
	struct ours theirs = { .size = offsetof(struct ours, b), .a = 7, .b = 9 }, o;

	(void)state;
	assert_int_equal(devmem__options(&o, sizeof(o), &theirs, "ours"), 0);
	assert_int_equal(o.a, 7);
	assert_int_equal(o.b, 0);
	assert_int_equal(o.size, sizeof(o));
}

static void newer_caller_is_fine_while_the_rest_is_zero(void **state)
{
	struct newer theirs = { .known = { .size = sizeof(theirs), .a = 7, .b = 8 } };
	struct ours o;

	(void)state;
	assert_int_equal(devmem__options(&o, sizeof(o), &theirs, "ours"), 0);
	assert_int_equal(o.b, 8);
	theirs.unknown = 1ull << 63;
	assert_int_equal(devmem__options(&o, sizeof(o), &theirs, "ours"), -E2BIG);
	assert_non_null(strstr(devmem_error(), "struct ours"));
}

static void a_size_that_holds_not_even_itself(void **state)
{
	struct ours theirs = { .size = 4 }, o;

	(void)state;
	assert_int_equal(devmem__options(&o, sizeof(o), &theirs, "ours"), -EINVAL);
}

static void failing_keeps_errno(void **state)
{
	(void)state;
	errno = 77;
	assert_int_equal(devmem__fail(EIO, "number %d", 5), -EIO);
	assert_int_equal(errno, 77);
	assert_string_equal(devmem_error(), "number 5");
}

static void version_is_the_header_s(void **state)
{
	(void)state;
	assert_string_equal(devmem_version(), "0.1.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_is_all_defaults),
		cmocka_unit_test(older_caller_gets_zeroes),
		cmocka_unit_test(newer_caller_is_fine_while_the_rest_is_zero),
		cmocka_unit_test(a_size_that_holds_not_even_itself),
		cmocka_unit_test(failing_keeps_errno),
		cmocka_unit_test(version_is_the_header_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
