// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu.h"

#define THREADS	   256u /* of a block */
#define MAX_BLOCKS 64u
#define EACH	   16u /* bytes of a thread: fewer are not worth another block */

#define POINTER_ORDINAL 9u /* CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL */
#define NON_BLOCKING	1u /* CU_STREAM_NON_BLOCKING */

/* The calls of the driver: name, the version of CUDA whose call it is, parameters. */
#define CALLS(X)                                                                                   \
	X(cuInit, 2000, unsigned int flags)                                                        \
	X(cuGetErrorString, 6000, unsigned int result, const char **text)                          \
	X(cuPointerGetAttribute, 4000, void *value, unsigned int attribute, uint64_t pointer)      \
	X(cuDeviceGet, 2000, int *device, int ordinal)                                             \
	X(cuDevicePrimaryCtxRetain, 7000, void **context, int device)                              \
	X(cuDevicePrimaryCtxRelease, 11000, int device)                                            \
	X(cuCtxPushCurrent, 4000, void *context)                                                   \
	X(cuCtxPopCurrent, 4000, void **context)                                                   \
	X(cuModuleLoadData, 2000, void **module, const void *image)                                \
	X(cuModuleUnload, 2000, void *module)                                                      \
	X(cuModuleGetFunction, 2000, void **function, void *module, const char *name)              \
	X(cuCtxGetStreamPriorityRange, 5050, int *least, int *greatest)                            \
	X(cuStreamCreateWithPriority, 5050, void **stream, unsigned int flags, int priority)       \
	X(cuStreamDestroy, 4000, void *stream)                                                     \
	X(cuStreamSynchronize, 2000, void *stream)                                                 \
	X(cuMemAlloc, 3020, uint64_t *pointer, size_t bytes)                                       \
	X(cuMemFree, 3020, uint64_t pointer)                                                       \
	X(cuMemcpyHtoDAsync, 3020, uint64_t to, const void *from, size_t bytes, void *stream)      \
	X(cuMemcpyDtoHAsync, 3020, void *to, uint64_t from, size_t bytes, void *stream)            \
	X(cuLaunchKernel, 4000, void *function, unsigned int gx, unsigned int gy, unsigned int gz, \
	  unsigned int bx, unsigned int by, unsigned int bz, unsigned int shared, void *stream,    \
	  void **parameters, void **extra)

struct gpu {
	void *driver;
#define MEMBER(name, version, ...) unsigned int (*name)(__VA_ARGS__);
	CALLS(MEMBER)
#undef MEMBER
	int device;
	bool retained, current;
	void *module, *function, *stream;
	uint64_t sums; /* in the GPU: one for each thread */
	uint64_t copy[MAX_BLOCKS * THREADS];
};

static int failed(struct gpu *gpu, unsigned int result, const char *call)
{
	const char *text = NULL;

	if (!result)
		return 0;
	gpu->cuGetErrorString(result, &text);
	fprintf(stderr, "%s: %s (%u)\n", call, text ? text : "unknown", result);
	return -1;
}

#define CALL(gpu, name, ...) failed(gpu, (gpu)->name(__VA_ARGS__), #name)

/* ---------------------------------------------------------------------------- opening, closing */

static int load_driver(struct gpu *gpu)
{
	unsigned int (*find)(const char *name, void **call, int version, uint64_t flags);

	gpu->driver = dlopen("libcuda.so.1", RTLD_NOW);
	*(void **)&find = gpu->driver ? dlsym(gpu->driver, "cuGetProcAddress") : NULL;
	if (!find) {
		fprintf(stderr, "libcuda.so.1: %s\n", dlerror());
		return -1;
	}
#define FIND(name, version, ...)                                                       \
	if (find(#name, (void **)&gpu->name, version, 0) || !gpu->name) {              \
		fprintf(stderr, "libcuda.so.1 has no %s: update the driver\n", #name); \
		return -1;                                                             \
	}
	CALLS(FIND)
#undef FIND
	return CALL(gpu, cuInit, 0);
}

/* The whole file, with a 0 behind it; the caller's. NULL: a message was printed. */
static char *contents(const char *path)
{
	FILE *f = fopen(path, "re");
	long bytes = f && !fseek(f, 0, SEEK_END) ? ftell(f) : -1;
	char *text = bytes < 0 ? NULL : calloc(1, (size_t)bytes + 1);

	if (text && (fseek(f, 0, SEEK_SET) || fread(text, 1, (size_t)bytes, f) != (size_t)bytes)) {
		free(text);
		text = NULL;
	}
	if (!text)
		fprintf(stderr, "%s cannot be read\n", path);
	if (f)
		fclose(f);
	return text;
}

/* The primary context is the one that devmem_buffer_device_address() is for, and that CUDA's
 * runtime uses. */
static int enter(struct gpu *gpu, uint64_t address)
{
	void *context;
	int ordinal;

	if (CALL(gpu, cuPointerGetAttribute, &ordinal, POINTER_ORDINAL, address) ||
	    CALL(gpu, cuDeviceGet, &gpu->device, ordinal) ||
	    CALL(gpu, cuDevicePrimaryCtxRetain, &context, gpu->device))
		return -1;
	gpu->retained = true;
	gpu->current = !CALL(gpu, cuCtxPushCurrent, context);
	return gpu->current ? 0 : -1;
}

static int load_module(struct gpu *gpu, const char *path)
{
	char *image = contents(path);
	int err = -1;

	if (image && !CALL(gpu, cuModuleLoadData, &gpu->module, image))
		err = CALL(gpu, cuModuleGetFunction, &gpu->function, gpu->module, "checksum");
	free(image);
	return err;
}

/* The stream does not wait for the default stream, and goes before others: fragments wait for
 * it. */
static int make_stream(struct gpu *gpu)
{
	int least, greatest;

	if (CALL(gpu, cuCtxGetStreamPriorityRange, &least, &greatest))
		return -1;
	return CALL(gpu, cuStreamCreateWithPriority, &gpu->stream, NON_BLOCKING, greatest);
}

struct gpu *gpu_open(uint64_t address, const char *module)
{
	struct gpu *gpu = calloc(1, sizeof(*gpu));

	if (!gpu) {
		perror("gpu_open");
		return NULL;
	}
	if (!load_driver(gpu) && !enter(gpu, address) && !load_module(gpu, module) &&
	    !make_stream(gpu) && !CALL(gpu, cuMemAlloc, &gpu->sums, sizeof(gpu->copy)) &&
	    !CALL(gpu, cuMemcpyHtoDAsync, gpu->sums, gpu->copy, sizeof(gpu->copy), gpu->stream))
		return gpu;
	gpu_close(gpu);
	return NULL;
}

void gpu_close(struct gpu *gpu)
{
	void *context;

	if (!gpu)
		return;
	if (gpu->stream)
		gpu->cuStreamDestroy(gpu->stream);
	if (gpu->sums)
		gpu->cuMemFree(gpu->sums);
	if (gpu->module)
		gpu->cuModuleUnload(gpu->module);
	if (gpu->current)
		gpu->cuCtxPopCurrent(&context);
	if (gpu->retained)
		gpu->cuDevicePrimaryCtxRelease(gpu->device);
	/* libdevmem uses the driver, too: it stays loaded */
	free(gpu);
}

/* ------------------------------------------------------------------------------------- kernels */

int gpu_add(struct gpu *gpu, uint64_t address, uint32_t bytes, uint64_t position)
{
	const unsigned int wanted = bytes / (THREADS * EACH) + 1;
	const unsigned int blocks = wanted < MAX_BLOCKS ? wanted : MAX_BLOCKS;
	uint32_t first = (uint32_t)position;
	void *parameters[] = { &address, &bytes, &first, &gpu->sums };

	return CALL(gpu, cuLaunchKernel, gpu->function, blocks, 1, 1, THREADS, 1, 1, 0, gpu->stream,
		    parameters, NULL);
}

int gpu_wait(struct gpu *gpu)
{
	return CALL(gpu, cuStreamSynchronize, gpu->stream);
}

int gpu_result(struct gpu *gpu, uint64_t *checksum)
{
	if (CALL(gpu, cuMemcpyDtoHAsync, gpu->copy, gpu->sums, sizeof(gpu->copy), gpu->stream) ||
	    gpu_wait(gpu))
		return -1;
	*checksum = 0;
	for (unsigned int i = 0; i < MAX_BLOCKS * THREADS; i++)
		*checksum += gpu->copy[i];
	return 0;
}
