// SPDX-License-Identifier: MIT
/* import: a dma-buf that somebody else has exported. Its exporter decides what it can be used
 * for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "memory/buffer.h"
#include "memory/exporter.h"
#include "memory/host.h"
#include "backends/import.h"

#define DMA_BUF_MAGIC 0x444d4142 /* "DMAB" [include/uapi/linux/magic.h] */

struct import {
	const struct devmem_buffer_opts *opts;
	int fd;
};

static int check_dmabuf(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return devmem__fail(errno, "devmem_buffer_import: cannot examine descriptor %d: %s",
				    fd, strerror(errno));
	if (fs.f_type != DMA_BUF_MAGIC)
		return devmem__fail(EINVAL,
				    "descriptor %d is not a dma-buf: import one that an exporter "
				    "made for sharing",
				    fd);
	return 0;
}

static int take_range(const struct devmem_buffer_opts *o, uint64_t all, struct devmem_memory *mem)
{
	const size_t page = devmem__host_page();

	if (o->offset % page || o->bytes % page)
		return devmem__fail(EINVAL,
				    "%llu bytes at offset %llu of a dma-buf: both must be "
				    "multiples of %zu",
				    (unsigned long long)o->bytes, (unsigned long long)o->offset,
				    page);
	if (o->offset >= all || o->bytes > all - o->offset)
		return devmem__fail(ERANGE,
				    "%llu bytes at offset %llu are not within a dma-buf of %llu",
				    (unsigned long long)o->bytes, (unsigned long long)o->offset,
				    (unsigned long long)all);
	mem->offset = o->offset;
	mem->bytes = o->bytes ? o->bytes : all - o->offset;
	return 0;
}

int devmem__import_range(int fd, const struct devmem_buffer_opts *o, struct devmem_memory *mem,
			 uint64_t *all)
{
	/* this only returns its size: a dma-buf has no file position */
	off_t end = lseek(fd, 0, SEEK_END);

	if (end <= 0)
		return devmem__fail(EINVAL, "descriptor %d: the dma-buf does not report its size",
				    fd);
	*all = (uint64_t)end;
	return take_range(o, *all, mem);
}

int devmem__import_options(const char *call, const struct devmem_buffer_opts *opts,
			   struct devmem_buffer_opts *o, struct devmem_buffer **out)
{
	int err = devmem__options(o, sizeof(*o), opts, "devmem_buffer_opts");

	if (err)
		return err;
	if (!out || o->reserved || o->page_size || o->device || o->near)
		return devmem__fail(EINVAL,
				    "%s: no place for the result, or an option other than offset "
				    "and bytes",
				    call);
	return 0;
}

static void describe(struct devmem_memory *mem, uint64_t all)
{
	char path[64], name[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", mem->fd);
	if (devmem__exporter_name(path, name))
		snprintf(name, sizeof(name), "unknown");
	snprintf(mem->what, sizeof(mem->what),
		 "%llu bytes of a dma-buf of %llu whose exporter is %s",
		 (unsigned long long)mem->bytes, (unsigned long long)all, name);
}

static int fill(void *arg, struct devmem_memory *mem)
{
	const struct import *import = arg;
	uint64_t all;
	int err = check_dmabuf(import->fd);

	if (!err)
		err = devmem__import_range(import->fd, import->opts, mem, &all);
	if (err)
		return err;
	mem->fd = fcntl(import->fd, F_DUPFD_CLOEXEC, 1);
	if (mem->fd < 0)
		return devmem__fail(errno, "cannot duplicate descriptor %d: %s", import->fd,
				    strerror(errno));
	describe(mem, all);
	return 0;
}

static int buffer_import(int fd, const struct devmem_buffer_opts *opts, struct devmem_buffer **out)
{
	struct devmem_buffer_opts o;
	struct import import = { &o, fd };
	int err = devmem__import_options("devmem_buffer_import", opts, &o, out);

	return err ? err : devmem__buffer_make(&devmem__backend_import, fill, &import, out);
}

int devmem_buffer_import(int fd, const struct devmem_buffer_opts *opts, struct devmem_buffer **out)
{
	return devmem__result(buffer_import(fd, opts, out));
}

static int import_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
			struct devmem_memory *mem)
{
	(void)bytes, (void)opts, (void)mem;
	return devmem__fail(EOPNOTSUPP, "backend import has no memory of its own: "
					"devmem_buffer_import() takes a dma-buf");
}

static int import_probe(void *arg, char *text, size_t room)
{
	(void)arg;
	snprintf(text, room, "any dma-buf; its exporter decides whether the processor can map it");
	return 0;
}

int devmem__import_map(struct devmem_memory *mem)
{
	int err = devmem__host_map(mem);

	return err ? devmem__fail(EOPNOTSUPP,
				  "the dma-buf's exporter does not let the processor map it: %s",
				  strerror(-err))
		   : 0;
}

static uint64_t import_address(const struct devmem_memory *mem, const char **reason)
{
	(void)mem;
	*reason = "the exporter does not tell it: import devmem_buffer_fd() with the "
		  "device's driver, which gives it an address there";
	return 0;
}

const struct devmem_backend devmem__backend_import = {
	.size = sizeof(struct devmem_backend),
	.name = "import",
	.what = "memory that somebody else has exported as a dma-buf",
	.flags = DEVMEM_BACKEND_DMABUF,
	.probe = import_probe,
	.alloc = import_alloc,
	.map = devmem__import_map,
	.unmap = devmem__host_unmap,
	.device_address = import_address,
};
