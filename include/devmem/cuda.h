/* SPDX-License-Identifier: MIT */
/*
 * libdevmem: for programs that have CUDA memory of their own (NVIDIA). Part of libdevmem.so, which
 * loads NVIDIA's driver when it is first needed. Needs no header of CUDA. Memory that the library
 * makes on such a GPU needs devmem.h alone: devmem_buffer_create("cuda").
 */
#ifndef DEVMEM_CUDA_H
#define DEVMEM_CUDA_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * devmem_buffer_wrap_cuda() - make a buffer of CUDA memory that the program owns.
 * @pointer:	a CUdeviceptr, a multiple of the system's page: from cuMemAlloc(), which includes
 *		memory of cudaMalloc(); or from cuMemCreate() with gpuDirectRDMACapable, and mapped.
 * @bytes:	size, a multiple of the system's page. The driver must be able to export all of it
 *		at once: it lies in one allocation, or in pieces that are mapped one behind the
 *		other, if the driver takes those. The memory, and the context that it was made in,
 *		must stay until the buffer is gone, and all bindings that use it. Exactly this range
 *		is exported, so it can be received into as well.
 * @opts:	NULL: no option has a meaning yet.
 *
 * The calling thread's current context is left as it was, but there should be one, as there is in a
 * thread that has used CUDA. Memory from cuMemAlloc() gets CU_POINTER_ATTRIBUTE_SYNC_MEMOPS,
 * permanently.
 *
 * -EINVAL	not aligned, or no bytes; not device memory of CUDA but host or managed memory; or
 *		an option is set
 * -ERANGE	the range does not lie in one allocation, and the driver does not export it
 * -ENODEV	the device, or this kind of memory, cannot be exported: devmem_error() says why
 * -ENOENT	no libcuda.so.1
 * -ENOMEM	not enough memory for what copying and gathering need
 * -EMFILE	no file descriptors left, or the process has 65,535 buffers
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	the error of the driver
 */
DEVMEM_API int devmem_buffer_wrap_cuda(uint64_t pointer, size_t bytes,
				       const struct devmem_buffer_opts *opts,
				       struct devmem_buffer **out);

#ifdef __cplusplus
}
#endif

#endif /* DEVMEM_CUDA_H */
