// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "plan.h"

static void rings_pin_their_entries(void **state)
{
	struct devmem_plan p = { .ring_entries = 1024, .mtu = 9000, .queues = 4 };

	(void)state;
	assert_int_equal(devmem__plan_compute(&p), 0);
	assert_int_equal(p.pinned_bytes, 4 * 1024 * 4096);
	assert_true(p.least_bytes > p.pinned_bytes);
	assert_true(p.advised_bytes >= p.least_bytes);
}

static void small_packets_waste_pages(void **state)
{
	struct devmem_plan small = { .ring_entries = 256, .mtu = 1500, .connections = 100 };
	struct devmem_plan large = { .ring_entries = 256, .mtu = 9000, .connections = 100 };

	(void)state;
	assert_int_equal(devmem__plan_compute(&small), 0);
	assert_int_equal(devmem__plan_compute(&large), 0);
	/* 1448 of 4096 bytes against 8948 of 12288 */
	assert_true(small.advised_bytes - small.pinned_bytes > 2 * (large.advised_bytes - large.pinned_bytes));
}

static void too_small_says_what_would_do(void **state)
{
	struct devmem_plan p = { .ring_entries = 8192, .mtu = 1500, .queues = 2, .page_size = 65536,
				 .buffer_bytes = 64 << 20 };

	(void)state;
	assert_int_equal(devmem__plan_compute(&p), -ENOSPC);
	assert_non_null(strstr(devmem_error(), "8192 entries"));
	p.buffer_bytes = p.least_bytes;
	assert_int_equal(devmem__plan_compute(&p), 0);
	p.buffer_bytes--;
	assert_int_equal(devmem__plan_compute(&p), -ENOSPC);
}

static void a_tiny_mtu_divides_by_no_zero(void **state)
{
	struct devmem_plan p = { .ring_entries = 64, .mtu = 52 };

	(void)state;
	assert_int_equal(devmem__plan_compute(&p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_pin_their_entries),
		cmocka_unit_test(small_packets_waste_pages),
		cmocka_unit_test(too_small_says_what_would_do),
		cmocka_unit_test(a_tiny_mtu_divides_by_no_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
