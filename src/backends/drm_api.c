// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "backends/drm_api.h"

#define LIBRARY "libdrm.so.2"

static const struct {
	const char *name;
	size_t at;
} symbols[] = {
	{ "drmGetVersion", offsetof(struct devmem__drm_api, get_version) },
	{ "drmFreeVersion", offsetof(struct devmem__drm_api, free_version) },
	{ "drmGetCap", offsetof(struct devmem__drm_api, get_cap) },
	{ "drmIoctl", offsetof(struct devmem__drm_api, ioctl) },
	{ "drmPrimeHandleToFD", offsetof(struct devmem__drm_api, handle_to_fd) },
	{ "drmGetNodeTypeFromFd", offsetof(struct devmem__drm_api, node_type) },
	{ "drmGetPrimaryDeviceNameFromFd", offsetof(struct devmem__drm_api, card_name) },
	{ "drmDropMaster", offsetof(struct devmem__drm_api, drop_master) },
};

/* Stays loaded until the process ends, like a linked library. */
static struct {
	pthread_mutex_t lock;
	void *handle;
	struct devmem__drm_api api;
} drm = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Resolves all symbols, or fails. */
static int resolve(void *handle, struct devmem__drm_api *api)
{
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (!symbol)
			return devmem__fail(ENOENT, LIBRARY " has no %s: it is older than 2.4.61",
					    symbols[i].name);
		/* C does not define a cast from a data pointer to a function pointer */
		memcpy((char *)api + symbols[i].at, &symbol, sizeof(symbol));
	}
	return 0;
}

static int load(void)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	int err;

	if (!handle)
		return devmem__fail(ENOENT,
				    LIBRARY " cannot be loaded (%s): install libdrm (Debian: "
					    "libdrm2)",
				    dlerror());
	err = resolve(handle, &drm.api);
	if (err) {
		dlclose(handle);
		return err;
	}
	drm.handle = handle;
	return 0;
}

int devmem__drm_api(const struct devmem__drm_api **api)
{
	int err = 0;

	pthread_mutex_lock(&drm.lock);
	if (!drm.handle)
		err = load();
	pthread_mutex_unlock(&drm.lock);
	*api = &drm.api;
	return err;
}
