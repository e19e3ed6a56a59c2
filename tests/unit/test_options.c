// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "base/internal.h"

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

static const char *fail_with(const char *text)
{
	devmem__fail(EIO, "%s", text);
	return devmem_error();
}

/* Whatever a name of an interface or a driver's words may hold. */
static void a_message_cannot_drive_a_terminal(void **state)
{
	static const char *const good[] = { "a \\ 100%", "gr\xc3\xbc\xc3\x9f", "\xe6\x96\x87",
					    "\xf0\x9f\x98\x80" };
	char both[3] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_string_equal(fail_with(good[i]), good[i]);
	for (int c = 1; c < 256; c++) {
		both[0] = (char)c;
		assert_int_equal(strlen(fail_with(both)),
				 c < 0x20 || c > 0x7e ? strlen("\\x00") : 1);
	}
	assert_string_equal(fail_with("\033]0;t\a\r\n\t\x7f"), "\\x1b]0;"
							       "t\\x07\\x0d\\x0a\\x09\\x7f");
	/* ESC [ in one character */
	assert_string_equal(fail_with("\xc2\x9b"
				      "1m"),
			    "\\xc2\\x9b1m");
	/* from right to left */
	assert_string_equal(fail_with("\xe2\x80\xae"), "\\xe2\\x80\\xae");
	/* too long, and half of one */
	assert_string_equal(fail_with("\xc0\x9b\xed\xa0\x80"), "\\xc0\\x9b\\xed\\xa0\\x80");
	assert_string_equal(fail_with("\xe6\x96"), "\\xe6\\x96"); /* cut */
}

/* As when a message is made part of the next one, again and again. */
static void a_long_message_is_cut_at_a_character(void **state)
{
	char longer[2000];

	(void)state;
	memset(longer, '\033', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(strlen(fail_with(longer)) % strlen("\\x1b"), 0);
	assert_true(strlen(devmem_error()) > 500);
	for (int i = 0; i < 3; i++)
		devmem__fail(EIO, "%s!", devmem_error());
	assert_null(strchr(devmem_error(), '\033'));
}

static void version_is_the_header_s(void **state)
{
	(void)state;
	assert_string_equal(devmem_version(), "0.2.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_is_all_defaults),
		cmocka_unit_test(older_caller_gets_zeroes),
		cmocka_unit_test(newer_caller_is_fine_while_the_rest_is_zero),
		cmocka_unit_test(a_size_that_holds_not_even_itself),
		cmocka_unit_test(failing_keeps_errno),
		cmocka_unit_test(a_message_cannot_drive_a_terminal),
		cmocka_unit_test(a_long_message_is_cut_at_a_character),
		cmocka_unit_test(version_is_the_header_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
