// SPDX-License-Identifier: MIT
/*
 * Engine "zcrx": multishot IORING_OP_RECV_ZC. The ring itself registers the queue, with the buffer as its area; each
 * completion is a fragment, and fragments go back through a ring in shared memory, without a system call. A dma-buf area
 * has no way for bytes that the NIC did not write there: those are received as messages, until the rest can be had
 * again. [io_uring/zcrx.c]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bind.h"
#include "buffer.h"
#include "dontneed.h"
#include "pages.h"
#include "rxmsg.h"
#include "uapi_sock.h"

#define LEAST_REFILL	64u
#define MOST_REFILL	32768u		/* the kernel's own limit */
#define MOST_STUCK	4u		/* changes to messages and back that bring nothing: then it is given up */
#define SAME_PAGE	(1u << 31)	/* of a token: its fragments are all of one page */

struct page {
	uint32_t out;			/* fragments of it that were handed out */
	uint32_t waiting;		/* that came back and found no room on the refill ring */
};

struct zcrx {
	uint32_t *khead, *ktail;	/* of the refill ring; the kernel moves the head */
	struct devmem__zcrx_rqe *rqes;
	uint32_t head, tail, entries;	/* ours, the head as last seen */
	uint64_t area;			/* its bits of an offset */
	unsigned int shift;		/* of a page */
	uint32_t id;
	size_t pages, waiting, next;	/* @next: where to look for one that waits */
	void *region;
	size_t region_bytes;
	struct page page[];
};

/* ------------------------------------------------------------------------------------ opened, closed */

static uint32_t refill_entries(const struct devmem_ring_opts *opts, size_t pages)
{
	size_t want = opts->refill_entries ? opts->refill_entries : pages;
	uint32_t n = opts->refill_entries ? 1 : LEAST_REFILL;

	while (n < want && n < MOST_REFILL)
		n *= 2;
	return n;
}

/* One attempt, with pages of @size. Returns -errno without a sentence. */
static int register_queue(struct devmem__source *source, struct devmem__zcrx_ifq_reg *reg,
			  struct devmem__zcrx_area_reg *area, struct zcrx *z, uint32_t size)
{
	struct devmem_buffer *buffer = devmem__binding_buffer(source->binding);
	struct devmem__region_desc region = {
		.user_addr = (uintptr_t)z->region,
		.size = z->region_bytes,
		.flags = DEVMEM_REGION_USER,
	};
	uint32_t queue = 0;

	devmem_binding_queues(source->binding, &queue, 1);
	*area = (struct devmem__zcrx_area_reg){
		.len = devmem_buffer_size(buffer),
		.flags = DEVMEM_ZCRX_AREA_DMABUF,
		.dmabuf_fd = (uint32_t)devmem_buffer_fd(buffer),
	};
	*reg = (struct devmem__zcrx_ifq_reg){
		.if_idx = devmem__binding_ifindex(source->binding),
		.if_rxq = queue,
		.rq_entries = z->entries,
		.area_ptr = (uintptr_t)area,
		.region_ptr = (uintptr_t)&region,
		.rx_buf_len = size == devmem__pages_system() ? 0 : size,	/* older kernels know no such thing */
	};
	return io_uring_register((unsigned int)source->ring->io.ring_fd, DEVMEM_IORING_REGISTER_ZCRX_IFQ, reg, 1);
}

static int refused(struct devmem__source *source, int err)
{
	uint32_t queue = 0;

	devmem_binding_queues(source->binding, &queue, 1);
	switch (err) {
	case -EPERM:
		return devmem__fail(EPERM, "engine zcrx needs CAP_NET_ADMIN");
	case -EEXIST:
		return devmem__fail(EBUSY, "queue %u is bound already, by another process", queue);
	case -EINVAL:
	case -EOPNOTSUPP:
		return devmem__fail(EOPNOTSUPP, "the kernel does not give queue %u to io_uring with this buffer: it lacks "
				    "zero-copy receive into dma-bufs (Linux 6.16), or the driver does", queue);
	}
	return devmem__fail(-err, "the kernel does not give queue %u to io_uring: %s", queue, strerror(-err));
}

static int map_region(struct zcrx *z)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	/* the entries begin behind a header of less than a page */
	z->region_bytes = (z->entries * sizeof(struct devmem__zcrx_rqe) + 2 * page - 1) / page * page;
	z->region = mmap(NULL, z->region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return z->region == MAP_FAILED ? devmem__fail(ENOMEM, "no memory for a refill ring") : 0;
}

static void take_over(struct zcrx *z, const struct devmem__zcrx_ifq_reg *reg, const struct devmem__zcrx_area_reg *area)
{
	unsigned char *base = z->region;

	z->khead = (uint32_t *)(base + reg->offsets.head);
	z->ktail = (uint32_t *)(base + reg->offsets.tail);
	z->rqes = (struct devmem__zcrx_rqe *)(base + reg->offsets.rqes);
	z->entries = reg->rq_entries;
	z->area = area->rq_area_token;
	z->id = reg->zcrx_id;
}

/* The largest pages that can be had. */
static int try_sizes(struct devmem__source *source, struct zcrx *z, size_t bytes)
{
	struct devmem__zcrx_area_reg area;
	struct devmem__zcrx_ifq_reg reg;
	struct devmem__pages pages;
	int err = devmem__binding_pages(source->binding, &pages);

	for (unsigned int i = 0; !err && i < pages.n; i++) {
		int refusal = register_queue(source, &reg, &area, z, pages.size[i]);

		if (refusal >= 0) {
			z->shift = (unsigned int)__builtin_ctz(pages.size[i]);
			z->pages = bytes >> z->shift;
			devmem__binding_set_pages(source->binding, &pages, i);
			take_over(z, &reg, &area);
			return 0;
		}
		if (i + 1 == pages.n || !devmem__pages_go_on(refusal))
			return refused(source, refusal);
		devmem__pages_refused(&pages, pages.size[i], strerror(-refusal));
	}
	return err;
}

static int zcrx_open(struct devmem__source *source, const struct devmem_ring_opts *opts)
{
	size_t bytes = devmem__binding_bytes(source->binding), most = bytes / devmem__pages_system();
	struct zcrx *z = calloc(1, sizeof(*z) + most * sizeof(z->page[0]));
	int err;

	if (!z)
		return devmem__fail(ENOMEM, "no memory to account for %zu pages", most);
	if (!devmem__binding_take_queue(source->binding)) {
		free(z);
		return devmem__fail(EBUSY, "another ring has the queue of this binding: with engine zcrx each ring takes a "
				    "binding of its own");
	}
	z->entries = refill_entries(opts, most);
	err = map_region(z);
	if (err)
		goto err_queue;
	err = try_sizes(source, z, bytes);
	if (err)
		goto err_region;
	source->own = z;
	return 0;

err_region:
	munmap(z->region, z->region_bytes);
err_queue:
	devmem__binding_give_queue(source->binding, false);
	free(z);
	return err;
}

/* The kernel has let go of the queue with the ring: nothing else ends it. */
static void zcrx_close(struct devmem__source *source)
{
	struct zcrx *z = source->own;

	devmem__binding_give_queue(source->binding, true);
	munmap(z->region, z->region_bytes);
	free(z);
}

/* ------------------------------------------------------------------------------------ receiving */

static void zcrx_arm(struct devmem_sock *sock, struct io_uring_sqe *sqe)
{
	const struct zcrx *z = sock->source->own;

	if (sock->messages) {
		/* with the flag, since GRO puts unsplit bytes in front of our fragments, in one packet */
		devmem__rxmsg_arm(sock, sqe, DEVMEM_MSG_SOCK_DEVMEM);
		return;
	}
	sqe->opcode = DEVMEM_IORING_OP_RECV_ZC;
	sqe->fd = sock->fd;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->splice_fd_in = (int)z->id;		/* zcrx_ifq_idx, which older headers do not name */
}

static bool zcrx_can_arm(const struct devmem_sock *sock)
{
	return !sock->messages || sock->ring->bufs.free > 0;
}

/*
 * The fragment at @offset goes on where @ev ends. Can it be part of it, so that what comes back is still told apart? A
 * run is either within one page or one fragment for each of its pages.
 */
static bool merge(struct devmem_event *ev, uint64_t offset, uint32_t bytes, unsigned int shift, uint32_t limit)
{
	uint32_t first = ev->token & ~SAME_PAGE, page = (uint32_t)(offset >> shift);

	if (ev->tokens >= limit || bytes > UINT32_MAX - ev->length)
		return false;
	if (page == first)
		ev->token |= SAME_PAGE;
	else if (ev->token & SAME_PAGE || page != first + ev->tokens)
		return false;
	ev->length += bytes;
	ev->tokens++;
	return true;
}

/* What all events of a socket have in common; the rest is filled in by the loop. */
static struct devmem_event pattern(const struct devmem_sock *sock)
{
	return (struct devmem_event){
		.user_data = sock->stream.user_data,
		.tokens = 1,
		.sock = sock->stream.slot,
		.buffer = sock->stream.buffer,
		.type = DEVMEM_EVENT_DATA,
	};
}

/* tokens, sock, buffer and type lie together, and are compared together. */
static uint64_t event_end(const struct devmem_event *ev)
{
	uint64_t end;

	_Static_assert(offsetof(struct devmem_event, tokens) + sizeof(end) == sizeof(*ev), "they are the end");
	memcpy(&end, &ev->tokens, sizeof(end));
	return end;
}

static void received(struct devmem_sock *sock, unsigned int fragments, uint64_t bytes, unsigned int events)
{
	struct devmem_ring *ring = sock->ring;

	io_uring_cq_advance(&ring->io, fragments);
	ring->stats.completions += fragments;
	ring->count.device += bytes;
	ring->count.fragments += fragments;
	ring->count.descriptors += events;
	sock->stream.out.count += fragments;
	devmem__lowat_received(sock, bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX);
	devmem__pressure_out(sock, fragments);
}

/* Where this engine spends its time. A fragment's completion has two halves, and no flags but that more follow. */
static int zcrx_take(struct devmem_sock *sock, struct devmem_event *events, unsigned int n)
{
	struct zcrx *z = sock->source->own;
	const struct io_uring_cq *cq = &sock->ring->io.cq;
	const uint64_t user_data = (uintptr_t)sock | DEVMEM__CQE_RECV;
	const uint32_t limit = sock->stream.merge, mask = cq->ring_mask, tail = io_uring_smp_load_acquire(cq->ktail);
	const struct devmem_event common = pattern(sock);
	const uint64_t common_end = event_end(&common);
	const unsigned int shift = z->shift;
	struct page *const pages = z->page;
	uint32_t head = *cq->khead, first = head;
	struct devmem_event *ev = events, *const stop = events + n;
	uint64_t bytes = 0, end = UINT64_MAX;	/* of the last event */

	if (sock->messages)
		return 0;
	for (; head != tail; head++) {
		const struct io_uring_cqe *cqe = &cq->cqes[(size_t)(head & mask) * 2];
		const int length = cqe->res;
		uint64_t offset;
		uint32_t page;

		if (cqe->user_data != user_data || length <= 0)
			break;
		offset = ((const struct devmem__zcrx_cqe *)(cqe + 1))->off & ~DEVMEM_ZCRX_AREA_MASK;
		page = (uint32_t)(offset >> shift);
		if (offset != end || !merge(ev - 1, offset, (uint32_t)length, shift, limit)) {
			if (ev == stop)
				break;
			ev->user_data = common.user_data;
			ev->offset = offset;
			ev->length = (uint32_t)length;
			ev->token = page;
			memcpy(&ev->tokens, &common_end, sizeof(common_end));
			ev++;
		}
		end = offset + (uint32_t)length;
		pages[page].out++;
		bytes += (uint32_t)length;
	}
	if (head != first)
		received(sock, head - first, bytes, (unsigned int)(ev - events));
	return (int)(ev - events);
}

static void note_fallback(struct devmem_ring *ring)
{
	size_t length = strlen(ring->why);

	if (!ring->stats.fallbacks++)
		snprintf(ring->why + length, sizeof(ring->why) - length, "; some bytes were copied, since their packets were "
			 "not split or came through another queue");
}

/*
 * -ENOMEM: the next bytes are in host memory, since the packet was not split or came through another queue; -EFAULT: they
 * are in the area of another queue. -ENODEV of a message: they are ours again. [net/ipv4/tcp.c: tcp_recvmsg_dmabuf]
 */
static bool zcrx_recover(struct devmem_sock *sock, int res)
{
	if (sock->messages ? res != -ENODEV : res != -ENOMEM && res != -EFAULT)
		return false;
	if (++sock->stuck > MOST_STUCK) {
		devmem__fail(-res, "the next bytes of a connection can be had neither by zero-copy receive nor by copying: the "
			     "NIC split a packet in the wrong place and GRO merged it with others (\"ethtool -K IFACE gro "
			     "off\", or engine devmem), or another program has the queue that they come through");
		return false;
	}
	if (devmem__rxmsg_open(sock->ring))
		return false;
	sock->messages = !sock->messages;
	if (sock->messages)
		note_fallback(sock->ring);
	return true;
}

/* ------------------------------------------------------------------------------------ giving back */

static bool refill_one(struct zcrx *z, uint32_t page)
{
	if (z->tail - z->head == z->entries) {
		z->head = __atomic_load_n(z->khead, __ATOMIC_ACQUIRE);
		if (z->tail - z->head == z->entries)
			return false;
	}
	z->rqes[z->tail++ & (z->entries - 1)] = (struct devmem__zcrx_rqe){
		.off = z->area | (uint64_t)page << z->shift,
		.len = 1u << z->shift,
	};
	return true;
}

static void publish(struct zcrx *z)
{
	__atomic_store_n(z->ktail, z->tail, __ATOMIC_RELEASE);
}

static void give_back(struct devmem_sock *sock, uint32_t page, unsigned int fragments)
{
	struct zcrx *z = sock->source->own;

	z->page[page].out -= fragments;
	for (; fragments; fragments--) {
		if (refill_one(z, page))
			continue;
		/* the kernel takes from the ring when its pool is empty, so this is no shortage */
		z->page[page].waiting += fragments;
		z->waiting += fragments;
		sock->ring->stats.refill_waits += fragments;
		break;
	}
}

/* All of the run is out, or none of it is taken. Pages are counted, not sockets: several may have part of one. */
static bool is_out(const struct zcrx *z, uint32_t page, unsigned int tokens, bool same)
{
	if (same || tokens == 1)
		return page < z->pages && z->page[page].out >= tokens;
	for (unsigned int i = 0; i < tokens; i++)
		if (page + i >= z->pages || !z->page[page + i].out)
			return false;
	return true;
}

static int zcrx_release(struct devmem_sock *sock, const struct devmem_event *event, unsigned int tokens)
{
	struct zcrx *z = sock->source->own;
	uint32_t page = event->token & ~SAME_PAGE;
	bool same = event->token & SAME_PAGE;

	if (!event->buffer)	/* a message brought it: it lies in another binding's memory, and has a token of the kernel's */
		return devmem__dontneed(sock, event->token, tokens);
	if (!tokens || tokens > sock->stream.out.count || !is_out(z, page, tokens, same))
		return devmem__fail(EINVAL, "a fragment was released that is not out: released twice, or not of this ring");
	if (same)
		give_back(sock, page, tokens);
	for (unsigned int i = 0; !same && i < tokens; i++)
		give_back(sock, page + i, 1);
	publish(z);
	sock->stream.out.count -= tokens;
	sock->ring->stats.tokens_released += tokens;
	devmem__pressure_back(sock, tokens);
	return 0;
}

/* What of an event's end must be as that of all others of its socket: everything but how many tokens it has. */
static uint64_t without_tokens(uint64_t end)
{
	const struct devmem_event only = { .tokens = UINT16_MAX };

	return end & ~event_end(&only);
}

/*
 * Takes the run off the books, and puts it on the refill ring, where it must have room. false: not all of it is out, and
 * nothing was done.
 */
static bool refill_run(struct zcrx *z, uint32_t token, unsigned int tokens)
{
	const uint32_t first = token & ~SAME_PAGE, mask = z->entries - 1, bytes = 1u << z->shift;
	const unsigned int shift = z->shift;
	struct page *const pages = z->page;
	const bool same = token & SAME_PAGE;
	uint32_t tail = z->tail;

	if (!is_out(z, first, tokens, same))
		return false;
	for (unsigned int i = 0; i < tokens; i++) {
		const uint32_t page = same ? first : first + i;

		pages[page].out--;
		z->rqes[tail++ & mask] = (struct devmem__zcrx_rqe){ z->area | (uint64_t)page << shift, bytes, 0 };
	}
	z->tail = tail;
	return true;
}

/*
 * The second place where this engine spends its time: most fragments are an event of their own. What needs a closer look
 * ends it, and gets that from the caller.
 */
static int zcrx_release_many(struct devmem_sock *sock, const struct devmem_event *events, unsigned int n)
{
	struct zcrx *z = sock->source->own;
	const struct devmem_event common = pattern(sock);
	const uint64_t end = event_end(&common), area = z->area;
	const uint32_t mask = z->entries - 1, room = z->entries - (z->tail - z->head), before = z->tail;
	const uint32_t most = room < sock->stream.out.count ? room : (uint32_t)sock->stream.out.count;
	const unsigned int shift = z->shift;
	const size_t count = z->pages;
	struct page *const pages = z->page;
	struct devmem__zcrx_rqe *const rqes = z->rqes;
	uint32_t tail = before;
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct devmem_event *ev = &events[i];
		const uint32_t page = ev->token;

		if (event_end(ev) == end && page < count && pages[page].out && tail - before < most) {
			pages[page].out--;
			rqes[tail++ & mask] = (struct devmem__zcrx_rqe){ area | (uint64_t)page << shift, 1u << shift, 0 };
			continue;
		}
		if (without_tokens(event_end(ev)) != without_tokens(end) || !ev->tokens ||
		    tail - before + ev->tokens > most)
			break;
		z->tail = tail;
		if (!refill_run(z, page, ev->tokens))
			break;
		tail = z->tail;
	}
	z->tail = tail;
	if (!i) {
		int err = zcrx_release(sock, events, events->tokens);

		return err ? err : 1;
	}
	publish(z);
	sock->stream.out.count -= tail - before;
	sock->ring->stats.tokens_released += tail - before;
	devmem__pressure_back(sock, tail - before);
	return (int)i;
}

/* What had no room finds some. true: not all of it. */
static bool zcrx_refill(struct devmem__source *source)
{
	struct zcrx *z = source->own;

	if (!z->waiting)
		return false;
	for (size_t looked = 0; z->waiting && looked < z->pages; looked++) {
		struct page *page = &z->page[z->next];

		while (page->waiting && refill_one(z, (uint32_t)z->next)) {
			page->waiting--;
			z->waiting--;
		}
		if (page->waiting)
			break;
		z->next = z->next + 1 < z->pages ? z->next + 1 : 0;
	}
	publish(z);
	return z->waiting > 0;
}

const struct devmem__engine devmem__engine_zcrx = {
	.way = DEVMEM__WAY_ZCRX,
	.keep = true,
	.ends_get_lost = true,
	.open = zcrx_open,
	.close = zcrx_close,
	.arm = zcrx_arm,
	.can_arm = zcrx_can_arm,
	.take = zcrx_take,
	.recover = zcrx_recover,
	.release = zcrx_release,
	.release_many = zcrx_release_many,
	.drop = devmem__dontneed_all_now,	/* tokens of messages; the rest the kernel takes back when the ring is closed */
	.refill = zcrx_refill,
};
