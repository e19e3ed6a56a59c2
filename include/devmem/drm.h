/* SPDX-License-Identifier: MIT */
/*
 * libdevmem: for programs that have memory of a graphics card's driver (DRM, GEM objects). Part of
 * libdevmem.so, which loads libdrm when it is first needed. Needs no header of libdrm. Memory that
 * the library makes on a card needs devmem.h alone: devmem_buffer_create("drm").
 */
#ifndef DEVMEM_DRM_H
#define DEVMEM_DRM_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * devmem_buffer_wrap_gem() - make a buffer of a GEM object that the program owns and has made with
 * the card's own driver.
 * @drm_fd:	the card or render node of the object; needed during the call alone.
 * @handle:	handle of the object in @drm_fd. It stays the caller's, who may close it at once:
 *		the buffer keeps the memory.
 * @opts:	as for devmem_buffer_import().
 *
 * The call does not wait for work of the program or the driver on the object: finish that first. If
 * the object was exported before without DRM_RDWR, that is final: the processor cannot map it.
 *
 * -ENOENT	no libdrm.so.2, or no such handle
 * -ENODEV	@drm_fd is not a DRM device, or its driver does not export
 * other	as devmem_buffer_import(), or the error of the driver
 */
DEVMEM_API int devmem_buffer_wrap_gem(int drm_fd, uint32_t handle,
				      const struct devmem_buffer_opts *opts,
				      struct devmem_buffer **out);

#ifdef __cplusplus
}
#endif

#endif /* DEVMEM_DRM_H */
