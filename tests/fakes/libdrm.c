// SPDX-License-Identifier: MIT
/*
 * A fake libdrm.so.2: its "cards" are ordinary files, and what they export are memory files. What
 * it is to answer comes by the environment; that of the real one, on the real kernel, is for
 * tests/lab/test_backends.c to show.
 *
 *	FAKE_DRM_FAIL="CALL:ERRNO"	this call fails: version, cap_prime, cap_dumb, dumb, export
 *	FAKE_DRM_CANNOT="WORD"		the driver cannot: prime, dumb, dumb_told (only the
 *					capability says no)
 *	FAKE_DRM_NODE="2"		what the descriptor is (a render node)
 *	FAKE_DRM_SIZE="N"		bytes more (or less) are exported than were asked for
 *
 * A file that says "not drm" is none. What it says otherwise is the name of its driver.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/drm_api.h"

#define HANDLE 7u

#define EXPORTED __attribute__((visibility("default")))

struct devmem__drm_version *drmGetVersion(int fd) EXPORTED;
void drmFreeVersion(struct devmem__drm_version *version) EXPORTED;
int drmGetCap(int fd, uint64_t capability, uint64_t *value) EXPORTED;
int drmIoctl(int fd, unsigned long request, void *arg) EXPORTED;
int drmPrimeHandleToFD(int fd, uint32_t handle, uint32_t flags, int *prime_fd) EXPORTED;
int drmGetNodeTypeFromFd(int fd) EXPORTED;
char *drmGetPrimaryDeviceNameFromFd(int fd) EXPORTED;

static uint64_t size_of_object; /* 0: there is none */

static const char *word(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static int fails(const char *call)
{
	const char *value = word("FAKE_DRM_FAIL");
	size_t n = strlen(call);

	if (strncmp(value, call, n) || value[n] != ':')
		return 0;
	errno = atoi(value + n + 1);
	return -1;
}

struct devmem__drm_version *drmGetVersion(int fd)
{
	struct devmem__drm_version *version = calloc(1, sizeof(*version));
	char name[16] = "";
	ssize_t n = pread(fd, name, sizeof(name) - 1, 0);

	if (n <= 0 || !strcmp(name, "not drm") || fails("version")) {
		errno = n <= 0 ? ENOTTY : errno;
		free(version);
		return NULL;
	}
	version->name = strdup(name);
	version->name_bytes = (int)n;
	return version;
}

void drmFreeVersion(struct devmem__drm_version *version)
{
	free(version->name);
	free(version);
}

int drmGetCap(int fd, uint64_t capability, uint64_t *value)
{
	const char *cannot = word("FAKE_DRM_CANNOT");

	(void)fd;
	if (fails(capability == DEVMEM__DRM_CAP_PRIME ? "cap_prime" : "cap_dumb"))
		return -1;
	*value = capability == DEVMEM__DRM_CAP_PRIME ? (strcmp(cannot, "prime") ? 3 : 1)
						     : strncmp(cannot, "dumb", 4) != 0;
	return 0;
}

static int create(struct devmem__drm_create_dumb *dumb)
{
	if (!strcmp(word("FAKE_DRM_CANNOT"), "dumb")) {
		errno = ENOSYS;
		return -1;
	}
	if (!dumb->width || !dumb->height || !dumb->bpp) {
		errno = EINVAL;
		return -1;
	}
	if (fails("dumb"))
		return -1;
	dumb->handle = HANDLE;
	dumb->pitch = dumb->width * dumb->bpp / 8;
	dumb->size = (uint64_t)dumb->pitch * dumb->height;
	size_of_object = dumb->size;
	return 0;
}

int drmIoctl(int fd, unsigned long request, void *arg)
{
	(void)fd;
	if (request == DEVMEM__DRM_CREATE_DUMB)
		return create(arg);
	if (request == DEVMEM__DRM_DESTROY_DUMB)
		size_of_object = 0;
	return 0;
}

int drmPrimeHandleToFD(int fd, uint32_t handle, uint32_t flags, int *prime_fd)
{
	(void)fd, (void)flags;
	if (fails("export"))
		return -1;
	if (handle != HANDLE || !size_of_object) {
		errno = ENOENT;
		return -1;
	}
	*prime_fd = memfd_create("fake dma-buf", MFD_CLOEXEC);
	return ftruncate(*prime_fd, (off_t)size_of_object + atol(word("FAKE_DRM_SIZE")));
}

int drmGetNodeTypeFromFd(int fd)
{
	(void)fd;
	return atoi(word("FAKE_DRM_NODE"));
}

char *drmGetPrimaryDeviceNameFromFd(int fd)
{
	(void)fd;
	return strdup("/dev/dri/card42");
}

#ifndef FAKE_DRM_INCOMPLETE
int drmDropMaster(int fd) EXPORTED;

int drmDropMaster(int fd)
{
	(void)fd;
	return 0;
}
#endif
