// SPDX-License-Identifier: MIT
/*
 * Engine "copy": multishot IORING_OP_RECV. The provided buffers are chunks of the binding's buffer
 * itself. Where the kernel can, it fills a chunk by several receives, one after the other
 * (IOU_PBUF_RING_INC, Linux 6.12). A chunk is provided again once it is used up and all its
 * fragments have been released.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/uapi_sock.h"
#include "bind.h"
#include "bind/page_size.h"
#include "engines/copy_tokens.h"
#include "recv/receiving.h"

#define PROVIDED       8u  /* chunks provided to the kernel at a time: a power of two */
#define PROVIDED_WHOLE 64u /* the same, where each receive uses up a chunk */
#define MAX_GROUPS     32u /* of provided buffers on a ring */

struct chunk {
	uint32_t used;	    /* bytes received into it */
	uint32_t fragments; /* of it that are out */
	bool ours;	    /* this ring has claimed it from the binding */
	bool provided;	    /* the kernel may write to it */
};

struct copy {
	struct io_uring_buf_ring *ring;
	struct devmem__chunks *chunks;
	struct devmem__copy_tokens tokens;
	unsigned char *memory;
	uint64_t base; /* added to offsets: HOST events hold an address instead */
	size_t pages;  /* of a chunk, as the binding counts them */
	unsigned int group, entries;
	unsigned int provided, max_provided; /* chunks */
	bool incremental;
	struct chunk chunk[];
};

/* --------------------------------------------------------------------------------------- chunks */

static void provide(struct copy *c, unsigned int number)
{
	struct chunk *chunk = &c->chunk[number];

	chunk->ours = chunk->provided = true;
	chunk->used = 0;
	io_uring_buf_ring_add(c->ring, c->memory + number * c->chunks->bytes,
			      (unsigned int)c->chunks->bytes, (unsigned short)number,
			      io_uring_buf_ring_mask(c->entries), 0);
	io_uring_buf_ring_advance(c->ring, 1);
	c->provided++;
}

/* Provides as many chunks as it may. true: the kernel has none, because other rings have claimed
 * them all. */
static bool copy_refill(struct devmem__binding_use *use)
{
	struct copy *c = use->state;

	while (c->provided < c->max_provided) {
		int number = devmem__chunks_take(c->chunks);

		if (number < 0)
			break;
		provide(c, (unsigned int)number);
	}
	return !c->provided && atomic_load_explicit(&c->chunks->rings, memory_order_relaxed) > 1;
}

/* The chunk has no fragment out, and the kernel is done with it. */
static void chunk_back(struct copy *c, unsigned int number)
{
	if (c->provided < c->max_provided) {
		provide(c, number);
		return;
	}
	c->chunk[number].ours = false;
	devmem__chunks_give(c->chunks, number);
}

static void chunk_used_up(struct copy *c, unsigned int number)
{
	c->chunk[number].provided = false;
	c->provided--;
	if (!c->chunk[number].fragments)
		chunk_back(c, number);
}

/* ------------------------------------------------------------------------------- opened, closed */

static int free_group(struct devmem_ring *ring)
{
	for (unsigned int i = DEVMEM__RECV_BUFFERS_GROUP + 1; i < MAX_GROUPS; i++) {
		if (ring->bindings.buffer_groups & 1u << i)
			continue;
		ring->bindings.buffer_groups |= 1u << i;
		return (int)i;
	}
	return devmem__fail(EMFILE, "sockets of %u copying bindings are on this ring: open another",
			    MAX_GROUPS - 1);
}

/* Whether the kernel has incremental consumption is found by asking for it. */
static int provide_ring(struct devmem_ring *ring, struct copy *c)
{
	int err;

	c->entries = PROVIDED_WHOLE;
	c->ring = mmap(NULL, c->entries * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->ring == MAP_FAILED)
		return devmem__fail(ENOMEM, "no memory for a provided-buffer ring");
	c->incremental = true;
	err = devmem__uring_buffers(&ring->uring, c->ring, c->entries, c->group,
				    DEVMEM_PBUF_RING_INC);
	if (err == -EINVAL) {
		c->incremental = false;
		err = devmem__uring_buffers(&ring->uring, c->ring, c->entries, c->group, 0);
	}
	if (!err)
		return 0;
	munmap(c->ring, c->entries * sizeof(struct io_uring_buf));
	return devmem__fail(-err, "the kernel refuses a provided-buffer ring: %s", strerror(-err));
}

static unsigned int at_least_one(unsigned int n)
{
	return n ? n : 1;
}

static int copy_open(struct devmem__binding_use *use, const struct devmem_ring_opts *opts)
{
	struct devmem__chunks *chunks = devmem__binding_chunks(use->binding);
	struct devmem_ring *ring = use->ring;
	struct copy *c = calloc(1, sizeof(*c) + chunks->count * sizeof(c->chunk[0]));
	bool staged;
	int err;

	(void)opts;
	if (!c)
		return devmem__fail(ENOMEM, "no memory to divide a buffer");
	c->chunks = chunks;
	c->memory = devmem__binding_memory(use->binding, &staged);
	c->base = use->binding == ring->bindings.own ? (uintptr_t)c->memory : 0;
	c->pages = at_least_one((unsigned int)(chunks->bytes / devmem__system_page()));
	err = free_group(ring);
	if (err < 0)
		goto err_free;
	c->group = (unsigned int)err;
	err = provide_ring(ring, c);
	if (err)
		goto err_group;
	/* a quarter of the chunks at most, so that a second ring finds some */
	c->max_provided = c->incremental ? PROVIDED : PROVIDED_WHOLE;
	if (c->max_provided > chunks->count / 4)
		c->max_provided = at_least_one(chunks->count / 4);
	atomic_fetch_add(&chunks->rings, 1);
	use->state = c;
	return 0;

err_group:
	ring->bindings.buffer_groups &= ~(1u << c->group);
err_free:
	free(c);
	return err;
}

static void copy_close(struct devmem__binding_use *use)
{
	struct copy *c = use->state;

	devmem__uring_no_buffers(&use->ring->uring, c->group);
	munmap(c->ring, c->entries * sizeof(struct io_uring_buf));
	use->ring->bindings.buffer_groups &= ~(1u << c->group);
	for (unsigned int i = 0; i < c->chunks->count; i++) {
		if (c->chunk[i].fragments) /* they are still out, as the ring is being closed */
			devmem__binding_back(use->binding, c->pages);
		if (c->chunk[i].ours)
			devmem__chunks_give(c->chunks, i);
	}
	atomic_fetch_sub(&c->chunks->rings, 1);
	devmem__copy_tokens_free(&c->tokens);
	free(c);
}

/* ------------------------------------------------------------------------------------ receiving */

static void copy_arm(struct devmem_sock *sock, struct io_uring_sqe *sqe)
{
	struct copy *c = sock->use->state;
	uint64_t user_data = sqe->user_data;

	io_uring_prep_recv_multishot(sqe, sock->fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = (uint16_t)c->group;
	sqe->user_data = user_data;
}

static bool copy_can_arm(const struct devmem_sock *sock)
{
	const struct copy *c = sock->use->state;

	return c->provided > 0;
}

static bool is_fragment(const struct io_uring_cqe *cqe, const struct io_uring_cqe *first)
{
	return cqe->user_data == first->user_data && cqe->res > 0 &&
	       cqe->flags & IORING_CQE_F_BUFFER;
}

/* Bytes that follow those of @last become part of the same fragment. */
static bool extend(struct devmem_event *last, uint64_t offset, uint32_t bytes)
{
	if (last->offset + last->length != offset)
		return false;
	last->length += bytes;
	return true;
}

static int new_fragment(struct devmem_sock *sock, unsigned int number, uint64_t offset,
			uint32_t bytes, struct devmem_event *event)
{
	struct copy *c = sock->use->state;
	int64_t token = devmem__copy_tokens_get(&c->tokens, number, sock->stream.slot);

	if (token < 0)
		return (int)token;
	*event = (struct devmem_event){
		.user_data = sock->stream.user_data,
		.offset = offset,
		.length = bytes,
		.token = (uint32_t)token,
		.tokens = 1,
		.sock = sock->stream.slot,
		.buffer = sock->unbound ? 0 : sock->stream.buffer,
		.type = sock->unbound ? DEVMEM_EVENT_HOST : DEVMEM_EVENT_DATA,
	};
	sock->stream.out.count++;
	sock->received.fragments++;
	sock->received.descriptors++;
	return 0;
}

/* Adds the bytes of one completion to @events, which holds @out already. Returns the new number of
 * events, or -ENOMEM. */
static int take_one(struct devmem_sock *sock, const struct io_uring_cqe *cqe,
		    struct devmem_event *events, int out, size_t *pages)
{
	struct copy *c = sock->use->state;
	unsigned int number = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	struct chunk *chunk = &c->chunk[number];
	uint64_t offset = c->base + number * c->chunks->bytes + chunk->used;
	uint32_t bytes = (uint32_t)cqe->res;

	if (!out || !chunk->used || sock->stream.merge == 1 ||
	    !extend(&events[out - 1], offset, bytes)) {
		int err = new_fragment(sock, number, offset, bytes, &events[out]);

		if (err)
			return err;
		out++;
		if (!chunk->fragments++)
			*pages += c->pages;
	}
	chunk->used += bytes;
	if (!c->incremental || !(cqe->flags & DEVMEM_CQE_F_BUF_MORE))
		chunk_used_up(c, number);
	return out;
}

static int copy_take(struct devmem_sock *sock, struct devmem_event *events, unsigned int n)
{
	struct devmem_ring *ring = sock->ring;
	const struct io_uring_cqe *first = NULL;
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	uint64_t bytes = 0;
	size_t pages = 0;
	int out = 0;

	io_uring_for_each_cqe (&ring->uring.io, head, cqe) {
		int now;

		first = first ? first : cqe;
		if (!is_fragment(cqe, first) || (unsigned int)out == n)
			break;
		now = take_one(sock, cqe, events, out, &pages);
		if (now < 0 && !out)
			return now;
		if (now < 0)
			break;
		out = now;
		bytes += (uint32_t)cqe->res;
		if (!(cqe->flags & IORING_CQE_F_MORE))
			devmem__sock_disarmed(sock);
		seen++;
	}
	if (!seen)
		return 0;
	io_uring_cq_advance(&ring->uring.io, seen);
	ring->stats.completions += seen;
	sock->received.plain += bytes;
	devmem__lowat_received(sock, bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX);
	devmem__backpressure_out(sock, pages);
	return out;
}

/* Without incremental consumption a receive uses up a chunk even if it brings no bytes. */
static void copy_empty(struct devmem_sock *sock, const struct io_uring_cqe *cqe)
{
	struct copy *c = sock->use->state;

	if (cqe->flags & IORING_CQE_F_BUFFER && !(cqe->flags & DEVMEM_CQE_F_BUF_MORE))
		chunk_used_up(c, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
}

/* ------------------------------------------------------------------------------------ releasing */

/* Releases one event at a time, since each may be the last fragment of its chunk. */
static int copy_release(struct devmem_sock *sock, const struct devmem_event *event, unsigned int n)
{
	struct copy *c = sock->use->state;
	int64_t number = event->tokens == 1 ? devmem__copy_tokens_put(&c->tokens, event->token,
								      sock->stream.slot)
					    : -EINVAL;
	bool last;

	(void)n;
	if (number < 0)
		return devmem__fail(EINVAL, "a fragment was released that is not out: released "
					    "twice, or not of this ring");
	last = !--c->chunk[number].fragments;
	sock->stream.out.count--;
	sock->ring->stats.tokens_released++;
	devmem__backpressure_back(sock, last ? c->pages : 0);
	if (last && !c->chunk[number].provided)
		chunk_back(c, (unsigned int)number);
	return 1;
}

/* copy_close() takes back all chunks at once. */
static void copy_drop(struct devmem_sock *sock)
{
	(void)sock;
}

const struct devmem__engine devmem__engine_copy = {
	.id = DEVMEM__ENGINE_COPY,
	.ends_get_lost = true,
	.open = copy_open,
	.close = copy_close,
	.arm = copy_arm,
	.can_arm = copy_can_arm,
	.take = copy_take,
	.empty = copy_empty,
	.release = copy_release,
	.drop = copy_drop,
	.refill = copy_refill,
};
