// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/drm_card.h"

#define MAX_CARDS 64u

/* ------------------------------------------------------------------------------------- one card */

int devmem__drm_identify(struct devmem__drm_card *card)
{
	struct devmem__drm_version *version = card->api->get_version(card->fd);

	if (!version)
		return devmem__fail(ENODEV, "%s is not a DRM device: %s", card->path,
				    strerror(errno));
	snprintf(card->driver, sizeof(card->driver), "%.*s", version->name_bytes, version->name);
	card->api->free_version(version);
	return 0;
}

static int cannot_open(const char *path)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		return devmem__fail(EACCES,
				    "%s cannot be opened by this user: run as root, or add the "
				    "user to the group that owns it (video)",
				    path);
	case ENOENT:
	case ENOTDIR:
	case ENXIO:
		return devmem__fail(ENODEV,
				    "there is no %s (%s): \"devmemctl backends\" lists the cards",
				    path, strerror(errno));
	default:
		return devmem__fail(errno, "cannot open %s: %s", path, strerror(errno));
	}
}

/* The first process that opens a card becomes the master of its screens and keeps others from it.
 * We give that up at once. */
static int open_path(const char *path, struct devmem__drm_card *card)
{
	int err;

	snprintf(card->path, sizeof(card->path), "%s", path);
	card->driver[0] = '\0';
	if (strlen(path) >= sizeof(card->path))
		return devmem__fail(ENODEV, "the path %s is too long for a DRM device", path);
	card->fd = open(path, O_RDWR | O_CLOEXEC);
	if (card->fd < 0)
		return cannot_open(path);
	card->api->drop_master(card->fd);
	err = devmem__drm_identify(card);
	if (err)
		devmem__drm_close(card);
	return err;
}

void devmem__drm_close(struct devmem__drm_card *card)
{
	close(card->fd);
	card->fd = -1;
}

int devmem__drm_exports(const struct devmem__drm_card *card)
{
	uint64_t can = 0;

	if (card->api->get_cap(card->fd, DEVMEM__DRM_CAP_PRIME, &can))
		return devmem__fail(ENODEV, "%s (%s) does not report whether it exports memory: %s",
				    card->path, card->driver, strerror(errno));
	if (!(can & DEVMEM__DRM_PRIME_CAP_EXPORT))
		return devmem__fail(ENODEV, "%s: its driver %s does not export memory (PRIME)",
				    card->path, card->driver);
	return 0;
}

static int is_render_node(const struct devmem__drm_card *card)
{
	char *primary = card->api->card_name(card->fd);
	int err = devmem__fail(ENODEV,
			       "%s is a render node, which makes no dumb buffers: name its "
			       "card%s%s, or pass an object of its driver to "
			       "devmem_buffer_wrap_gem()",
			       card->path, primary ? ", " : "", primary ? primary : "");

	free(primary);
	return err;
}

/*
 * The kernel reports the capability only for cards with screens [drm_getcap()]. vgem has no screens
 * but makes dumb buffers. So we also request a dumb buffer without a size, which makes nothing: the
 * answer is EINVAL if the driver has the call, else ENOSYS [drm_mode_create_dumb()].
 */
static int makes_dumb_buffers(const struct devmem__drm_card *card)
{
	struct devmem__drm_create_dumb nothing = { 0 };
	uint64_t can = 0;

	if (card->api->node_type(card->fd) == DEVMEM__DRM_NODE_RENDER)
		return is_render_node(card);
	if (!card->api->get_cap(card->fd, DEVMEM__DRM_CAP_DUMB_BUFFER, &can) && can)
		return 0;
	if (card->api->ioctl(card->fd, DEVMEM__DRM_CREATE_DUMB, &nothing) && errno == EINVAL)
		return 0;
	return devmem__fail(ENODEV,
			    "%s: its driver %s makes no dumb buffers: name another card, or pass "
			    "an object of the driver to devmem_buffer_wrap_gem()",
			    card->path, card->driver);
}

static int serves(const struct devmem__drm_card *card)
{
	int err = makes_dumb_buffers(card);

	return err ? err : devmem__drm_exports(card);
}

/* ------------------------------------------------------------------------------------ all cards */

static int by_number(const void *a, const void *b)
{
	const unsigned int one = *(const unsigned int *)a, other = *(const unsigned int *)b;

	return one < other ? -1 : one > other;
}

/* Fills in the numbers of the cards in ascending order. Returns how many, or a negative errno. */
static int list_cards(const char *path, unsigned int number[MAX_CARDS])
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned int n = 0;
	char rest;

	if (!dir)
		return -errno;
	while (n < MAX_CARDS && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "card%u%c", &number[n], &rest) == 1)
			n++;
	closedir(dir);
	qsort(number, n, sizeof(number[0]), by_number);
	return (int)n;
}

static int no_cards(const char *dir)
{
	return devmem__fail(ENOENT,
			    "there is no card in %s: load a driver (\"modprobe vgem\" for one "
			    "without hardware); in a container, pass the device in",
			    dir);
}

static void note(char *text, size_t room, const char *words)
{
	size_t used = strlen(text);

	snprintf(text + used, room - used, "%s%s", used ? "; " : "", words);
}

/* The error for several cards: their own if all have the same one, else -ENODEV. @all: the error of
 * the cards before, 0 at first. */
static int in_common(int all, int err)
{
	return !all || all == err ? err : -ENODEV;
}

/* Opens the first card that serves, of @driver unless that is NULL; or says why none does. */
static int open_first(const char *dir, const char *driver, struct devmem__drm_card *card)
{
	unsigned int number[MAX_CARDS];
	char path[64], why[400] = "";
	int n = list_cards(dir, number), err, all = 0;

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/card%u", dir, number[i]);
		err = open_path(path, card);
		if (!err) {
			err = driver && strcmp(driver, card->driver)
				      ? devmem__fail(ENODEV, "%s is of driver %s", path,
						     card->driver)
				      : serves(card);
			if (!err)
				return 0;
			devmem__drm_close(card);
		}
		note(why, sizeof(why), devmem_error());
		all = in_common(all, err);
	}
	if (n <= 0)
		return no_cards(dir);
	if (driver)
		return devmem__fail(-all, "no card of driver \"%s\" can be used: %s", driver, why);
	return devmem__fail(-all, "no card can be used: %s", why);
}

int devmem__drm_open(const char *dir, const char *device, struct devmem__drm_card *card)
{
	int err = devmem__drm_api(&card->api);

	if (err)
		return err;
	if (!device || !strchr(device, '/'))
		return open_first(dir, device, card);
	err = open_path(device, card);
	if (err)
		return err;
	err = serves(card);
	if (err)
		devmem__drm_close(card);
	return err;
}

/* Describes what the card @path can do. */
static int judge(const char *path, struct devmem__drm_card *card, char *words, size_t room)
{
	int err = open_path(path, card);

	if (!err) {
		err = serves(card);
		devmem__drm_close(card);
	}
	if (err)
		snprintf(words, room, "%s", devmem_error());
	else
		snprintf(words, room, "%s (%s) makes dumb buffers", path, card->driver);
	return err;
}

int devmem__drm_list(const char *dir, char *text, size_t room)
{
	struct devmem__drm_card card;
	unsigned int number[MAX_CARDS], good = 0;
	int n, all = 0, err = devmem__drm_api(&card.api);
	char path[64], words[320];

	if (err)
		return err;
	text[0] = '\0';
	n = list_cards(dir, number);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/card%u", dir, number[i]);
		err = judge(path, &card, words, sizeof(words));
		good += !err;
		all = in_common(all, err);
		note(text, room, words);
	}
	if (n <= 0)
		return no_cards(dir);
	return good ? 0 : devmem__fail(-all, "%s", text);
}
