/* SPDX-License-Identifier: MIT */
/*
 * The part of the CUDA driver's interface that we use, under our own names. Building needs neither
 * the driver's library nor its header, and running works without the driver.
 * tests/headers/cuda_check.c compares these declarations with the real cuda.h where it is
 * installed.
 */
#ifndef DEVMEM__BACKENDS_CUDA_API_H
#define DEVMEM__BACKENDS_CUDA_API_H

#include "devmem/backend.h"
#include "base/internal.h"

/* The driver's own tags: its handles are pointers to these opaque structures. */
struct CUctx_st;
struct CUevent_st;
struct CUfunc_st;
struct CUmod_st;
struct CUstream_st;

/* the results that we distinguish */
#define DEVMEM__CUDA_SUCCESS		0
#define DEVMEM__CUDA_INVALID_VALUE	1
#define DEVMEM__CUDA_OUT_OF_MEMORY	2
#define DEVMEM__CUDA_NOT_INITIALIZED	3
#define DEVMEM__CUDA_STUB_LIBRARY	34
#define DEVMEM__CUDA_DEVICE_UNAVAILABLE 46
#define DEVMEM__CUDA_NO_DEVICE		100
#define DEVMEM__CUDA_INVALID_DEVICE	101
#define DEVMEM__CUDA_INVALID_CONTEXT	201
#define DEVMEM__CUDA_NOT_PERMITTED	800
#define DEVMEM__CUDA_NOT_SUPPORTED	801
#define DEVMEM__CUDA_SYSTEM_NOT_READY	802
#define DEVMEM__CUDA_DRIVER_MISMATCH	803

/* attributes of devices */
#define DEVMEM__CUDA_MULTIPROCESSORS	      16
#define DEVMEM__CUDA_UNIFIED_ADDRESSING	      41
#define DEVMEM__CUDA_VIRTUAL_MEMORY	      102
#define DEVMEM__CUDA_RDMA_WITH_VIRTUAL_MEMORY 110
#define DEVMEM__CUDA_RDMA		      116
#define DEVMEM__CUDA_DMA_BUF		      124

/* attributes of pointers */
#define DEVMEM__CUDA_POINTER_CONTEXT	 1
#define DEVMEM__CUDA_POINTER_TYPE	 2
#define DEVMEM__CUDA_POINTER_SYNC_MEMOPS 6
#define DEVMEM__CUDA_POINTER_MANAGED	 8
#define DEVMEM__CUDA_POINTER_ORDINAL	 9
#define DEVMEM__CUDA_POINTER_RDMA	 15
#define DEVMEM__CUDA_TYPE_DEVICE	 2

#define DEVMEM__CUDA_ALLOCATION_PINNED	  1
#define DEVMEM__CUDA_LOCATION_DEVICE	  1
#define DEVMEM__CUDA_GRANULARITY_MINIMUM  0
#define DEVMEM__CUDA_ACCESS_READWRITE	  3
#define DEVMEM__CUDA_HANDLE_DMA_BUF_FD	  1
#define DEVMEM__CUDA_HOST_DEVICEMAP	  2
#define DEVMEM__CUDA_STREAM_NON_BLOCKING  1
#define DEVMEM__CUDA_EVENT_BLOCKING_SYNC  1
#define DEVMEM__CUDA_EVENT_DISABLE_TIMING 2
#define DEVMEM__CUDA_CAPTURE_RELAXED	  2
#define DEVMEM__CUDA_ORDER_STREAM	  1

struct devmem__cuda_location {
	unsigned int type;
	int id;
};

struct devmem__cuda_prop {
	unsigned int type;
	unsigned int handle_types;
	struct devmem__cuda_location location;
	void *reserved_for_windows;
	struct {
		unsigned char compression, rdma_capable;
		unsigned short usage;
		unsigned char reserved[4];
	} flags;
};

struct devmem__cuda_access {
	struct devmem__cuda_location location;
	unsigned int flags;
};

struct devmem__cuda_copy {
	unsigned int order;
	struct devmem__cuda_location source, target;
	unsigned int flags;
};

/*
 * Each call, the version of CUDA whose form of it we use (cuGetProcAddress returns exactly that
 * form, whatever came later), and its parameters. Results are of type unsigned int, as the driver's
 * enumerations are. The library needs all of these calls.
 */
#define DEVMEM__CUDA_CALLS(X)                                                                      \
	X(cuGetErrorName, 6000, unsigned int result, const char **name)                            \
	X(cuGetErrorString, 6000, unsigned int result, const char **text)                          \
	X(cuInit, 2000, unsigned int flags)                                                        \
	X(cuDeviceGetCount, 2000, int *count)                                                      \
	X(cuDeviceGet, 2000, int *device, int ordinal)                                             \
	X(cuDeviceGetName, 2000, char *name, int room, int device)                                 \
	X(cuDeviceGetPCIBusId, 4010, char *address, int room, int device)                          \
	X(cuDeviceGetAttribute, 2000, int *value, unsigned int attribute, int device)              \
	X(cuDevicePrimaryCtxRetain, 7000, struct CUctx_st **context, int device)                   \
	X(cuDevicePrimaryCtxRelease, 11000, int device)                                            \
	X(cuCtxPushCurrent, 4000, struct CUctx_st *context)                                        \
	X(cuCtxPopCurrent, 4000, struct CUctx_st **context)                                        \
	X(cuCtxGetStreamPriorityRange, 5050, int *least, int *greatest)                            \
	X(cuThreadExchangeStreamCaptureMode, 10010, unsigned int *mode)                            \
	X(cuPointerGetAttribute, 4000, void *value, unsigned int attribute,                        \
	  unsigned long long pointer)                                                              \
	X(cuPointerSetAttribute, 6000, const void *value, unsigned int attribute,                  \
	  unsigned long long pointer)                                                              \
	X(cuMemGetAddressRange, 3020, unsigned long long *base, size_t *bytes,                     \
	  unsigned long long pointer)                                                              \
	X(cuMemGetHandleForAddressRange, 11070, void *handle, unsigned long long pointer,          \
	  size_t bytes, unsigned int type, unsigned long long flags)                               \
	X(cuMemAlloc, 3020, unsigned long long *pointer, size_t bytes)                             \
	X(cuMemFree, 3020, unsigned long long pointer)                                             \
	X(cuMemGetAllocationGranularity, 10020, size_t *bytes,                                     \
	  const struct devmem__cuda_prop *prop, unsigned int which)                                \
	X(cuMemCreate, 10020, unsigned long long *handle, size_t bytes,                            \
	  const struct devmem__cuda_prop *prop, unsigned long long flags)                          \
	X(cuMemRelease, 10020, unsigned long long handle)                                          \
	X(cuMemAddressReserve, 10020, unsigned long long *pointer, size_t bytes, size_t alignment, \
	  unsigned long long address, unsigned long long flags)                                    \
	X(cuMemAddressFree, 10020, unsigned long long pointer, size_t bytes)                       \
	X(cuMemMap, 10020, unsigned long long pointer, size_t bytes, size_t offset,                \
	  unsigned long long handle, unsigned long long flags)                                     \
	X(cuMemUnmap, 10020, unsigned long long pointer, size_t bytes)                             \
	X(cuMemSetAccess, 10020, unsigned long long pointer, size_t bytes,                         \
	  const struct devmem__cuda_access *access, size_t n)                                      \
	X(cuMemHostAlloc, 2020, void **pointer, size_t bytes, unsigned int flags)                  \
	X(cuMemHostGetDevicePointer, 3020, unsigned long long *device, void *pointer,              \
	  unsigned int flags)                                                                      \
	X(cuMemFreeHost, 2000, void *pointer)                                                      \
	X(cuMemcpyHtoDAsync, 3020, unsigned long long to, const void *from, size_t bytes,          \
	  struct CUstream_st *stream)                                                              \
	X(cuMemcpyDtoHAsync, 3020, void *to, unsigned long long from, size_t bytes,                \
	  struct CUstream_st *stream)                                                              \
	X(cuMemcpyDtoDAsync, 3020, unsigned long long to, unsigned long long from, size_t bytes,   \
	  struct CUstream_st *stream)                                                              \
	X(cuStreamCreateWithPriority, 5050, struct CUstream_st **stream, unsigned int flags,       \
	  int priority)                                                                            \
	X(cuStreamDestroy, 4000, struct CUstream_st *stream)                                       \
	X(cuStreamSynchronize, 2000, struct CUstream_st *stream)                                   \
	X(cuStreamAddCallback, 5000, struct CUstream_st *stream,                                   \
	  void (*callback)(struct CUstream_st * stream, unsigned int result, void *arg),           \
	  void *arg, unsigned int flags)                                                           \
	X(cuEventCreate, 2000, struct CUevent_st **event, unsigned int flags)                      \
	X(cuEventDestroy, 4000, struct CUevent_st *event)                                          \
	X(cuEventRecord, 2000, struct CUevent_st *event, struct CUstream_st *stream)               \
	X(cuEventSynchronize, 2000, struct CUevent_st *event)                                      \
	X(cuModuleLoadData, 2000, struct CUmod_st **module, const void *image)                     \
	X(cuModuleUnload, 2000, struct CUmod_st *module)                                           \
	X(cuModuleGetFunction, 2000, struct CUfunc_st **function, struct CUmod_st *module,         \
	  const char *name)                                                                        \
	X(cuLaunchKernel, 4000, struct CUfunc_st *function, unsigned int gx, unsigned int gy,      \
	  unsigned int gz, unsigned int bx, unsigned int by, unsigned int bz, unsigned int shared, \
	  struct CUstream_st *stream, void **parameters, void **extra)

/* Calls that drivers recent enough for the others may lack: they are NULL then. CUDA 13 changed
 * this one, hence the version. */
#define DEVMEM__CUDA_NEWER_CALLS(X)                                                           \
	X(cuMemcpyBatchAsync, 12080, unsigned long long *to, unsigned long long *from,        \
	  size_t *bytes, size_t n, struct devmem__cuda_copy *how, size_t *first, size_t ways, \
	  size_t *failed, struct CUstream_st *stream)

struct devmem__cuda {
#define DEVMEM__CUDA_MEMBER(name, version, ...) unsigned int (*name)(__VA_ARGS__);
	DEVMEM__CUDA_CALLS(DEVMEM__CUDA_MEMBER)
	DEVMEM__CUDA_NEWER_CALLS(DEVMEM__CUDA_MEMBER)
#undef DEVMEM__CUDA_MEMBER
};

/*
 * devmem__cuda_load() - the calls of the initialized driver. NULL: an error message is set, and
 * @err is a negative errno: -ENOENT, no libcuda.so.1; -ENODEV, the driver is too old, or there is
 * no device. The next call tries again, since the driver may be installed by then. Any thread.
 */
const struct devmem__cuda *devmem__cuda_load(int *err);

/* devmem__cuda_fail() - 0, or a negative errno with the driver's description of @result as the
 * error message. */
int devmem__cuda_fail(const struct devmem__cuda *cu, unsigned int result, const char *call);

/* devmem__cuda_no_device() - -ENODEV: there is a driver but no device. */
int devmem__cuda_no_device(void);

/* Makes a call and returns its result as an errno: CUDA_CALL(cu, cuMemFree, pointer). */
#define CUDA_CALL(cu, call, ...) devmem__cuda_fail(cu, (cu)->call(__VA_ARGS__), #call)

#endif
