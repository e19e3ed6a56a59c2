// SPDX-License-Identifier: MIT
/* Provided buffers of the ring, and who holds them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

struct devmem__rxbuf {
	unsigned int holders;
	uint16_t generation;	/* counts how often the buffer was filled */
};

static size_t ring_bytes(const struct devmem__rxbufs *bufs)
{
	return bufs->count * sizeof(struct io_uring_buf);
}

static void *map_anonymous(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void give(struct devmem__rxbufs *bufs, unsigned int id)
{
	/* not the whole stride: more payload than was asked for would look like a hole in the stream */
	io_uring_buf_ring_add(bufs->ring, bufs->memory + id * bufs->stride,
			      (unsigned int)(sizeof(struct io_uring_recvmsg_out) + DEVMEM__CONTROL_BYTES +
					     bufs->payload), (unsigned short)id, io_uring_buf_ring_mask(bufs->count), 0);
	io_uring_buf_ring_advance(bufs->ring, 1);
	bufs->free++;
}

int devmem__rxbufs_open(struct devmem__rxbufs *bufs, struct devmem_ring *ring, unsigned int count, size_t payload)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = sizeof(struct io_uring_recvmsg_out) + DEVMEM__CONTROL_BYTES + payload;
	int err = -ENOMEM;

	bufs->count = count;
	bufs->stride = (bytes + page - 1) / page * page;
	bufs->payload = payload;
	bufs->free = 0;
	bufs->buf = calloc(count, sizeof(*bufs->buf));
	bufs->ring = map_anonymous(ring_bytes(bufs));
	bufs->memory = map_anonymous(count * bufs->stride);
	if (!bufs->buf || !bufs->ring || !bufs->memory) {
		devmem__fail(ENOMEM, "no address space for %u receive buffers of %zu bytes", count, bufs->stride);
		goto err_free;
	}
	/* the header of each would otherwise make a huge page resident */
	madvise(bufs->memory, count * bufs->stride, MADV_NOHUGEPAGE);
	err = devmem__ring_buffers(ring, bufs->ring, count, DEVMEM__RXBUFS_GROUP, 0);
	if (err) {
		devmem__fail(-err, "the kernel refuses a provided-buffer ring: %s", strerror(-err));
		goto err_free;
	}
	for (unsigned int i = 0; i < count; i++)
		give(bufs, i);
	return 0;

err_free:
	devmem__rxbufs_close(bufs, NULL);
	return err;
}

void devmem__rxbufs_close(struct devmem__rxbufs *bufs, struct devmem_ring *ring)
{
	if (ring)
		devmem__ring_no_buffers(ring, DEVMEM__RXBUFS_GROUP);
	if (bufs->memory)
		munmap(bufs->memory, bufs->count * bufs->stride);
	if (bufs->ring)
		munmap(bufs->ring, ring_bytes(bufs));
	free(bufs->buf);
	memset(bufs, 0, sizeof(*bufs));
}

unsigned char *devmem__rxbufs_take(struct devmem__rxbufs *bufs, unsigned int id)
{
	bufs->free--;
	bufs->buf[id].holders = 1;
	bufs->buf[id].generation++;
	return bufs->memory + id * bufs->stride;
}

uint32_t devmem__rxbufs_token(const struct devmem__rxbufs *bufs, unsigned int id)
{
	return (uint32_t)bufs->buf[id].generation << 16 | id;
}

void devmem__rxbufs_hold(struct devmem__rxbufs *bufs, unsigned int id, unsigned int n)
{
	bufs->buf[id].holders += n;
}

int devmem__rxbufs_put(struct devmem__rxbufs *bufs, uint32_t token)
{
	unsigned int id = token & 0xffff;

	if (id >= bufs->count || !bufs->buf[id].holders || bufs->buf[id].generation != token >> 16)
		return -EINVAL;
	if (!--bufs->buf[id].holders)
		give(bufs, id);
	return 0;
}
