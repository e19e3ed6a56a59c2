// SPDX-License-Identifier: MIT
/*
 * Memory by its backend's operations, and replacements for those that the backend lacks. No other
 * file needs to know whether a backend has an operation.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/dma-buf.h>

#include "memory/memory.h"

/* bytes copied at a time between two memories that the processor cannot map */
#define BOUNCE 16384u

/*
 * Threads of several rings may be the first to need the mapping. Each then maps for itself, and the
 * first one's is kept. There is no lock that a forked child could find taken.
 */
int devmem__memory_map(struct devmem_memory *mem)
{
	struct devmem_memory ours = {
		.backend = mem->backend,
		.bytes = mem->bytes,
		.offset = mem->offset,
		.fd = mem->fd,
		.block = mem->block,
		.priv = mem->priv,
	};
	void *none = NULL;
	int err;

	if (__atomic_load_n(&mem->map, __ATOMIC_ACQUIRE))
		return 0;
	memcpy(ours.device, mem->device, sizeof(ours.device));
	memcpy(ours.what, mem->what, sizeof(ours.what));
	err = mem->backend->map(&ours);
	if (err)
		return err;
	if (!__atomic_compare_exchange_n(&mem->map, &none, ours.map, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		mem->backend->unmap(&ours);
	return 0;
}

int devmem__memory_sync(const struct devmem_memory *mem, unsigned int flags)
{
	struct dma_buf_sync sync = {
		.flags = (flags & DEVMEM_SYNC_READ ? DMA_BUF_SYNC_READ : 0) |
			 (flags & DEVMEM_SYNC_WRITE ? DMA_BUF_SYNC_WRITE : 0) |
			 (flags & DEVMEM_SYNC_END ? DMA_BUF_SYNC_END : DMA_BUF_SYNC_START),
	};

	if (!(mem->backend->flags & DEVMEM_BACKEND_DMABUF))
		return 0; /* no device writes to it */
	/* repeat it on EINTR and EAGAIN [include/uapi/linux/dma-buf.h] */
	while (ioctl(mem->fd, DMA_BUF_IOCTL_SYNC, &sync))
		if (errno != EINTR && errno != EAGAIN)
			return devmem__fail(errno, "the dma-buf's exporter refused to sync: %s",
					    strerror(errno));
	return 0;
}

/* ------------------------------------------------------------------------- what a backend lacks */

static int no_map(struct devmem_memory *mem)
{
	return devmem__fail(EOPNOTSUPP, "backend %s: the processor cannot map this memory",
			    mem->backend->name);
}

static void nothing_to_undo(struct devmem_memory *mem)
{
	(void)mem;
}

static int probe_nothing(void *arg, char *text, size_t room)
{
	(void)arg;
	if (room)
		text[0] = '\0';
	return 0;
}

/* Begins an access through the mapping. end_access() closes the bracket. */
static int begin_access(struct devmem_memory *mem, unsigned int access)
{
	int err = devmem__memory_map(mem);

	return err ? err : devmem__memory_sync(mem, DEVMEM_SYNC_START | access);
}

static int end_access(struct devmem_memory *mem, unsigned int access)
{
	return devmem__memory_sync(mem, DEVMEM_SYNC_END | access);
}

static int copy_in_mapped(struct devmem_memory *mem, uint64_t offset, const void *from,
			  size_t bytes)
{
	int err = begin_access(mem, DEVMEM_SYNC_WRITE);

	if (err)
		return err;
	memcpy((char *)mem->map + offset, from, bytes);
	return end_access(mem, DEVMEM_SYNC_WRITE);
}

static int copy_out_mapped(struct devmem_memory *mem, uint64_t offset, void *to, size_t bytes)
{
	int err = begin_access(mem, DEVMEM_SYNC_READ);

	if (err)
		return err;
	memcpy(to, (const char *)mem->map + offset, bytes);
	return end_access(mem, DEVMEM_SYNC_READ);
}

static int no_gather(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
		     const struct devmem_range *ranges, unsigned int n,
		     void (*done)(void *arg, int result), void *arg)
{
	(void)to, (void)offset, (void)from, (void)ranges, (void)n, (void)done, (void)arg;
	return -EOPNOTSUPP; /* no error message: the processor gathers instead */
}

static uint64_t no_address(const struct devmem_memory *mem, const char **reason)
{
	(void)mem;
	*reason = "its backend has no operation that tells (device_address)";
	return 0;
}

/* -------------------------------------------------------------------- gathered by the processor */

static int copy_bounced(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
			const struct devmem_range *range)
{
	unsigned char bounce[BOUNCE];
	int err = 0;

	for (uint64_t done = 0; !err && done < range->length; done += BOUNCE) {
		size_t bytes =
			range->length - done < BOUNCE ? (size_t)(range->length - done) : BOUNCE;

		err = from->backend->copy_out(from, range->offset + done, bounce, bytes);
		if (!err)
			err = to->backend->copy_in(to, offset + done, bounce, bytes);
	}
	return err;
}

/* Either memory may be one that the processor cannot map. Its backend then copies, from or to the
 * other's mapping. */
static int copy_range(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
		      const struct devmem_range *range)
{
	const unsigned char *source = from->map;
	unsigned char *target = to->map;

	if (source && target)
		memcpy(target + offset, source + range->offset, range->length);
	else if (source)
		return to->backend->copy_in(to, offset, source + range->offset, range->length);
	else if (target)
		return from->backend->copy_out(from, range->offset, target + offset, range->length);
	else
		return copy_bounced(to, offset, from, range);
	return 0;
}

static int copy_ranges(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
		       const struct devmem_range *ranges, unsigned int n)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < n; i++) {
		err = copy_range(to, offset, from, &ranges[i]);
		offset += ranges[i].length;
	}
	return err;
}

static int gather_by_processor(struct devmem_memory *to, uint64_t offset,
			       struct devmem_memory *from, const struct devmem_range *ranges,
			       unsigned int n, void (*done)(void *arg, int result), void *arg)
{
	const bool reads = !devmem__memory_map(from), writes = !devmem__memory_map(to);
	int err = reads ? devmem__memory_sync(from, DEVMEM_SYNC_START | DEVMEM_SYNC_READ) : 0,
	    end = 0;

	if (err)
		return err;
	if (writes)
		err = devmem__memory_sync(to, DEVMEM_SYNC_START | DEVMEM_SYNC_WRITE);
	if (!err) {
		err = copy_ranges(to, offset, from, ranges, n);
		end = writes ? end_access(to, DEVMEM_SYNC_WRITE) : 0;
		err = err ? err : end;
	}
	end = reads ? end_access(from, DEVMEM_SYNC_READ) : 0;
	err = err ? err : end;
	if (!err)
		done(arg, 0);
	return err;
}

int devmem__memory_gather(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
			  const struct devmem_range *ranges, unsigned int n,
			  void (*done)(void *arg, int result), void *arg)
{
	int err = to->backend->gather(to, offset, from, ranges, n, done, arg);

	return err == -EOPNOTSUPP ? gather_by_processor(to, offset, from, ranges, n, done, arg)
				  : err;
}

/* ------------------------------------------------------------------------------------ the table */

int devmem__backend_complete(const struct devmem_backend *given, struct devmem_backend *ops)
{
	int err = devmem__options(ops, sizeof(*ops), given, "devmem_backend");

	if (err)
		return err;
	if (!ops->name || !ops->name[0] || strlen(ops->name) > DEVMEM__MAX_BACKEND_NAME ||
	    !ops->alloc || !ops->map != !ops->unmap || ops->reserved ||
	    ops->flags & ~(DEVMEM_BACKEND_DMABUF | DEVMEM_BACKEND_DEVICES | DEVMEM_BACKEND_PAGES))
		return devmem__fail(EINVAL, "a backend needs a name of 1 to 63 bytes, alloc(), "
					    "both map() and unmap() or neither, reserved 0, and "
					    "only flags that this library knows");
	ops->what = ops->what ? ops->what : "memory of the program's own";
	ops->probe = ops->probe ? ops->probe : probe_nothing;
	ops->free = ops->free ? ops->free : nothing_to_undo;
	ops->unmap = ops->unmap ? ops->unmap : nothing_to_undo;
	ops->map = ops->map ? ops->map : no_map;
	ops->copy_in = ops->copy_in ? ops->copy_in : copy_in_mapped;
	ops->copy_out = ops->copy_out ? ops->copy_out : copy_out_mapped;
	ops->gather = ops->gather ? ops->gather : no_gather;
	ops->device_address = ops->device_address ? ops->device_address : no_address;
	return 0;
}
