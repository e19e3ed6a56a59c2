// SPDX-License-Identifier: MIT
/*
 * What buffers refuse, which backend is taken, and what shared memory can do anywhere. That
 * dma-bufs hold data is for the lab to show: few build machines have their devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit.h"
#include "memory/buffer.h"
#include "memory/buffer_ids.h"

static void unknown_backend(void **state)
{
	struct devmem_buffer *b = (void *)1;

	(void)state;
	assert_int_equal(devmem_buffer_create("quantum", 4096, NULL, &b), -ENOENT);
	assert_ptr_equal(b, (void *)1); /* untouched */
	assert_non_null(strstr(devmem_error(), "udmabuf, dma-heap, shm"));
}

static void sizes_and_options_of(const char *backend)
{
	struct devmem_buffer *b = (void *)1;

	assert_int_equal(devmem_buffer_create(backend, 4096,
					      DEVMEM_OPTS(devmem_buffer_opts, .reserved = 1), &b),
			 -EINVAL);
	assert_int_equal(devmem_buffer_create(backend, 4096, DEVMEM_OPTS(devmem_buffer_opts), NULL),
			 -EINVAL);
	assert_int_equal(devmem_buffer_create(backend, 0, NULL, &b), -EINVAL);
	assert_int_equal(devmem_buffer_create(backend, 4095, NULL, &b), -EINVAL);
	assert_non_null(strstr(devmem_error(), "4095"));
	assert_int_equal(devmem_buffer_create(backend, 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = 6000),
					      &b),
			 -EINVAL);
	assert_int_equal(devmem_buffer_create(backend, 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = 2048),
					      &b),
			 -EINVAL);
	assert_ptr_equal(b, (void *)1);
}

static void sizes_and_options(void **state)
{
	struct devmem_buffer *b;

	(void)state;
	sizes_and_options_of("udmabuf");
	sizes_and_options_of("dma-heap");
	sizes_and_options_of("shm");
	sizes_and_options_of(NULL);
	assert_int_equal(devmem_buffer_create("udmabuf", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = 6000),
					      &b),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "power of two"));
	assert_int_equal(devmem_buffer_create("dma-heap", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = 4096),
					      &b),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "does not take one"));
	assert_int_equal(devmem_buffer_create("udmabuf", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = "0"), &b),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "none to choose from"));
	assert_int_equal(devmem_buffer_create(NULL, 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .near = "lo"), &b),
			 -EINVAL);
	assert_int_equal(devmem_buffer_create("dma-heap", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = "system",
							  .near = "lo"),
					      &b),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "not both"));
	assert_int_equal(devmem_buffer_create("shm", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .bytes = 4096), &b),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "devmem_buffer_import"));
}

static void no_udmabuf_here(void **state)
{
	struct devmem_buffer *b;

	(void)state;
	if (!access("/dev/udmabuf", F_OK))
		skip();
	assert_int_equal(devmem_buffer_create("udmabuf", 4096, NULL, &b), -ENOENT);
	assert_non_null(strstr(devmem_error(), "modprobe udmabuf"));
}

static void no_heap_here(void **state)
{
	struct devmem_buffer *b;

	(void)state;
	if (!access("/dev/dma_heap/system", F_OK))
		skip();
	assert_int_equal(devmem_buffer_create("dma-heap", 4096, NULL, &b), -ENOENT);
	assert_non_null(strstr(devmem_error(), "CONFIG_DMABUF_HEAPS_SYSTEM"));
}

static void a_heap_by_name(void **state)
{
	static const char *const names[] = {
		"nosuch",
		"",
		"..",
		"../null",
		"a_name_with_more_than_the_sixty_three_characters_that_fit_into_it_",
	};
	struct devmem_buffer *b = (void *)1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(devmem_buffer_create("dma-heap", 4096,
						      DEVMEM_OPTS(devmem_buffer_opts,
								  .device = names[i]),
						      &b),
				 -ENODEV);
		assert_non_null(strstr(devmem_error(), "in /dev/dma_heap: there "));
	}
	assert_int_equal(devmem_buffer_create("dma-heap", 4096,
					      DEVMEM_OPTS(devmem_buffer_opts, .near = "lo"), &b),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "near \"lo\""));
	assert_ptr_equal(b, (void *)1);
}

/* More than the machine has: asked for with the heap's own device, or page by page, it would end in
 * killed processes. */
static void more_than_there_is(void **state)
{
	struct devmem_buffer *b;

	(void)state;
	assert_int_equal(devmem_buffer_create("dma-heap", (size_t)1 << 46, NULL, &b), -ENOMEM);
	assert_non_null(strstr(devmem_error(), "available"));
	assert_int_equal(devmem_buffer_create("shm", (size_t)1 << 46,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = 4096),
					      &b),
			 -ENOMEM);
	assert_non_null(strstr(devmem_error(), "available"));
	assert_int_equal(devmem_buffer_create("shm", (size_t)1 << 46,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = 2 << 20),
					      &b),
			 -ENOMEM);
	assert_non_null(strstr(devmem_error(), "pages are free; reserve more in "));
	assert_non_null(strstr(devmem_error(), "hugepages-2048kB/nr_hugepages"));
}

static void pages_that_no_machine_has(void **state)
{
	struct devmem_buffer *b;

	(void)state;
	assert_int_equal(devmem_buffer_create("shm", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = 8192),
					      &b),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "no pages of 8192 bytes"));
}

static struct devmem_buffer *make(const char *backend, size_t bytes, uint32_t page_size)
{
	struct devmem_buffer *b;

	assert_int_equal(devmem_buffer_create(backend, bytes,
					      DEVMEM_OPTS(devmem_buffer_opts,
							  .page_size = page_size),
					      &b),
			 0);
	return b;
}

/* Where neither device is, the reason names both, each once. */
static void the_best_there_is(void **state)
{
	bool none = access("/dev/udmabuf", F_OK) && access("/dev/dma_heap/system", F_OK);
	struct devmem_buffer *b = make(NULL, 8192, 0);
	const char *why, *first, *name = devmem_buffer_backend(b, &why);

	(void)state;
	print_message("%s: %s\n", name, why);
	assert_non_null(strstr(why, "multiple of 2097152"));
	if (none) {
		assert_string_equal(name, "shm");
		first = strstr(why, "/dev/udmabuf is missing");
		assert_non_null(first);
		assert_null(strstr(first + 1, "/dev/udmabuf is missing"));
		assert_non_null(strstr(why, "/dev/dma_heap/system is missing"));
		assert_non_null(strstr(why, "no NIC can write to"));
	}
	devmem_buffer_close(b);
}

static void named_is_named(void **state)
{
	struct devmem_buffer *b = make("shm", 8192, 0);
	const char *why;

	(void)state;
	assert_string_equal(devmem_buffer_backend(b, &why), "shm");
	assert_non_null(strstr(why, "asked for"));
	assert_non_null(strstr(why, "not a multiple of huge pages"));
	assert_int_equal(devmem__buffer_block(b), 4096);
	assert_false(devmem__buffer_is_dmabuf(b));
	assert_true(devmem_buffer_id(b) > 0);
	devmem_buffer_close(b);
}

static unsigned long huge_pages_free(void)
{
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	unsigned long n = 0;

	if (f) {
		if (fscanf(f, "%lu", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

static void huge_pages_if_there_are_any(void **state)
{
	bool any = huge_pages_free() >= 2;
	struct devmem_buffer *b = make("shm", 4 << 20, 0), *small = make("shm", 4 << 20, 4096);
	const char *why;

	(void)state;
	devmem_buffer_backend(b, &why);
	print_message("%s\n", why);
	assert_non_null(strstr(why, any ? "huge pages of 2048 KiB" : "nr_hugepages"));
	assert_int_equal(devmem__buffer_block(b), any ? 2 << 20 : 4096);
	assert_int_equal(devmem__buffer_block(small), 4096);
	devmem_buffer_close(b);
	devmem_buffer_close(small);
}

/* As udmabuf wants them: it cannot shrink, and may be written to. [check_memfd_seals() in
 * drivers/dma-buf/udmabuf.c] */
static void memory_files_are_sealed(void **state)
{
	struct devmem_buffer *b = make("shm", 8192, 0);
	int seals = fcntl(devmem_buffer_fd(b), F_GET_SEALS);

	(void)state;
	assert_true(seals & F_SEAL_SHRINK);
	assert_false(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
	devmem_buffer_close(b);
}

/* --------------------------------------------------------------------------------------- access */

static void read_and_written(struct devmem_buffer *b)
{
	size_t bytes = devmem_buffer_size(b);
	unsigned char *in = malloc(bytes), *out = calloc(1, bytes);

	for (size_t i = 0; i < bytes; i++)
		in[i] = (unsigned char)(i * 7 + i / 251);
	assert_int_equal(devmem_buffer_write(b, 0, in, bytes), 0);
	assert_int_equal(devmem_buffer_read(b, 0, out, bytes), 0);
	assert_memory_equal(in, out, bytes);
	/* any alignment */
	assert_int_equal(devmem_buffer_write(b, 4093, "seven!!", 7), 0);
	memcpy(in + 4093, "seven!!", 7);
	assert_int_equal(devmem_buffer_read(b, 3, out, 5000), 0);
	assert_memory_equal(in + 3, out, 5000);
	/* up to the end, and nothing at the end */
	assert_int_equal(devmem_buffer_read(b, bytes - 1, out, 1), 0);
	assert_int_equal(out[0], in[bytes - 1]);
	assert_int_equal(devmem_buffer_read(b, bytes, out, 0), 0);
	assert_int_equal(devmem_buffer_read(b, bytes, out, 1), -ERANGE);
	assert_int_equal(devmem_buffer_read(b, bytes + 1, out, 0), -ERANGE);
	assert_int_equal(devmem_buffer_write(b, 1, in, bytes), -ERANGE);
	assert_int_equal(devmem_buffer_write(b, UINT64_MAX, in, 2), -ERANGE);
	assert_int_equal(devmem_buffer_write(b, 2, in, SIZE_MAX), -ERANGE);
	free(in);
	free(out);
}

static void shared_memory_is_memory(void **state)
{
	struct devmem_buffer *b = make("shm", 3 * 4096, 0);
	void *addr, *again;
	char byte;

	(void)state;
	read_and_written(b);
	assert_int_equal(devmem_buffer_map(b, &addr), 0);
	assert_int_equal(devmem_buffer_map(b, &again), 0);
	assert_ptr_equal(addr, again);
	memcpy(addr, "x", 1);
	assert_int_equal(devmem_buffer_read(b, 0, &byte, 1), 0);
	assert_int_equal(byte, 'x');
	devmem_buffer_close(b);
}

static void bracketing_checks_its_flags_even_where_it_does_nothing(void **state)
{
	struct devmem_buffer *b = make("shm", 4096, 0);

	(void)state;
	assert_int_equal(devmem_buffer_sync(b, DEVMEM_SYNC_START | DEVMEM_SYNC_READ), 0);
	assert_int_equal(devmem_buffer_sync(b,
					    DEVMEM_SYNC_END | DEVMEM_SYNC_READ | DEVMEM_SYNC_WRITE),
			 0);
	assert_int_equal(devmem_buffer_sync(b, DEVMEM_SYNC_END), -EINVAL);
	assert_int_equal(devmem_buffer_sync(b, DEVMEM_SYNC_READ | 64), -EINVAL);
	devmem_buffer_close(b);
}

/* A fake: memory that the processor cannot map, with copying of its own, over a memory file. */
static int fake_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
		      struct devmem_memory *mem)
{
	(void)opts;
	mem->fd = memfd_create("fake", MFD_CLOEXEC);
	mem->bytes = bytes;
	mem->priv = calloc(1, 1); /* leaked if free() is not called */
	return ftruncate(mem->fd, (off_t)bytes);
}

static void fake_free(struct devmem_memory *mem)
{
	free(mem->priv);
}

static int fake_copy_in(struct devmem_memory *mem, uint64_t offset, const void *from, size_t bytes)
{
	return pwrite(mem->fd, from, bytes, (off_t)offset) == (ssize_t)bytes ? 0 : -EIO;
}

static int fake_copy_out(struct devmem_memory *mem, uint64_t offset, void *to, size_t bytes)
{
	return pread(mem->fd, to, bytes, (off_t)offset) == (ssize_t)bytes ? 0 : -EIO;
}

static const struct devmem_backend fake = {
	.size = sizeof(struct devmem_backend),
	.name = "fake",
	.alloc = fake_alloc,
	.free = fake_free,
	.copy_in = fake_copy_in,
	.copy_out = fake_copy_out,
};

static const struct devmem_backend fake_without_access = {
	.size = sizeof(struct devmem_backend),
	.name = "fake",
	.alloc = fake_alloc,
	.free = fake_free,
};

#define HIGH 66000

static int fake_alloc_high(uint64_t bytes, const struct devmem_buffer_opts *opts,
			   struct devmem_memory *mem)
{
	int err = fake_alloc(bytes, opts, mem), low = mem->fd;

	mem->fd = fcntl(low, F_DUPFD_CLOEXEC, HIGH);
	close(low);
	return err;
}

static const struct devmem_backend fake_with_a_high_descriptor = {
	.size = sizeof(struct devmem_backend),
	.name = "fake",
	.alloc = fake_alloc_high,
	.free = fake_free,
};

static struct devmem_buffer *make_fake(const struct devmem_backend *ops)
{
	const struct devmem_buffer_opts o = { .size = sizeof(o) };
	struct devmem_buffer *b;

	assert_int_equal(devmem__buffer_new(ops, 3 * 4096, &o, &b), 0);
	assert_string_equal(devmem_buffer_backend(b, NULL), "fake");
	assert_int_equal(devmem__buffer_block(b), 0);
	return b;
}

static void copied_by_the_backend_where_it_cannot_be_mapped(void **state)
{
	struct devmem_buffer *b = make_fake(&fake);
	void *addr;

	(void)state;
	read_and_written(b);
	assert_int_equal(devmem_buffer_map(b, &addr), -EOPNOTSUPP);
	devmem_buffer_close(b);
}

static void expect_no_address(struct devmem_buffer *b, const char *words)
{
	const char *why = NULL;

	assert_int_equal(devmem_buffer_device_address(b, NULL), 0);
	assert_int_equal(devmem_buffer_device_address(b, &why), 0);
	if (!strstr(why, words))
		fail_msg("\"%s\" lacks \"%s\"", why, words);
	devmem_buffer_close(b);
}

static uint64_t fake_address(const struct devmem_memory *mem, const char **reason)
{
	*reason = "at home";
	return mem->bytes;
}

static void addresses_in_a_device(void **state)
{
	struct devmem_backend ops = fake;
	struct devmem_buffer *b;
	const char *why;

	(void)state;
	assert_int_equal(devmem_buffer_create("shm", 4096, NULL, &b), 0);
	expect_no_address(b, "devmem_buffer_map()");
	expect_no_address(make_fake(&fake), "device_address");
	if (!devmem_buffer_create("udmabuf", 4096, NULL, &b)) {
		struct devmem_buffer *imported;

		assert_int_equal(devmem_buffer_import(devmem_buffer_fd(b), NULL, &imported), 0);
		expect_no_address(imported, "whoever exported");
		expect_no_address(b, "devmem_buffer_map()");
	}
	ops.device_address = fake_address;
	b = make_fake(&ops);
	assert_int_equal(devmem_buffer_device_address(b, &why), 3 * 4096);
	assert_string_equal(why, "at home");
	devmem_buffer_close(b);
}

static void no_access_at_all(void **state)
{
	struct devmem_buffer *b = make_fake(&fake_without_access);
	char byte = 0;

	(void)state;
	assert_int_equal(devmem_buffer_read(b, 0, &byte, 1), -EOPNOTSUPP);
	assert_int_equal(devmem_buffer_write(b, 0, &byte, 1), -EOPNOTSUPP);
	assert_non_null(strstr(devmem_error(), "fake"));
	devmem_buffer_close(b);
}

static void numbers_are_the_lowest_free_ones(void **state)
{
	struct devmem_buffer *first = make("shm", 4096, 0), *second = make("shm", 4096, 0),
			     *third = make("shm", 4096, 0);

	(void)state;
	assert_int_equal(devmem_buffer_id(first), 1);
	assert_int_equal(devmem_buffer_id(second), 2);
	assert_ptr_equal(devmem_buffer_find(1), first);
	assert_ptr_equal(devmem_buffer_find(2), second);
	assert_null(devmem_buffer_find(0));
	assert_null(devmem_buffer_find(UINT16_MAX));
	devmem_buffer_close(first);
	assert_null(devmem_buffer_find(1));
	assert_ptr_equal(devmem_buffer_find(2), second);
	first = make("shm", 4096, 0);
	assert_int_equal(devmem_buffer_id(first), 1);
	devmem_buffer_close(third);
	devmem_buffer_close(second);
	devmem_buffer_close(first);
	assert_null(devmem_buffer_find(3));
}

/* A descriptor's number matters no more: neither that of standard input, which is 0, nor one that
 * does not fit in an event. */
static void numbers_are_not_those_of_descriptors(void **state)
{
	struct rlimit before, many = { 70000, 70000 };
	int input = dup(STDIN_FILENO);
	struct devmem_buffer *b;

	(void)state;
	close(STDIN_FILENO);
	b = make("shm", 3 * 4096, 0);
	assert_int_equal(devmem_buffer_fd(b), STDIN_FILENO);
	assert_int_equal(devmem_buffer_id(b), 1);
	read_and_written(b);
	devmem_buffer_close(b);
	dup2(input, STDIN_FILENO);
	close(input);
	getrlimit(RLIMIT_NOFILE, &before);
	if (setrlimit(RLIMIT_NOFILE, &many))
		skip();
	b = make_fake(&fake_with_a_high_descriptor);
	assert_true(devmem_buffer_fd(b) >= HIGH);
	assert_int_equal(devmem_buffer_id(b), 1);
	devmem_buffer_close(b);
	setrlimit(RLIMIT_NOFILE, &before);
}

static void there_are_no_more_numbers_than_an_event_can_name(void **state)
{
	struct devmem_buffer *some = make("shm", 4096, 0), *b = (void *)1;
	uint16_t id = 0;

	(void)state;
	for (unsigned int i = 2; i <= UINT16_MAX; i++)
		assert_int_equal(devmem__buffer_id_take(some, &id), 0);
	assert_int_equal(id, UINT16_MAX);
	assert_int_equal(devmem_buffer_create("shm", 4096, NULL, &b), -EMFILE);
	assert_non_null(strstr(devmem_error(), "has 65535 buffers"));
	assert_ptr_equal(b, (void *)1);
	for (unsigned int i = 2; i <= UINT16_MAX; i++)
		devmem__buffer_id_give_back((uint16_t)i);
	devmem_buffer_close(some);
}

static void closing_nothing(void **state)
{
	(void)state;
	devmem_buffer_close(NULL);
	devmem_binding_close(NULL);
	devmem_ring_close(NULL);
	assert_int_equal(devmem_nic_close(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_backend),
		cmocka_unit_test(sizes_and_options),
		cmocka_unit_test(no_udmabuf_here),
		cmocka_unit_test(no_heap_here),
		cmocka_unit_test(a_heap_by_name),
		cmocka_unit_test(more_than_there_is),
		cmocka_unit_test(pages_that_no_machine_has),
		cmocka_unit_test(the_best_there_is),
		cmocka_unit_test(named_is_named),
		cmocka_unit_test(huge_pages_if_there_are_any),
		cmocka_unit_test(memory_files_are_sealed),
		cmocka_unit_test(shared_memory_is_memory),
		cmocka_unit_test(bracketing_checks_its_flags_even_where_it_does_nothing),
		cmocka_unit_test(copied_by_the_backend_where_it_cannot_be_mapped),
		cmocka_unit_test(addresses_in_a_device),
		cmocka_unit_test(no_access_at_all),
		cmocka_unit_test(numbers_are_the_lowest_free_ones),
		cmocka_unit_test(numbers_are_not_those_of_descriptors),
		cmocka_unit_test(there_are_no_more_numbers_than_an_event_can_name),
		cmocka_unit_test(closing_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
