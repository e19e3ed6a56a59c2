/* SPDX-License-Identifier: MIT */
/* What the parts of the fake share. */
#ifndef FAKE_IMPL_H
#define FAKE_IMPL_H

#include <pthread.h>

#include "backends/cuda_api.h"
#include "fake_cuda.h"

/* results */
#define FAKE_INVALID_VALUE   1
#define FAKE_NO_MEMORY	     2
#define FAKE_INVALID_DEVICE  101
#define FAKE_INVALID_CONTEXT 201
#define FAKE_INVALID_PTX     218
#define FAKE_INVALID_HANDLE  400
#define FAKE_NOT_FOUND	     500
#define FAKE_ILLEGAL_ADDRESS 700
#define FAKE_MISALIGNED	     716
#define FAKE_NOT_SUPPORTED   801

#define PROTOTYPE(name, version, ...) unsigned int fake_##name(__VA_ARGS__);
DEVMEM__CUDA_CALLS(PROTOTYPE)
DEVMEM__CUDA_NEWER_CALLS(PROTOTYPE)
#undef PROTOTYPE

struct CUctx_st {
	int device;
	unsigned int retained;
};

/* One lock for all but the table of memory, which kernels look at. */
struct fake {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct fake_cuda_balance out;
	bool held;
	unsigned int broken;
};
extern struct fake fake;

/* First in each call: 0, or what it is made to answer. */
unsigned int fake_enter(const char *name);

#define ENTER(name)                                         \
	do {                                                \
		unsigned int injected_ = fake_enter(#name); \
		if (injected_)                              \
			return injected_;                   \
	} while (0)

/* ... in one that needs a context. */
#define ENTER_CONTEXT(name)                          \
	do {                                         \
		ENTER(name);                         \
		if (!fake_cuda_current())            \
			return FAKE_INVALID_CONTEXT; \
	} while (0)

void fake_count(int *counter, int by);
extern _Thread_local bool fake_in_callback;

int fake_device_of(struct CUctx_st *context);
unsigned int fake_attribute(int device, unsigned int attribute);

#endif
