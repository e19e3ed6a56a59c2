// SPDX-License-Identifier: MIT
/*
 * "test_feature EPERM", under without_uring: then io_uring cannot be had, and that is said.
 * Everything else is as this machine is: that devmem_feature() and devmem_features() say the same
 * of it, and leave nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fds.h"
#include "unit.h"
#include "devmem/backend.h"
#include "base/internal.h"
#include "netlink/probe.h"

static bool no_uring;

struct seen {
	unsigned int n;
	char names[1024];
};

static void see(struct seen *seen, const struct devmem_feature_info *info)
{
	char name[64];

	seen->n++;
	assert_true(snprintf(name, sizeof(name), " %s ", info->name) < (int)sizeof(name));
	assert_null(strstr(seen->names, name));
	strcat(seen->names, name);
	assert_true(strlen(info->what) > 10);
	assert_true(info->result <= 0);
	assert_int_equal(info->result != 0, info->text[0] != '\0');
	assert_int_equal(devmem_feature(info->name), info->result == 0);
	if (info->result)
		assert_string_equal(info->text, devmem_error());
}

static int see_all(struct seen *seen)
{
	struct devmem_feature_info list[32];
	int n = devmem_features(list, ARRAY_SIZE(list), sizeof(list[0]));

	assert_in_range(n, 1, ARRAY_SIZE(list));
	for (int i = 0; i < n; i++)
		see(seen, &list[i]);
	return n;
}

static void the_list_and_the_question_say_the_same(void **state)
{
	unsigned int before = open_fds();
	struct seen seen = { 0 };
	int n = see_all(&seen);

	(void)state;
	assert_int_equal(n, seen.n);
	assert_true(seen.n >= 12);
	assert_int_equal(open_fds(), before);
}

static void lists_that_are_too_small(void **state)
{
	struct devmem_feature_info list[3];
	const int n = devmem_features(NULL, 0, sizeof(list[0]));

	(void)state;
	memset(list, 'x', sizeof(list));
	assert_int_equal(devmem_features(list, 2, sizeof(list[0])), n);
	assert_string_equal(list[1].name, "zcrx");
	assert_int_equal(list[2].name[0], 'x');
	assert_int_equal(devmem_features(list, 2, sizeof(list[0]) - 1), -EINVAL);
	assert_non_null(strstr(devmem_error(), "devmem_features: "));
	assert_int_equal(devmem_features(NULL, 2, sizeof(list[0])), -EINVAL);
	assert_string_equal(list[1].name, "zcrx");
}

/* Where the kernel shows it, that is the number, and elsewhere the largest that there is. */
static void pieces_of_a_packet(void **state)
{
	FILE *f = fopen("/proc/sys/net/core/max_skb_frags", "re");
	unsigned int n = 45;

	(void)state;
	if (f) {
		assert_int_equal(fscanf(f, "%u", &n), 1);
		fclose(f);
	}
	assert_int_equal(devmem__kernel_pieces(), n);
}

/* Of the documentation. A name that was there once is there for good. */
static void names_stay(void **state)
{
	static const char *const names[] = { "devmem",
					     "zcrx",
					     "large-pages",
					     "send",
					     "io_uring",
					     "busy-poll",
					     "copy",
					     "syscall",
					     "gather",
					     "place",
					     "nic-keep",
					     "source-port",
					     "coalesce",
					     "backend-udmabuf",
					     "backend-dma-heap",
					     "backend-shm",
					     "backend-drm",
					     "backend-cuda",
					     "backend-import" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(devmem_feature(names[i]) >= 0);
}

static void what_depends_on_nothing_is_there(void **state)
{
	(void)state;
	assert_int_equal(devmem_feature("copy"), 1);
	assert_int_equal(devmem_feature("gather"), 1);
	assert_int_equal(devmem_feature("coalesce"), 1);
	assert_int_equal(devmem_feature("backend-import"), 1);
}

/* Of a library that is newer than this one. */
static void names_that_are_not_known(void **state)
{
	static const char *const names[] = { "",	 "teleport",	   "Devmem",  "devmem ",
					     "backend-", "backend-nosuch", "backend", "shm" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(devmem_feature(names[i]), -ENOENT);
		assert_non_null(strstr(devmem_error(), "libdevmem 0.2"));
	}
	assert_int_equal(devmem_feature(NULL), -EINVAL);
}

static int probe_fails(void *arg, char *text, size_t room)
{
	(void)arg, (void)text, (void)room;
	return devmem_backend_fail(ENODEV, "plug it in");
}

static int alloc_fails(uint64_t n, const struct devmem_buffer_opts *opts,
		       struct devmem_memory *memory)
{
	(void)n, (void)opts, (void)memory;
	return devmem_backend_fail(ENODEV, "plug it in");
}

static void a_backend_that_was_registered_is_a_feature(void **state)
{
	const struct devmem_backend backend = { .size = sizeof(backend),
						.name = "unplugged",
						.probe = probe_fails,
						.alloc = alloc_fails };

	(void)state;
	assert_int_equal(devmem_feature("backend-unplugged"), -ENOENT);
	assert_int_equal(devmem_backend_register(&backend), 0);
	assert_int_equal(devmem_feature("backend-unplugged"), 0);
	assert_string_equal(devmem_error(), "plug it in");
}

static void hear(void *arg, int level, const char *text)
{
	(void)level, (void)text;
	++*(unsigned int *)arg;
}

/* What cannot be had, or is not known, is an answer, and nobody's error or warning. */
static void asking_is_silent(void **state)
{
	unsigned int heard = 0;
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(devmem_log_set(DEVMEM_LOG_WARNING, hear, &heard), 0);
	see_all(&seen);
	assert_int_equal(devmem_feature("teleport"), -ENOENT);
	assert_int_equal(devmem_log_set(DEVMEM_LOG_OFF, NULL, NULL), 0);
	assert_int_equal(heard, 0);
}

static void without_io_uring(void **state)
{
	static const char *const names[] = { "io_uring", "zcrx", "busy-poll" };

	(void)state;
	for (size_t i = 0; no_uring && i < ARRAY_SIZE(names); i++) {
		assert_int_equal(devmem_feature(names[i]), 0);
		assert_non_null(strstr(devmem_error(), "io_uring is disabled by policy"));
	}
	assert_int_equal(devmem_feature("syscall"), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_a_packet),
		cmocka_unit_test(the_list_and_the_question_say_the_same),
		cmocka_unit_test(lists_that_are_too_small),
		cmocka_unit_test(names_stay),
		cmocka_unit_test(what_depends_on_nothing_is_there),
		cmocka_unit_test(names_that_are_not_known),
		cmocka_unit_test(a_backend_that_was_registered_is_a_feature),
		cmocka_unit_test(asking_is_silent),
		cmocka_unit_test(without_io_uring),
	};

	no_uring = argc > 1 && !strcmp(argv[1], "EPERM");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
