// SPDX-License-Identifier: MIT
/* DEVMEM_OPTS in C++: what is given is there, in any order, the size too, and nothing else. The library is not needed. */
#include <devmem/devmem.h>

#include <cstdio>
#include <cstring>

static int failed;

#define EXPECT(what) ((what) ? (void)0 : (void)(failed++, std::printf("options.cpp:%d: %s\n", __LINE__, #what)))

static bool same(const devmem_ring_opts *given, const devmem_ring_opts &expected)
{
	return !std::memcmp(given, &expected, sizeof(expected));
}

static void one()
{
	static devmem_ring_opts expected;	/* padding is compared, too */
	const char *engine = "copy";

	expected.size = sizeof(expected);
	expected.engine = engine;
	EXPECT(same(DEVMEM_OPTS(devmem_ring_opts, .engine = engine), expected));
	EXPECT(DEVMEM_OPTS(devmem_bind_opts, .queues = 3)->size == sizeof(devmem_bind_opts));
}

/* All members there are, backwards. */
static void all()
{
	static devmem_ring_opts expected;	/* padding is compared, too */

	expected.size = sizeof(expected);
	expected.entries = 1;
	expected.buffers = 2;
	expected.buffer_bytes = 3;
	expected.merge = 4;
	expected.spill_bytes = 5;
	expected.busy_poll_us = 6;
	expected.refill_entries = 7;
	expected.coalesce_us = 8;
	EXPECT(same(DEVMEM_OPTS(devmem_ring_opts, .engine = nullptr, .coalesce_us = 8, .refill_entries = 7, .busy_poll_us = 6, .spill_bytes = 5,
				.merge = 4, .buffer_bytes = 3, .buffers = 2, .entries = 1), expected));
}

/* As many as the macro can take. */
static void twelve()
{
	static devmem_ring_opts expected;	/* padding is compared, too */
	unsigned int n = 0;

	expected.size = sizeof(expected);
	expected.entries = 12;
	EXPECT(same(DEVMEM_OPTS(devmem_ring_opts, .entries = ++n, .entries = ++n, .entries = ++n, .entries = ++n, .entries = ++n,
				.entries = ++n, .entries = ++n, .entries = ++n, .entries = ++n, .entries = ++n, .entries = ++n,
				.entries = ++n), expected));
}

int main()
{
	one();
	all();
	twelve();
	return failed != 0;
}
