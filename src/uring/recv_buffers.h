/* SPDX-License-Identifier: MIT */
/*
 * The buffers that io_uring picks from for multishot receives. Each has room for control data, and
 * address space for host bytes; device bytes never touch it. A buffer goes back to the kernel when
 * its completion has been processed and all HOST fragments in it have been released.
 */
#ifndef DEVMEM__URING_RECV_BUFFERS_H
#define DEVMEM__URING_RECV_BUFFERS_H

#include "uring/uring.h"

/*
 * Room for the cmsgs of 400 fragments, 40 bytes each. If a full control buffer cuts a receive off
 * in the middle of a packet, that costs the kernel dearly. The payload size also limits the device
 * bytes of a receive, although they are never written there.
 */
#define DEVMEM__CONTROL_BYTES 16000

#define DEVMEM__RECV_BUFFERS_GROUP 0 /* the number of this group of provided buffers */

/* if the caller gives no number: so many at first, which stay in the processor's cache ... */
#define DEVMEM__RECV_BUFFERS_FEW  16u
#define DEVMEM__RECV_BUFFERS_MANY 256u /* ... and so many at most, for many sockets */

struct devmem__recv_buffer {
	unsigned int holders;
	uint16_t generation; /* how often the buffer was filled */
};

struct devmem__recv_buffers {
	struct io_uring_buf_ring *ring;
	/* mappings of @together buffers each */
	unsigned char *memory[DEVMEM__RECV_BUFFERS_MANY / DEVMEM__RECV_BUFFERS_FEW];
	struct devmem__recv_buffer *buf;
	size_t stride;	       /* bytes of one buffer */
	size_t payload;	       /* of these, bytes for payload */
	unsigned int entries;  /* of the ring, a power of two */
	unsigned int together; /* buffers in one mapping */
	unsigned int count;    /* existing buffers */
	unsigned int free;     /* of these, how many the kernel has */
};

/* devmem__recv_buffers_open() - make @count buffers, a power of two. 0: few, and more when
 * devmem__recv_buffers_want() asks for them. Sets the error message. */
int devmem__recv_buffers_open(struct devmem__recv_buffers *bufs, struct devmem__uring *uring,
			      unsigned int count, size_t payload);

/*
 * devmem__recv_buffers_want() - @count sockets may each need a buffer at once: make as many
 * buffers. A receive that finds no buffer ends without data. Nothing is added if the number was
 * given at opening, or if there is no memory.
 */
void devmem__recv_buffers_want(struct devmem__recv_buffers *bufs, unsigned int count);

void devmem__recv_buffers_close(struct devmem__recv_buffers *bufs, struct devmem__uring *uring);

static inline unsigned char *devmem__recv_buffers_memory(const struct devmem__recv_buffers *bufs,
							 unsigned int id)
{
	return bufs->memory[id / bufs->together] + id % bufs->together * bufs->stride;
}

/* devmem__recv_buffers_take() - the kernel filled buffer @id. Its one holder is the completion. */
static inline unsigned char *devmem__recv_buffers_take(struct devmem__recv_buffers *bufs,
						       unsigned int id)
{
	bufs->free--;
	bufs->buf[id].holders = 1;
	bufs->buf[id].generation++;
	return devmem__recv_buffers_memory(bufs, id);
}

/* The token of HOST events in buffer @id. Its generation exposes a stale token. */
static inline uint32_t devmem__recv_buffers_token(const struct devmem__recv_buffers *bufs,
						  unsigned int id)
{
	return (uint32_t)bufs->buf[id].generation << 16 | id;
}

/* devmem__recv_buffers_hold() - add @n holders, HOST fragments that the caller gets. */
static inline void devmem__recv_buffers_hold(struct devmem__recv_buffers *bufs, unsigned int id,
					     unsigned int n)
{
	bufs->buf[id].holders += n;
}

/* devmem__recv_buffers_put() - remove a holder. The last one gives the buffer back to the kernel.
 * -EINVAL: the token is stale. */
int devmem__recv_buffers_put(struct devmem__recv_buffers *bufs, uint32_t token);

#endif
