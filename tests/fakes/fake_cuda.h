/* SPDX-License-Identifier: MIT */
/*
 * A fake of libcuda.so.1: no GPU, but memory of a memfd, exported by /dev/udmabuf where there is
 * one; device addresses that are no addresses of the processor's; streams that run on threads of
 * their own; kernels by ptx.c. What it is asked to do wrong is answered as the driver would; what a
 * program must never do (CUDA inside a callback) ends it.
 *
 * The environment is looked at anew in each call:
 *   FAKE_CUDA_DEVICES their PCI addresses, with spaces between; as the driver, it gives them in
 *   capitals. One if unset FAKE_CUDA_ATTRIBUTES "124=0 1:110=0": of all devices, or of one
 *   FAKE_CUDA_FAIL "cuMemCreate=2": each such call fails so; "cuMemCreate=2@3": the third one does.
 *   Up to four FAKE_CUDA_LACKS a name that cuGetProcAddress() does not know FAKE_CUDA_DRIVER the
 *   version that it says it is of: 11070
 * A call that frees something does so and then fails, as the driver's do when something before has
 * failed.
 */
#ifndef FAKE_CUDA_H
#define FAKE_CUDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is out; @depth and @mode: contexts and capture mode of the thread that asks. */
struct fake_cuda_balance {
	int allocations, handles, reservations, mappings, pinned, contexts, streams, events,
		modules;
	unsigned int depth, mode;
};

/* For tests, which find these by dlsym(). */
void fake_cuda_balance(struct fake_cuda_balance *balance);
unsigned int fake_cuda_calls(const char *name); /* so many were there */
/* has the last part of FAKE_CUDA_FAIL, as it is now, made a call fail? */
bool fake_cuda_failed(void);
/* streams stand still, and nobody waits for them */
void fake_cuda_hold(bool hold);
void fake_cuda_break(unsigned int result);	    /* the GPU has failed; 0: it was mended */
unsigned long long fake_cuda_managed(size_t bytes); /* memory that moves about, never freed */
/* two of so many each, mapped at one address, with one export for both */
unsigned long long fake_cuda_pieces(size_t bytes);
void fake_cuda_pieces_free(unsigned long long pointer, size_t bytes);
struct CUctx_st *fake_cuda_context(int device); /* not the primary one, never freed */
struct CUctx_st *fake_cuda_current(void);
bool fake_cuda_sync_memops(unsigned long long pointer);
/* where it really is; NULL: it is not all there */
void *fake_cuda_look(unsigned long long pointer, size_t bytes);

/* Called for each access of a kernel's, by its thread; and with 0 bytes when a thread of the kernel
 * begins. NULL: no more */
void fake_cuda_watch(void (*access)(unsigned long long address, unsigned int bytes, bool write));

#endif
