/* SPDX-License-Identifier: MIT */
/*
 * The part of libdrm.so.2 (2.4.61 or later) that we use, loaded by dlopen(): neither building nor
 * running needs libdrm. The kernel's constants and structures are here under our own names, since
 * few machines have both headers. tests/headers/drm_check.c compares these declarations with the
 * real ones where those are installed.
 */
#ifndef DEVMEM__BACKENDS_DRM_API_H
#define DEVMEM__BACKENDS_DRM_API_H

#include <sys/ioctl.h>

#include "base/internal.h"

/* drmVersion, as far as we read it [xf86drm.h] */
struct devmem__drm_version {
	int major, minor, patch;
	int name_bytes;
	char *name; /* the driver's */
};

struct devmem__drm_api {
	struct devmem__drm_version *(*get_version)(int fd); /* NULL and errno */
	void (*free_version)(struct devmem__drm_version *version);
	/* this and the others return -1 and set errno on failure */
	int (*get_cap)(int fd, uint64_t capability, uint64_t *value);
	int (*ioctl)(int fd, unsigned long request, void *arg);
	int (*handle_to_fd)(int fd, uint32_t handle, uint32_t flags, int *prime_fd);
	int (*node_type)(int fd); /* DEVMEM__DRM_NODE_ */
	/* /dev/dri/cardN for any node of the card, to be freed with free(); or NULL */
	char *(*card_name)(int fd);
	int (*drop_master)(int fd);
};

/* devmem__drm_api() - load libdrm once and return all its calls. -ENOENT. Any thread. */
int devmem__drm_api(const struct devmem__drm_api **api);

#define DEVMEM__DRM_NODE_PRIMARY 0
#define DEVMEM__DRM_NODE_RENDER	 2

/* [include/uapi/drm/drm.h, drm_mode.h] */
#define DEVMEM__DRM_CAP_DUMB_BUFFER  1u
#define DEVMEM__DRM_CAP_PRIME	     5u
#define DEVMEM__DRM_PRIME_CAP_EXPORT 2u

struct devmem__drm_create_dumb {
	uint32_t height, width, bpp, flags; /* pixels; bits per pixel; 0 */
	uint32_t handle, pitch;		    /* answers; pitch: bytes from line to line */
	uint64_t size;			    /* answer: bytes of the buffer */
};

struct devmem__drm_destroy_dumb {
	uint32_t handle;
};

#define DEVMEM__DRM_CREATE_DUMB	 _IOWR('d', 0xb2, struct devmem__drm_create_dumb)
#define DEVMEM__DRM_DESTROY_DUMB _IOWR('d', 0xb4, struct devmem__drm_destroy_dumb)

#endif
