// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uring/recv_buffers.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static size_t ring_bytes(const struct devmem__recv_buffers *bufs)
{
	return bufs->entries * sizeof(struct io_uring_buf);
}

static void *map_anonymous(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void give(struct devmem__recv_buffers *bufs, unsigned int id)
{
	/* not the whole stride: more payload than was requested would look like a hole in the
	 * stream */
	io_uring_buf_ring_add(bufs->ring, devmem__recv_buffers_memory(bufs, id),
			      (unsigned int)(sizeof(struct io_uring_recvmsg_out) +
					     DEVMEM__CONTROL_BYTES + bufs->payload),
			      (unsigned short)id, io_uring_buf_ring_mask(bufs->entries), 0);
	io_uring_buf_ring_advance(bufs->ring, 1);
	bufs->free++;
}

/*
 * Fault in the memory for each message's header and control data beforehand: a fault for each page
 * would cost a stream of 64 MiB half a per cent. The room for payload stays unpopulated, since
 * payload arrives in device memory. Before Linux 5.14, which has no MADV_POPULATE_WRITE, the faults
 * remain.
 */
static void populate(const struct devmem__recv_buffers *bufs, unsigned int id)
{
	madvise(devmem__recv_buffers_memory(bufs, id),
		sizeof(struct io_uring_recvmsg_out) + DEVMEM__CONTROL_BYTES, MADV_POPULATE_WRITE);
}

/* Add a mapping and give its buffers to the kernel. */
static bool grow(struct devmem__recv_buffers *bufs)
{
	const size_t bytes = bufs->together * bufs->stride;
	unsigned char *memory = map_anonymous(bytes);

	if (!memory)
		return false;
	/* otherwise the header of each buffer would make a huge page resident */
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	bufs->memory[bufs->count / bufs->together] = memory;
	for (unsigned int i = 0; i < bufs->together; i++) {
		populate(bufs, bufs->count);
		give(bufs, bufs->count++);
	}
	return true;
}

static int no_room(const struct devmem__recv_buffers *bufs)
{
	return devmem__fail(ENOMEM, "no address space for %u receive buffers of %zu bytes",
			    bufs->together, bufs->stride);
}

int devmem__recv_buffers_open(struct devmem__recv_buffers *bufs, struct devmem__uring *uring,
			      unsigned int count, size_t payload)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = sizeof(struct io_uring_recvmsg_out) + DEVMEM__CONTROL_BYTES + payload;
	int err;

	memset(bufs, 0, sizeof(*bufs));
	bufs->entries = count ? count : DEVMEM__RECV_BUFFERS_MANY;
	bufs->together = count ? count : DEVMEM__RECV_BUFFERS_FEW;
	bufs->stride = (bytes + page - 1) / page * page;
	bufs->payload = payload;
	bufs->buf = calloc(bufs->entries, sizeof(*bufs->buf));
	bufs->ring = map_anonymous(ring_bytes(bufs));
	err = bufs->buf && bufs->ring ? 0 : no_room(bufs);
	if (err)
		goto err_free;
	err = devmem__uring_buffers(uring, bufs->ring, bufs->entries, DEVMEM__RECV_BUFFERS_GROUP,
				    0);
	if (err) {
		devmem__fail(-err, "the kernel refuses a provided-buffer ring: %s", strerror(-err));
		goto err_free;
	}
	/* not before: Linux 7.3 ignores buffers that are in the ring when it is registered */
	if (grow(bufs))
		return 0;
	err = no_room(bufs);
	devmem__uring_no_buffers(uring, DEVMEM__RECV_BUFFERS_GROUP);

err_free:
	devmem__recv_buffers_close(bufs, NULL);
	return err;
}

void devmem__recv_buffers_want(struct devmem__recv_buffers *bufs, unsigned int count)
{
	while (bufs->ring && bufs->count < count && bufs->count < bufs->entries && grow(bufs))
		;
}

void devmem__recv_buffers_close(struct devmem__recv_buffers *bufs, struct devmem__uring *uring)
{
	if (uring)
		devmem__uring_no_buffers(uring, DEVMEM__RECV_BUFFERS_GROUP);
	for (unsigned int i = 0; i < bufs->count; i += bufs->together)
		munmap(bufs->memory[i / bufs->together], bufs->together * bufs->stride);
	if (bufs->ring)
		munmap(bufs->ring, ring_bytes(bufs));
	free(bufs->buf);
	memset(bufs, 0, sizeof(*bufs));
}

int devmem__recv_buffers_put(struct devmem__recv_buffers *bufs, uint32_t token)
{
	unsigned int id = token & 0xffff;

	if (id >= bufs->count || !bufs->buf[id].holders || bufs->buf[id].generation != token >> 16)
		return -EINVAL;
	if (!--bufs->buf[id].holders)
		give(bufs, id);
	return 0;
}
