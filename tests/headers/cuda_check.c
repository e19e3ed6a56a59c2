// SPDX-License-Identifier: MIT
/*
 * Compares cuda_api.h with the real cuda.h and the toolkit's list of prototypes by version. It is
 * compiled where CMake finds those (DEVMEM_CHECK_CUDA), and never run: a difference is an error of
 * the compiler.
 */
#include <cuda.h>
#include <cudaTypedefs.h>

#include "backends/cuda_api.h"

#define SAME(ours, theirs) \
	_Static_assert((unsigned int)(ours) == (unsigned int)(theirs), #ours " is not " #theirs)

SAME(DEVMEM__CUDA_SUCCESS, CUDA_SUCCESS);
SAME(DEVMEM__CUDA_INVALID_VALUE, CUDA_ERROR_INVALID_VALUE);
SAME(DEVMEM__CUDA_OUT_OF_MEMORY, CUDA_ERROR_OUT_OF_MEMORY);
SAME(DEVMEM__CUDA_NOT_INITIALIZED, CUDA_ERROR_NOT_INITIALIZED);
SAME(DEVMEM__CUDA_STUB_LIBRARY, CUDA_ERROR_STUB_LIBRARY);
SAME(DEVMEM__CUDA_DEVICE_UNAVAILABLE, CUDA_ERROR_DEVICE_UNAVAILABLE);
SAME(DEVMEM__CUDA_NO_DEVICE, CUDA_ERROR_NO_DEVICE);
SAME(DEVMEM__CUDA_INVALID_DEVICE, CUDA_ERROR_INVALID_DEVICE);
SAME(DEVMEM__CUDA_INVALID_CONTEXT, CUDA_ERROR_INVALID_CONTEXT);
SAME(DEVMEM__CUDA_NOT_PERMITTED, CUDA_ERROR_NOT_PERMITTED);
SAME(DEVMEM__CUDA_NOT_SUPPORTED, CUDA_ERROR_NOT_SUPPORTED);
SAME(DEVMEM__CUDA_SYSTEM_NOT_READY, CUDA_ERROR_SYSTEM_NOT_READY);
SAME(DEVMEM__CUDA_DRIVER_MISMATCH, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH);

SAME(DEVMEM__CUDA_MULTIPROCESSORS, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
SAME(DEVMEM__CUDA_UNIFIED_ADDRESSING, CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING);
SAME(DEVMEM__CUDA_VIRTUAL_MEMORY, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED);
SAME(DEVMEM__CUDA_RDMA_WITH_VIRTUAL_MEMORY,
     CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED);
SAME(DEVMEM__CUDA_RDMA, CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_SUPPORTED);
SAME(DEVMEM__CUDA_DMA_BUF, CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED);

SAME(DEVMEM__CUDA_POINTER_CONTEXT, CU_POINTER_ATTRIBUTE_CONTEXT);
SAME(DEVMEM__CUDA_POINTER_TYPE, CU_POINTER_ATTRIBUTE_MEMORY_TYPE);
SAME(DEVMEM__CUDA_POINTER_SYNC_MEMOPS, CU_POINTER_ATTRIBUTE_SYNC_MEMOPS);
SAME(DEVMEM__CUDA_POINTER_MANAGED, CU_POINTER_ATTRIBUTE_IS_MANAGED);
SAME(DEVMEM__CUDA_POINTER_ORDINAL, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL);
SAME(DEVMEM__CUDA_POINTER_RDMA, CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE);
SAME(DEVMEM__CUDA_TYPE_DEVICE, CU_MEMORYTYPE_DEVICE);

SAME(DEVMEM__CUDA_ALLOCATION_PINNED, CU_MEM_ALLOCATION_TYPE_PINNED);
SAME(DEVMEM__CUDA_LOCATION_DEVICE, CU_MEM_LOCATION_TYPE_DEVICE);
SAME(DEVMEM__CUDA_GRANULARITY_MINIMUM, CU_MEM_ALLOC_GRANULARITY_MINIMUM);
SAME(DEVMEM__CUDA_ACCESS_READWRITE, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
SAME(DEVMEM__CUDA_HANDLE_DMA_BUF_FD, CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD);
SAME(DEVMEM__CUDA_HOST_DEVICEMAP, CU_MEMHOSTALLOC_DEVICEMAP);
SAME(DEVMEM__CUDA_STREAM_NON_BLOCKING, CU_STREAM_NON_BLOCKING);
SAME(DEVMEM__CUDA_EVENT_BLOCKING_SYNC, CU_EVENT_BLOCKING_SYNC);
SAME(DEVMEM__CUDA_EVENT_DISABLE_TIMING, CU_EVENT_DISABLE_TIMING);
SAME(DEVMEM__CUDA_CAPTURE_RELAXED, CU_STREAM_CAPTURE_MODE_RELAXED);

#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(struct ours) == sizeof(theirs), #ours)
#define SAME_FIELD(ours, field, theirs, their_field)                                    \
	_Static_assert(offsetof(struct ours, field) == offsetof(theirs, their_field) && \
			       sizeof(((struct ours *)0)->field) ==                     \
				       sizeof(((theirs *)0)->their_field),              \
		       #ours "." #field)

SAME_SIZE(devmem__cuda_location, CUmemLocation);
SAME_FIELD(devmem__cuda_location, type, CUmemLocation, type);
SAME_FIELD(devmem__cuda_location, id, CUmemLocation, id);
SAME_SIZE(devmem__cuda_prop, CUmemAllocationProp);
SAME_FIELD(devmem__cuda_prop, type, CUmemAllocationProp, type);
SAME_FIELD(devmem__cuda_prop, handle_types, CUmemAllocationProp, requestedHandleTypes);
SAME_FIELD(devmem__cuda_prop, location, CUmemAllocationProp, location);
SAME_FIELD(devmem__cuda_prop, reserved_for_windows, CUmemAllocationProp, win32HandleMetaData);
SAME_FIELD(devmem__cuda_prop, flags, CUmemAllocationProp, allocFlags);
SAME_FIELD(devmem__cuda_prop, flags.rdma_capable, CUmemAllocationProp,
	   allocFlags.gpuDirectRDMACapable);
SAME_SIZE(devmem__cuda_access, CUmemAccessDesc);
SAME_FIELD(devmem__cuda_access, location, CUmemAccessDesc, location);
SAME_FIELD(devmem__cuda_access, flags, CUmemAccessDesc, flags);

/* From here on, our structures replace theirs in the prototypes. */
#define devmem__cuda_prop   CUmemAllocationProp_st
#define devmem__cuda_access CUmemAccessDesc_st

#define CHECK(name, version, ...)                                                             \
	_Static_assert(__builtin_types_compatible_p(unsigned int(__VA_ARGS__),                \
						    __typeof__(*(PFN_##name##_v##version)0)), \
		       #name);
DEVMEM__CUDA_CALLS(CHECK)

#if CUDA_VERSION >= 12080
SAME(DEVMEM__CUDA_ORDER_STREAM, CU_MEMCPY_SRC_ACCESS_ORDER_STREAM);
SAME_SIZE(devmem__cuda_copy, CUmemcpyAttributes);
SAME_FIELD(devmem__cuda_copy, order, CUmemcpyAttributes, srcAccessOrder);
SAME_FIELD(devmem__cuda_copy, source, CUmemcpyAttributes, srcLocHint);
SAME_FIELD(devmem__cuda_copy, target, CUmemcpyAttributes, dstLocHint);
SAME_FIELD(devmem__cuda_copy, flags, CUmemcpyAttributes, flags);
#define devmem__cuda_copy CUmemcpyAttributes_st
DEVMEM__CUDA_NEWER_CALLS(CHECK)
#endif
