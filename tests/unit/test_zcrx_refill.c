// SPDX-License-Identifier: MIT
/* Pages out and back, against a model that counts each of them. */
#include <string.h>

#include "engines/zcrx_refill.h"
#include "unit.h"

#define PAGES 300u /* no multiple of a word */

static struct devmem__zcrx_refill r;
static unsigned int out[PAGES], back[PAGES], waiting; /* the model */

static int set_up(void **state)
{
	(void)state;
	memset(out, 0, sizeof(out));
	memset(back, 0, sizeof(back));
	waiting = 0;
	return devmem__zcrx_refill_open(&r, PAGES);
}

static int tear_down(void **state)
{
	(void)state;
	devmem__zcrx_refill_close(&r);
	return 0;
}

static void hand_out(uint32_t first, unsigned int n, bool same)
{
	devmem__zcrx_refill_out(&r, first, n, same);
	for (unsigned int i = 0; i < n; i++)
		out[same ? first : first + i]++;
}

static bool model_has(uint32_t first, unsigned int n, bool same)
{
	if (!n || first >= PAGES || (!same && n > PAGES - first))
		return false;
	if (same)
		return out[first] >= n;
	for (unsigned int i = 0; i < n; i++)
		if (!out[first + i])
			return false;
	return true;
}

static bool come_back(uint32_t first, unsigned int n, bool same)
{
	const bool has = model_has(first, n, same);

	assert_int_equal(devmem__zcrx_refill_back(&r, first, n, same), has);
	for (unsigned int i = 0; has && i < n; i++) {
		out[same ? first : first + i]--;
		back[same ? first : first + i]++;
		waiting++;
	}
	assert_int_equal(r.waiting, waiting);
	return has;
}

/* The highest of those that came back, as the model has it. */
static unsigned int take(unsigned int most)
{
	uint32_t first = 0, last = PAGES;
	bool same = false;
	unsigned int n = devmem__zcrx_refill_next(&r, most, &first, &same);

	if (!n)
		return 0;
	assert_true(n <= most);
	while (!back[--last])
		;
	assert_int_equal(same ? first : first + n - 1, last);
	for (unsigned int i = 0; i < n; i++) {
		const uint32_t page = same ? first : first + i;

		assert_true(back[page]);
		back[page]--;
		waiting--;
	}
	assert_int_equal(r.waiting, waiting);
	return n;
}

static void take_all(void)
{
	while (take(UINT32_MAX))
		;
	assert_int_equal(waiting, 0);
	assert_int_equal(r.waiting, 0);
}

static void runs_come_back_the_highest_first(void **state)
{
	uint32_t first;
	bool same;

	(void)state;
	hand_out(10, 20, false);
	hand_out(60, 70, false); /* over the end of two words */
	hand_out(PAGES - 1, 1, false);
	assert_true(come_back(10, 20, false));
	assert_true(come_back(PAGES - 1, 1, false));
	assert_true(come_back(60, 70, false));
	assert_int_equal(devmem__zcrx_refill_next(&r, 0, &first, &same), 0);
	assert_int_equal(take(100), 1);
	assert_int_equal(take(100), 2); /* 128 and 129 */
	assert_int_equal(take(60), 60);
	take_all();
	assert_int_equal(devmem__zcrx_refill_next(&r, 100, &first, &same), 0);
}

static void what_is_not_out_does_not_come_back(void **state)
{
	(void)state;
	hand_out(10, 20, false);
	assert_false(come_back(9, 2, false));
	assert_false(come_back(29, 2, false));
	assert_false(come_back(10, 0, false));
	assert_false(come_back(PAGES, 1, false));
	assert_false(come_back(PAGES - 1, 2, false));
	assert_false(come_back(UINT32_MAX, 2, false));
	assert_false(come_back(10, UINT32_MAX, false));
	assert_false(come_back(10, 2, true));
	assert_true(come_back(10, 20, false));
	assert_false(come_back(10, 1, false));
	take_all();
}

static void fragments_of_one_page_are_counted(void **state)
{
	(void)state;
	hand_out(5, 3, true);
	hand_out(4, 3, false); /* 5 once more */
	assert_false(come_back(5, 5, true));
	assert_true(come_back(4, 3, false));
	assert_true(come_back(5, 2, true));
	assert_false(come_back(5, 2, true));
	take_all();
	assert_true(come_back(5, 1, true));
	assert_false(come_back(5, 1, false));
	take_all();
}

static void a_page_that_the_area_has_not(void **state)
{
	(void)state;
	devmem__zcrx_refill_out(&r, PAGES, 1, false);
	devmem__zcrx_refill_out(&r, PAGES - 1, 2, false);
	devmem__zcrx_refill_out(&r, UINT32_MAX, 1, true);
	assert_false(come_back(PAGES - 1, 1, false));
}

static uint32_t draw(uint32_t below)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state % below);
}

static void anything(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 50000; i++) {
		const uint32_t first = draw(PAGES), n = 1 + draw(draw(4) ? 5 : 150);
		const bool same = !draw(5);

		switch (draw(3)) {
		case 0:
			if (same || n <= PAGES - first)
				hand_out(first, n, same);
			break;
		case 1:
			come_back(first, n, same);
			break;
		default:
			take(1 + draw(100));
		}
	}
	take_all();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(runs_come_back_the_highest_first),
		TEST(what_is_not_out_does_not_come_back),
		TEST(fragments_of_one_page_are_counted),
		TEST(a_page_that_the_area_has_not),
		TEST(anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
