// SPDX-License-Identifier: MIT
/* DEVMEM_OPTS in C++: what is given is there, in any order, the size too, and nothing else. The
 * library is not needed. */
#include <devmem/devmem.h>

#include <cstdio>
#include <cstring>

static int failed;

#define EXPECT(what) \
	((what) ? (void)0 : (void)(failed++, std::printf("options.cpp:%d: %s\n", __LINE__, #what)))

static bool same(const devmem_ring_opts *given, const devmem_ring_opts &expected)
{
	return !std::memcmp(given, &expected, sizeof(expected));
}

static void one()
{
	static devmem_ring_opts expected; /* padding is compared, too */
	const char *engine = "copy";

	expected.size = sizeof(expected);
	expected.engine = engine;
	EXPECT(same(DEVMEM_OPTS(devmem_ring_opts, .engine = engine), expected));
	EXPECT(DEVMEM_OPTS(devmem_bind_opts, .queues = 3)->size == sizeof(devmem_bind_opts));
}

/* All members there are, backwards. */
static void all()
{
	static devmem_ring_opts expected; /* padding is compared, too */

	expected.size = sizeof(expected);
	expected.entries = 1;
	expected.buffers = 2;
	expected.buffer_bytes = 3;
	expected.merge = 4;
	expected.spill_bytes = 5;
	expected.busy_poll_us = 6;
	expected.refill_entries = 7;
	expected.coalesce_us = 8;
	expected.host_bytes = 9;
	EXPECT(same(DEVMEM_OPTS(devmem_ring_opts, .host_bytes = 9, .engine = nullptr,
				.coalesce_us = 8, .refill_entries = 7, .busy_poll_us = 6,
				.spill_bytes = 5, .merge = 4, .buffer_bytes = 3, .buffers = 2,
				.entries = 1),
		    expected));
}

/* As many as the macro can take, from the first to the last. */
struct many {
	std::size_t size;
	unsigned int a, b, c, d, e, f, g, h, i, j, k, l;
};

static void twelve()
{
	static const many expected = { sizeof(many), 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 };
	unsigned int n = 0;

	EXPECT(!std::memcmp(DEVMEM_OPTS(many, .l = ++n, .k = ++n, .j = ++n, .i = ++n, .h = ++n,
					.g = ++n, .f = ++n, .e = ++n, .d = ++n, .c = ++n, .b = ++n,
					.a = ++n),
			    &expected, sizeof(expected)));
}

static void none()
{
	static devmem_ring_opts expected; /* padding is compared, too */

	expected.size = sizeof(expected);
	EXPECT(same(DEVMEM_OPTS(devmem_ring_opts), expected));
}

static unsigned int thrown()
{
	throw 1;
}

/* For a value of another, of the same type too; and after one whose value was an exception. */
static void within_each_other()
{
	const many *outer = nullptr;
	unsigned int sum = 0;

	EXPECT((sum = DEVMEM_OPTS(many, .a = DEVMEM_OPTS(many, .a = 3, .b = 9)->a + 1, .c = 5)
			      ->a) == 4);
	try {
		outer = DEVMEM_OPTS(many, .a = 1, .b = thrown());
	} catch (int) {
	}
	EXPECT(!outer);
	EXPECT((outer = DEVMEM_OPTS(many, .a = 1), outer->a + outer->b) == 1);
}

/* Where a lambda may not capture everything: at namespace scope, and structured bindings. */
static const unsigned int at_namespace_scope = DEVMEM_OPTS(devmem_bind_opts, .queues = 3)->queues;

static void anywhere()
{
	EXPECT(at_namespace_scope == 3);
#if __cplusplus >= 201703L
	struct {
		unsigned int queues;
		const char *engine;
	} pair = { 2, "copy" };
	const auto &[queues, engine] = pair;

	EXPECT(DEVMEM_OPTS(devmem_bind_opts, .queues = queues, .engine = engine)->queues == 2);
#endif
}

int main()
{
	one();
	all();
	twelve();
	none();
	within_each_other();
	anywhere();
	return failed != 0;
}
