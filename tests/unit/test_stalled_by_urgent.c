// SPDX-License-Identifier: MIT
/* Which counters of a connection mean that the guard keeps dropping what its peer sends. */
#include <string.h>

#include "unit.h"
#include "ring/stalled_by_urgent.h"

static struct devmem__sock_urgent before(void)
{
	return (struct devmem__sock_urgent){
		.drops = 5, .segments = 100, .data_segments = 60, .received = 4000
	};
}

/* One look, after which so much more of each. */
static bool look(struct devmem__sock_urgent *u, uint32_t drops, uint32_t segments, uint32_t data,
		 uint64_t received)
{
	const struct devmem__sock_urgent now = {
		.drops = u->drops + drops,
		.segments = u->segments + segments,
		.data_segments = u->data_segments + data,
		.received = u->received + received,
	};

	return devmem__urgent_judge(u, &now);
}

static void the_segment_and_its_repetition(void **state)
{
	struct devmem__sock_urgent u = before();

	(void)state;
	assert_false(look(&u, 1, 0, 0, 0));
	assert_false(look(&u, 0, 0, 0, 0));
	assert_true(look(&u, 1, 0, 0, 0));
	u = before();
	assert_true(look(&u, 2, 0, 0, 0));
}

static void bytes_that_come_begin_it_anew(void **state)
{
	struct devmem__sock_urgent u = before();

	(void)state;
	assert_false(look(&u, 7, 9, 9, 20000));
	assert_false(look(&u, 1, 0, 0, 0));
	assert_false(look(&u, 1, 1, 1, 1));
	assert_false(look(&u, 1, 0, 0, 0));
	assert_true(look(&u, 1, 0, 0, 0));
}

/* Each is seen by TCP, and dropped. [net/ipv4/tcp_input.c: tcp_validate_incoming()] */
static void keepalive_probes(void **state)
{
	struct devmem__sock_urgent u = before();

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_false(look(&u, 1, 1, 0, 0));
}

/* Behind a gap: many are thrown away for one that comes. [net/ipv4/tcp_input.c:
 * tcp_prune_ofo_queue()] */
static void memory_is_short_behind_a_gap(void **state)
{
	struct devmem__sock_urgent u = before();

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_false(look(&u, 40, 1, 1, 0));
}

static void while_acknowledgements_come(void **state)
{
	struct devmem__sock_urgent u = before();

	(void)state;
	assert_false(look(&u, 1, 30, 0, 0));
	assert_false(look(&u, 1, 30, 0, 0));
	assert_false(look(&u, 1, 0, 0, 0));
	assert_true(look(&u, 1, 0, 0, 0));
}

static void counters_wrap(void **state)
{
	struct devmem__sock_urgent u = { .drops = UINT32_MAX, .segments = UINT32_MAX };

	(void)state;
	assert_true(look(&u, 3, 1, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_segment_and_its_repetition),
		cmocka_unit_test(bytes_that_come_begin_it_anew),
		cmocka_unit_test(keepalive_probes),
		cmocka_unit_test(memory_is_short_behind_a_gap),
		cmocka_unit_test(while_acknowledgements_come),
		cmocka_unit_test(counters_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
