// SPDX-License-Identifier: MIT
/* Backends of the program's own: what is taken, what is made up for, what the list says. And what
 * import refuses. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devmem/admin.h"
#include "devmem/backend.h"
#include "unit.h"

static unsigned int freed;

static int memfd_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
		       struct devmem_memory *mem)
{
	if (opts->device && strcmp(opts->device, "the other"))
		return devmem_backend_fail(ENODEV, "no device %s: there is \"the other\"",
					   opts->device);
	if (bytes > 1 << 20)
		return -ENOMEM; /* no sentence: a careless backend */
	mem->fd = memfd_create("theirs", MFD_CLOEXEC);
	return mem->fd < 0 || ftruncate(mem->fd, (off_t)bytes) ? -errno : 0;
}

static void memfd_free(struct devmem_memory *mem)
{
	(void)mem;
	freed++;
}

static int memfd_map(struct devmem_memory *mem)
{
	void *p = mmap(NULL, mem->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, mem->fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	mem->map = p;
	return 0;
}

static void memfd_unmap(struct devmem_memory *mem)
{
	munmap(mem->map, mem->bytes);
}

static int no_probe(void *arg, char *text, size_t room)
{
	(void)arg, (void)text, (void)room;
	return devmem_backend_fail(ENODEV, "it was left at home, %d times", 3);
}

static struct devmem_backend table(const char *name)
{
	return (struct devmem_backend){
		.size = sizeof(struct devmem_backend),
		.name = name,
		.flags = DEVMEM_BACKEND_DEVICES,
		.alloc = memfd_alloc,
		.free = memfd_free,
		.map = memfd_map,
		.unmap = memfd_unmap,
	};
}

static void made_and_used_by_name(void **state)
{
	struct devmem_backend ops = table("theirs");
	struct devmem_buffer *b = NULL;
	char read[8] = "";
	const char *why;

	(void)state;
	assert_int_equal(devmem_backend_register(&ops), 0);
	ops.alloc = NULL; /* it was copied */
	assert_int_equal(devmem_buffer_create("theirs", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = "the "
											"other"),
					      &b),
			 0);
	assert_string_equal(devmem_buffer_backend(b, &why), "theirs");
	assert_string_equal(why, "asked for: ");
	assert_int_equal(devmem_buffer_size(b), 8192);
	assert_int_equal(devmem_buffer_write(b, 4094, "1234567", 8), 0);
	assert_int_equal(devmem_buffer_read(b, 4094, read, 8), 0);
	assert_string_equal(read, "1234567");
	freed = 0;
	devmem_buffer_close(b);
	assert_int_equal(freed, 1);
}

static void its_refusals_are_handed_on(void **state)
{
	struct devmem_buffer *b = (void *)1;

	(void)state;
	freed = 0;
	assert_int_equal(devmem_buffer_create("theirs", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = "x"), &b),
			 -ENODEV);
	assert_string_equal(devmem_error(), "no device x: there is \"the other\"");
	assert_int_equal(devmem_buffer_create("theirs", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = 4096),
					      &b),
			 -EINVAL);
	assert_int_equal(devmem_buffer_create("theirs", 2 << 20, NULL, &b), -ENOMEM);
	assert_int_equal(freed, 0);
	assert_ptr_equal(b, (void *)1);
}

static void tables_that_are_refused(void **state)
{
	struct devmem_backend ops = table("theirs");
	struct {
		struct devmem_backend ops;
		uint64_t later;
	} longer = { .ops = table("longer"), .later = 1 };

	(void)state;
	assert_int_equal(devmem_backend_register(NULL), -EINVAL);
	ops.name = "a name of more than sixty-three bytes, which a list of all could not";
	assert_int_equal(devmem_backend_register(&ops), -EINVAL);
	assert_non_null(strstr(devmem_error(), "1 to 63 bytes"));
	ops = table("theirs");
	assert_int_equal(devmem_backend_register(&ops), -EEXIST);
	ops.name = "udmabuf";
	assert_int_equal(devmem_backend_register(&ops), -EEXIST);
	assert_non_null(strstr(devmem_error(), "the library's own"));
	ops.name = "";
	assert_int_equal(devmem_backend_register(&ops), -EINVAL);
	ops = table("half mapped");
	ops.unmap = NULL;
	assert_int_equal(devmem_backend_register(&ops), -EINVAL);
	ops = table("no memory");
	ops.alloc = NULL;
	assert_int_equal(devmem_backend_register(&ops), -EINVAL);
	ops = table("flags");
	ops.flags = 1u << 31;
	assert_int_equal(devmem_backend_register(&ops), -EINVAL);
	longer.ops.size = sizeof(longer);
	assert_int_equal(devmem_backend_register(&longer.ops), -E2BIG);
	longer.later = 0;
	assert_int_equal(devmem_backend_register(&longer.ops), 0);
}

/* One set of operations, for two pools that are different: each gets what it was registered with,
 * wherever it is called. */
struct pool {
	const char *words;
	uint64_t left;
	unsigned int probed, freed, mapped;
};

static int pool_probe(void *arg, char *text, size_t room)
{
	struct pool *pool = arg;

	pool->probed++;
	snprintf(text, room, "%s, %llu left", pool->words, (unsigned long long)pool->left);
	return 0;
}

static int pool_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
		      struct devmem_memory *mem)
{
	struct pool *pool = mem->backend->arg;

	if (bytes > pool->left)
		return devmem_backend_fail(ENOMEM, "%s is empty", pool->words);
	pool->left -= bytes;
	return memfd_alloc(bytes, opts, mem);
}

static int pool_map(struct devmem_memory *mem)
{
	struct pool *pool = mem->backend->arg;

	pool->mapped++;
	return memfd_map(mem);
}

static void pool_free(struct devmem_memory *mem)
{
	struct pool *pool = mem->backend->arg;

	pool->left += mem->bytes;
	pool->freed++;
}

static void expect_listed(const char *name, const char *text)
{
	struct devmem_backend_info list[32];
	int n = devmem_backends(list, 32, sizeof(list[0])), found = 0;

	for (int i = 0; i < n; i++)
		if (!strcmp(list[i].name, name)) {
			assert_string_equal(list[i].text, text);
			found++;
		}
	assert_int_equal(found, 1);
}

static void one_table_for_two_pools(void **state)
{
	/* what a table points to must stay */
	static struct pool large = { .words = "the large one", .left = 8192 },
			   small = { .words = "the small one", .left = 4096 };
	struct devmem_backend ops = table("large");
	struct devmem_buffer *b = NULL, *other = NULL;
	void *map;

	(void)state;
	ops.probe = pool_probe, ops.alloc = pool_alloc, ops.free = pool_free, ops.map = pool_map;
	ops.arg = &large;
	assert_int_equal(devmem_backend_register(&ops), 0);
	ops.name = "small", ops.arg = &small;
	assert_int_equal(devmem_backend_register(&ops), 0);
	expect_listed("large", "the large one, 8192 left");
	expect_listed("small", "the small one, 4096 left");
	assert_int_equal(devmem_buffer_create("large", 8192, NULL, &b), 0);
	assert_int_equal(devmem_buffer_create("small", 8192, NULL, &other), -ENOMEM);
	assert_string_equal(devmem_error(), "the small one is empty");
	assert_int_equal(devmem_buffer_create("small", 4096, NULL, &other), 0);
	assert_int_equal(devmem_buffer_map(b, &map), 0);
	devmem_buffer_close(b);
	assert_int_equal(large.left + small.left, 8192);
	devmem_buffer_close(other);
	assert_int_equal(large.mapped + large.freed, 2);
	assert_int_equal(small.mapped + small.freed, 1);
	assert_int_equal(small.left, 4096);
}

struct seen {
	unsigned int n, own, theirs, absent;
};

static bool is(const struct devmem_backend_info *info, const char *name)
{
	return !strcmp(info->name, name);
}

/* None of the library's own is without a sentence, and what needs a device misses it. */
static void own(const struct devmem_backend_info *info, struct seen *seen)
{
	const char *device = is(info, "udmabuf")    ? "/dev/udmabuf"
			     : is(info, "dma-heap") ? "/dev/dma_heap"
						    : "/";

	seen->own++;
	assert_true(strlen(info->text) > 10);
	if (access(device, F_OK)) {
		assert_int_equal(info->result, -ENOENT);
		assert_non_null(strstr(info->text, device));
	}
	if (is(info, "shm") || is(info, "import"))
		assert_int_equal(info->result, 0);
	if (is(info, "shm"))
		assert_non_null(strstr(info->text, " MiB are available; "));
}

static void look(struct seen *seen, const struct devmem_backend_info *info)
{
	seen->n++;
	print_message("%-10s %4d  %s: %s\n", info->name, info->result, info->what, info->text);
	assert_true(strlen(info->name) && strlen(info->what) < sizeof(info->what) - 1);
	seen->theirs += is(info, "theirs") && !info->result;
	if (!seen->theirs) /* it comes behind the library's */
		own(info, seen);
	if (is(info, "absent")) {
		assert_int_equal(info->result, -ENODEV);
		assert_string_equal(info->text, "it was left at home, 3 times");
		seen->absent++;
	}
}

static void all_are_listed(void **state)
{
	struct devmem_backend ops = table("absent");
	struct devmem_backend_info list[32];
	struct seen seen = { 0 };
	int n;

	(void)state;
	ops.probe = no_probe;
	assert_int_equal(devmem_backend_register(&ops), 0);
	n = devmem_backends(list, 32, sizeof(list[0]));
	assert_in_range(n, 1, 32);
	for (int i = 0; i < n; i++)
		look(&seen, &list[i]);
	assert_true(seen.own >= 5);
	assert_int_equal(seen.theirs, 1);
	assert_int_equal(seen.absent, 1);
}

/* Programs with an older or a newer structure, and those with too little room, get what they have
 * room for, and nothing behind it is written to. */
static void lists_of_other_sizes(void **state)
{
	struct {
		struct devmem_backend_info info;
		char later[24];
	} newer[2];
	struct devmem_backend_info list[2];
	const int n = devmem_backends(NULL, 0, 0);

	(void)state;
	assert_true(n >= 7);
	memset(list, 'x', sizeof(list));
	assert_int_equal(devmem_backends(list, 1, sizeof(list[0])), n);
	assert_string_equal(list[0].name, "udmabuf");
	assert_int_equal(list[1].name[0], 'x');
	memset(newer, 'x', sizeof(newer));
	assert_int_equal(devmem_backends(&newer[0].info, 2, sizeof(newer[0])), n);
	assert_string_equal(newer[1].info.name, "dma-heap");
	for (unsigned int i = 0; i < sizeof(newer[0].later); i++)
		assert_true(!newer[0].later[i] && !newer[1].later[i]);
	assert_int_equal(devmem_backends(list, 2, sizeof(list[0]) - 1), -EINVAL);
	assert_non_null(strstr(devmem_error(), "sizeof of one"));
	assert_int_equal(devmem_backends(NULL, 2, sizeof(list[0])), -EINVAL);
}

static void there_is_room_for_sixteen(void **state)
{
	static const char names[16][3] = { "a", "b", "c", "d", "e", "f", "g", "h",
					   "i", "j", "k", "l", "m", "n", "o", "p" };
	struct devmem_backend ops;
	int err = 0;

	(void)state;
	for (unsigned int i = 0; i < 16 && !err; i++) {
		ops = table(names[i]);
		err = devmem_backend_register(&ops);
	}
	assert_int_equal(err, -ENOSPC);
	assert_non_null(strstr(devmem_error(), "16"));
}

static void what_cannot_be_imported(void **state)
{
	struct devmem_buffer *b = (void *)1;
	int fd = memfd_create("not a dma-buf", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(devmem_buffer_import(fd, NULL, &b), -EINVAL);
	assert_non_null(strstr(devmem_error(), "not a dma-buf"));
	close(fd);
	assert_int_equal(devmem_buffer_import(fd, NULL, &b), -EBADF);
	assert_int_equal(devmem_buffer_import(0, NULL, NULL), -EINVAL);
	assert_int_equal(devmem_buffer_import(0, DEVMEM_OPTS(devmem_buffer_opts, .device = "0"),
					      &b),
			 -EINVAL);
	assert_int_equal(devmem_buffer_create("import", 4096, NULL, &b), -EOPNOTSUPP);
	assert_non_null(strstr(devmem_error(), "devmem_buffer_import()"));
	assert_ptr_equal(b, (void *)1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_and_used_by_name),
		cmocka_unit_test(its_refusals_are_handed_on),
		cmocka_unit_test(tables_that_are_refused),
		cmocka_unit_test(one_table_for_two_pools),
		cmocka_unit_test(all_are_listed),
		cmocka_unit_test(lists_of_other_sizes),
		cmocka_unit_test(there_is_room_for_sixteen),
		cmocka_unit_test(what_cannot_be_imported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
