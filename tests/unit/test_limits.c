// SPDX-License-Identifier: MIT
/* A tree of cgroups as the kernel shows it, of ordinary files; and what is read here is at least
 * not absurd. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "memory/limits.h"

static char top[64];

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int make_tree(void **state)
{
	char path[128];

	(void)state;
	snprintf(top, sizeof(top), "/tmp/cgroupXXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(path, sizeof(path), "%s/a", top);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/a/b", top);
	mkdir(path, 0700);
	return 0;
}

static int remove_tree(void **state)
{
	static const char *const names[] = {
		"a/b/memory.max", "a/memory.max", "memory.max", "self", "a/b", "a", ""
	};
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", top, names[i]);
		remove(path);
	}
	return 0;
}

static uint64_t limit(const char *self, char file[256])
{
	char path[128];

	put("self", self);
	snprintf(path, sizeof(path), "%s/self", top);
	file[0] = '\0';
	return devmem__limits_cgroup(path, top, file, 256);
}

static void the_least_of_all_cgroups_on_the_way_up(void **state)
{
	char file[256];

	(void)state;
	put("a/b/memory.max", "max\n");
	assert_true(limit("0::/a/b\n", file) == UINT64_MAX);
	put("a/memory.max", "1048576\n");
	assert_int_equal(limit("0::/a/b\n", file), 1048576);
	assert_non_null(strstr(file, "/a/memory.max"));
	put("memory.max", "65536\n");
	assert_int_equal(limit("0::/a/b\n", file), 65536);
	put("a/b/memory.max", "4096\n");
	assert_int_equal(limit("1:name=systemd:/x\n0::/a/b\n", file), 4096);
	assert_non_null(strstr(file, "/a/b/memory.max"));
	assert_int_equal(limit("0::/\n", file), 65536);
}

static void no_cgroups_are_no_limit(void **state)
{
	char file[256];

	(void)state;
	assert_true(limit("", file) == UINT64_MAX);
	assert_true(limit("4:memory:/a/b\n", file) == UINT64_MAX); /* version 1 */
	assert_true(limit("0::/elsewhere/b\n", file) == UINT64_MAX);
	assert_true(devmem__limits_cgroup("/nosuch", "/nosuch", file, sizeof(file)) == UINT64_MAX);
}

static void memory_and_huge_pages_of_this_machine(void **state)
{
	uint64_t unused = 1, all = 0;
	char words[160];

	(void)state;
	assert_true(devmem__limits_available() > 1 << 20);
	assert_int_equal(devmem__limits_check(4096, "a test"), 0);
	assert_false(devmem__limits_huge(12345, &unused, &all));
	if (devmem__limits_huge(2 << 20, &unused, &all))
		assert_true(unused <= all);
	devmem__limits_huge_words(words, sizeof(words));
	print_message("%s\n", words);
	assert_ptr_equal(strstr(words, "no huge pages") ? words : strstr(words, "huge pages free:"),
			 words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_least_of_all_cgroups_on_the_way_up, make_tree,
						remove_tree),
		cmocka_unit_test_setup_teardown(no_cgroups_are_no_limit, make_tree, remove_tree),
		cmocka_unit_test(memory_and_huge_pages_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
