// SPDX-License-Identifier: MIT
/*
 * drm: GEM objects of a graphics card's driver, exported as dma-bufs (PRIME). We allocate dumb
 * buffers: every driver with screens makes them by the same call, and so does vgem, which has no
 * hardware. Other objects need calls of the respective driver, so the program makes them and we
 * wrap them. [Documentation/gpu/drm-mm.rst]
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devmem/drm.h"
#include "memory/buffer.h"
#include "backends/drm_card.h"
#include "memory/host.h"
#include "backends/import.h"

/* A dumb buffer is an image. No driver has to round up lines of 1024 pixels of 32 bits. */
#define PIXELS 1024u
#define LINE   4096u
/* the kernel counts the bytes in 32 bits [drm_mode_create_dumb()] */
#define MAX_BYTES (UINT32_MAX - LINE + 1)

/* --------------------------------------------------------------------------------- dumb buffers */

static int create_dumb(const struct devmem__drm_card *card, uint64_t bytes, uint32_t *handle)
{
	struct devmem__drm_create_dumb dumb = { .width = PIXELS,
						.height = (uint32_t)(bytes / LINE),
						.bpp = 32 };

	if (card->api->ioctl(card->fd, DEVMEM__DRM_CREATE_DUMB, &dumb))
		return devmem__fail(errno, "%s (%s) refused a dumb buffer of %" PRIu64 " bytes: %s",
				    card->path, card->driver, bytes, strerror(errno));
	*handle = dumb.handle;
	return 0;
}

/* A mapping of the dma-buf is writable only if it was exported with O_RDWR. DRM_CLOEXEC and
 * DRM_RDWR are other names of these flags. */
static int export_object(const struct devmem__drm_card *card, uint32_t handle)
{
	int fd;

	if (!card->api->handle_to_fd(card->fd, handle, O_CLOEXEC | O_RDWR, &fd))
		return fd;
	if (errno == ENOENT)
		return devmem__fail(ENOENT, "%s (%s) has no object with handle %u", card->path,
				    card->driver, handle);
	return devmem__fail(errno == ENOSYS || errno == EOPNOTSUPP ? ENODEV : errno,
			    "%s (%s) did not export an object: %s", card->path, card->driver,
			    strerror(errno));
}

/* A driver may round up. The buffer then has the larger size, since a NIC can only bind a whole
 * dma-buf. */
static int take_size(const struct devmem__drm_card *card, uint64_t asked, struct devmem_memory *mem)
{
	off_t end = lseek(mem->fd, 0, SEEK_END);

	if (end < 0 || (uint64_t)end < asked)
		return devmem__fail(EIO,
				    "%s (%s) exported %lld bytes, but %" PRIu64 " were requested",
				    card->path, card->driver, (long long)end, asked);
	mem->bytes = (uint64_t)end;
	return 0;
}

/* The dma-buf keeps the memory, so the handle is not needed any more. */
static int make_dumb(const struct devmem__drm_card *card, uint64_t bytes, struct devmem_memory *mem)
{
	struct devmem__drm_destroy_dumb destroy;
	int err = create_dumb(card, bytes, &destroy.handle);

	if (err)
		return err;
	mem->fd = export_object(card, destroy.handle);
	card->api->ioctl(card->fd, DEVMEM__DRM_DESTROY_DUMB, &destroy);
	if (mem->fd < 0)
		return mem->fd;
	err = take_size(card, bytes, mem);
	if (err)
		close(mem->fd);
	return err;
}

static int drm_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
		     struct devmem_memory *mem)
{
	struct devmem__drm_card card;
	int err;

	if (opts->near)
		return devmem__fail(EINVAL,
				    "near \"%s\" was requested, but backend drm cannot choose by "
				    "it: name a card or its driver as the device",
				    opts->near);
	err = devmem__host_check(bytes, 0);
	if (err)
		return err;
	if (bytes > MAX_BYTES)
		return devmem__fail(EFBIG,
				    "a dumb buffer must be smaller than 4 GiB, and "
				    "%" PRIu64 " bytes were requested",
				    bytes);
	err = devmem__drm_open(DEVMEM__DRM_DEVICES, opts->device, &card);
	if (err)
		return err;
	err = make_dumb(&card, bytes, mem);
	if (!err) {
		snprintf(mem->what, sizeof(mem->what), "a dumb buffer of %s (%s)", card.path,
			 card.driver);
		snprintf(mem->device, sizeof(mem->device), "%s", card.path);
	}
	devmem__drm_close(&card);
	return err;
}

static int drm_probe(void *arg, char *text, size_t room)
{
	(void)arg;
	return devmem__drm_list(DEVMEM__DRM_DEVICES, text, room);
}

static uint64_t drm_address(const struct devmem_memory *mem, const char **reason)
{
	(void)mem;
	*reason = "a graphics card's memory has an address in each of the card's contexts only: "
		  "import devmem_buffer_fd() there";
	return 0;
}

const struct devmem_backend devmem__backend_drm = {
	.size = sizeof(struct devmem_backend),
	.name = "drm",
	.what = "memory of a graphics card's driver (GEM)",
	.flags = DEVMEM_BACKEND_DMABUF | DEVMEM_BACKEND_DEVICES,
	.probe = drm_probe,
	.alloc = drm_alloc,
	.map = devmem__import_map,
	.unmap = devmem__host_unmap,
	.device_address = drm_address,
};

/* --------------------------------------------------------------- wrapping the program's objects */

struct wrap {
	const struct devmem_buffer_opts *opts;
	int fd;
	uint32_t handle;
};

static void describe(struct devmem_memory *mem, const struct devmem__drm_card *card,
		     uint32_t handle, uint64_t all)
{
	char *name = card->api->card_name(card->fd);

	snprintf(mem->what, sizeof(mem->what),
		 "%" PRIu64 " of the %" PRIu64 " bytes of the program's object (driver %s, "
		 "handle %u)",
		 mem->bytes, all, card->driver, handle);
	/* the device for devmem__buffer_like(), which makes a dumb buffer */
	if (name && strlen(name) < sizeof(mem->device))
		memcpy(mem->device, name, strlen(name) + 1);
	free(name);
}

static int fill_from_object(void *arg, struct devmem_memory *mem)
{
	const struct wrap *wrap = arg;
	struct devmem__drm_card card = { .fd = wrap->fd };
	uint64_t all;
	int err = devmem__drm_api(&card.api);

	snprintf(card.path, sizeof(card.path), "descriptor %d", wrap->fd);
	if (!err)
		err = devmem__drm_identify(&card);
	if (!err)
		err = devmem__drm_exports(&card);
	if (err)
		return err;
	mem->fd = export_object(&card, wrap->handle);
	if (mem->fd < 0)
		return mem->fd;
	err = devmem__import_range(mem->fd, wrap->opts, mem, &all);
	if (err) {
		close(mem->fd);
		return err;
	}
	describe(mem, &card, wrap->handle, all);
	return 0;
}

static int buffer_wrap_gem(int drm_fd, uint32_t handle, const struct devmem_buffer_opts *opts,
			   struct devmem_buffer **out)
{
	struct devmem_buffer_opts o;
	struct wrap wrap = { &o, drm_fd, handle };
	int err = devmem__import_options("devmem_buffer_wrap_gem", opts, &o, out);

	return err ? err : devmem__buffer_make(&devmem__backend_drm, fill_from_object, &wrap, out);
}

int devmem_buffer_wrap_gem(int drm_fd, uint32_t handle, const struct devmem_buffer_opts *opts,
			   struct devmem_buffer **out)
{
	return devmem__result(buffer_wrap_gem(drm_fd, handle, opts, out));
}
