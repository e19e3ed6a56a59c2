// SPDX-License-Identifier: MIT
/*
 * Compares our declarations of libdrm and of the kernel's structures with the real headers. It is
 * compiled where CMake finds those (DEVMEM_CHECK_DRM), and never run: a difference is an error of
 * the compiler.
 */
#include <fcntl.h>

#include <xf86drm.h>

#include "backends/drm_api.h"

#define is_type(a, b) _Static_assert(__builtin_types_compatible_p(__typeof__(a), b), #a)
#define same_prototype(theirs, member)                                                       \
	_Static_assert(__builtin_types_compatible_p(__typeof__(&(theirs)),                   \
						    __typeof__(((struct devmem__drm_api *)0) \
								       ->member)),           \
		       #theirs)
#define same_number(theirs, ours) _Static_assert((theirs) == (ours), #theirs)
#define same_place(theirs, a, ours, b)                                             \
	_Static_assert(offsetof(theirs, a) == offsetof(ours, b) &&                 \
			       sizeof(((theirs *)0)->a) == sizeof(((ours *)0)->b), \
		       #theirs "." #a)

same_prototype(drmGetCap, get_cap);
same_prototype(drmIoctl, ioctl);
same_prototype(drmPrimeHandleToFD, handle_to_fd);
same_prototype(drmGetNodeTypeFromFd, node_type);
same_prototype(drmGetPrimaryDeviceNameFromFd, card_name);
same_prototype(drmDropMaster, drop_master);
/* these two differ from ours in the name of their structure */
is_type(drmGetVersion, drmVersionPtr(int));
is_type(drmFreeVersion, void(drmVersionPtr));
same_place(drmVersion, version_major, struct devmem__drm_version, major);
same_place(drmVersion, version_patchlevel, struct devmem__drm_version, patch);
same_place(drmVersion, name_len, struct devmem__drm_version, name_bytes);
same_place(drmVersion, name, struct devmem__drm_version, name);

same_number(DRM_NODE_PRIMARY, DEVMEM__DRM_NODE_PRIMARY);
same_number(DRM_NODE_RENDER, DEVMEM__DRM_NODE_RENDER);
same_number(DRM_CAP_DUMB_BUFFER, DEVMEM__DRM_CAP_DUMB_BUFFER);
same_number(DRM_CAP_PRIME, DEVMEM__DRM_CAP_PRIME);
same_number(DRM_PRIME_CAP_EXPORT, DEVMEM__DRM_PRIME_CAP_EXPORT);
same_number(DRM_IOCTL_MODE_CREATE_DUMB, DEVMEM__DRM_CREATE_DUMB);
same_number(DRM_IOCTL_MODE_DESTROY_DUMB, DEVMEM__DRM_DESTROY_DUMB);
/* the export uses the names of open() for these two */
same_number(DRM_CLOEXEC, O_CLOEXEC);
same_number(DRM_RDWR, O_RDWR);
same_place(struct drm_mode_create_dumb, height, struct devmem__drm_create_dumb, height);
same_place(struct drm_mode_create_dumb, width, struct devmem__drm_create_dumb, width);
same_place(struct drm_mode_create_dumb, bpp, struct devmem__drm_create_dumb, bpp);
same_place(struct drm_mode_create_dumb, flags, struct devmem__drm_create_dumb, flags);
same_place(struct drm_mode_create_dumb, handle, struct devmem__drm_create_dumb, handle);
same_place(struct drm_mode_create_dumb, pitch, struct devmem__drm_create_dumb, pitch);
same_place(struct drm_mode_create_dumb, size, struct devmem__drm_create_dumb, size);
same_place(struct drm_mode_destroy_dumb, handle, struct devmem__drm_destroy_dumb, handle);
