/* SPDX-License-Identifier: MIT */
/*
 * The GPU copies scattered ranges of its memory into one contiguous piece.
 *
 * No fence is needed on either side. On every GPU, a NIC's writes are ordered before its completion
 * event, and a launch after that event is ordered after them.
 * CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WRITES_ORDERING and cuFlushGPUDirectRDMAWrites() concern
 * kernels that are already running when the event comes, which ours never is. Anything that is
 * launched or copied after done() sees the gathered bytes.
 *
 * All of this is called inside devmem__cuda_enter(), by one thread at a time. Running a gather
 * allocates nothing: allocating may wait for the whole GPU, and so for a kernel that waits for us.
 */
#ifndef DEVMEM__BACKENDS_CUDA_GATHER_H
#define DEVMEM__BACKENDS_CUDA_GATHER_H

#include "backends/cuda_api.h"
#include "backends/cuda_device.h"

struct devmem__cuda_gather;

/* The kernel (cuda_gather.ptx), which the driver compiles. */
extern const char devmem__cuda_gather_ptx[];

/*
 * devmem__cuda_gather_new() - prepare gathering on @stream, which stays the caller's. The kernel is
 * compiled and run once, so that nothing needs loading later. If that is impossible,
 * cuMemcpyBatchAsync() serves, or one copy for each range.
 */
int devmem__cuda_gather_new(const struct devmem__cuda *cu, const struct devmem__cuda_device *device,
			    struct CUstream_st *stream, struct devmem__cuda_gather **out);

/* devmem__cuda_gather_free() - wait for all gathers under way, then free it. Each done() is called
 * before this returns. NULL is allowed. */
void devmem__cuda_gather_free(struct devmem__cuda_gather *gather);

/* devmem__cuda_gather_words() - the method, and why no better one works. Valid as long as
 * @gather. */
const char *devmem__cuda_gather_words(const struct devmem__cuda_gather *gather);

/*
 * devmem__cuda_gather_run() - gather @ranges, whose offsets count from @source, to @target, as
 * devmem_backend.gather does. A thread of the driver calls @done. It must not call CUDA, so it must
 * not drop the last reference to a buffer.
 */
int devmem__cuda_gather_run(struct devmem__cuda_gather *gather, unsigned long long target,
			    unsigned long long source, const struct devmem_range *ranges,
			    unsigned int n, void (*done)(void *arg, int result), void *arg);

#endif
