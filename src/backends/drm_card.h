/* SPDX-License-Identifier: MIT */
/* DRM cards: finding one, and asking what it can do before anything is allocated. */
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
 * devmem__drm_open() - open a card in folder @dir that makes dumb buffers and exports them.
 * @device: the card's path, or a driver's name such as "vgem"; NULL: the first card that serves.
 * -ENOENT, -ENODEV, -EACCES
 */
int devmem__drm_open(const char *dir, const char *device, struct devmem__drm_card *card);
void devmem__drm_close(struct devmem__drm_card *card);

/* devmem__drm_exports() - 0, or -ENODEV if the card cannot export. Of @card only fd, and the names
 * for the error message, must be set. */
int devmem__drm_exports(const struct devmem__drm_card *card);

/* devmem__drm_identify() - fill in the driver's name of the open card->fd. -ENODEV: it is not a DRM
 * device. */
int devmem__drm_identify(struct devmem__drm_card *card);

/* devmem__drm_list() - describe all cards and what they can do. 0: one of them serves. Otherwise
 * the error message has the same words. */
int devmem__drm_list(const char *dir, char *text, size_t room);

#endif
