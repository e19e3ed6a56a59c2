// SPDX-License-Identifier: MIT
/*
 * From completions to the caller's events, in one pass. A completion that has more than the caller
 * has room for stays open and goes on in the next call.
 */
#include <errno.h>

#include "bind.h"
#include "memory/buffer.h"
#include "recv/messages.h"
#include "recv/token_release.h"
#include "ring/loop.h"
#include "tx.h"

static struct io_uring_cqe *next_cqe(struct devmem_ring *ring)
{
	struct io_uring_cqe *cqe;
	unsigned int head;

	/* not io_uring_peek_cqe(): that may enter the kernel */
	io_uring_for_each_cqe (&ring->uring.io, head, cqe)
		return cqe;
	return NULL;
}

/* Bytes after the end, or of a socket that the application has let go: nobody will release them, so
 * we do. */
static void discard(struct devmem_sock *sock, const struct devmem_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		if (events[i].tokens)
			sock->engine->release(sock, &events[i], 1);
		else
			devmem__messages_put_host(sock->ring, events[i].token);
	}
}

/* Copied bytes of a buffer that the processor cannot map go there once more. Returns how many
 * events are good. */
static int stage(struct devmem_sock *sock, struct devmem_event *events, int n)
{
	struct devmem_buffer *buffer = devmem__binding_buffer(sock->binding);
	bool staged;
	const unsigned char *from = devmem__binding_memory(sock->binding, &staged);
	int i;

	for (i = 0; staged && i < n; i++) {
		int err = devmem__buffer_write(buffer, events[i].offset, from + events[i].offset,
					       events[i].length);

		if (!err) {
			sock->ring->stats.bytes_staged += events[i].length;
			continue;
		}
		devmem__log(DEVMEM_LOG_ERROR,
			    "what a connection received cannot be copied into its buffer: %s",
			    devmem_error());
		discard(sock, events + i, n - i);
		if (sock->armed)
			devmem__sock_cancel(sock);
		sock->ring->explained = true;
		return i + (int)devmem__end_stream(sock, err, events + i);
	}
	return n;
}

/*
 * Completions that are fragments by themselves, as many as are of one socket. Returns the number of
 * events; *taken says whether there were any.
 */
static int take_fragments(struct devmem_sock *sock, struct devmem_event *events, unsigned int n,
			  bool *taken)
{
	int got = sock->engine->take(sock, events, n);

	*taken = got > 0;
	if (got <= 0)
		return got;
	sock->stuck = 0;
	if (sock->detached || sock->ended) {
		discard(sock, events, got);
		devmem__sock_let_go(sock);
		return 0;
	}
	return sock->engine->way == DEVMEM__ENGINE_COPY ? stage(sock, events, got) : got;
}

/* Events from the completion that is open; it stays open (ring->rx_sock) until used up. Or
 * -ENOMEM. */
static int hand_out_open(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	struct devmem_sock *sock = ring->rx_sock;
	unsigned int host = ring->rx.host_events;
	size_t out_before = sock->stream.out.count;
	int got = devmem__rx_next(&ring->rx, &sock->stream, &ring->count, events, n);
	bool done = got == 0 || got == -EBADMSG || (got > 0 && devmem__rx_is_over(&ring->rx));

	devmem__messages_handed(ring, &ring->rx, ring->rx.host_events - host, done);
	devmem__backpressure_out(sock, sock->stream.out.count - out_before);
	if (done)
		ring->rx_sock = NULL;
	if ((sock->detached || sock->ended) && got > 0) {
		discard(sock, events, got);
		got = 0;
	}
	if (got > 0 && sock->place && events[got - 1].type == DEVMEM_EVENT_HOST) {
		ring->place.held_of = sock;
		ring->place.held = events[--got];
	}
	if (got == -EBADMSG) {
		devmem__log(DEVMEM_LOG_ERROR, "%s", devmem_error());
		ring->explained = true;
		got = (int)devmem__end_stream(sock, -EBADMSG, events);
		if (sock->armed) /* what comes after a hole is of no use */
			devmem__sock_cancel(sock);
	}
	if (done)
		devmem__sock_let_go(sock);
	return got;
}

static unsigned int woken(struct devmem_ring *ring, struct devmem_event *event)
{
	if (!atomic_load_explicit(&ring->woken, memory_order_relaxed) ||
	    !atomic_exchange(&ring->woken, false))
		return 0;
	*event = (struct devmem_event){ .type = DEVMEM_EVENT_WOKEN };
	return 1;
}

static int link_result(enum devmem__link_state state)
{
	switch (state) {
	case DEVMEM__LINK_MOVED:
		return -EXDEV;
	case DEVMEM__LINK_GONE:
		return -ENODEV;
	default:
		return state == DEVMEM__LINK_UP;
	}
}

static unsigned int link_news(struct devmem_ring *ring, struct devmem_event *event)
{
	const struct devmem__link *link =
		ring->links.news ? devmem__links_next(&ring->links) : NULL;

	if (!link)
		return 0;
	*event = (struct devmem_event){
		.offset = link->ifindex,
		.result = link_result(link->state),
		.type = DEVMEM_EVENT_LINK,
	};
	return 1;
}

/* Of connections that ended while nothing could be received. */
static unsigned int known_end(struct devmem_ring *ring, struct devmem_event *event)
{
	unsigned int out = 0;

	while (!out && !devmem__list_empty(&ring->over)) {
		struct devmem_sock *sock = container_of(ring->over.next, struct devmem_sock, over);

		devmem__list_del(&sock->over);
		out = devmem__end_stream(sock, sock->end, event);
	}
	return out;
}

/* What is not a completion. Returns how many events that makes: 0 or 1. Nearly always 0, so it is
 * seen here, without calls. */
static unsigned int hand_out_news(struct devmem_ring *ring, struct devmem_event *event)
{
	unsigned int out = woken(ring, event);

	if (!out && atomic_load_explicit(&ring->gathers.news, memory_order_relaxed))
		out = devmem__gathers_event(ring, event);
	if (!out && ring->low_bytes)
		out = devmem__backpressure_events(ring, event);
	if (!out && !devmem__list_empty(&ring->over))
		out = known_end(ring, event);
	return out ? out : link_news(ring, event);
}

/* The socket whose fragments the completion may be, or NULL. */
static struct devmem_sock *fragments_of(const struct io_uring_cqe *cqe)
{
	struct devmem_sock *sock;

	if ((cqe->user_data & DEVMEM__CQE_KINDS) != DEVMEM__CQE_RECV)
		return NULL;
	sock = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)DEVMEM__CQE_KINDS);
	return sock->engine->take ? sock : NULL;
}

/* From what is in front of the next completion. */
static int hand_out_first(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	unsigned int out;
	int got;

	if (!ring->place.held_of)
		return hand_out_open(ring, events, n);
	got = devmem__spill_held(ring, events);
	if (got != -ENOBUFS)
		return got;
	out = devmem__overtake(ring, events, n);
	if (out < n && !ring->last)
		out += devmem__tx_hand_out(ring, events + out, n - out);
	return out ? (int)out : devmem__spill_held(ring, events);
}

int devmem__hand_out(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	struct io_uring_cqe *cqe;
	struct devmem_sock *sock;
	/* for news: at first, and after completions that made no event or ran a buffer low */
	bool look = true, seen = false;
	unsigned int out = 0;
	bool taken;

	ring->last = false;
	while (out < n && !ring->last) {
		if (look && hand_out_news(ring, events + out)) {
			out++;
			continue;
		}
		look = false;
		if (ring->place.held_of || ring->rx_sock) {
			int got = hand_out_first(ring, events + out, n - out);

			if (got < 0)
				return out ? (int)out : got;
			out += (unsigned int)got;
			continue;
		}
		cqe = next_cqe(ring);
		if (!cqe) {
			unsigned int sent = 0;

			if (!devmem__list_empty(&ring->told))
				sent = devmem__tx_hand_out(ring, events + out, n - out);
			out += sent;
			look = (seen && !out) || ring->low_bytes;
			seen = false;
			if (sent || look)
				continue;
			if (!devmem__list_empty(&ring->batches_out))
				devmem__dontneed_settle(ring);
			break;
		}
		sock = fragments_of(cqe);
		if (sock) {
			int got = take_fragments(sock, events + out, n - out, &taken);

			if (got < 0)
				return out ? (int)out : got;
			out += (unsigned int)got;
			if (taken)
				continue;
		}
		out += devmem__hand_out_one(ring, cqe, events + out);
		io_uring_cqe_seen(&ring->uring.io, cqe);
		seen = true;
	}
	return (int)out;
}
