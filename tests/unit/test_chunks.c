// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bind/chunks.h"
#include "unit.h"

#define KIB 1024u

static void sizes(void **state)
{
	static const struct {
		size_t bytes, most, chunk;
	} cases[] = {
		/* one chunk is the least there can be */
		{ 4 * KIB, 256 * KIB, 4 * KIB },
		{ 64 * KIB, 256 * KIB, 4 * KIB },
		{ 128 * KIB, 256 * KIB, 4 * KIB },
		{ 256 * KIB, 256 * KIB, 8 * KIB }, /* 32 chunks while they are small */
		{ 8192 * KIB, 256 * KIB, 256 * KIB },
		{ 65536 * KIB, 256 * KIB, 256 * KIB }, /* then as large as asked for */
		{ 65536 * KIB, 64 * KIB, 64 * KIB },
		{ 12 * KIB, 256 * KIB, 4 * KIB },
		{ 8200 * KIB, 256 * KIB, 256 * KIB }, /* what is left over is not used */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct devmem__chunks c = { 0 };

		assert_int_equal(devmem__chunks_open(&c, cases[i].bytes, cases[i].most), 0);
		assert_int_equal(c.bytes, cases[i].chunk);
		assert_int_equal(c.count, cases[i].bytes / cases[i].chunk);
		devmem__chunks_close(&c);
	}
}

static void each_is_taken_once_the_lowest_first(void **state)
{
	struct devmem__chunks c = { 0 };

	(void)state;
	/* more than two words of bits */
	assert_int_equal(devmem__chunks_open(&c, 130 * 4 * KIB, 4 * KIB), 0);
	for (int i = 0; i < 130; i++)
		assert_int_equal(devmem__chunks_take(&c), i);
	assert_int_equal(devmem__chunks_take(&c), -1);
	devmem__chunks_give(&c, 129);
	devmem__chunks_give(&c, 64);
	assert_int_equal(devmem__chunks_take(&c), 64);
	assert_int_equal(devmem__chunks_take(&c), 129);
	assert_int_equal(devmem__chunks_take(&c), -1);
	devmem__chunks_close(&c);
}

/* Two threads: no chunk is with both, and what one wrote before it gave one back, the other
 * sees. */
#define ROUNDS 100000

struct taker {
	struct devmem__chunks *chunks;
	/* plain memory: a chunk's order must be enough. ThreadSanitizer would say */
	int *owner;
	int me;
	unsigned int idle, clashes; /* rounds without a chunk; chunks that both had */
};

static void *take_and_give(void *arg)
{
	struct taker *t = arg;

	for (int round = 0; round < ROUNDS; round++) {
		int mine[3], n = 0;

		for (int i = 0; i < 3; i++) {
			int chunk = devmem__chunks_take(t->chunks);

			if (chunk < 0)
				continue;
			t->clashes += t->owner[chunk] != 0;
			t->owner[chunk] = t->me;
			mine[n++] = chunk;
		}
		t->idle += !n;
		while (n--) {
			t->clashes += t->owner[mine[n]] != t->me;
			t->owner[mine[n]] = 0;
			devmem__chunks_give(t->chunks, (unsigned int)mine[n]);
		}
	}
	return NULL;
}

static void two_threads_never_have_the_same(void **state)
{
	struct devmem__chunks c = { 0 };
	int owner[4] = { 0 };
	struct taker taker[2] = { { &c, owner, 1, 0, 0 }, { &c, owner, 2, 0, 0 } };
	pthread_t thread[2];

	(void)state;
	/* fewer than both want */
	assert_int_equal(devmem__chunks_open(&c, 4 * 4 * KIB, 4 * KIB), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take_and_give, &taker[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(taker[i].clashes, 0);
		assert_int_equal(taker[i].idle, 0); /* the other has three of four at most */
	}
	for (int i = 0; i < 4; i++) /* and all are back */
		assert_int_equal(devmem__chunks_take(&c), i);
	assert_int_equal(devmem__chunks_take(&c), -1);
	devmem__chunks_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(each_is_taken_once_the_lowest_first),
		cmocka_unit_test(two_threads_never_have_the_same),
	};

	return cmocka_run_group_tests_name("chunks", tests, NULL, NULL);
}
