/* SPDX-License-Identifier: MIT */
/* What the tests of CUDA by its fake share. They are linked with the fake, so that its own
 * functions can be called. */
#ifndef UNIT_CUDA_H
#define UNIT_CUDA_H

#include "backends/cuda_api.h"
#include "fake_cuda.h"
#include "memory/memory.h"
#include "unit.h"

/* Around each test: nothing is left of what it made in the fake, this thread's contexts are as
 * before. */
int cuda_before(void **state);
int cuda_after(void **state);
#define CUDA_TEST(name) cmocka_unit_test_setup_teardown(name, cuda_before, cuda_after)

/* The environment's, until the test ends. */
void cuda_devices(const char *addresses);
void cuda_attributes(const char *list);
void cuda_fail(const char *plan); /* behind what the run's FAKE_CUDA_FAIL is */

struct devmem_buffer *cuda_buffer(size_t bytes, const char *device); /* NULL: the first */
const struct devmem__cuda *cuda_calls(void);

/*
 * Runs @scenario with each call of each function failing in turn, the first, the second and so on,
 * until it makes no more. It returns 0 or a negative errno; whichever, nothing may be left, and a
 * failure is named in the sentence.
 */
void cuda_each_failure(int (*scenario)(void));

#endif
