// SPDX-License-Identifier: MIT
/*
 * Gathering by the GPU, through the fake driver, which runs the very kernel. The same program
 * without it: FAKE_CUDA_FAIL keeps the kernel from being loaded, FAKE_CUDA_LACKS takes
 * cuMemcpyBatchAsync() away. argv[1]: what it should be done by.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/buffer.h"
#include "cuda.h"

#define MIB	   (1u << 20)
#define BYTES	   (2 * MIB)
#define GUARD	   64u
#define SPOILED	   0xee
#define MAX_RANGES 70000u

static const char *expected_way;

static bool by_kernel(void)
{
	return !strcmp(expected_way, "by a kernel");
}

/* ----------------------------------------------------------------------------- what done() says */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int n;
	int result;
} over = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void is_over(void *arg, int result)
{
	(void)arg;
	pthread_mutex_lock(&over.lock);
	over.n++;
	over.result = over.result ? over.result : result;
	pthread_cond_broadcast(&over.changed);
	pthread_mutex_unlock(&over.lock);
}

static unsigned int how_many_are_over(void)
{
	unsigned int n;

	pthread_mutex_lock(&over.lock);
	n = over.n;
	pthread_mutex_unlock(&over.lock);
	return n;
}

/* The first failure of them; forgets them. */
static int await(unsigned int n)
{
	unsigned int seen;
	int result;

	pthread_mutex_lock(&over.lock);
	while (over.n < n)
		pthread_cond_wait(&over.changed, &over.lock);
	seen = over.n;
	result = over.result;
	over.n = 0;
	over.result = 0;
	pthread_mutex_unlock(&over.lock);
	assert_int_equal(seen, n);
	return result;
}

/* ---------------------------------------------------------------------------------- two buffers */

static struct {
	struct devmem_buffer *from, *to;
	unsigned char *source, *expected, *seen; /* the bytes, on our side */
	struct devmem_range *ranges;
	unsigned int seed;
} t;

static unsigned int draw(unsigned int below)
{
	t.seed = t.seed * 1103515245 + 12345;
	return (t.seed >> 8) % below;
}

/* What is ours of it serves all tests: mapped anew for each, it would cost more than most of them
 * do. */
static int set_up_all(void **state)
{
	(void)state;
	t.seed = 1;
	t.source = malloc(BYTES);
	t.expected = malloc(BYTES);
	t.seen = malloc(BYTES);
	t.ranges = calloc(MAX_RANGES, sizeof(*t.ranges));
	for (unsigned int i = 0; i < BYTES; i += 4)
		memcpy(t.source + i, &(unsigned int){ draw(1u << 24) * 0x9e3779b1u }, 4);
	return 0;
}

static int tear_down_all(void **state)
{
	(void)state;
	free(t.source);
	free(t.expected);
	free(t.seen);
	free(t.ranges);
	return 0;
}

static int set_up(void **state)
{
	cuda_before(state);
	over.n = 0;
	over.result = 0;
	t.seed = 1;
	t.from = cuda_buffer(BYTES, NULL);
	t.to = cuda_buffer(BYTES, NULL);
	return devmem_buffer_write(t.from, 0, t.source, BYTES);
}

static int tear_down(void **state)
{
	fake_cuda_hold(false); /* where a test has failed */
	devmem_buffer_close(t.from);
	devmem_buffer_close(t.to);
	return cuda_after(state);
}

static int begin(struct devmem_buffer *to, uint64_t offset, struct devmem_buffer *from,
		 const struct devmem_range *ranges, unsigned int n)
{
	return devmem__memory_gather(devmem__buffer_memory(to), offset, devmem__buffer_memory(from),
				     ranges, n, is_over, NULL);
}

static void spoil(void)
{
	memset(t.expected, SPOILED, BYTES);
	assert_int_equal(devmem_buffer_write(t.to, 0, t.expected, BYTES), 0);
}

static uint64_t lay_out(uint64_t offset, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		memcpy(t.expected + offset, t.source + t.ranges[i].offset, t.ranges[i].length);
		offset += t.ranges[i].length;
	}
	return offset;
}

/* All bytes of the target are looked at: those around must be as they were. */
static void expect_gathered(void)
{
	assert_int_equal(devmem_buffer_read(t.to, 0, t.seen, BYTES), 0);
	for (unsigned int i = 0; memcmp(t.seen, t.expected, BYTES) && i < BYTES; i++)
		if (t.seen[i] != t.expected[i])
			fail_msg("byte %u is %#x and not %#x", i, t.seen[i], t.expected[i]);
}

static void gather_and_compare(uint64_t offset, unsigned int n)
{
	spoil();
	lay_out(offset, n);
	assert_int_equal(begin(t.to, offset, t.from, t.ranges, n), 0);
	assert_int_equal(await(1), 0);
	expect_gathered();
}

/* So many as there are, or fit. */
static unsigned int random_ranges(unsigned int most, unsigned int longest, uint64_t room)
{
	unsigned int n = 0;

	while (n < most) {
		const uint64_t length = 1 + draw(longest);

		if (length > room)
			break;
		t.ranges[n++] = (struct devmem_range){ .offset = draw(BYTES - (unsigned int)length),
						       .length = length };
		room -= length;
	}
	return n;
}

/* --------------------------------------------------------------------------------- what arrives */

static void it_is_done_as_it_should_be(void **state)
{
	const char *why;

	(void)state;
	devmem_buffer_backend(t.to, &why);
	if (!strstr(why, expected_way))
		fail_msg("\"%s\" lacks \"%s\"", why, expected_way);
}

static void odd_lengths_and_offsets(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		gather_and_compare(GUARD + draw(64),
				   random_ranges(30, 70000, BYTES - 2 * GUARD - 64));
}

static void thousands_of_small_ones(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		gather_and_compare(GUARD + i, random_ranges(i ? 500 : 2000, 40, BYTES - 2 * GUARD));
}

/* Appends one that begins at this phase of the target; another in front of it leads there. Returns
 * where it ends. */
static uint64_t add_at_phase(unsigned int *n, uint64_t offset, unsigned int target,
			     unsigned int source, unsigned int length)
{
	const uint64_t lead = 1 + (target + 15 - offset % 16) % 16;

	t.ranges[(*n)++] = (struct devmem_range){ .offset = 7, .length = lead };
	t.ranges[(*n)++] = (struct devmem_range){ .offset = 4096 + source, .length = length };
	return offset + lead + length;
}

/* Each phase of the source against each of the target, or three for it, at lengths around what is
 * copied at a time. */
static void every_phase(void **state)
{
	static const unsigned int lengths[] = { 1,  7,	8,    9,	15,    16,	 17,
						31, 33, 1024, 2048 + 8, 16384, 16384 + 9 };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		const unsigned int skip_phases = lengths[i] > 100 ? 5 : 1;
		uint64_t offset = GUARD;
		unsigned int n = 0;

		for (unsigned int target = 0; target < 16; target++)
			for (unsigned int source = 0; source < 16; source += skip_phases)
				offset = add_at_phase(&n, offset, target, (target + source) % 16,
						      lengths[i]);
		gather_and_compare(GUARD, n);
	}
}

static void aligned_pages(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 300; i++)
		t.ranges[i] = (struct devmem_range){ .offset = 4096 * draw(BYTES / 4096),
						     .length = 4096 };
	gather_and_compare(MIB / 2, 300);
}

/* Lists of descriptors begin with 2,048 and grow to 32,768: all sizes, and one that is full
 * twice. */
static void more_than_a_launch_holds(void **state)
{
	(void)state;
	gather_and_compare(GUARD + 5, random_ranges(70000, 24, BYTES - 2 * GUARD));
}

static void ranges_without_bytes(void **state)
{
	const struct devmem_range none[3] = { { .offset = 5 },
					      { .offset = BYTES },
					      { .offset = 0 } };

	(void)state;
	spoil();
	assert_int_equal(begin(t.to, 9, t.from, none, 0), 0);
	assert_int_equal(await(1), 0);
	assert_int_equal(begin(t.to, 9, t.from, none, 3), 0);
	assert_int_equal(await(1), 0);
	expect_gathered();
	for (unsigned int i = 0; i < 9; i++)
		t.ranges[i] =
			(struct devmem_range){ .offset = i * 999, .length = i % 3 ? 0 : i + 1 };
	gather_and_compare(GUARD, 9);
}

static void within_one_buffer(void **state)
{
	(void)state;
	memcpy(t.expected, t.source, BYTES);
	for (unsigned int i = 0; i < 100; i++)
		t.ranges[i] =
			(struct devmem_range){ .offset = draw(MIB), .length = 1 + draw(9000) };
	lay_out(MIB + 9003, 100);
	assert_int_equal(begin(t.from, MIB + 9003, t.from, t.ranges, 100), 0);
	assert_int_equal(await(1), 0);
	assert_int_equal(devmem_buffer_read(t.from, 0, t.seen, BYTES), 0);
	assert_memory_equal(t.seen, t.expected, BYTES);
}

/* Not the GPU's business: the processor does it, before the call returns. */
static void between_what_no_kernel_reaches(void **state)
{
	struct devmem_buffer *other, *host;
	struct devmem_memory *to;

	(void)state;
	cuda_devices("0000:65:00.0 0000:66:00.0");
	other = cuda_buffer(BYTES, "1");
	assert_int_equal(devmem_buffer_create("shm", BYTES, NULL, &host), 0);
	assert_int_equal(devmem_buffer_write(other, 0, t.source, BYTES), 0);
	assert_int_equal(devmem_buffer_write(host, 0, t.source, BYTES), 0);
	to = devmem__buffer_memory(t.to);
	random_ranges(20, 3000, BYTES);
	assert_int_equal(to->backend->gather(to, 3, devmem__buffer_memory(other), t.ranges, 20,
					     is_over, NULL),
			 -EOPNOTSUPP);
	assert_int_equal(to->backend->gather(to, 3, devmem__buffer_memory(host), t.ranges, 20,
					     is_over, NULL),
			 -EOPNOTSUPP);
	for (unsigned int i = 0; i < 2; i++) {
		spoil();
		lay_out(3, 20);
		assert_int_equal(begin(t.to, 3, i ? host : other, t.ranges, 20), 0);
		assert_int_equal(how_many_are_over(), 1);
		assert_int_equal(await(1), 0);
		expect_gathered();
	}
	assert_int_equal(begin(host, 3, t.from, t.ranges, 20), 0);
	assert_int_equal(await(1), 0);
	assert_int_equal(devmem_buffer_read(host, 0, t.seen, MIB), 0);
	assert_memory_equal(t.seen + 3, t.expected + 3, 20 * 1000);
	devmem_buffer_close(other);
	devmem_buffer_close(host);
}

/* ---------------------------------------------------------------------------- how it gets there */

static struct {
	unsigned long long source, target; /* addresses of the two buffers */
	unsigned char *may_read;	   /* words of 8 bytes of the source */
	unsigned char *written;		   /* how often, for each byte of the target */
	unsigned char *width;		   /* of the store that wrote it */
	unsigned int wrong;
} watch;

static void look(unsigned long long address, unsigned int bytes, bool write)
{
	if (!write && address - watch.source < BYTES) {
		for (unsigned int i = 0; i < bytes; i += 8)
			watch.wrong += !watch.may_read[(address - watch.source + i) / 8];
		return;
	}
	if (!write)
		return; /* the list */
	if (address - watch.target >= BYTES) {
		watch.wrong++;
		return;
	}
	for (unsigned int i = 0; i < bytes; i++) {
		watch.written[address - watch.target + i]++;
		watch.width[address - watch.target + i] = (unsigned char)bytes;
	}
}

static unsigned long long address_of(struct devmem_buffer *b)
{
	static const unsigned char mark[16] = "where is it now";
	unsigned long long address = 0x00ca000000000000ull;
	unsigned char before[16];

	assert_int_equal(devmem_buffer_read(b, 0, before, 16), 0);
	assert_int_equal(devmem_buffer_write(b, 0, mark, 16), 0);
	while (!fake_cuda_look(address, BYTES) || memcmp(fake_cuda_look(address, 16), mark, 16))
		address += 2 * MIB;
	assert_int_equal(devmem_buffer_write(b, 0, before, 16), 0);
	return address;
}

/* Are the units of 8 bytes that lie in this range of the target written at once, and is all of it
 * written once? */
static void expect_stores(uint64_t offset, uint64_t length)
{
	for (uint64_t i = offset; i < offset + length; i++) {
		const bool whole = i - i % 8 >= offset && i - i % 8 + 8 <= offset + length;

		if (watch.written[i] != 1 || (whole && watch.width[i] < 8) ||
		    (!whole && watch.width[i] != 1))
			fail_msg("byte %llu of %llu at %llu is written %u times, by %u at last",
				 (unsigned long long)(i - offset), (unsigned long long)length,
				 (unsigned long long)offset, watch.written[i], watch.width[i]);
	}
}

static void permit(const struct devmem_range *range)
{
	for (uint64_t i = range->offset / 8;
	     range->length && i <= (range->offset + range->length - 1) / 8; i++)
		watch.may_read[i] = 1;
}

static void watched(uint64_t offset, unsigned int n)
{
	memset(watch.may_read, 0, BYTES / 8);
	memset(watch.written, 0, BYTES);
	for (unsigned int i = 0; i < n; i++)
		permit(&t.ranges[i]);
	fake_cuda_watch(look);
	gather_and_compare(offset, n);
	fake_cuda_watch(NULL);
	assert_int_equal(watch.wrong, 0);
	for (unsigned int i = 0; i < n; offset += t.ranges[i++].length)
		expect_stores(offset, t.ranges[i].length);
}

/* Only the aligned words that the ranges touch are read, and no aligned unit of 8 bytes is written
 * in parts. */
static void no_access_too_many(void **state)
{
	(void)state;
	if (!by_kernel())
		skip();
	watch.source = address_of(t.from);
	watch.target = address_of(t.to);
	watch.may_read = malloc(BYTES / 8);
	watch.written = malloc(BYTES);
	watch.width = malloc(BYTES);
	for (unsigned int i = 0; i < 12; i++) {
		/* the very ends of the source are among them */
		const unsigned int n = random_ranges(12, i % 4 ? 300 : 30000, BYTES - 256);

		t.ranges[0].offset = 0;
		t.ranges[1].offset = BYTES - t.ranges[1].length;
		watched(GUARD + draw(32), n);
	}
	free(watch.may_read);
	free(watch.written);
	free(watch.width);
}

/* ----------------------------------------------------------------------------------------- when */

static void it_is_not_waited_for(void **state)
{
	(void)state;
	spoil();
	random_ranges(100, 5000, BYTES);
	lay_out(1, 100);
	fake_cuda_hold(true);
	assert_int_equal(begin(t.to, 1, t.from, t.ranges, 100), 0);
	memset(t.ranges, 0, 100 * sizeof(*t.ranges)); /* they are ours again */
	assert_int_equal(how_many_are_over(), 0);
	fake_cuda_hold(false);
	assert_int_equal(await(1), 0);
	expect_gathered();
}

static void *let_go(void *arg)
{
	fake_cuda_hold(false);
	return arg;
}

/* More than there are slots: the oldest is waited for, in order. */
static void many_at_a_time(void **state)
{
	pthread_t thread;
	uint64_t offset = 7;

	(void)state;
	spoil();
	fake_cuda_hold(true);
	for (unsigned int i = 0; i < 100; i++) {
		unsigned int n = random_ranges(10, 3000, BYTES);

		if (i == 7) /* the ninth has no slot until somebody lets the stream go */
			assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
		assert_int_equal(begin(t.to, offset, t.from, t.ranges, n), 0);
		offset = lay_out(offset, n);
	}
	pthread_join(thread, NULL);
	assert_int_equal(await(100), 0);
	expect_gathered();
}

/* What the driver does lazily it has done when there is a buffer: a launch, and a callback. */
static void warmed_up_when_it_is_made(void **state)
{
	const unsigned int launches = fake_cuda_calls("cuLaunchKernel"),
			   callbacks = fake_cuda_calls("cuStreamAddCallback");

	(void)state;
	devmem_buffer_close(cuda_buffer(MIB, NULL));
	assert_int_equal(fake_cuda_calls("cuLaunchKernel"), launches + by_kernel());
	assert_int_equal(fake_cuda_calls("cuStreamAddCallback"), callbacks + 1);
	assert_int_equal(how_many_are_over(), 0);
}

static void nothing_is_allocated_when_it_runs(void **state)
{
	static const char *const allocating[] = { "cuMemAlloc",
						  "cuMemCreate",
						  "cuMemHostAlloc",
						  "cuEventCreate",
						  "cuStreamCreateWithPriority",
						  "cuModuleLoadData" };
	unsigned int before[ARRAY_SIZE(allocating)];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(allocating); i++)
		before[i] = fake_cuda_calls(allocating[i]);
	gather_and_compare(0, random_ranges(1000, 100, BYTES));
	for (unsigned int i = 0; i < ARRAY_SIZE(allocating); i++)
		assert_int_equal(fake_cuda_calls(allocating[i]), before[i]);
}

static void closed_while_it_runs(void **state)
{
	pthread_t thread;

	(void)state;
	fake_cuda_hold(true);
	random_ranges(100, 5000, BYTES);
	assert_int_equal(begin(t.to, 1, t.from, t.ranges, 100), 0);
	assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
	devmem_buffer_close(t.to); /* waits */
	assert_int_equal(how_many_are_over(), 1);
	assert_int_equal(await(1), 0);
	pthread_join(thread, NULL);
	t.to = cuda_buffer(BYTES, NULL);
}

/* ------------------------------------------------------------------------------------- failures */

static void a_gpu_that_fails_meanwhile(void **state)
{
	struct devmem_buffer *small = cuda_buffer(4096, NULL);
	const struct devmem_range beyond = { .offset = 8 * MIB, .length = 4096 };
	int err;

	(void)state;
	fake_cuda_hold(true); /* else it may have failed before all of it is under way */
	err = begin(t.to, 0, small, &beyond, 1); /* what the core would not let through */
	fake_cuda_hold(false);
	if (by_kernel()) {
		assert_int_equal(err, 0);
		assert_int_equal(await(1), -EIO);
	} else {
		assert_int_equal(err, -EINVAL);
		assert_int_equal(how_many_are_over(), 0);
	}
	fake_cuda_break(0);
	random_ranges(10, 5000, BYTES);
	gather_and_compare(1, 10);
	devmem_buffer_close(small);
}

/* The promise is kept when the buffer goes, and once: what the driver calls later finds nothing to
 * do. */
static void a_gpu_that_has_failed_and_calls_back_late(void **state)
{
	(void)state;
	random_ranges(10, 5000, BYTES);
	fake_cuda_hold(true);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(begin(t.to, 1, t.from, t.ranges, 10), 0);
	fake_cuda_break(719);
	assert_int_equal(begin(t.to, 1, t.from, t.ranges, 10), -EIO);
	devmem_buffer_close(t.to);
	assert_int_equal(how_many_are_over(), 3);
	assert_int_equal(await(3), -EIO);
	fake_cuda_hold(false);
	fake_cuda_break(0);
	t.to = cuda_buffer(BYTES, NULL);
	assert_int_equal(how_many_are_over(), 0);
}

/* Is it one that runs in portions, as many ranges are, and fails in the second? What the first
 * wrote is waited for. */
static void the_second_portion_fails(void **state)
{
	static const char *const calls[] = { "cuLaunchKernel", "cuMemcpyBatchAsync",
					     "cuMemcpyDtoDAsync" };
	const unsigned int way = by_kernel() ? 0 : strstr(expected_way, "Batch") ? 1 : 2;
	const unsigned int n = way ? 1030 : 8200;
	char plan[64];

	(void)state;
	for (unsigned int i = 0; i < n; i++)
		t.ranges[i] = (struct devmem_range){ .offset = i, .length = 1 };
	snprintf(plan, sizeof(plan), "%s=999@2", calls[way]);
	cuda_fail(plan);
	assert_int_equal(begin(t.to, 1, t.from, t.ranges, n), -EIO);
	assert_true(fake_cuda_failed());
	assert_int_equal(how_many_are_over(), 0);
	cuda_fail("");
	gather_and_compare(1, 20);
}

/* Without an event to tell when its list was read, all is waited for at once. */
static void no_event_is_recorded(void **state)
{
	(void)state;
	cuda_fail("cuEventRecord=999");
	random_ranges(10, 5000, BYTES);
	for (unsigned int i = 0; i < 10; i++)
		gather_and_compare(i, 10);
}

static int gather_once(void)
{
	const struct devmem_range ranges[] = { { .offset = 1, .length = 100 },
					       { .offset = 8, .length = 20000 } };
	struct devmem_buffer *from, *to = NULL;
	int err = devmem_buffer_create("cuda", MIB, NULL, &from);

	if (err)
		return err;
	err = devmem_buffer_create("cuda", MIB, NULL, &to);
	for (unsigned int i = 0; !err && i < 2; i++) {
		err = begin(to, i, from, ranges, 2);
		if (!err)
			assert_int_equal(await(1), 0);
		assert_int_equal(how_many_are_over(), 0);
	}
	devmem_buffer_close(to);
	devmem_buffer_close(from);
	return err;
}

static void every_call_that_can_fail(void **state)
{
	(void)state;
	cuda_each_failure(gather_once);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_done_as_it_should_be),
		TEST(odd_lengths_and_offsets),
		TEST(thousands_of_small_ones),
		TEST(every_phase),
		TEST(aligned_pages),
		TEST(more_than_a_launch_holds),
		TEST(ranges_without_bytes),
		TEST(within_one_buffer),
		TEST(between_what_no_kernel_reaches),
		TEST(no_access_too_many),
		TEST(it_is_not_waited_for),
		TEST(many_at_a_time),
		TEST(warmed_up_when_it_is_made),
		TEST(nothing_is_allocated_when_it_runs),
		TEST(closed_while_it_runs),
		TEST(a_gpu_that_fails_meanwhile),
		TEST(a_gpu_that_has_failed_and_calls_back_late),
		TEST(the_second_portion_fails),
		TEST(no_event_is_recorded),
		CUDA_TEST(every_call_that_can_fail),
	};

	expected_way = argc > 1 ? argv[1] : "by a kernel";
	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
