/* SPDX-License-Identifier: MIT */
/*
 * Ranges of GPU memory copied to where they lie in one piece, by the GPU.
 *
 * No fence is needed, on either side. What a NIC has written is ordered before its completion
 * event, and a launch after that is ordered behind it, on every GPU:
 * CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WRITES_ORDERING and cuFlushGPUDirectRDMAWrites() concern a
 * kernel that runs already when the event comes, which ours never does. What is gathered is there
 * for whatever is launched, or copied, after it is over.
 *
 * All of this is called inside devmem__cuda_enter(), by one thread at a time. Nothing is allocated
 * when it runs: that may wait for the whole GPU, and for a kernel on it that waits for us.
 */
#ifndef DEVMEM__BACKENDS_CUDA_GATHER_H
#define DEVMEM__BACKENDS_CUDA_GATHER_H

#include "backends/cuda_api.h"
#include "backends/cuda_device.h"

struct devmem__cuda_gather;

extern const char devmem__cuda_gather_ptx[];

/*
 * devmem__cuda_gather_new() - ready to run on @stream, which stays the caller's: by a kernel,
 * compiled and run once, so that nothing is loaded later; where that is impossible by
 * cuMemcpyBatchAsync(), or a copy for each range.
 */
int devmem__cuda_gather_new(const struct devmem__cuda *cu, const struct devmem__cuda_device *device,
			    struct CUstream_st *stream, struct devmem__cuda_gather **out);

/* devmem__cuda_gather_free() - waits for all that is under way: each done() is called before this
 * returns. NULL is allowed. */
void devmem__cuda_gather_free(struct devmem__cuda_gather *gather);

/* devmem__cuda_gather_words() - by what, and why not by something better. As long as it lives. */
const char *devmem__cuda_gather_words(const struct devmem__cuda_gather *gather);

/*
 * devmem__cuda_gather_run() - @ranges from @source on to @target, as devmem_backend.gather. @done
 * is called by a thread of the driver's, which must not call CUDA there: so it must not drop the
 * last reference to a buffer.
 */
int devmem__cuda_gather_run(struct devmem__cuda_gather *gather, unsigned long long target,
			    unsigned long long source, const struct devmem_range *ranges,
			    unsigned int n, void (*done)(void *arg, int result), void *arg);

#endif
