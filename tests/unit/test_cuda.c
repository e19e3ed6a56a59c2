// SPDX-License-Identifier: MIT
/* Memory of CUDA, by the fake driver: ours and the program's, which device, and every call failing
 * in turn. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devmem/cuda.h"
#include "backends/cuda_device.h"
#include "memory/buffer.h"
#include "cuda.h"

#define MIB  (1u << 20)
#define PAGE 4096u

/* What a failed call left alone. */
static struct devmem_buffer *const untouched = (void *)1;

static const char *what(struct devmem_buffer *b)
{
	const char *why;

	devmem_buffer_backend(b, &why);
	return why;
}

static void expect_words(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("\"%s\" lacks \"%s\"", text, words);
}

static void expect_copies(struct devmem_buffer *b, uint64_t offset, size_t bytes)
{
	unsigned char *out = malloc(bytes), *in = calloc(1, bytes);

	for (size_t i = 0; i < bytes; i++)
		out[i] = (unsigned char)(i * 7 + offset);
	assert_int_equal(devmem_buffer_write(b, offset, out, bytes), 0);
	assert_int_equal(devmem_buffer_read(b, offset, in, bytes), 0);
	assert_memory_equal(in, out, bytes);
	free(out);
	free(in);
}

/* ----------------------------------------------------------------------------------------- ours */

static void made_by_mapping_and_copied(void **state)
{
	struct devmem_buffer *b = cuda_buffer(MIB, NULL);
	void *map;

	(void)state;
	assert_string_equal(devmem_buffer_backend(b, NULL), "cuda");
	assert_int_equal(devmem_buffer_size(b), MIB);
	expect_words(what(b), "GPU 0 (0000:65:00.0, Fake 0), the first, memory of cuMemCreate(), "
			      "gathered by ");
	assert_string_equal(devmem__buffer_memory(b)->device, "0000:65:00.0");
	assert_int_equal(devmem__buffer_offset(b), 0);
	assert_int_equal(devmem__buffer_block(b), 64 << 10);
	assert_true(devmem_buffer_fd(b) > 0);
	expect_copies(b, 0, MIB);
	expect_copies(b, 12345, 4321);
	expect_copies(b, MIB - 1, 1);
	assert_int_equal(devmem_buffer_read(b, MIB, &map, 1), -ERANGE);
	assert_int_equal(devmem_buffer_map(b, &map), -EOPNOTSUPP);
	devmem_buffer_close(b);
}

/* Bytes at the address are the buffer's, in whichever way it was made, and nothing is asked of the
 * driver. */
static void programs_of_the_gpu_get_its_address(void **state)
{
	static const char *const ways[] = { "110=1", "110=0" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct devmem_buffer *b, *spill;
		const char *why;
		uint64_t address;

		cuda_attributes(ways[i]);
		b = cuda_buffer(MIB, NULL);
		assert_int_equal(devmem_buffer_write(b, 12345, "here", 4), 0);
		cuda_fail("cuPointerGetAttribute=1");
		address = devmem_buffer_device_address(b, &why);
		cuda_fail("");
		assert_int_equal(address, devmem_buffer_device_address(b, NULL));
		expect_words(why, "a CUdeviceptr, for the primary context");
		assert_memory_equal((char *)fake_cuda_look(address, MIB) + 12345, "here", 4);
		/* as a ring makes its spill buffer */
		assert_int_equal(devmem__buffer_like(b, MIB, &spill), 0);
		assert_non_null(fake_cuda_look(devmem_buffer_device_address(spill, NULL), MIB));
		devmem_buffer_close(spill);
		devmem_buffer_close(b);
	}
}

static void made_by_allocating_where_mappings_are_out_of_reach(void **state)
{
	static const char *const without[] = { "110=0", "102=0" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fake_cuda_balance balance;
		struct devmem_buffer *b;

		cuda_attributes(without[i]);
		b = cuda_buffer(4 * MIB, NULL);
		fake_cuda_balance(&balance);
		assert_int_equal(balance.allocations, 1);
		assert_int_equal(balance.mappings, 0);
		expect_words(what(b), "memory of cuMemAlloc()");
		assert_int_equal(devmem__buffer_block(b), 2 * MIB);
		expect_copies(b, 77, MIB);
		devmem_buffer_close(b);
	}
}

static void sizes(void **state)
{
	struct devmem_buffer *b = untouched;

	(void)state;
	assert_int_equal(devmem_buffer_create("cuda", 4095, NULL, &b), -EINVAL);
	assert_int_equal(devmem_buffer_create("cuda", 0, NULL, &b), -EINVAL);
	assert_int_equal(devmem_buffer_create("cuda", PAGE,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = PAGE),
					      &b),
			 -EINVAL);
	assert_ptr_equal(b, untouched);
	b = cuda_buffer(3 * PAGE, NULL); /* the GPU's pages are larger */
	assert_int_equal(devmem_buffer_size(b), 3 * PAGE);
	assert_int_equal(devmem__buffer_block(b), PAGE);
	expect_copies(b, 0, 3 * PAGE);
	devmem_buffer_close(b);
}

static void devices_that_export_nothing(void **state)
{
	static const struct {
		const char *without, *words;
	} cases[] = {
		{ "124=0", "no dma-buf: that needs NVIDIA's open kernel modules" },
		{ "116=0", "GPUDirect RDMA" },
		{ "41=0", "unified addressing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct devmem_buffer *b = untouched;

		cuda_attributes(cases[i].without);
		assert_int_equal(devmem_buffer_create("cuda", MIB, NULL, &b), -ENODEV);
		expect_words(devmem_error(), "GPU 0 (0000:65:00.0, Fake 0) does not export memory");
		expect_words(devmem_error(), cases[i].words);
		assert_ptr_equal(b, untouched);
	}
}

/* --------------------------------------------------------------------------------- which device */

static void addresses_as_they_are_written(void **state)
{
	static const char *const same[] = { "0000:65:00.0", "65:00.0",		"65:00",
					    "0000:65:00",   "00000000:65:00.0", "0:65:0" };
	static const char *const none[] = { "",
					    "65",
					    "65:",
					    ":65:00",
					    "65:00:",
					    "65:00.",
					    "65:00.8",
					    "65:20.0",
					    "165:00.0",
					    "x",
					    "0000:65:00.0 ",
					    "0000:65:00.00",
					    "0:0:65:00",
					    "10000:65:00.0",
					    "65:00x" };
	char address[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		assert_true(devmem__cuda_parse_address(same[i], address));
		assert_string_equal(address, "0000:65:00.0");
	}
	assert_true(devmem__cuda_parse_address("ABCD:B1:1F.7", address));
	assert_string_equal(address, "abcd:b1:1f.7");
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (devmem__cuda_parse_address(none[i], address))
			fail_msg("\"%s\" was taken for %s", none[i], address);
}

static void expect_device(const char *asked, const char *address)
{
	struct devmem_buffer *b = cuda_buffer(MIB, asked);

	assert_string_equal(devmem__buffer_memory(b)->device, address);
	devmem_buffer_close(b);
}

static void chosen_by_number_or_address(void **state)
{
	struct devmem_buffer *b = untouched;

	(void)state;
	cuda_devices("0000:17:00.0 0000:b1:00.0 0001:b1:00.0");
	expect_device(NULL, "0000:17:00.0");
	expect_device("0", "0000:17:00.0");
	expect_device("2", "0001:b1:00.0");
	expect_device("0000:b1:00.0", "0000:b1:00.0");
	expect_device("0000:B1:00.0", "0000:b1:00.0");
	expect_device("b1:00", "0000:b1:00.0");
	expect_device("0001:b1:00", "0001:b1:00.0");
	assert_int_equal(devmem_buffer_create("cuda", MIB,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = "3"), &b),
			 -ENODEV);
	expect_words(devmem_error(), "no CUDA device 3: there are 3");
	assert_int_equal(devmem_buffer_create("cuda", MIB,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = "18:00"),
					      &b),
			 -ENODEV);
	expect_words(devmem_error(), "0000:18:00.0");
	assert_int_equal(devmem_buffer_create("cuda", MIB,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = "gpu0"),
					      &b),
			 -EINVAL);
	expect_words(devmem_error(), "\"gpu0\"");
	assert_int_equal(devmem_buffer_create("cuda", MIB,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = "0",
							  .near = "lo"),
					      &b),
			 -EINVAL);
	assert_ptr_equal(b, untouched);
}

/* No interface here is on PCI, so it is the first that exports memory; test_pci_distance.c has the
 * rest. */
static void chosen_by_an_interface(void **state)
{
	const struct devmem_buffer_opts lo = { .size = sizeof(lo), .near = "lo" };
	struct devmem_buffer *b = untouched;

	(void)state;
	cuda_devices("0000:17:00.0 0000:b1:00.0");
	cuda_attributes("0:124=0");
	assert_int_equal(devmem_buffer_create("cuda", MIB, &lo, &b), 0);
	assert_string_equal(devmem__buffer_memory(b)->device, "0000:b1:00.0");
	expect_words(what(b), "the first, since none is near");
	devmem_buffer_close(b);
	b = untouched;
	cuda_attributes("124=0");
	assert_int_equal(devmem_buffer_create("cuda", MIB, &lo, &b), -ENODEV);
	expect_words(devmem_error(), "no dma-buf");
	assert_int_equal(devmem_buffer_create("cuda", MIB,
					      DEVMEM_OPTS(devmem_buffer_opts, .near = "nosuch0"),
					      &b),
			 -ENODEV);
	expect_words(devmem_error(), "nosuch0");
	assert_ptr_equal(b, untouched);
}

/* As a ring makes its spill buffer. */
static void another_one_like_it_is_of_the_same_device(void **state)
{
	struct devmem_buffer *b, *like;

	(void)state;
	cuda_devices("0000:17:00.0 0000:b1:00.0");
	b = cuda_buffer(MIB, "1");
	assert_int_equal(devmem__buffer_like(b, 2 * MIB, &like), 0);
	assert_string_equal(devmem__buffer_memory(like)->device, "0000:b1:00.0");
	devmem_buffer_close(b);
	devmem_buffer_close(like);
}

static void look(char text[256])
{
	struct devmem_backend_info list[16];
	int n = devmem_backends(list, ARRAY_SIZE(list), sizeof(list[0]));

	for (int i = 0; i < n; i++)
		if (!strcmp(list[i].name, "cuda"))
			snprintf(text, 256, "%d %.200s", list[i].result, list[i].text);
}

static void what_there_is_is_listed(void **state)
{
	char text[256] = "";

	(void)state;
	cuda_devices("0000:17:00.0 0000:b1:00.0");
	cuda_attributes("0:116=0");
	look(text);
	assert_string_equal(text, "0 0: 0000:17:00.0, Fake 0, exports no memory; 1: 0000:b1:00.0, "
				  "Fake 1");
	cuda_attributes("116=0");
	look(text);
	expect_words(text, "-19 GPU 1 (0000:b1:00.0, Fake 1) does not export memory");
	cuda_fail("cuDeviceGetName=999");
	look(text);
	expect_words(text, "-5 cuDeviceGetName: ");
}

/* -------------------------------------------------------------------------------- the program's */

static int wrap(unsigned long long pointer, size_t bytes, struct devmem_buffer **b)
{
	*b = untouched;
	return devmem_buffer_wrap_cuda(pointer, bytes, NULL, b);
}

static void expect_refused(unsigned long long pointer, size_t bytes, int err, const char *words)
{
	struct devmem_buffer *b;

	assert_int_equal(wrap(pointer, bytes, &b), err);
	expect_words(devmem_error(), words);
	assert_ptr_equal(b, untouched);
}

/* A context of the program's own is current in these. */
static unsigned long long enter_and_allocate(size_t bytes, struct CUctx_st **context)
{
	const struct devmem__cuda *cu = cuda_calls();
	unsigned long long pointer;

	*context = fake_cuda_context(0);
	assert_int_equal(cu->cuCtxPushCurrent(*context), 0);
	assert_int_equal(cu->cuMemAlloc(&pointer, bytes), 0);
	return pointer;
}

static void free_and_leave(unsigned long long pointer)
{
	const struct devmem__cuda *cu = cuda_calls();
	struct CUctx_st *context;

	assert_int_equal(cu->cuMemFree(pointer), 0);
	assert_int_equal(cu->cuCtxPopCurrent(&context), 0);
}

static void any_part_of_what_was_allocated(void **state)
{
	struct CUctx_st *context;
	unsigned long long pointer = enter_and_allocate(4 * MIB, &context);
	struct devmem_buffer *whole, *part;
	unsigned char byte = 0;

	(void)state;
	assert_false(fake_cuda_sync_memops(pointer));
	assert_int_equal(wrap(pointer, 4 * MIB, &whole), 0);
	assert_true(fake_cuda_sync_memops(pointer));
	expect_words(what(whole), "the program's memory");
	assert_int_equal(wrap(pointer + 3 * PAGE, MIB, &part), 0);
	assert_int_equal(devmem_buffer_size(part), MIB);
	assert_int_equal(devmem__buffer_offset(part), 0);
	assert_int_equal(devmem_buffer_device_address(part, NULL), pointer + 3 * PAGE);
	/* it does not begin where a larger page does */
	assert_int_equal(devmem__buffer_block(part), PAGE);
	expect_copies(part, 5, 1000);
	assert_int_equal(devmem_buffer_write(part, 9, "x", 1), 0);
	assert_int_equal(devmem_buffer_read(whole, 3 * PAGE + 9, &byte, 1), 0);
	assert_int_equal(byte, 'x');
	devmem_buffer_close(part);
	devmem_buffer_close(whole);
	assert_non_null(fake_cuda_look(pointer, 4 * MIB)); /* it is the program's */
	assert_ptr_equal(fake_cuda_current(), context);
	free_and_leave(pointer);
}

/* As caches of frameworks grow: pieces of cuMemCreate() mapped one behind the other. The driver
 * decides what it exports. */
static void a_range_over_several_pieces(void **state)
{
	struct CUctx_st *context;
	unsigned long long other = enter_and_allocate(MIB, &context),
			   pointer = fake_cuda_pieces(2 * MIB);
	struct devmem_buffer *b;

	(void)state;
	assert_int_equal(wrap(pointer + MIB, 3 * MIB, &b), 0);
	assert_int_equal(devmem_buffer_size(b), 3 * MIB);
	expect_copies(b, MIB - 300, 1000); /* where one ends and the next begins */
	devmem_buffer_close(b);
	expect_refused(pointer + MIB, 3 * MIB + PAGE, -ERANGE,
		       "the allocation there has 2097152 bytes from");
	expect_refused(pointer + 2 * MIB, 2 * MIB + PAGE, -ERANGE, "does not export");
	fake_cuda_pieces_free(pointer, 2 * MIB);
	free_and_leave(other);
}

static void what_cannot_be_wrapped(void **state)
{
	struct CUctx_st *context;
	unsigned long long pointer = enter_and_allocate(MIB, &context), device;
	const struct devmem__cuda *cu = cuda_calls();
	struct devmem_buffer *b = untouched;
	void *pinned;

	(void)state;
	expect_refused(pointer + 1, PAGE, -EINVAL, "multiples of the system's page");
	expect_refused(pointer, PAGE + 1, -EINVAL, "multiples of the system's page");
	expect_refused(pointer, 0, -EINVAL, "not 0");
	expect_refused(pointer, MIB + PAGE, -ERANGE, "does not export");
	expect_refused(pointer + MIB - PAGE, 2 * PAGE, -ERANGE,
		       "the allocation there has 1048576 bytes from");
	expect_refused(pointer, SIZE_MAX - PAGE + 1, -ERANGE, "does not export");
	assert_false(fake_cuda_sync_memops(pointer));
	expect_refused(PAGE, PAGE, -EINVAL, "0x1000 is not CUDA memory");
	cuda_fail("cuPointerGetAttribute=201");
	expect_refused(pointer, PAGE, -EINVAL, "no CUDA context is current");
	cuda_fail("");
	assert_int_equal(cu->cuMemHostAlloc(&pinned, MIB, DEVMEM__CUDA_HOST_DEVICEMAP), 0);
	assert_int_equal(cu->cuMemHostGetDevicePointer(&device, pinned, 0), 0);
	expect_refused(device, PAGE, -EINVAL, "host memory");
	assert_int_equal(cu->cuMemFreeHost(pinned), 0);
	expect_refused(fake_cuda_managed(MIB), PAGE, -EINVAL, "managed memory");
	assert_int_equal(devmem_buffer_wrap_cuda(pointer, PAGE,
						 DEVMEM_OPTS(devmem_buffer_opts, .device = "0"),
						 &b),
			 -EINVAL);
	assert_int_equal(devmem_buffer_wrap_cuda(pointer, PAGE, NULL, NULL), -EINVAL);
	cuda_attributes("124=0");
	expect_refused(pointer, PAGE, -ENODEV, "does not export memory: no dma-buf");
	free_and_leave(pointer);
}

/* Mapped memory: @reachable or not by other devices, as the program asked for it. */
static unsigned long long map_own(bool reachable, unsigned long long *handle)
{
	const struct devmem__cuda *cu = cuda_calls();
	const struct devmem__cuda_prop prop = { .type = 1,
						.location = { .type = 1 },
						.flags.rdma_capable = reachable };
	const struct devmem__cuda_access access = { .location = { .type = 1 }, .flags = 3 };
	unsigned long long pointer;

	assert_int_equal(cu->cuMemCreate(handle, 2 * MIB, &prop, 0), 0);
	assert_int_equal(cu->cuMemAddressReserve(&pointer, 2 * MIB, 0, 0, 0), 0);
	assert_int_equal(cu->cuMemMap(pointer, 2 * MIB, 0, *handle, 0), 0);
	assert_int_equal(cu->cuMemSetAccess(pointer, 2 * MIB, &access, 1), 0);
	return pointer;
}

static void unmap_own(unsigned long long pointer, unsigned long long handle)
{
	const struct devmem__cuda *cu = cuda_calls();

	assert_int_equal(cu->cuMemUnmap(pointer, 2 * MIB), 0);
	assert_int_equal(cu->cuMemAddressFree(pointer, 2 * MIB), 0);
	assert_int_equal(cu->cuMemRelease(handle), 0);
}

static void mapped_memory_if_other_devices_may_reach_it(void **state)
{
	unsigned long long handle, pointer = map_own(true, &handle);
	struct devmem_buffer *b;

	(void)state;
	assert_int_equal(wrap(pointer, 2 * MIB, &b), 0);
	expect_copies(b, 1, MIB);
	devmem_buffer_close(b);
	unmap_own(pointer, handle);
	pointer = map_own(false, &handle);
	expect_refused(pointer, 2 * MIB, -ENODEV, "gpuDirectRDMACapable");
	unmap_own(pointer, handle);
}

/* ------------------------------------------------------------------------------------ all of it */

static void the_callers_context_stays(void **state)
{
	struct CUctx_st *own = fake_cuda_context(0), *popped;
	const struct devmem__cuda *cu = cuda_calls();
	unsigned int relaxed = 2, global = 0;
	struct devmem_buffer *b;
	char text[256];

	(void)state;
	assert_int_equal(cu->cuCtxPushCurrent(own), 0);
	assert_int_equal(cu->cuThreadExchangeStreamCaptureMode(&(unsigned int){ 1 }), 0);
	b = cuda_buffer(MIB, NULL);
	assert_ptr_equal(fake_cuda_current(), own);
	expect_copies(b, 0, 100);
	assert_ptr_equal(fake_cuda_current(), own);
	look(text);
	devmem_buffer_close(b);
	assert_ptr_equal(fake_cuda_current(), own);
	assert_int_equal(cu->cuThreadExchangeStreamCaptureMode(&relaxed), 0);
	assert_int_equal(relaxed, 1);
	assert_int_equal(cu->cuThreadExchangeStreamCaptureMode(&global), 0);
	assert_int_equal(cu->cuCtxPopCurrent(&popped), 0);
}

/* The descriptor that a failed creation has made is closed, too. */
static int use(int (*make)(struct devmem_buffer **b))
{
	const int next = dup(0);
	struct devmem_buffer *b = untouched;
	char text[16] = "";
	int err = make(&b), then;

	close(next);
	if (!err)
		err = devmem_buffer_write(b, 3, "some text", 10);
	if (!err)
		err = devmem_buffer_read(b, 3, text, 10);
	if (!err)
		assert_string_equal(text, "some text");
	if (b != untouched)
		devmem_buffer_close(b);
	then = dup(0);
	close(then);
	assert_int_equal(then, next);
	return err;
}

static int make_first(struct devmem_buffer **b)
{
	return devmem_buffer_create("cuda", MIB, NULL, b);
}

static int make_by_address(struct devmem_buffer **b)
{
	return devmem_buffer_create("cuda", MIB,
				    DEVMEM_OPTS(devmem_buffer_opts, .device = "65:00.0"), b);
}

static int make_near(struct devmem_buffer **b)
{
	return devmem_buffer_create("cuda", MIB, DEVMEM_OPTS(devmem_buffer_opts, .near = "lo"), b);
}

static unsigned long long to_wrap;

static int make_wrapped(struct devmem_buffer **b)
{
	return devmem_buffer_wrap_cuda(to_wrap, MIB, NULL, b);
}

static int use_first(void)
{
	return use(make_first);
}

static int use_by_address(void)
{
	return use(make_by_address);
}

static int use_near(void)
{
	return use(make_near);
}

static int use_wrapped(void)
{
	return use(make_wrapped);
}

static void every_call_that_can_fail(void **state)
{
	(void)state;
	cuda_each_failure(use_first);
	cuda_each_failure(use_by_address);
	cuda_each_failure(use_near);
	cuda_attributes("110=0");
	cuda_each_failure(use_first);
}

static void every_call_that_can_fail_with_the_programs_memory(void **state)
{
	struct CUctx_st *context;

	(void)state;
	to_wrap = enter_and_allocate(2 * MIB, &context);
	cuda_before(NULL);
	cuda_each_failure(use_wrapped);
	assert_ptr_equal(fake_cuda_current(), context);
	free_and_leave(to_wrap);
	cuda_before(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CUDA_TEST(made_by_mapping_and_copied),
		CUDA_TEST(programs_of_the_gpu_get_its_address),
		CUDA_TEST(made_by_allocating_where_mappings_are_out_of_reach),
		CUDA_TEST(sizes),
		CUDA_TEST(devices_that_export_nothing),
		CUDA_TEST(addresses_as_they_are_written),
		CUDA_TEST(chosen_by_number_or_address),
		CUDA_TEST(chosen_by_an_interface),
		CUDA_TEST(another_one_like_it_is_of_the_same_device),
		CUDA_TEST(what_there_is_is_listed),
		CUDA_TEST(any_part_of_what_was_allocated),
		CUDA_TEST(a_range_over_several_pieces),
		CUDA_TEST(what_cannot_be_wrapped),
		CUDA_TEST(mapped_memory_if_other_devices_may_reach_it),
		CUDA_TEST(the_callers_context_stays),
		CUDA_TEST(every_call_that_can_fail),
		CUDA_TEST(every_call_that_can_fail_with_the_programs_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
