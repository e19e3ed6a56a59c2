// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"

static struct fake_cuda_balance before;
static const char *base_plan;

static const char *const names[] = {
#define NAME(name, version, ...) #name,
	DEVMEM__CUDA_CALLS(NAME) DEVMEM__CUDA_NEWER_CALLS(NAME)
#undef NAME
};

int cuda_before(void **state)
{
	(void)state;
	if (!base_plan) {
		const char *plan = getenv("FAKE_CUDA_FAIL");

		base_plan = strdup(plan ? plan : "");
	}
	fake_cuda_balance(&before);
	return 0;
}

static void expect_nothing_left(const char *after, bool mode_too)
{
	struct fake_cuda_balance now;

	fake_cuda_balance(&now);
	if (!mode_too)
		now.mode = before.mode;
	if (!memcmp(&now, &before, sizeof(now)))
		return;
	fail_msg("after %s: %d allocations, %d handles, %d reservations, %d mappings, %d pinned, "
		 "%d contexts, %d streams, %d events, %d modules, depth %u, mode %u",
		 after, now.allocations - before.allocations, now.handles - before.handles,
		 now.reservations - before.reservations, now.mappings - before.mappings,
		 now.pinned - before.pinned, now.contexts - before.contexts,
		 now.streams - before.streams, now.events - before.events,
		 now.modules - before.modules, now.depth, now.mode);
}

int cuda_after(void **state)
{
	(void)state;
	unsetenv("FAKE_CUDA_DEVICES");
	unsetenv("FAKE_CUDA_ATTRIBUTES");
	cuda_fail("");
	fake_cuda_hold(false);
	fake_cuda_break(0);
	fake_cuda_watch(NULL);
	expect_nothing_left("the test", true);
	return 0;
}

void cuda_devices(const char *addresses)
{
	setenv("FAKE_CUDA_DEVICES", addresses, 1);
}

void cuda_attributes(const char *list)
{
	setenv("FAKE_CUDA_ATTRIBUTES", list, 1);
}

void cuda_fail(const char *plan)
{
	char all[256];

	snprintf(all, sizeof(all), "%s %s", base_plan, plan);
	setenv("FAKE_CUDA_FAIL", all, 1);
}

struct devmem_buffer *cuda_buffer(size_t bytes, const char *device)
{
	struct devmem_buffer *b;

	if (devmem_buffer_create("cuda", bytes, DEVMEM_OPTS(devmem_buffer_opts, .device = device),
				 &b))
		fail_msg("%s", devmem_error());
	return b;
}

const struct devmem__cuda *cuda_calls(void)
{
	int err;
	const struct devmem__cuda *cu = devmem__cuda_load(&err);

	assert_non_null(cu);
	return cu;
}

/* -1: the scenario has no such call; else the result. */
static int fail_one(int (*scenario)(void), const char *name, unsigned int nth)
{
	const bool mode_too = strcmp(name, "cuThreadExchangeStreamCaptureMode");
	char plan[96];
	int err;

	snprintf(plan, sizeof(plan), "%s=999@%u", name, nth);
	cuda_fail(plan);
	err = scenario();
	if (!fake_cuda_failed()) {
		assert_int_equal(err, 0);
		return -1;
	}
	expect_nothing_left(plan, mode_too);
	/* what is only asked whether something is there has a sentence of its own */
	if (err && strcmp(name, "cuDeviceGetAttribute") && !strstr(devmem_error(), name))
		fail_msg("%s: %d, \"%s\"", plan, err, devmem_error());
	if (!mode_too)
		cuda_calls()->cuThreadExchangeStreamCaptureMode(&(unsigned int){ before.mode });
	return err != 0;
}

void cuda_each_failure(int (*scenario)(void))
{
	unsigned int failures = 0, others = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (unsigned int nth = 1;; nth++) {
			int failed = fail_one(scenario, names[i], nth);

			if (failed < 0)
				break;
			failures += failed == 1;
			others += !failed;
		}
	cuda_fail("");
	print_message("%u calls that failed made it fail, and %u did not\n", failures, others);
	assert_true(failures > 10 && others > 10);
}
