// SPDX-License-Identifier: MIT
/* The fake's door: which calls there are, which fail, and devices and contexts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_impl.h"

#define MAX_DEVICES  8
#define MAX_CONTEXTS 16
#define CALLS	     64

struct fake fake = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
_Thread_local bool fake_in_callback;
static _Thread_local struct CUctx_st *stack[16];
static _Thread_local unsigned int depth, mode;
static struct CUctx_st primary[MAX_DEVICES], others[MAX_CONTEXTS];

/* ----------------------------------------------------------------------------------- which fail */

struct injection {
	char name[64];
	unsigned int result, nth, seen;
	bool failed;
};

static struct {
	char text[256]; /* FAKE_CUDA_FAIL as it was last */
	unsigned int n;
	struct injection injection[4];
} plan;
static struct {
	char name[40];
	unsigned int n;
} calls[CALLS];

static void read_plan(void)
{
	const char *text = getenv("FAKE_CUDA_FAIL"), *s = text ? text : "";
	char item[128];
	int used;

	if (!strcmp(s, plan.text))
		return;
	memset(&plan, 0, sizeof(plan));
	snprintf(plan.text, sizeof(plan.text), "%s", s);
	for (; plan.n < ARRAY_SIZE(plan.injection) && sscanf(s, "%127s%n", item, &used) == 1;
	     s += used) {
		struct injection *in = &plan.injection[plan.n++];

		sscanf(item, "%63[^=]=%u@%u", in->name, &in->result, &in->nth);
	}
}

static unsigned int inject(const char *name)
{
	unsigned int result = 0;

	for (unsigned int i = 0; i < plan.n; i++) {
		struct injection *in = &plan.injection[i];

		if (strcmp(name, in->name) || (++in->seen != in->nth && in->nth))
			continue;
		in->failed = true;
		result = in->result;
	}
	return result;
}

static void count_call(const char *name)
{
	for (unsigned int i = 0; i < CALLS; i++) {
		if (!calls[i].name[0])
			snprintf(calls[i].name, sizeof(calls[i].name), "%s", name);
		if (strcmp(calls[i].name, name))
			continue;
		calls[i].n++;
		return;
	}
}

unsigned int fake_enter(const char *name)
{
	unsigned int result;

	if (fake_in_callback) {
		fprintf(stderr, "fake CUDA: %s() in a callback, which would block the driver\n",
			name);
		abort();
	}
	pthread_mutex_lock(&fake.lock);
	read_plan();
	count_call(name);
	result = inject(name);
	pthread_mutex_unlock(&fake.lock);
	return result;
}

bool fake_cuda_failed(void)
{
	bool failed;

	pthread_mutex_lock(&fake.lock);
	read_plan();
	failed = plan.n && plan.injection[plan.n - 1].failed;
	pthread_mutex_unlock(&fake.lock);
	return failed;
}

unsigned int fake_cuda_calls(const char *name)
{
	unsigned int n = 0;

	pthread_mutex_lock(&fake.lock);
	for (unsigned int i = 0; i < CALLS; i++)
		n += strcmp(calls[i].name, name) ? 0 : calls[i].n;
	pthread_mutex_unlock(&fake.lock);
	return n;
}

void fake_count(int *counter, int by)
{
	pthread_mutex_lock(&fake.lock);
	*counter += by;
	pthread_mutex_unlock(&fake.lock);
}

void fake_cuda_balance(struct fake_cuda_balance *balance)
{
	pthread_mutex_lock(&fake.lock);
	*balance = fake.out;
	pthread_mutex_unlock(&fake.lock);
	balance->depth = depth;
	balance->mode = mode;
}

/* ------------------------------------------------------------------------------ which there are */

#define EXPORTED __attribute__((visibility("default")))
unsigned int cuDriverGetVersion(int *version);
unsigned int cuGetProcAddress(const char *name, void **call, int version, uint64_t flags);
unsigned int cuGetProcAddress_v2(const char *name, void **call, int version, uint64_t flags,
				 unsigned int *status);

EXPORTED unsigned int cuDriverGetVersion(int *version)
{
	const char *driver = getenv("FAKE_CUDA_DRIVER");

	*version = driver ? atoi(driver) : 13000;
	return 0;
}

EXPORTED unsigned int cuGetProcAddress(const char *name, void **call, int version, uint64_t flags)
{
	static const struct {
		const char *name;
		void *call;
		int version;
	} table[] = {
#define ENTRY(name, version, ...) { #name, (void *)fake_##name, version },
		DEVMEM__CUDA_CALLS(ENTRY) DEVMEM__CUDA_NEWER_CALLS(ENTRY)
#undef ENTRY
	};
	const char *lacks = getenv("FAKE_CUDA_LACKS");

	*call = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].name, name) && version >= table[i].version &&
		    (!lacks || strcmp(lacks, name)))
			*call = table[i].call;
	return *call && !flags ? 0 : FAKE_NOT_FOUND;
}

EXPORTED unsigned int cuGetProcAddress_v2(const char *name, void **call, int version,
					  uint64_t flags, unsigned int *status)
{
	unsigned int result = cuGetProcAddress(name, call, version, flags);

	*status = result ? 1 : 0;
	return 0; /* as the driver: what is not found is no failure, but NULL */
}

unsigned int fake_cuGetErrorName(unsigned int result, const char **name)
{
	ENTER(cuGetErrorName);
	*name = result == FAKE_NO_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_OF_THE_FAKE";
	return 0;
}

unsigned int fake_cuGetErrorString(unsigned int result, const char **text)
{
	ENTER(cuGetErrorString);
	*text = result == FAKE_NO_MEMORY ? "out of memory"
					 : "the fake was told to fail, or was used wrongly";
	return 0;
}

/* -------------------------------------------------------------------------------------- devices */

static const char *devices(void)
{
	const char *list = getenv("FAKE_CUDA_DEVICES");

	return list ? list : "0000:65:00.0";
}

static int device_address(int device, char address[32])
{
	const char *s = devices();
	int n = 0, used;

	for (; sscanf(s, "%31s%n", address, &used) == 1; s += used)
		if (n++ == device)
			return device;
	return device < 0 ? n : -1;
}

static int count_devices(void)
{
	char address[32];

	return device_address(-1, address);
}

unsigned int fake_cuInit(unsigned int flags)
{
	ENTER(cuInit);
	return flags ? FAKE_INVALID_VALUE : count_devices() ? 0 : DEVMEM__CUDA_NO_DEVICE;
}

unsigned int fake_cuDeviceGetCount(int *count)
{
	ENTER(cuDeviceGetCount);
	*count = count_devices();
	return 0;
}

unsigned int fake_cuDeviceGet(int *device, int ordinal)
{
	ENTER(cuDeviceGet);
	*device = ordinal;
	return ordinal >= 0 && ordinal < count_devices() ? 0 : FAKE_INVALID_DEVICE;
}

unsigned int fake_cuDeviceGetName(char *name, int room, int device)
{
	ENTER(cuDeviceGetName);
	snprintf(name, (size_t)room, "Fake %d", device);
	return 0;
}

unsigned int fake_cuDeviceGetPCIBusId(char *address, int room, int device)
{
	char found[32];

	ENTER(cuDeviceGetPCIBusId);
	if (device < 0 || device_address(device, found) < 0)
		return FAKE_INVALID_DEVICE;
	for (char *c = found; *c; c++)
		*c = *c >= 'a' && *c <= 'f' ? (char)(*c - 'a' + 'A') : *c;
	snprintf(address, (size_t)room, "%s", found);
	return 0;
}

static bool attribute_set(int device, unsigned int attribute, unsigned int *value)
{
	const char *s = getenv("FAKE_CUDA_ATTRIBUTES");
	char item[32];
	int used;

	for (s = s ? s : ""; sscanf(s, "%31s%n", item, &used) == 1; s += used) {
		unsigned int which, to;
		int of = device;

		if (sscanf(item, "%u=%u", &which, &to) != 2 &&
		    sscanf(item, "%d:%u=%u", &of, &which, &to) != 3)
			continue;
		if (of == device && which == attribute) {
			*value = to;
			return true;
		}
	}
	return false;
}

unsigned int fake_attribute(int device, unsigned int attribute)
{
	unsigned int value;

	if (attribute_set(device, attribute, &value))
		return value;
	return attribute == DEVMEM__CUDA_MULTIPROCESSORS ? 2 : 1;
}

unsigned int fake_cuDeviceGetAttribute(int *value, unsigned int attribute, int device)
{
	ENTER(cuDeviceGetAttribute);
	*value = (int)fake_attribute(device, attribute);
	return 0;
}

/* ------------------------------------------------------------------------------------- contexts */

struct CUctx_st *fake_cuda_current(void)
{
	return depth ? stack[depth - 1] : NULL;
}

struct CUctx_st *fake_cuda_context(int device)
{
	static unsigned int n;

	others[n].device = device;
	return &others[n++];
}

int fake_device_of(struct CUctx_st *context)
{
	return context->device;
}

unsigned int fake_cuDevicePrimaryCtxRetain(struct CUctx_st **context, int device)
{
	ENTER(cuDevicePrimaryCtxRetain);
	if (device < 0 || device >= count_devices() || device >= MAX_DEVICES)
		return FAKE_INVALID_DEVICE;
	primary[device].device = device;
	primary[device].retained++;
	fake_count(&fake.out.contexts, 1);
	*context = &primary[device];
	return 0;
}

unsigned int fake_cuDevicePrimaryCtxRelease(int device)
{
	unsigned int injected = fake_enter("cuDevicePrimaryCtxRelease");

	if (!primary[device].retained)
		return FAKE_INVALID_CONTEXT;
	primary[device].retained--;
	fake_count(&fake.out.contexts, -1);
	return injected;
}

unsigned int fake_cuCtxPushCurrent(struct CUctx_st *context)
{
	ENTER(cuCtxPushCurrent);
	if (!context || depth == ARRAY_SIZE(stack))
		return FAKE_INVALID_VALUE;
	if (context >= primary && context < primary + MAX_DEVICES && !context->retained)
		return FAKE_INVALID_CONTEXT;
	stack[depth++] = context;
	return 0;
}

unsigned int fake_cuCtxPopCurrent(struct CUctx_st **context)
{
	unsigned int injected = fake_enter("cuCtxPopCurrent");

	if (!depth)
		return FAKE_INVALID_CONTEXT;
	*context = stack[--depth];
	return injected;
}

unsigned int fake_cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
	ENTER_CONTEXT(cuCtxGetStreamPriorityRange);
	*least = 0;
	*greatest = -5;
	return 0;
}

unsigned int fake_cuThreadExchangeStreamCaptureMode(unsigned int *exchanged)
{
	unsigned int before = mode;

	ENTER(cuThreadExchangeStreamCaptureMode);
	mode = *exchanged;
	*exchanged = before;
	return 0;
}
