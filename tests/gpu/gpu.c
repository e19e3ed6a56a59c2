// SPDX-License-Identifier: MIT
/*
 * What only a real GPU shows: export, copies, and the gather kernel on long lists and against the
 * clock. Built from the library's own files for memory alone (run), so that a machine with a GPU
 * needs a C compiler and nothing else. "--small" is for the fake driver: less of everything, and
 * the clock does not count.
 *
 * What this machine's driver does not export is said and passed over; gathering is looked at all
 * the same, in memory that is not exported. Exits with 77 where there is no GPU.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "devmem/cuda.h"
#include "memory/backend.h"
#include "backends/cuda_gather.h"
#include "memory/buffer.h"
#include "memory/exporter.h"

#define MIB	  (1ull << 20)
#define PAGE	  4096u
#define MIN_RATIO 0.7 /* of a plain copy's rate, in fragments of a page */
#define ROUNDS	  31
#define NO_GPU	  77

static bool small;

__attribute__((format(printf, 2, 3), noreturn)) static void fail(int line, const char *format, ...)
{
	va_list ap;

	printf("FAILED, line %d: ", line);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

#define check(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			fail(__LINE__, "%s (%s)", #condition, devmem_error()); \
	} while (0)

static uint64_t draw(uint64_t below)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* -------------------------------------------------------------------------------------- buffers */

static void show_exporter(const struct devmem_buffer *b)
{
	char path[64], name[64] = "not a dma-buf (the fake without /dev/udmabuf)";
	const char *why;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", devmem_buffer_fd(b));
	devmem__exporter_name(path, name);
	devmem_buffer_backend(b, &why);
	printf("export: %zu MiB, %s; exporter: %s\n", devmem_buffer_size(b) >> 20, why, name);
	check(small || devmem__exporter_needs_pci(name));
}

static void check_copies(struct devmem_buffer *b)
{
	const size_t bytes = devmem_buffer_size(b);
	unsigned char *out = malloc(bytes), *in = malloc(bytes);

	for (size_t i = 0; i < bytes; i++)
		out[i] = (unsigned char)draw(256);
	check(!devmem_buffer_write(b, 0, out, bytes));
	for (unsigned int i = 0; i < 200; i++) {
		const size_t at = draw(bytes - 5000), n = 1 + draw(5000);

		for (size_t k = 0; k < n; k++)
			out[at + k] = (unsigned char)draw(256);
		check(!devmem_buffer_write(b, at, out + at, n));
	}
	check(!devmem_buffer_read(b, 0, in, bytes));
	check(!memcmp(in, out, bytes));
	for (unsigned int i = 0; i < 200; i++) {
		const size_t at = draw(bytes - 5000), n = 1 + draw(5000);

		check(!devmem_buffer_read(b, at, in, n));
		check(!memcmp(in, out + at, n));
	}
	free(out);
	free(in);
}

static int check_ours(void)
{
	const struct devmem_buffer_opts o = { .size = sizeof(o) };
	struct devmem_buffer *b;
	int err = devmem__buffer_new(&devmem__backend_cuda, (small ? 1 : 64) * MIB, &o, &b);

	if (err == -ENODEV)
		return err;
	check(!err);
	show_exporter(b);
	check_copies(b);
	devmem_buffer_close(b);
	return 0;
}

/* In a context that is current, as a program's is. */
static void check_wrapped(const struct devmem__cuda *cu)
{
	unsigned long long pointer;
	struct devmem_buffer *b;

	check(!CUDA_CALL(cu, cuMemAlloc, &pointer, 16 * MIB));
	check(!devmem_buffer_wrap_cuda(pointer, 16 * MIB, NULL, &b));
	show_exporter(b);
	devmem_buffer_close(b);
	check(!devmem_buffer_wrap_cuda(pointer + 3 * PAGE, MIB, NULL, &b));
	check(devmem_buffer_device_address(b, NULL) == pointer + 3 * PAGE);
	show_exporter(b);
	check_copies(b);
	devmem_buffer_close(b);
	check(devmem_buffer_wrap_cuda(pointer + 16 * MIB - PAGE, 2 * PAGE, NULL, &b) == -ERANGE);
	check(!CUDA_CALL(cu, cuMemFree, pointer));
}

static void check_buffers(const struct devmem__cuda *cu)
{
	if (check_ours()) {
		printf("cannot: export, and copies by a buffer: %s\n", devmem_error());
		return;
	}
	check_wrapped(cu);
	printf("ok: export, copies, the program's memory\n");
}

/* ------------------------------------------------------------------------------------ gathering */

struct gpu {
	const struct devmem__cuda *cu;
	struct devmem__cuda_gather *gather;
	struct CUstream_st *stream;
	unsigned long long from, to;
	uint64_t bytes; /* of each */
};

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
	over.result = result;
	pthread_cond_signal(&over.changed);
	pthread_mutex_unlock(&over.lock);
}

static void await(void)
{
	pthread_mutex_lock(&over.lock);
	while (!over.n)
		pthread_cond_wait(&over.changed, &over.lock);
	over.n = 0;
	pthread_mutex_unlock(&over.lock);
	check(!over.result);
}

static void gather(struct gpu *g, uint64_t offset, const struct devmem_range *ranges,
		   unsigned int n)
{
	check(!devmem__cuda_gather_run(g->gather, g->to + offset, g->from, ranges, n, is_over,
				       NULL));
	await();
}

static void copy_in(struct gpu *g, unsigned long long to, const void *from, uint64_t bytes)
{
	check(!CUDA_CALL(g->cu, cuMemcpyHtoDAsync, to, from, bytes, g->stream));
	check(!CUDA_CALL(g->cu, cuStreamSynchronize, g->stream));
}

static void copy_out(struct gpu *g, void *to, unsigned long long from, uint64_t bytes)
{
	check(!CUDA_CALL(g->cu, cuMemcpyDtoHAsync, to, from, bytes, g->stream));
	check(!CUDA_CALL(g->cu, cuStreamSynchronize, g->stream));
}

static void compare(const unsigned char *seen, const unsigned char *expected, uint64_t bytes)
{
	for (uint64_t i = 0; memcmp(seen, expected, bytes) && i < bytes; i++)
		if (seen[i] != expected[i])
			fail(__LINE__, "byte %llu is %#x and not %#x", (unsigned long long)i,
			     seen[i], expected[i]);
}

/* Random lengths up to @longest and offsets, all odd phases; every byte of the target is compared,
 * those around too. */
static void check_list(struct gpu *g, const unsigned char *source, unsigned int n,
		       unsigned int longest)
{
	struct devmem_range *ranges = calloc(n, sizeof(*ranges));
	unsigned char *expected = malloc(g->bytes), *seen = malloc(g->bytes);
	uint64_t offset = 1 + draw(64), at = offset;

	memset(expected, 0xee, g->bytes);
	copy_in(g, g->to, expected, g->bytes);
	for (unsigned int i = 0; i < n; i++) {
		const uint64_t length = 1 + draw(longest);

		ranges[i] = (struct devmem_range){ .offset = draw(g->bytes - length),
						   .length = length };
		if (at + length > g->bytes - 64) {
			n = i;
			break;
		}
		memcpy(expected + at, source + ranges[i].offset, length);
		at += length;
	}
	gather(g, offset, ranges, n);
	copy_out(g, seen, g->to, g->bytes);
	compare(seen, expected, g->bytes);
	printf("ok: %u fragments of 1 to %u bytes, %llu MiB\n", n, longest,
	       (unsigned long long)(at >> 20));
	free(ranges);
	free(expected);
	free(seen);
}

static void check_gathers(struct gpu *g)
{
	unsigned char *source = malloc(g->bytes);

	for (uint64_t i = 0; i < g->bytes; i += 8)
		memcpy(source + i, &(uint64_t){ draw(UINT64_MAX) }, 8);
	copy_in(g, g->from, source, g->bytes);
	check_list(g, source, small ? 2000 : 1000000, small ? 100 : 900);
	check_list(g, source, small ? 20 : 20000, 70000);
	check_list(g, source, 64, 8);
	free(source);
}

/* ------------------------------------------------------------------------------------ the clock */

static double rate(uint64_t bytes, double seconds)
{
	return (double)bytes / seconds / 1e9;
}

/* The best of some, as the other one's is: what disturbs is not what is measured. */
static double best_copy(struct gpu *g, uint64_t bytes)
{
	double best = 1e9;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		double start = now(), seconds;

		check(!CUDA_CALL(g->cu, cuMemcpyDtoDAsync, g->to, g->from, bytes, g->stream));
		check(!CUDA_CALL(g->cu, cuStreamSynchronize, g->stream));
		seconds = now() - start;
		best = seconds < best ? seconds : best;
	}
	return best;
}

static double best_gather(struct gpu *g, const struct devmem_range *ranges, unsigned int n)
{
	double best = 1e9;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		double start = now(), seconds;

		gather(g, 0, ranges, n);
		seconds = now() - start;
		best = seconds < best ? seconds : best;
	}
	return best;
}

/* From the call to done(), which is all of it when there is little to copy: no limit, but what a
 * program has to wait. */
static void show_latency(struct gpu *g)
{
	const struct devmem_range range = { .length = PAGE };

	printf("one fragment of %u bytes: over %.0f us after the call\n", PAGE,
	       best_gather(g, &range, 1) * 1e6);
}

/* Fragments of @length that begin @phase bytes into pages, the pages in random order. Returns the
 * part of a copy's rate. */
static double compare_rates(struct gpu *g, uint32_t length, uint32_t phase)
{
	const unsigned int n = (unsigned int)(g->bytes / 2 / PAGE);
	struct devmem_range *ranges = calloc(n, sizeof(*ranges));
	const uint64_t bytes = (uint64_t)n * length;
	double copied, gathered;

	for (unsigned int i = 0; i < n; i++)
		ranges[i] = (struct devmem_range){ .offset = (uint64_t)i * PAGE + phase,
						   .length = length };
	for (unsigned int i = n - 1; i; i--) {
		const unsigned int other = (unsigned int)draw(i + 1);
		const struct devmem_range range = ranges[i];

		ranges[i] = ranges[other];
		ranges[other] = range;
	}
	copied = best_copy(g, bytes);
	gathered = best_gather(g, ranges, n);
	printf("%u fragments of %u bytes, %u into pages: %.1f GB/s; a plain copy of the same "
	       "bytes: %.1f GB/s; %.3f of it\n",
	       n, length, phase, rate(bytes, gathered), rate(bytes, copied), copied / gathered);
	free(ranges);
	return copied / gathered;
}

/* Only the first is judged: the others are what it costs when the MSS is no page, or nothing is
 * aligned. */
static int check_rates(struct gpu *g)
{
	const double ratio = compare_rates(g, PAGE, 0);

	show_latency(g);
	compare_rates(g, PAGE - 96, 0);
	compare_rates(g, PAGE - 7, 3);
	compare_rates(g, 1448, 0);
	if (small || ratio >= MIN_RATIO)
		return 0;
	printf("FAILED: less than %.1f of a plain copy\n", MIN_RATIO);
	return 1;
}

/* ------------------------------------------------------------------------------------ all of it */

static void open_gpu(struct gpu *g, const struct devmem__cuda *cu,
		     const struct devmem__cuda_device *device)
{
	int least, greatest;

	*g = (struct gpu){ .cu = cu, .bytes = (small ? 1 : 1024) * MIB };
	check(!CUDA_CALL(cu, cuMemAlloc, &g->from, g->bytes));
	check(!CUDA_CALL(cu, cuMemAlloc, &g->to, g->bytes));
	check(!CUDA_CALL(cu, cuCtxGetStreamPriorityRange, &least, &greatest));
	check(!CUDA_CALL(cu, cuStreamCreateWithPriority, &g->stream,
			 DEVMEM__CUDA_STREAM_NON_BLOCKING, greatest));
	check(!devmem__cuda_gather_new(cu, device, g->stream, &g->gather));
	printf("gathered %s\n", devmem__cuda_gather_words(g->gather));
	check(strstr(devmem__cuda_gather_words(g->gather), "by a kernel"));
}

static void close_gpu(struct gpu *g)
{
	devmem__cuda_gather_free(g->gather);
	check(!CUDA_CALL(g->cu, cuStreamDestroy, g->stream));
	check(!CUDA_CALL(g->cu, cuMemFree, g->from));
	check(!CUDA_CALL(g->cu, cuMemFree, g->to));
}

static int check_device(const struct devmem__cuda *cu, const struct devmem__cuda_device *device)
{
	struct devmem__cuda_scope scope;
	struct CUctx_st *context;
	struct gpu g;
	int failed;

	check(!CUDA_CALL(cu, cuDevicePrimaryCtxRetain, &context, device->id));
	check(!devmem__cuda_enter(cu, context, &scope));
	check_buffers(cu);
	open_gpu(&g, cu, device);
	check_gathers(&g);
	failed = check_rates(&g);
	close_gpu(&g);
	devmem__cuda_leave(&scope);
	check(!CUDA_CALL(cu, cuDevicePrimaryCtxRelease, device->id));
	return failed;
}

int main(int argc, char **argv)
{
	const struct devmem__cuda *cu;
	struct devmem__cuda_device device;
	char text[512];
	int err, failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	small = argc > 1 && !strcmp(argv[1], "--small");
	cu = devmem__cuda_load(&err);
	if (!cu) {
		printf("no GPU: %s\n", devmem_error());
		return NO_GPU;
	}
	err = devmem__backend_cuda.probe(NULL, text, sizeof(text));
	printf("devices: %s\n", err ? devmem_error() : text);
	check(!devmem__cuda_describe(cu, 0, &device));
	failed = check_device(cu, &device);
	printf(failed ? "failed\n" : "all is well\n");
	return failed;
}
