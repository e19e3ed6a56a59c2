/* SPDX-License-Identifier: MIT */
/* DRM's cards: finding one, and what it can be asked before anything is made. */
#ifndef DEVMEM__BACKENDS_DRM_CARD_H
#define DEVMEM__BACKENDS_DRM_CARD_H

#include "backends/drm_api.h"

#define DEVMEM__DRM_DEVICES "/dev/dri"

struct devmem__drm_card {
	const struct devmem__drm_api *api;
	int fd;
	char path[64];
	char driver[32];
};

/*
 * devmem__drm_open() - a card of the folder @dir that makes dumb buffers and exports them.
 * @device: its path; or a driver's name, such as "vgem"; NULL: the first one.
 * -ENOENT, -ENODEV, -EACCES
 */
int devmem__drm_open(const char *dir, const char *device, struct devmem__drm_card *card);
void devmem__drm_close(struct devmem__drm_card *card);

/* devmem__drm_exports() - 0, or -ENODEV: it does not. @card needs no more than its descriptor, and
 * the names for the sentence. */
int devmem__drm_exports(const struct devmem__drm_card *card);

/* devmem__drm_identify() - the driver's name, of a descriptor that is there. -ENODEV: it is of no
 * DRM device. */
int devmem__drm_identify(struct devmem__drm_card *card);

/* devmem__drm_list() - all there are and what they can do, in words. 0: one of them serves; else
 * the sentence says it too. */
int devmem__drm_list(const char *dir, char *text, size_t room);

#endif
