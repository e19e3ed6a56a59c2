// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "bind/plan.h"

#define KIB 1024u
#define MIB (1024u * KIB)

static void rings_pin_their_entries(void **state)
{
	struct devmem_plan p = {
		.ring_entries = 1024, .mtu = 9000, .queues = 4, .page_size = 4 * KIB
	};

	(void)state;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
	assert_int_equal(p.bind_page_size, 4 * KIB);
	assert_int_equal(p.pinned_bytes, 4 * 1024 * 4096);
	assert_true(p.least_bytes > p.pinned_bytes);
	assert_true(p.advised_bytes >= p.least_bytes);
	p.page_size = 64 * KIB;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
	assert_int_equal(p.pinned_bytes, 4ull * 1024 * 65536);
}

static void small_packets_waste_pages(void **state)
{
	struct devmem_plan small = {
		.ring_entries = 256, .mtu = 1500, .connections = 100, .page_size = 4 * KIB
	};
	struct devmem_plan large = {
		.ring_entries = 256, .mtu = 9000, .connections = 100, .page_size = 4 * KIB
	};

	(void)state;
	assert_int_equal(devmem__plan_compute(&small, UINT32_MAX), 0);
	assert_int_equal(devmem__plan_compute(&large, UINT32_MAX), 0);
	/* 1448 of 4096 bytes against 8948 of 12288 */
	assert_true(small.advised_bytes - small.pinned_bytes >
		    2 * (large.advised_bytes - large.pinned_bytes));
	assert_in_range(small.wasted_bytes * 100 / (small.advised_bytes - small.pinned_bytes), 62,
			66);
	assert_in_range(large.wasted_bytes * 100 / (large.advised_bytes - large.pinned_bytes), 25,
			29);
}

static void too_small_says_what_would_do(void **state)
{
	struct devmem_plan p = { .ring_entries = 8192,
				 .mtu = 1500,
				 .queues = 2,
				 .page_size = 65536,
				 .buffer_bytes = 64 << 20 };

	(void)state;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), -ENOSPC);
	assert_non_null(strstr(devmem_error(), "8192 entries"));
	p.buffer_bytes = p.least_bytes;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
	p.buffer_bytes--;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), -ENOSPC);
}

static void a_tiny_mtu_divides_by_no_zero(void **state)
{
	struct devmem_plan p = { .ring_entries = 64, .mtu = 52 };

	(void)state;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
}

/* What is advised is what bind then really takes, and asking again changes nothing. */
static void large_pages_where_nothing_is_asked(void **state)
{
	static const uint32_t rings[] = { 16, 64, 256, 1000, 1024, 8192 };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rings); i++) {
		struct devmem_plan p = { .ring_entries = rings[i], .mtu = 9000, .queues = 1 + i };

		assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
		assert_int_equal(p.page_size, 0);
		assert_int_equal(p.bind_page_size, 64 * KIB);
		assert_int_equal(p.advised_page_size, 64 * KIB);
		assert_null(p.advice);
		assert_int_equal(p.advised_bytes % (2 * MIB), 0); /* huge pages */
		p.buffer_bytes = p.advised_bytes;
		assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
		assert_int_equal(p.bind_page_size, 64 * KIB);
		assert_int_equal(p.advised_bytes, p.buffer_bytes);
	}
}

static void a_smaller_buffer_takes_smaller_pages(void **state)
{
	struct devmem_plan p = { .ring_entries = 1024, .mtu = 9000, .buffer_bytes = 64 * MIB };

	(void)state;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
	assert_int_equal(p.bind_page_size, 32 * KIB);
	assert_int_equal(p.advised_page_size, 32 * KIB);
	assert_non_null(strstr(p.advice, "larger buffer"));
	p.page_size = 64 * KIB; /* asked for all the same */
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), -ENOSPC);
	assert_int_equal(p.bind_page_size, 64 * KIB);
	assert_int_equal(p.advised_page_size, 32 * KIB);
	assert_non_null(strstr(p.advice, "more than half"));
	p.page_size = 4 * KIB;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
	assert_int_equal(p.advised_page_size, 32 * KIB);
	assert_non_null(strstr(p.advice, "cheaper"));
	p = (struct devmem_plan){ .ring_entries = 64, .mtu = 9000, .page_size = 2 * MIB };
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
	assert_int_equal(p.advised_page_size, 64 * KIB);
	assert_non_null(strstr(p.advice, "64 KiB"));
}

static void small_messages_want_small_pages(void **state)
{
	struct devmem_plan p = {
		.ring_entries = 256, .mtu = 9000, .connections = 1000, .message_bytes = 64
	};
	struct devmem_plan small = p;

	(void)state;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
	assert_int_equal(p.bind_page_size, 64 * KIB);
	assert_int_equal(p.advised_page_size, 4 * KIB);
	assert_non_null(strstr(p.advice, "message"));
	assert_true(p.wasted_bytes > p.advised_bytes / 10 * 9);
	small.page_size = p.advised_page_size;
	assert_int_equal(devmem__plan_compute(&small, UINT32_MAX), 0);
	assert_null(small.advice);
	assert_true(small.advised_bytes < p.advised_bytes / 15);
	assert_true(small.wasted_bytes < p.wasted_bytes / 15);
}

static void a_page_that_a_message_fills_by_half(void **state)
{
	static const struct {
		uint32_t message, page;
	} want[] = {
		{ 1, 4 * KIB },		{ 4095, 4 * KIB },	{ 4096, 8 * KIB },
		{ 8 * KIB, 16 * KIB },	{ 20000, 32 * KIB },	{ 32 * KIB - 1, 32 * KIB },
		{ 32 * KIB, 64 * KIB }, { 10 * MIB, 64 * KIB }, { 0, 64 * KIB },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
		struct devmem_plan p = { .ring_entries = 256,
					 .mtu = 9000,
					 .message_bytes = want[i].message };

		assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), 0);
		assert_int_equal(p.advised_page_size, want[i].page);
		assert_true(!p.advice == (want[i].page == 64 * KIB));
	}
}

static void no_such_page(void **state)
{
	struct devmem_plan p = { .ring_entries = 256, .mtu = 9000, .page_size = 5000 };

	(void)state;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), -EINVAL);
	p.page_size = 2048;
	assert_int_equal(devmem__plan_compute(&p, UINT32_MAX), -EINVAL);
	assert_non_null(strstr(devmem_error(), "2048"));
}

/* gve, whose queues have pages of 4 KiB whatever the kernel and the buffer have. */
static void a_driver_without_large_pages(void **state)
{
	struct devmem_plan p = { .ring_entries = 1024, .mtu = 9000, .buffer_bytes = 256 * MIB };

	(void)state;
	assert_int_equal(devmem__plan_compute(&p, 4 * KIB), 0);
	assert_int_equal(p.bind_page_size, 4 * KIB);
	assert_int_equal(p.advised_page_size, 4 * KIB);
	assert_null(p.advice);
	p.page_size = 64 * KIB;
	assert_int_equal(devmem__plan_compute(&p, 4 * KIB), 0);
	assert_int_equal(p.advised_page_size, 4 * KIB);
	assert_non_null(strstr(p.advice, "driver has no pages larger"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_pin_their_entries),
		cmocka_unit_test(small_packets_waste_pages),
		cmocka_unit_test(too_small_says_what_would_do),
		cmocka_unit_test(a_tiny_mtu_divides_by_no_zero),
		cmocka_unit_test(large_pages_where_nothing_is_asked),
		cmocka_unit_test(a_driver_without_large_pages),
		cmocka_unit_test(a_smaller_buffer_takes_smaller_pages),
		cmocka_unit_test(small_messages_want_small_pages),
		cmocka_unit_test(a_page_that_a_message_fills_by_half),
		cmocka_unit_test(no_such_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
