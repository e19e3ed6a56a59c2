// SPDX-License-Identifier: MIT
/* Buffer objects: references, facts, and access by the processor. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/host.h"
#include "memory/buffer.h"
#include "memory/buffer_ids.h"

struct devmem_buffer {
	atomic_uint refs;
	atomic_bool bound;
	uint16_t id;			  /* by which events name it */
	uint32_t process;		  /* the one that made it */
	struct devmem_buffer *next_ended; /* in the list of devmem__buffer_drop() */
	struct devmem_backend ops;	  /* completed */
	struct devmem_memory mem;
	char why[1024];
};

static void free_memory(struct devmem_memory *mem)
{
	if (mem->map)
		mem->backend->unmap(mem);
	close(mem->fd);
	mem->backend->free(mem);
}

/*
 * In a forked child, release only our copies of the mapping and the descriptor. The backend's part
 * may belong to a device that knows only one owner: CUDA cannot even be called in a child.
 */
static void forget_memory(struct devmem_memory *mem)
{
	if (mem->map && mem->backend->unmap == devmem__host_unmap)
		devmem__host_unmap(mem);
	close(mem->fd);
}

int devmem__buffer_make(const struct devmem_backend *ops,
			int (*fill)(void *arg, struct devmem_memory *mem), void *arg,
			struct devmem_buffer **out)
{
	struct devmem_buffer *buffer = calloc(1, sizeof(*buffer));
	int err;

	if (!buffer)
		return devmem__fail(ENOMEM, "no memory for a buffer object");
	atomic_init(&buffer->refs, 1);
	buffer->process = devmem__process();
	buffer->mem.fd = -1;
	buffer->mem.backend = &buffer->ops;
	err = devmem__backend_complete(ops, &buffer->ops);
	if (!err)
		err = fill(arg, &buffer->mem);
	if (err)
		goto err_free;
	devmem__buffer_explain(buffer, "asked for: ");
	err = devmem__buffer_id_take(buffer, &buffer->id);
	if (err)
		goto err_memory;
	*out = buffer;
	return 0;

err_memory:
	free_memory(&buffer->mem);
err_free:
	free(buffer);
	return err;
}

struct request {
	const struct devmem_buffer_opts *opts;
	size_t bytes;
};

static int fill_by_allocating(void *arg, struct devmem_memory *mem)
{
	const struct request *request = arg;

	mem->bytes = request->bytes;
	return mem->backend->alloc(request->bytes, request->opts, mem);
}

int devmem__buffer_new(const struct devmem_backend *ops, size_t bytes,
		       const struct devmem_buffer_opts *o, struct devmem_buffer **out)
{
	struct request request = { o, bytes };

	return devmem__buffer_make(ops, fill_by_allocating, &request, out);
}

int devmem__buffer_like(const struct devmem_buffer *buffer, size_t bytes,
			struct devmem_buffer **out)
{
	const struct devmem_buffer_opts o = {
		.size = sizeof(o),
		.device = buffer->mem.device[0] ? buffer->mem.device : NULL,
	};

	return devmem__buffer_new(&buffer->ops, bytes, &o, out);
}

void devmem__buffer_explain(struct devmem_buffer *buffer, const char *why)
{
	devmem__text(buffer->why, sizeof(buffer->why), "%s%s", why, buffer->mem.what);
}

/* ---------------------------------------------------------------------------- references, facts */

void devmem__buffer_ref(struct devmem_buffer *buffer)
{
	atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
}

int devmem__buffer_check(const struct devmem_buffer *buffer)
{
	return devmem__process_check(buffer->process, "the buffer");
}

bool devmem__buffer_claim(struct devmem_buffer *buffer)
{
	return !atomic_exchange(&buffer->bound, true);
}

void devmem__buffer_unclaim(struct devmem_buffer *buffer)
{
	atomic_store(&buffer->bound, false);
}

struct devmem_memory *devmem__buffer_memory(struct devmem_buffer *buffer)
{
	return &buffer->mem;
}

bool devmem__buffer_is_dmabuf(const struct devmem_buffer *buffer)
{
	return buffer->ops.flags & DEVMEM_BACKEND_DMABUF;
}

uint64_t devmem__buffer_offset(const struct devmem_buffer *buffer)
{
	return buffer->mem.offset;
}

bool devmem__buffer_is_whole(const struct devmem_buffer *buffer)
{
	off_t end = lseek(buffer->mem.fd, 0, SEEK_END);

	return !buffer->mem.offset && end >= 0 && (uint64_t)end == buffer->mem.bytes;
}

uint32_t devmem__buffer_block(const struct devmem_buffer *buffer)
{
	return buffer->mem.block;
}

const char *devmem_buffer_backend(const struct devmem_buffer *buffer, const char **reason)
{
	if (reason)
		*reason = buffer->why;
	return buffer->ops.name;
}

void devmem_buffer_close(struct devmem_buffer *buffer)
{
	if (!buffer || atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) != 1)
		return;
	devmem__buffer_id_give_back(buffer->id);
	if (devmem__process_is(buffer->process))
		free_memory(&buffer->mem);
	else
		forget_memory(&buffer->mem);
	free(buffer);
}

void devmem__buffer_drop(struct devmem_buffer *buffer, struct devmem_buffer **ended)
{
	unsigned int refs = atomic_load_explicit(&buffer->refs, memory_order_acquire);

	while (refs > 1)
		if (atomic_compare_exchange_weak_explicit(&buffer->refs, &refs, refs - 1,
							  memory_order_acq_rel,
							  memory_order_acquire))
			return;
	buffer->next_ended = *ended;
	*ended = buffer;
}

void devmem__buffer_end_all(struct devmem_buffer **ended)
{
	struct devmem_buffer *buffer;

	while ((buffer = *ended)) {
		*ended = buffer->next_ended;
		devmem_buffer_close(buffer);
	}
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
	return buffer->id;
}

uint64_t devmem_buffer_device_address(const struct devmem_buffer *buffer, const char **reason)
{
	const char *why = "";
	uint64_t address = 0;

	if (devmem__process_is(buffer->process))
		address = buffer->ops.device_address(&buffer->mem, &why);
	else
		why = "another process made the buffer, and this one, forked from it, cannot use "
		      "the device";
	if (reason)
		*reason = why;
	return address;
}

/* ---------------------------------------------------------------------- access by the processor */

int devmem__buffer_map(struct devmem_buffer *buffer, void **addr)
{
	int err = devmem__memory_map(&buffer->mem);

	if (!err)
		*addr = buffer->mem.map;
	return err;
}

int devmem_buffer_map(struct devmem_buffer *buffer, void **addr)
{
	return devmem__result(devmem__buffer_check(buffer) ?: devmem__buffer_map(buffer, addr));
}

static int buffer_sync(struct devmem_buffer *buffer, unsigned int flags)
{
	if (!(flags & (DEVMEM_SYNC_READ | DEVMEM_SYNC_WRITE)) ||
	    flags & ~(DEVMEM_SYNC_READ | DEVMEM_SYNC_WRITE | DEVMEM_SYNC_END))
		return devmem__fail(EINVAL,
				    "devmem_buffer_sync: flags %#x: pass READ, WRITE or both, with "
				    "START or END",
				    flags);
	return devmem__buffer_check(buffer) ?: devmem__memory_sync(&buffer->mem, flags);
}

int devmem_buffer_sync(struct devmem_buffer *buffer, unsigned int flags)
{
	return devmem__result(buffer_sync(buffer, flags));
}

static int check_range(const struct devmem_buffer *buffer, uint64_t offset, size_t bytes)
{
	if (offset <= buffer->mem.bytes && bytes <= buffer->mem.bytes - offset)
		return 0;
	return devmem__fail(ERANGE, "%zu bytes at offset %llu are not within a buffer of %llu",
			    bytes, (unsigned long long)offset,
			    (unsigned long long)buffer->mem.bytes);
}

int devmem__buffer_read(struct devmem_buffer *buffer, uint64_t offset, void *to, size_t bytes)
{
	int err = check_range(buffer, offset, bytes);

	return err || !bytes ? err : buffer->ops.copy_out(&buffer->mem, offset, to, bytes);
}

int devmem__buffer_write(struct devmem_buffer *buffer, uint64_t offset, const void *from,
			 size_t bytes)
{
	int err = check_range(buffer, offset, bytes);

	return err || !bytes ? err : buffer->ops.copy_in(&buffer->mem, offset, from, bytes);
}

int devmem_buffer_read(struct devmem_buffer *buffer, uint64_t offset, void *to, size_t bytes)
{
	return devmem__result(devmem__buffer_check(buffer)
				      ?: devmem__buffer_read(buffer, offset, to, bytes));
}

int devmem_buffer_write(struct devmem_buffer *buffer, uint64_t offset, const void *from,
			size_t bytes)
{
	return devmem__result(devmem__buffer_check(buffer)
				      ?: devmem__buffer_write(buffer, offset, from, bytes));
}
