// SPDX-License-Identifier: MIT
/* Loads libcuda.so.1 by dlopen(), and translates its results. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "backends/cuda_api.h"

#define LIBRARY "libcuda.so.1"
#define OLDEST	11070 /* CUDA 11.7: cuMemGetHandleForAddressRange() */
#define UPDATE	"update the NVIDIA driver to R515 or newer"

/* The driver is one for the process: it can be neither loaded twice nor unloaded. */
static struct {
	pthread_mutex_t lock;
	void *handle;
	bool complete;
	struct devmem__cuda calls;
} driver = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* cuGetProcAddress() returns each call in the form that it had in a given version of CUDA. It has
 * two forms itself. */
struct finder {
	unsigned int (*second)(const char *name, void **call, int version, uint64_t flags,
			       unsigned int *status);
	unsigned int (*first)(const char *name, void **call, int version, uint64_t flags);
};

static void *find(const struct finder *finder, const char *name, int version)
{
	unsigned int status, result;
	void *call = NULL;

	if (finder->second)
		result = finder->second(name, &call, version, 0, &status);
	else
		result = finder->first(name, &call, version, 0);
	return result == DEVMEM__CUDA_SUCCESS ? call : NULL;
}

static int open_library(void)
{
	if (!driver.handle)
		driver.handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (driver.handle)
		return 0;
	return devmem__fail(ENOENT,
			    "no CUDA driver (%s): install NVIDIA's, with the open kernel modules; "
			    "in a container, pass the GPU in",
			    dlerror());
}

/* Checked first, so that the error message for an old driver names its version and not a missing
 * call. */
static int check_version(void)
{
	unsigned int (*get)(int *version) = (unsigned int (*)(int *))dlsym(driver.handle, "cuDriver"
											  "GetVersi"
											  "on");
	int version = 0;

	if (get && get(&version) == DEVMEM__CUDA_SUCCESS && version >= OLDEST)
		return 0;
	return devmem__fail(ENODEV,
			    "the driver is for CUDA %d.%d, and exporting memory needs "
			    "11.7: " UPDATE,
			    version / 1000, version % 1000 / 10);
}

/* Finds all calls. Returns NULL, or the name of one that is missing. */
static const char *find_calls(const struct finder *finder, struct devmem__cuda *calls)
{
	/* POSIX lets us cast the result of dlsym() to a function; the driver relies on it too */
#define FIND(name, version, ...) \
	calls->name = (__typeof__(calls->name))find(finder, #name, version);
#define MISSING(name, version, ...) \
	if (!calls->name)           \
		return #name;
	DEVMEM__CUDA_CALLS(FIND)
	DEVMEM__CUDA_NEWER_CALLS(FIND)
	DEVMEM__CUDA_CALLS(MISSING)
#undef MISSING
#undef FIND
	return NULL;
}

static int find_all(void)
{
	struct finder finder = {
		.second = (__typeof__(finder.second))dlsym(driver.handle, "cuGetProcAddress_v2"),
		.first = (__typeof__(finder.first))dlsym(driver.handle, "cuGetProcAddress"),
	};
	struct devmem__cuda calls = { 0 };
	const char *missing =
		finder.second || finder.first ? find_calls(&finder, &calls) : "cuGetProcAddress";

	if (missing)
		return devmem__fail(ENODEV, LIBRARY " has no %s: " UPDATE, missing);
	driver.calls = calls;
	driver.complete = true;
	return 0;
}

static int load(void)
{
	int err = open_library();

	if (!err && !driver.complete)
		err = check_version();
	if (!err && !driver.complete)
		err = find_all();
	return err;
}

/* cuInit() is cheap after the first time. It fails in a process that was forked since, which the
 * driver does not survive. */
static int initialize(void)
{
	const unsigned int result = driver.calls.cuInit(0);

	switch (result) {
	case DEVMEM__CUDA_SUCCESS:
		return 0;
	case DEVMEM__CUDA_NO_DEVICE:
		return devmem__cuda_no_device();
	case DEVMEM__CUDA_NOT_INITIALIZED:
		return devmem__fail(ENODEV, "CUDA was used before fork() and cannot be used in the "
					    "child: fork first");
	case DEVMEM__CUDA_STUB_LIBRARY:
		return devmem__fail(ENODEV, LIBRARY " is the toolkit's stub, not the driver's: "
						    "take it out of the library path");
	case DEVMEM__CUDA_DRIVER_MISMATCH:
		return devmem__fail(ENODEV, LIBRARY " does not match the version of the loaded "
						    "kernel module: restart the machine");
	case DEVMEM__CUDA_SYSTEM_NOT_READY:
		return devmem__fail(ENODEV, "the GPUs are not ready: is nvidia-fabricmanager "
					    "running?");
	default:
		return devmem__cuda_fail(&driver.calls, result, "cuInit");
	}
}

const struct devmem__cuda *devmem__cuda_load(int *err)
{
	pthread_mutex_lock(&driver.lock);
	*err = load();
	if (!*err)
		*err = initialize();
	pthread_mutex_unlock(&driver.lock);
	return *err ? NULL : &driver.calls;
}

int devmem__cuda_no_device(void)
{
	return devmem__fail(ENODEV, "there is a CUDA driver but no device: is it hidden by "
				    "CUDA_VISIBLE_DEVICES, or not passed into this container?");
}

static int to_errno(unsigned int result)
{
	switch (result) {
	case DEVMEM__CUDA_INVALID_VALUE:
		return EINVAL;
	case DEVMEM__CUDA_OUT_OF_MEMORY:
		return ENOMEM;
	case DEVMEM__CUDA_DEVICE_UNAVAILABLE:
		return EBUSY;
	case DEVMEM__CUDA_NO_DEVICE:
	case DEVMEM__CUDA_INVALID_DEVICE:
		return ENODEV;
	case DEVMEM__CUDA_NOT_PERMITTED:
		return EPERM;
	case DEVMEM__CUDA_NOT_SUPPORTED:
		return EOPNOTSUPP;
	default:
		return EIO;
	}
}

int devmem__cuda_fail(const struct devmem__cuda *cu, unsigned int result, const char *call)
{
	const char *name = NULL, *text = NULL;

	if (result == DEVMEM__CUDA_SUCCESS)
		return 0;
	if (cu->cuGetErrorName(result, &name) != DEVMEM__CUDA_SUCCESS || !name)
		name = "an error without a name";
	if (cu->cuGetErrorString(result, &text) != DEVMEM__CUDA_SUCCESS || !text)
		text = "no description";
	return devmem__fail(to_errno(result), "%s: %s (%s, %u)", call, text, name, result);
}
