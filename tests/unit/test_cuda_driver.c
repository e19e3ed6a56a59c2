// SPDX-License-Identifier: MIT
/*
 * What is said where the CUDA driver is missing, too old, or has no device. argv[1]: "none",
 * without a libcuda.so.1; "old", with one that lacks the first call that we need; else with the
 * fake.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devmem/cuda.h"
#include "backends/cuda_api.h"
#include "unit.h"

/* How the whole backend fails, by the public calls: with @err and these words. */
static void expect(int err, const char *words)
{
	struct devmem_buffer *b = (void *)1;

	assert_int_equal(devmem_buffer_create("cuda", 4096, NULL, &b), err);
	if (!strstr(devmem_error(), words))
		fail_msg("\"%s\" lacks \"%s\"", devmem_error(), words);
	assert_int_equal(devmem_buffer_wrap_cuda(1 << 20, 4096, NULL, &b), err);
	assert_non_null(strstr(devmem_error(), words));
	assert_ptr_equal(b, (void *)1);
}

static int listed(void)
{
	struct devmem_backend_info list[16];
	int n = devmem_backends(list, ARRAY_SIZE(list), sizeof(list[0])), result = 1;

	for (int i = 0; i < n; i++)
		if (!strcmp(list[i].name, "cuda")) {
			print_message("%d: %s\n", list[i].result, list[i].text);
			result = list[i].result;
		}
	return result;
}

static void without_a_driver(void **state)
{
	(void)state;
	expect(-ENOENT, "no CUDA driver (libcuda.so.1");
	assert_int_equal(listed(), -ENOENT);
}

static void without_the_first_call(void **state)
{
	(void)state;
	expect(-ENODEV, "libcuda.so.1 has no cuGetProcAddress: update");
	assert_int_equal(listed(), -ENODEV);
}

static void too_old(void **state)
{
	(void)state;
	setenv("FAKE_CUDA_DRIVER", "11040", 1);
	expect(-ENODEV, "the driver is for CUDA 11.4");
	assert_int_equal(listed(), -ENODEV);
	unsetenv("FAKE_CUDA_DRIVER");
}

/* All or none: whichever it is, nothing goes on without it. */
static void one_call_is_missing(void **state)
{
	static const char *const names[] = {
#define NAME(name, version, ...) #name,
		DEVMEM__CUDA_CALLS(NAME)
#undef NAME
	};
	char words[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		setenv("FAKE_CUDA_LACKS", names[i], 1);
		snprintf(words, sizeof(words), "has no %s: update", names[i]);
		expect(-ENODEV, words);
	}
	unsetenv("FAKE_CUDA_LACKS");
}

/* From here on the calls are known, and stay so. */
static void it_does_not_initialize(void **state)
{
	static const struct {
		const char *fail;
		int err;
		const char *words;
	} cases[] = {
		{ "cuInit=100", -ENODEV, "no device" },	    { "cuInit=3", -ENODEV, "fork()" },
		{ "cuInit=34", -ENODEV, "stub" },	    { "cuInit=803", -ENODEV, "restart" },
		{ "cuInit=802", -ENODEV, "fabricmanager" }, { "cuInit=999", -EIO, "cuInit: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setenv("FAKE_CUDA_FAIL", cases[i].fail, 1);
		expect(cases[i].err, cases[i].words);
		assert_int_equal(listed(), cases[i].err);
	}
	unsetenv("FAKE_CUDA_FAIL");
}

static void no_device(void **state)
{
	(void)state;
	setenv("FAKE_CUDA_DEVICES", "", 1);
	expect(-ENODEV, "no device");
	unsetenv("FAKE_CUDA_DEVICES");
}

/* What was missing may be there the next time. */
static void and_then_it_works(void **state)
{
	struct devmem_buffer *b;

	(void)state;
	assert_int_equal(devmem_buffer_create("cuda", 4096, NULL, &b), 0);
	devmem_buffer_close(b);
	assert_int_equal(listed(), 0);
}

static void what_only_newer_drivers_have_may_be_missing(void **state)
{
	int err;
	const struct devmem__cuda *cu;

	(void)state;
	setenv("FAKE_CUDA_LACKS", "cuMemcpyBatchAsync", 1);
	cu = devmem__cuda_load(&err);
	unsetenv("FAKE_CUDA_LACKS");
	assert_non_null(cu);
	assert_null(cu->cuMemcpyBatchAsync);
	assert_non_null(cu->cuMemcpyDtoDAsync);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest none[] = { cmocka_unit_test(without_a_driver) };
	const struct CMUnitTest old[] = { cmocka_unit_test(without_the_first_call) };
	const struct CMUnitTest fake[] = {
		cmocka_unit_test(too_old),
		cmocka_unit_test(one_call_is_missing),
		cmocka_unit_test(it_does_not_initialize),
		cmocka_unit_test(no_device),
		cmocka_unit_test(and_then_it_works),
	};
	const struct CMUnitTest lesser[] = { cmocka_unit_test(
		what_only_newer_drivers_have_may_be_missing) };
	const char *which = argc > 1 ? argv[1] : "";

	if (!strcmp(which, "none") && dlopen("libcuda.so.1", RTLD_NOW)) {
		printf("this machine has a CUDA driver\n");
		return 77;
	}
	if (!strcmp(which, "none"))
		return cmocka_run_group_tests(none, NULL, NULL);
	if (!strcmp(which, "old"))
		return cmocka_run_group_tests(old, NULL, NULL);
	if (!strcmp(which, "lesser"))
		return cmocka_run_group_tests(lesser, NULL, NULL);
	return cmocka_run_group_tests(fake, NULL, NULL);
}
