// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "bind/page_size.h"

#define KIB 1024u
#define MIB (1024u * KIB)

/* What is not said: one queue with 1024 entries, pages of 4 KiB. */
static struct devmem__page_size_question complete(struct devmem__page_size_question q)
{
	q.system = q.system ? q.system : 4 * KIB;
	q.queues = q.queues ? q.queues : 1;
	q.entries = q.entries ? q.entries : 1024;
	return q;
}

#define question(...) (complete((struct devmem__page_size_question){ __VA_ARGS__ }))

static int list(struct devmem__page_size_question q, struct devmem__pages *pages)
{
	return devmem__page_size_list(&q, pages);
}

static void sizes_are(struct devmem__page_size_question q, unsigned int n, uint32_t largest,
		      const char *why)
{
	struct devmem__pages pages;

	assert_int_equal(list(q, &pages), 0);
	assert_int_equal(pages.n, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(pages.size[i], largest >> i);
	if (!strstr(pages.why, why))
		fail_msg("no \"%s\" in: %s", why, pages.why);
}

static void from_the_largest_down(void **state)
{
	(void)state;
	sizes_are(question(.bytes = 256 * MIB), 5, 64 * KIB, "unasked");
	sizes_are(question(.bytes = 256 * MIB, .block = 2 * MIB), 5, 64 * KIB, "unasked");
}

static void what_is_asked_for_alone(void **state)
{
	(void)state;
	/* although the ring takes all of it, and the memory is in small pieces: the kernel is to
	 * say so */
	sizes_are(question(.bytes = 64 * MIB, .asked = 64 * KIB, .block = 4 * KIB), 1, 64 * KIB,
		  "asked for");
	sizes_are(question(.bytes = 256 * MIB, .asked = 2 * MIB), 1, 2 * MIB, "asked for");
	sizes_are(question(.bytes = 256 * MIB, .asked = 4 * KIB), 1, 4 * KIB, "asked for");
}

static void no_page_has_such_a_size(void **state)
{
	struct devmem__pages pages;

	(void)state;
	assert_int_equal(list(question(.bytes = MIB, .asked = 5000), &pages), -EINVAL);
	assert_non_null(strstr(devmem_error(), "power of two"));
	assert_int_equal(list(question(.bytes = MIB, .asked = 2048), &pages), -EINVAL);
	assert_non_null(strstr(devmem_error(), "4096"));
}

static void no_larger_than_the_pieces_of_memory(void **state)
{
	(void)state;
	sizes_are(question(.bytes = 256 * MIB, .block = 16 * KIB), 3, 16 * KIB, "pieces of 16 KiB");
	sizes_are(question(.bytes = 256 * MIB, .block = 4 * KIB), 1, 4 * KIB, "pieces of 4 KiB");
}

/* 1024 entries of 64 KiB are 64 MiB. */
static void rings_take_at_most_half(void **state)
{
	(void)state;
	sizes_are(question(.bytes = 128 * MIB), 5, 64 * KIB, "unasked");
	sizes_are(question(.bytes = 128 * MIB - 64 * KIB), 4, 32 * KIB,
		  "1 queue with 1024 entries");
	sizes_are(question(.bytes = 128 * MIB, .queues = 3), 3, 16 * KIB, "with 32 KiB");
	sizes_are(question(.bytes = 256 * MIB, .queues = 1024, .entries = 8192), 1, 4 * KIB,
		  "with 8 KiB");
}

/* The smallest one is tried whatever it means: devmem_plan() is there to say that it is not
 * enough. */
static void the_system_s_page_always_stays(void **state)
{
	(void)state;
	sizes_are(question(.bytes = 4 * KIB), 1, 4 * KIB, "8 KiB");
	sizes_are(question(.bytes = 256 * MIB, .system = 64 * KIB), 1, 64 * KIB, "unasked");
	sizes_are(question(.bytes = 64 * MIB, .system = 64 * KIB), 1, 64 * KIB, "");
}

static void a_small_ring_counts_as_what_keeps_a_sender_going(void **state)
{
	(void)state;
	sizes_are(question(.bytes = 8 * MIB, .entries = 16), 5, 64 * KIB, "unasked");
	sizes_are(question(.bytes = 4 * MIB, .entries = 16), 4, 32 * KIB, "16 entries");
}

static void only_multiples(void **state)
{
	(void)state;
	sizes_are(question(.bytes = 256 * MIB + 8 * KIB), 2, 8 * KIB, "multiple of 16 KiB");
}

static void refusals(void **state)
{
	struct devmem__pages pages;

	(void)state;
	assert_int_equal(list(question(.bytes = 256 * MIB), &pages), 0);
	devmem__page_size_refused(&pages, 64 * KIB, "no");
	devmem__page_size_refused(&pages, 32 * KIB, "so the kernel said");
	assert_string_equal(pages.why, "32 KiB was refused: so the kernel said");
	assert_true(devmem__page_size_go_on(-EINVAL) && devmem__page_size_go_on(-ERANGE) &&
		    devmem__page_size_go_on(-EOPNOTSUPP));
	assert_false(devmem__page_size_go_on(-EEXIST) || devmem__page_size_go_on(-ENOMEM) ||
		     devmem__page_size_go_on(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_largest_down),
		cmocka_unit_test(what_is_asked_for_alone),
		cmocka_unit_test(no_page_has_such_a_size),
		cmocka_unit_test(no_larger_than_the_pieces_of_memory),
		cmocka_unit_test(rings_take_at_most_half),
		cmocka_unit_test(the_system_s_page_always_stays),
		cmocka_unit_test(a_small_ring_counts_as_what_keeps_a_sender_going),
		cmocka_unit_test(only_multiples),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
