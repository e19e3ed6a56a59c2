/* SPDX-License-Identifier: MIT */
/*
 * The receive buffers that io_uring picks from for multishot receives: room for control data, and
 * address space for host bytes. Device bytes never touch them. A buffer goes back to the kernel
 * when its completion is handed out and the HOST fragments in it are released.
 */
#ifndef DEVMEM__URING_RECV_BUFFERS_H
#define DEVMEM__URING_RECV_BUFFERS_H

#include "uring/uring.h"

/*
 * One cmsg of a fragment takes 40 bytes, so this is room for 400: a receive that a full control
 * buffer cuts off in the middle of a packet costs the kernel dearly. The payload size bounds device
 * bytes too, though they are never written there.
 */
#define DEVMEM__CONTROL_BYTES 16000

#define DEVMEM__RECV_BUFFERS_GROUP 0 /* of provided buffers */

/* if nobody says how many: these stay in the processor's cache ... */
#define DEVMEM__RECV_BUFFERS_FEW  16u
#define DEVMEM__RECV_BUFFERS_MANY 256u /* ... and so many there are at most, for many sockets */

struct devmem__recv_buffer {
	unsigned int holders;
	uint16_t generation; /* counts how often the buffer was filled */
};

struct devmem__recv_buffers {
	struct io_uring_buf_ring *ring;
	/* of as many buffers each */
	unsigned char *memory[DEVMEM__RECV_BUFFERS_MANY / DEVMEM__RECV_BUFFERS_FEW];
	struct devmem__recv_buffer *buf;
	size_t stride;	       /* bytes of one buffer */
	size_t payload;	       /* bytes of them for payload */
	unsigned int entries;  /* of the ring, a power of two */
	unsigned int together; /* buffers of one mapping */
	unsigned int count;    /* of buffers that there are */
	unsigned int free;     /* how many the kernel has */
};

/* devmem__recv_buffers_open() - @count buffers, a power of two; 0: few, and more when they are
 * wanted. */
int devmem__recv_buffers_open(struct devmem__recv_buffers *bufs, struct devmem__uring *uring,
			      unsigned int count, size_t payload);

/*
 * devmem__recv_buffers_want() - so many sockets may each want one at once: those that find none end
 * their receive for nothing. There are no more than before if their number was given, or if there
 * is no memory.
 */
void devmem__recv_buffers_want(struct devmem__recv_buffers *bufs, unsigned int count);

void devmem__recv_buffers_close(struct devmem__recv_buffers *bufs, struct devmem__uring *uring);

static inline unsigned char *devmem__recv_buffers_memory(const struct devmem__recv_buffers *bufs,
							 unsigned int id)
{
	return bufs->memory[id / bufs->together] + id % bufs->together * bufs->stride;
}

/* devmem__recv_buffers_take() - the kernel filled buffer @id; it has one holder, the completion. */
static inline unsigned char *devmem__recv_buffers_take(struct devmem__recv_buffers *bufs,
						       unsigned int id)
{
	bufs->free--;
	bufs->buf[id].holders = 1;
	bufs->buf[id].generation++;
	return devmem__recv_buffers_memory(bufs, id);
}

/* The token of HOST events in buffer @id: tells a stale release from a good one. */
static inline uint32_t devmem__recv_buffers_token(const struct devmem__recv_buffers *bufs,
						  unsigned int id)
{
	return (uint32_t)bufs->buf[id].generation << 16 | id;
}

/* devmem__recv_buffers_hold() - @n more holders: HOST fragments were handed out. */
static inline void devmem__recv_buffers_hold(struct devmem__recv_buffers *bufs, unsigned int id,
					     unsigned int n)
{
	bufs->buf[id].holders += n;
}

/* devmem__recv_buffers_put() - one holder less; the last gives the buffer back to the kernel.
 * -EINVAL: stale token. */
int devmem__recv_buffers_put(struct devmem__recv_buffers *bufs, uint32_t token);

#endif
