// SPDX-License-Identifier: MIT
/* Buffer objects, the table of backends, and which one is taken where none is named. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "backends/host.h"
#include "buffer.h"

static const struct devmem__backend *const backends[] = {
	&devmem__backend_udmabuf,
	&devmem__backend_dma_heap,
	&devmem__backend_shm,
};

struct devmem_buffer {
	atomic_uint refs;
	atomic_bool bound;
	const struct devmem__backend *backend;
	struct devmem__memory mem;
	char why[1024];
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

int devmem__buffer_new(const struct devmem__backend *ops, size_t bytes, const struct devmem_buffer_opts *o,
		       struct devmem_buffer **out)
{
	struct devmem_buffer *buffer = calloc(1, sizeof(*buffer));
	int err;

	if (!buffer)
		return devmem__fail(ENOMEM, "no memory for a buffer object");
	atomic_init(&buffer->refs, 1);
	buffer->backend = ops;
	err = ops->alloc(bytes, o, &buffer->mem);
	if (err)
		goto err_free;
	err = number_fd(&buffer->mem);
	if (err)
		goto err_memory;
	snprintf(buffer->why, sizeof(buffer->why), "asked for: %s", buffer->mem.what);
	*out = buffer;
	return 0;

err_memory:
	free_memory(ops, &buffer->mem);
err_free:
	free(buffer);
	return err;
}

/* ------------------------------------------------------------------------------------ which backend */

struct choice {
	const struct devmem__backend *backend;
	uint32_t page_size;
};

/*
 * Large pieces of memory come first, since they allow large receive pages; what a NIC can write to comes before what it
 * cannot. A page size that is asked for leaves those that can have it. Returns how many.
 */
static unsigned int choices(uint32_t page_size, struct choice choice[4])
{
	const struct choice any[] = {
		{ &devmem__backend_udmabuf, DEVMEM__HUGE_PAGE },
		{ &devmem__backend_dma_heap, 0 },
		{ &devmem__backend_udmabuf, (uint32_t)devmem__host_page() },
		{ &devmem__backend_shm, 0 },
	};
	const struct choice sized[] = {
		{ &devmem__backend_udmabuf, page_size },
		{ &devmem__backend_shm, page_size },
	};

	if (page_size) {
		memcpy(choice, sized, sizeof(sized));
		return ARRAY_SIZE(sized);
	}
	memcpy(choice, any, sizeof(any));
	return ARRAY_SIZE(any);
}

/* One refusal more; the same one twice (a device that is missing) is told once. */
static void note_refusal(char *refusals, size_t room)
{
	const char *why = devmem_error();
	size_t used = strlen(refusals);

	if (!strstr(refusals, why))
		snprintf(refusals + used, room - used, "%s; ", why);
}

static int create_best(size_t bytes, struct devmem_buffer_opts *o, struct devmem_buffer **out)
{
	struct choice choice[4];
	unsigned int n = choices(o->page_size, choice);
	struct devmem_buffer *buffer;
	char refusals[640] = "";
	int err = 0;

	for (unsigned int i = 0; i < n; i++) {
		o->page_size = choice[i].page_size;
		err = devmem__buffer_new(choice[i].backend, bytes, o, &buffer);
		if (!err)
			break;
		note_refusal(refusals, sizeof(refusals));
	}
	if (err)
		return err;
	snprintf(buffer->why, sizeof(buffer->why), *refusals ? "%sso %s" : "%sthe first choice: %s", refusals,
		 buffer->mem.what);
	*out = buffer;
	return 0;
}

int devmem_buffer_create(const char *backend, size_t bytes, const struct devmem_buffer_opts *opts,
			 struct devmem_buffer **out)
{
	const struct devmem__backend *ops = backend ? find_backend(backend) : NULL;
	struct devmem_buffer_opts o;
	int err;

	err = devmem__options(&o, sizeof(o), opts, "devmem_buffer_opts");
	if (err)
		return err;
	if (!out || o.reserved)
		return devmem__fail(EINVAL, "devmem_buffer_create: no place for the result, or a reserved option set");
	if (!backend)
		return create_best(bytes, &o, out);
	if (!ops)
		return devmem__fail(ENOENT, "no backend \"%s\": this library has udmabuf, dma-heap and shm", backend);
	return devmem__buffer_new(ops, bytes, &o, out);
}

/* ------------------------------------------------------------------------------------ references, facts */

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

bool devmem__buffer_is_dmabuf(const struct devmem_buffer *buffer)
{
	return buffer->backend->dmabuf;
}

uint32_t devmem__buffer_block(const struct devmem_buffer *buffer)
{
	return buffer->mem.block;
}

const char *devmem_buffer_backend(const struct devmem_buffer *buffer, const char **reason)
{
	if (reason)
		*reason = buffer->why;
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

/* ------------------------------------------------------------------------------------ access by the processor */

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
	if (!buffer->backend->dmabuf)
		return 0;	/* nobody else writes to it */
	sync.flags = (access & DEVMEM_SYNC_READ ? DMA_BUF_SYNC_READ : 0) |
		     (access & DEVMEM_SYNC_WRITE ? DMA_BUF_SYNC_WRITE : 0) |
		     (flags & DEVMEM_SYNC_END ? DMA_BUF_SYNC_END : DMA_BUF_SYNC_START);
	/* EINTR and EAGAIN are part of this ioctl's contract [include/uapi/linux/dma-buf.h] */
	while (ioctl(buffer->mem.fd, DMA_BUF_IOCTL_SYNC, &sync))
		if (errno != EINTR && errno != EAGAIN)
			return devmem__fail(errno, "the dma-buf's exporter refused to sync: %s", strerror(errno));
	return 0;
}

static int check_range(const struct devmem_buffer *buffer, uint64_t offset, size_t bytes)
{
	if (offset <= buffer->mem.bytes && bytes <= buffer->mem.bytes - offset)
		return 0;
	return devmem__fail(ERANGE, "%zu bytes from %llu on do not lie in a buffer of %zu", bytes,
			    (unsigned long long)offset, buffer->mem.bytes);
}

/* The first half of an access through the mapping; the second is to end the bracket. */
static int begin_access(struct devmem_buffer *buffer, unsigned int access, void **addr)
{
	int err = devmem_buffer_map(buffer, addr);

	return err ? err : devmem_buffer_sync(buffer, DEVMEM_SYNC_START | access);
}

int devmem_buffer_read(struct devmem_buffer *buffer, uint64_t offset, void *to, size_t bytes)
{
	void *addr;
	int err = check_range(buffer, offset, bytes);

	if (err || !bytes)
		return err;
	if (buffer->backend->copy_out)
		return buffer->backend->copy_out(&buffer->mem, offset, to, bytes);
	err = begin_access(buffer, DEVMEM_SYNC_READ, &addr);
	if (err)
		return err;
	memcpy(to, (const char *)addr + offset, bytes);
	return devmem_buffer_sync(buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_READ);
}

int devmem_buffer_write(struct devmem_buffer *buffer, uint64_t offset, const void *from, size_t bytes)
{
	void *addr;
	int err = check_range(buffer, offset, bytes);

	if (err || !bytes)
		return err;
	if (buffer->backend->copy_in)
		return buffer->backend->copy_in(&buffer->mem, offset, from, bytes);
	err = begin_access(buffer, DEVMEM_SYNC_WRITE, &addr);
	if (err)
		return err;
	memcpy((char *)addr + offset, from, bytes);
	return devmem_buffer_sync(buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_WRITE);
}
