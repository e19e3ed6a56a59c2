// SPDX-License-Identifier: MIT
/* Buffer objects and the table of backends. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "buffer.h"

static const struct devmem__backend *const backends[] = {
	&devmem__backend_udmabuf,
};

struct devmem_buffer {
	atomic_uint refs;
	atomic_bool bound;
	const struct devmem__backend *backend;
	struct devmem__memory mem;
};

static const struct devmem__backend *find_backend(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

/*
 * Events name a buffer in 16 bits. The dma-buf's descriptor number serves: unique in the process while the
 * buffer lives, without any state of our own. 0 stands for "no buffer", so the number must not be 0.
 */
static int number_fd(struct devmem__memory *mem)
{
	int fd;

	if (mem->fd > 0 && mem->fd <= UINT16_MAX)
		return 0;
	fd = fcntl(mem->fd, F_DUPFD_CLOEXEC, 1);
	if (fd < 0)
		return devmem__fail(errno, "cannot duplicate a dma-buf: %s", strerror(errno));
	close(mem->fd);
	mem->fd = fd;
	if (fd <= UINT16_MAX)
		return 0;
	return devmem__fail(EMFILE, "no file descriptor below %d is free for the buffer", UINT16_MAX + 1);
}

static void free_memory(const struct devmem__backend *backend, struct devmem__memory *mem)
{
	if (mem->map)
		backend->unmap(mem);
	close(mem->fd);
	if (backend->free)
		backend->free(mem);
}

int devmem_buffer_create(const char *backend, size_t bytes, const struct devmem_buffer_opts *opts,
			 struct devmem_buffer **out)
{
	const struct devmem__backend *ops = backend ? find_backend(backend) : NULL;
	struct devmem_buffer_opts o;
	struct devmem_buffer *buffer;
	int err;

	err = devmem__options(&o, sizeof(o), opts, "devmem_buffer_opts");
	if (err)
		return err;
	if (!out || o.reserved)
		return devmem__fail(EINVAL, "devmem_buffer_create: no place for the result, or a reserved option set");
	if (!ops)
		return devmem__fail(ENOENT, "no backend \"%s\": this library has udmabuf", backend ? backend : "");
	buffer = calloc(1, sizeof(*buffer));
	if (!buffer)
		return devmem__fail(ENOMEM, "no memory for a buffer object");
	atomic_init(&buffer->refs, 1);
	buffer->backend = ops;
	err = ops->alloc(bytes, &o, &buffer->mem);
	if (err)
		goto err_free;
	err = number_fd(&buffer->mem);
	if (err)
		goto err_memory;
	*out = buffer;
	return 0;

err_memory:
	free_memory(ops, &buffer->mem);
err_free:
	free(buffer);
	return err;
}

void devmem__buffer_ref(struct devmem_buffer *buffer)
{
	atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
}

bool devmem__buffer_take(struct devmem_buffer *buffer)
{
	return !atomic_exchange(&buffer->bound, true);
}

void devmem__buffer_give(struct devmem_buffer *buffer)
{
	atomic_store(&buffer->bound, false);
}

const char *devmem__buffer_backend(const struct devmem_buffer *buffer)
{
	return buffer->backend->name;
}

void devmem_buffer_close(struct devmem_buffer *buffer)
{
	if (!buffer || atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) != 1)
		return;
	free_memory(buffer->backend, &buffer->mem);
	free(buffer);
}

int devmem_buffer_fd(const struct devmem_buffer *buffer)
{
	return buffer->mem.fd;
}

size_t devmem_buffer_size(const struct devmem_buffer *buffer)
{
	return buffer->mem.bytes;
}

uint16_t devmem_buffer_id(const struct devmem_buffer *buffer)
{
	return (uint16_t)buffer->mem.fd;
}

int devmem_buffer_map(struct devmem_buffer *buffer, void **addr)
{
	if (!buffer->backend->map)
		return devmem__fail(EOPNOTSUPP, "backend %s: the processor cannot map this memory",
				    buffer->backend->name);
	if (!buffer->mem.map) {
		int err = buffer->backend->map(&buffer->mem);

		if (err)
			return err;
	}
	*addr = buffer->mem.map;
	return 0;
}

int devmem_buffer_sync(struct devmem_buffer *buffer, unsigned int flags)
{
	unsigned int access = flags & (DEVMEM_SYNC_READ | DEVMEM_SYNC_WRITE);
	struct dma_buf_sync sync = { 0 };

	if (!access || flags & ~(DEVMEM_SYNC_READ | DEVMEM_SYNC_WRITE | DEVMEM_SYNC_END))
		return devmem__fail(EINVAL, "devmem_buffer_sync: flags %#x; READ, WRITE or both, and START or END",
				    flags);
	sync.flags = (access & DEVMEM_SYNC_READ ? DMA_BUF_SYNC_READ : 0) |
		     (access & DEVMEM_SYNC_WRITE ? DMA_BUF_SYNC_WRITE : 0) |
		     (flags & DEVMEM_SYNC_END ? DMA_BUF_SYNC_END : DMA_BUF_SYNC_START);
	/* EINTR and EAGAIN are part of this ioctl's contract [include/uapi/linux/dma-buf.h] */
	while (ioctl(buffer->mem.fd, DMA_BUF_IOCTL_SYNC, &sync))
		if (errno != EINTR && errno != EAGAIN)
			return devmem__fail(errno, "the dma-buf's exporter refused to sync: %s", strerror(errno));
	return 0;
}
