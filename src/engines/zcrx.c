// SPDX-License-Identifier: MIT
/*
 * Engine "zcrx": multishot IORING_OP_RECV_ZC. The ring itself registers the queue, with the buffer
 * as its area. Each completion is a fragment, and fragments go back through a refill ring in shared
 * memory, without a system call. Bytes that the NIC did not write into a dma-buf area cannot be
 * received this way: the socket receives messages until zero-copy receive works again.
 * [io_uring/zcrx.c]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/event.h"
#include "base/uapi_sock.h"
#include "bind.h"
#include "bind/page_size.h"
#include "engines/zcrx_refill.h"
#include "memory/buffer.h"
#include "recv/signed.h"
#include "recv/messages.h"
#include "recv/token_release.h"

#define MIN_REFILL 64u
#define MAX_REFILL 32768u /* the kernel's own limit */
/* changes between zero-copy receive and messages without a byte, before the engine gives up */
#define MAX_SWITCHES 4u
#define SAME_PAGE    (1u << 31) /* in a token: all its fragments are of one page */

struct zcrx {
	uint32_t *khead, *ktail; /* of the refill ring; the kernel moves the head */
	struct devmem__zcrx_rqe *rqes;
	uint32_t head, tail, entries; /* our copies; @head as it was last read */
	uint64_t area;		      /* the area's bits of an offset */
	unsigned int shift;	      /* log2 of the page size */
	uint32_t id;
	struct devmem__zcrx_refill refill;
	/* fragments that found no room on the refill ring in the last turn */
	size_t waited;
	void *region;
	size_t region_bytes;
};

/* ------------------------------------------------------------------------------- opened, closed */

static uint32_t refill_entries(const struct devmem_ring_opts *opts, size_t pages)
{
	size_t want = opts->refill_entries ? opts->refill_entries : pages;
	uint32_t n = opts->refill_entries ? 1 : MIN_REFILL;

	while (n < want && n < MAX_REFILL)
		n *= 2;
	return n;
}

/* One attempt, with pages of @size. Returns -errno without an error message. */
static int register_queue(struct devmem__binding_use *use, struct devmem__zcrx_ifq_reg *reg,
			  struct devmem__zcrx_area_reg *area, struct zcrx *z, uint32_t size)
{
	struct devmem_buffer *buffer = devmem__binding_buffer(use->binding);
	struct devmem__region_desc region = {
		.user_addr = (uintptr_t)z->region,
		.size = z->region_bytes,
		.flags = DEVMEM_REGION_USER,
	};
	uint32_t queue = 0;

	devmem_binding_queues(use->binding, &queue, 1);
	*area = (struct devmem__zcrx_area_reg){
		.len = devmem_buffer_size(buffer),
		.flags = DEVMEM_ZCRX_AREA_DMABUF,
		.dmabuf_fd = (uint32_t)devmem_buffer_fd(buffer),
	};
	*reg = (struct devmem__zcrx_ifq_reg){
		.if_idx = devmem__binding_ifindex(use->binding),
		.if_rxq = queue,
		.rq_entries = z->entries,
		.area_ptr = (uintptr_t)area,
		.region_ptr = (uintptr_t)&region,
		/* older kernels do not have this field, and take 0 alone */
		.rx_buf_len = size == devmem__system_page() ? 0 : size,
	};
	return io_uring_register((unsigned int)use->ring->uring.io.ring_fd,
				 DEVMEM_IORING_REGISTER_ZCRX_IFQ, reg, 1);
}

static int refused(struct devmem__binding_use *use, int err)
{
	uint32_t queue = 0;

	if (devmem__binding_blame_link(use->binding, err))
		return err;
	devmem_binding_queues(use->binding, &queue, 1);
	switch (err) {
	case -EPERM:
		return devmem__fail(EPERM, "engine zcrx needs CAP_NET_ADMIN in the initial user "
					   "namespace: run as root, give the program that "
					   "capability, or use engine devmem");
	case -EEXIST:
		return devmem__fail(EBUSY,
				    "queue %u is already bound by another process: close the "
				    "binding and bind another queue",
				    queue);
	case -EINVAL:
	case -EOPNOTSUPP:
		return devmem__fail(EOPNOTSUPP,
				    "the kernel does not give queue %u to io_uring with this "
				    "buffer: the kernel or the driver lacks zero-copy receive into "
				    "dma-bufs (Linux 6.16)",
				    queue);
	}
	return devmem__fail(-err, "the kernel does not give queue %u to io_uring: %s", queue,
			    strerror(-err));
}

static int map_region(struct zcrx *z)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	/* the entries begin behind a header of less than a page */
	z->region_bytes =
		(z->entries * sizeof(struct devmem__zcrx_rqe) + 2 * page - 1) / page * page;
	z->region = mmap(NULL, z->region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	return z->region == MAP_FAILED ? devmem__fail(ENOMEM, "no memory for a refill ring") : 0;
}

static void take_over(struct zcrx *z, const struct devmem__zcrx_ifq_reg *reg,
		      const struct devmem__zcrx_area_reg *area)
{
	unsigned char *base = z->region;

	z->khead = (uint32_t *)(base + reg->offsets.head);
	z->ktail = (uint32_t *)(base + reg->offsets.tail);
	z->rqes = (struct devmem__zcrx_rqe *)(base + reg->offsets.rqes);
	z->entries = reg->rq_entries;
	z->area = area->rq_area_token;
	z->id = reg->zcrx_id;
	/* lengths never change: only offsets are written later */
	for (uint32_t i = 0; i < z->entries; i++)
		z->rqes[i] = (struct devmem__zcrx_rqe){ .len = 1u << z->shift };
}

/* Registers the queue with the largest pages that the kernel accepts. */
static int try_sizes(struct devmem__binding_use *use, struct zcrx *z, size_t bytes)
{
	struct devmem__zcrx_area_reg area;
	struct devmem__zcrx_ifq_reg reg;
	struct devmem__pages pages;
	int err = devmem__binding_pages(use->binding, &pages);

	for (unsigned int i = 0; !err && i < pages.n; i++) {
		int refusal = register_queue(use, &reg, &area, z, pages.size[i]);

		if (refusal >= 0) {
			z->shift = (unsigned int)__builtin_ctz(pages.size[i]);
			z->refill.pages = (uint32_t)(bytes >> z->shift);
			devmem__binding_set_pages(use->binding, &pages, i);
			take_over(z, &reg, &area);
			devmem__log(DEVMEM_LOG_INFO,
				    "a ring of engine zcrx has a queue, with pages of %u KiB (%s)",
				    pages.size[i] >> 10, pages.why);
			return 0;
		}
		if (i + 1 == pages.n || !devmem__page_size_go_on(refusal))
			return refused(use, refusal);
		devmem__page_size_refused(&pages, pages.size[i], strerror(-refusal));
	}
	return err;
}

static int zcrx_open(struct devmem__binding_use *use, const struct devmem_ring_opts *opts)
{
	size_t bytes = devmem__binding_bytes(use->binding), most = bytes / devmem__system_page();
	struct zcrx *z = calloc(1, sizeof(*z));
	int err;

	if (!z)
		return devmem__fail(ENOMEM, "no memory for a queue of engine zcrx");
	err = devmem__zcrx_refill_open(&z->refill, most);
	if (!err && !devmem__binding_take_queue(use->binding))
		err = devmem__fail(EBUSY, "another ring has the queue of this binding: with engine "
					  "zcrx, make a binding for each ring");
	if (err)
		goto err_refill;
	z->entries = refill_entries(opts, most);
	err = map_region(z);
	if (err)
		goto err_queue;
	err = try_sizes(use, z, bytes);
	if (err)
		goto err_region;
	use->state = z;
	return 0;

err_region:
	munmap(z->region, z->region_bytes);
err_queue:
	devmem__binding_give_queue(use->binding, false);
err_refill:
	devmem__zcrx_refill_close(&z->refill);
	free(z);
	return err;
}

/* The kernel let go of the queue when the io_uring was closed: there is no other way to end it. */
static void zcrx_close(struct devmem__binding_use *use)
{
	struct zcrx *z = use->state;

	devmem__binding_give_queue(use->binding, !use->ring->uring.abandoned);
	munmap(z->region, z->region_bytes);
	devmem__zcrx_refill_close(&z->refill);
	free(z);
}

/* ------------------------------------------------------------------------------------ receiving */

static void zcrx_arm(struct devmem_sock *sock, struct io_uring_sqe *sqe)
{
	const struct zcrx *z = sock->use->state;

	if (sock->request.messages) {
		/* MSG_SOCK_DEVMEM, since GRO may put unsplit bytes and our fragments, behind them,
		 * into one packet */
		devmem__messages_arm(sock, sqe, DEVMEM_MSG_SOCK_DEVMEM);
		return;
	}
	sqe->opcode = DEVMEM_IORING_OP_RECV_ZC;
	sqe->fd = sock->fd;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->splice_fd_in = (int)z->id; /* zcrx_ifq_idx, which older headers do not name */
}

static bool zcrx_can_arm(const struct devmem_sock *sock)
{
	return !sock->request.messages || sock->ring->messages.buffers.free > 0;
}

/* What all events of a socket have in common; take_run() fills in the rest. */
static struct devmem_event common_event(const struct devmem_sock *sock)
{
	return (struct devmem_event){
		.user_data = sock->stream.user_data,
		.tokens = 1,
		.sock = sock->stream.slot,
		.buffer = sock->stream.buffer,
		.type = DEVMEM_EVENT_DATA,
	};
}

static void received(struct devmem_sock *sock, const struct devmem_event *events, unsigned int n,
		     unsigned int fragments)
{
	struct devmem_ring *ring = sock->ring;
	struct zcrx *z = sock->use->state;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < n; i++) {
		bytes += events[i].length;
		devmem__zcrx_refill_out(&z->refill, events[i].token & ~SAME_PAGE, events[i].tokens,
					events[i].token & SAME_PAGE);
	}
	io_uring_cq_advance(&ring->uring.io, fragments);
	ring->stats.completions += fragments;
	sock->received.device += bytes;
	sock->received.fragments += fragments;
	sock->received.descriptors += n;
	sock->stream.out.count += fragments;
	devmem__lowat_received(sock, bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX);
	devmem__backpressure_out(sock, fragments);
}

/* How far the completions of a socket's fragments have been consumed. */
struct cursor {
	const struct io_uring_cqe *cqes; /* each is followed by its second half (CQE32) */
	uint32_t mask, head, tail, limit;
	/* @within: the bits of an offset below the page */
	uint64_t user_data, within;
	unsigned int shift;
	/* the same in all events; @event_end still lacks the tokens */
	uint64_t event_user_data, event_end;
};

static uint64_t offset_of(const struct io_uring_cqe *cqe)
{
	return ((const struct devmem__zcrx_cqe *)(cqe + 1))->off & ~DEVMEM_ZCRX_AREA_MASK;
}

/* A fragment's completion has no flag of its own, only IORING_CQE_F_MORE. */
static bool is_fragment(const struct io_uring_cqe *cqe, uint64_t user_data)
{
	return cqe->user_data == user_data && cqe->res > 0;
}

/*
 * Writes one event, of a run of fragments that follow each other in memory. So that a release can
 * be counted by page, a run is either within one page, or one fragment for each of its pages. Its
 * length cannot overflow: a run has far fewer pages than that takes. The engine spends its time
 * here. false: no fragment is left.
 */
static inline bool take_run(struct cursor *c, struct devmem_event *ev)
{
	const struct io_uring_cqe *const cqes = c->cqes,
					 *cqe = cqes + (size_t)(c->head & c->mask) * 2;
	const uint32_t first = c->head,
		       tail = c->tail - first > c->limit ? first + c->limit : c->tail,
		       mask = c->mask;
	const uint64_t user_data = c->user_data, start = offset_of(cqe), within = c->within;
	uint32_t head = first + 1, same = 0;
	uint64_t end = start + (uint32_t)cqe->res;

	if (first == tail || !is_fragment(cqe, user_data))
		return false;
	for (; head != tail; head++, end += (uint32_t)cqe->res) {
		cqe = cqes + (size_t)(head & mask) * 2;
		if (!is_fragment(cqe, user_data) || offset_of(cqe) != end)
			break;
		if (!(end & within)) { /* a new page */
			if (same)
				break;
			continue;
		}
		if (!same && head != first + 1)
			break;
		same = SAME_PAGE;
	}
	c->head = head;
	ev->user_data = c->event_user_data;
	ev->offset = start;
	ev->length = (uint32_t)(end - start);
	ev->token = (uint32_t)(start >> c->shift) | same;
	memcpy(&ev->tokens, &c->event_end, sizeof(c->event_end));
	ev->tokens = (uint16_t)(head - first);
	return true;
}

static int zcrx_take(struct devmem_sock *sock, struct devmem_event *events, unsigned int n)
{
	const struct zcrx *z = sock->use->state;
	const struct io_uring_cq *cq = &sock->ring->uring.io.cq;
	const struct devmem_event common = common_event(sock);
	struct cursor c = {
		.cqes = cq->cqes,
		.mask = cq->ring_mask,
		.head = *cq->khead,
		.tail = io_uring_smp_load_acquire(cq->ktail),
		.limit = sock->stream.merge,
		.user_data = (uintptr_t)sock | DEVMEM__CQE_RECV,
		.within = (UINT64_C(1) << z->shift) - 1,
		.shift = z->shift,
		.event_user_data = common.user_data,
		.event_end = devmem__event_end(&common),
	};
	const uint32_t first = c.head;
	unsigned int out = 0;

	if (sock->request.messages)
		return 0;
	while (out < n && take_run(&c, &events[out]))
		out++;
	if (out)
		received(sock, events, out, c.head - first);
	return (int)out;
}

static void add_fallback(char *why, size_t room)
{
	size_t length = strlen(why);

	snprintf(why + length, room - length,
		 "; some bytes were copied, since their packets were not split or came through "
		 "another queue");
}

static void note_fallback(struct devmem_sock *sock)
{
	struct devmem_ring *ring = sock->ring;

	sock->stats.fallbacks++;
	if (ring->stats.fallbacks++)
		return;
	devmem__log(DEVMEM_LOG_WARNING, "some bytes are copied: zero-copy receive cannot take "
					"them, since their packets were not split or came through "
					"another queue");
	add_fallback(ring->choice.why, sizeof(ring->choice.why));
	add_fallback(sock->use->why, sizeof(sock->use->why));
}

/*
 * Would the next bytes come by the other way? Zero-copy receive fails with
 * -ENOMEM	they are in host memory: their packet was not split, or came through another queue
 * -EFAULT	they are in the area of another queue
 * A message fails with
 * -ENODEV	they are in our area again, or in a packet of both kinds that GRO made
 * -EFAULT	GRO made such a packet, and the kernel takes all of it for pages
 * [net/ipv4/tcp.c: tcp_recvmsg_dmabuf]
 */
static bool other_way_may_work(const struct devmem_sock *sock, int res)
{
	if (res == -EFAULT)
		return !devmem__decrypted(sock->fd);
	return res == (sock->request.messages ? -ENODEV : -ENOMEM);
}

static bool zcrx_recover(struct devmem_sock *sock, int res)
{
	/* the completion queue was full: receive again [io_uring/zcrx.c: io_zcrx_queue_cqe] */
	if (res == -ENOSPC && !sock->request.messages)
		return true;
	if (!other_way_may_work(sock, res))
		return false;
	if (++sock->request.switches > MAX_SWITCHES) {
		devmem__binding_saw_mixture(sock->binding);
		devmem__fail(-res, "the next bytes of a connection can be received neither by "
				   "zero-copy receive nor by copying: either the NIC split a "
				   "packet in the wrong place and GRO merged it with others (try "
				   "\"ethtool -K IFACE gro off\", or engine devmem), or they come "
				   "through a queue that another program has");
		devmem__log(DEVMEM_LOG_ERROR, "%s", devmem_error());
		sock->ring->report.explained = true;
		return false;
	}
	if (devmem__messages_open(sock->ring)) {
		sock->ring->report.explained = true;
		return false;
	}
	sock->request.messages = !sock->request.messages;
	if (sock->request.messages)
		note_fallback(sock);
	return true;
}

/* ------------------------------------------------------------------------------------ releasing */

/*
 * Puts released fragments on the refill ring, as many as it has room for. The highest page goes
 * first: the kernel takes 64 at a time and fills the last of them first, so the fragments that it
 * fills next are neighbours, and merge. The rest waits. Nothing runs short meanwhile, since the
 * kernel takes from the ring when its pool is empty.
 */
static void refill(struct zcrx *z)
{
	const uint32_t mask = z->entries - 1;
	struct devmem__zcrx_rqe *const rqes = z->rqes;
	uint32_t tail = z->tail, first = 0, n;
	bool same = false;

	if (z->entries - (tail - z->head) < z->refill.waiting)
		z->head = __atomic_load_n(z->khead, __ATOMIC_ACQUIRE);
	while ((n = devmem__zcrx_refill_next(&z->refill, z->entries - (tail - z->head), &first,
					     &same))) {
		const uint64_t step = same ? 0 : UINT64_C(1) << z->shift;
		uint64_t off = (z->area | (uint64_t)first << z->shift) + n * step;

		for (; n; n--)
			rqes[tail++ & mask].off = off -= step;
	}
	z->tail = tail;
	__atomic_store_n(z->ktail, tail, __ATOMIC_RELEASE);
}

/* Counts @tokens as released. They go to the refill ring with all others of this turn. */
static void count_released(struct devmem_sock *sock, unsigned int tokens)
{
	sock->stream.out.count -= tokens;
	sock->ring->stats.tokens_released += tokens;
	devmem__backpressure_back(sock, tokens);
}

/*
 * Releases a run if all of it is out, and else nothing. Fragments are counted by page and not by
 * socket, since several sockets may have part of one page; @released: by this batch, so far.
 */
static bool release_run(struct devmem_sock *sock, uint32_t token, unsigned int tokens,
			unsigned int released)
{
	struct zcrx *z = sock->use->state;

	return released + tokens <= sock->stream.out.count &&
	       devmem__zcrx_refill_back(&z->refill, token & ~SAME_PAGE, tokens, token & SAME_PAGE);
}

static int release_one(struct devmem_sock *sock, const struct devmem_event *event)
{
	const unsigned int tokens = event->tokens;

	/* it came in a message: it lies in another binding's memory, and its token is the
	 * kernel's */
	if (!event->buffer)
		return devmem__dontneed(sock, event->token, tokens);
	if (!release_run(sock, event->token, tokens, 0))
		return devmem__fail(EINVAL, "a fragment was released that is not out: released "
					    "twice, or not of this ring");
	count_released(sock, tokens);
	return 0;
}

/* Releases plain fragments at the head of @events in one go. An event that needs a closer look ends
 * the batch, and is released alone by the next call. */
static int zcrx_release(struct devmem_sock *sock, const struct devmem_event *events, unsigned int n)
{
	const struct devmem_event common = common_event(sock);
	const uint64_t all = devmem__event_of(&common);
	unsigned int i, released = 0;
	int err;

	for (i = 0; i < n; i++) {
		if (devmem__event_of(&events[i]) != all ||
		    !release_run(sock, events[i].token, events[i].tokens, released))
			break;
		released += events[i].tokens;
	}
	if (i) {
		count_released(sock, released);
		return (int)i;
	}
	err = release_one(sock, events);
	return err ? err : 1;
}

/* Once a turn. true: some released fragments found no room on the refill ring. */
static bool zcrx_refill(struct devmem__binding_use *use)
{
	struct zcrx *z = use->state;

	if (!z->refill.waiting)
		return false;
	refill(z);
	if (z->refill.waiting > z->waited)
		use->ring->stats.refill_waits += z->refill.waiting - z->waited;
	z->waited = z->refill.waiting;
	return z->waited > 0;
}

const struct devmem__engine devmem__engine_zcrx = {
	.id = DEVMEM__ENGINE_ZCRX,
	.keep = true,
	.ends_get_lost = true,
	.open = zcrx_open,
	.close = zcrx_close,
	.arm = zcrx_arm,
	.can_arm = zcrx_can_arm,
	.take = zcrx_take,
	.recover = zcrx_recover,
	.release = zcrx_release,
	/* releases tokens of messages; the kernel takes the rest back when the ring is closed */
	.drop = devmem__dontneed_all_now,
	.refill = zcrx_refill,
};
