// SPDX-License-Identifier: MIT
/*
 * Turns completions into the caller's events, in one pass. A completion with more events than the
 * caller has room for stays open, and the next call goes on with it.
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

	/* io_uring_peek_cqe() may enter the kernel */
	io_uring_for_each_cqe (&ring->uring.io, head, cqe)
		return cqe;
	return NULL;
}

/* Fragments after the end of a stream, or of a detached socket: the application does not see them,
 * so the library releases them. */
static void discard(struct devmem_sock *sock, const struct devmem_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		if (events[i].tokens)
			sock->engine->release(sock, &events[i], 1);
		else
			devmem__messages_put_host(sock->ring, events[i].token);
	}
}

/* Bytes received by copying into a buffer that the processor cannot map are in a staging area:
 * writes them to the buffer. Returns how many events are valid. */
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
			sock->stats.bytes_staged += events[i].length;
			continue;
		}
		devmem__log(DEVMEM_LOG_ERROR,
			    "received bytes cannot be copied into their buffer: %s",
			    devmem_error());
		discard(sock, events + i, n - i);
		if (sock->request.armed)
			devmem__sock_cancel(sock);
		sock->ring->report.explained = true;
		return i + (int)devmem__end_stream(sock, err, events + i);
	}
	return n;
}

/*
 * Completions that are fragments by themselves, as many in a row as are of one socket. Returns the
 * number of events; *taken: there was a fragment.
 */
static int take_fragments(struct devmem_sock *sock, struct devmem_event *events, unsigned int n,
			  bool *taken)
{
	int got = sock->engine->take(sock, events, n);

	*taken = got > 0;
	if (got <= 0)
		return got;
	sock->request.switches = 0;
	if (sock->detached || sock->end.reported) {
		discard(sock, events, got);
		devmem__sock_let_go(sock);
		return 0;
	}
	return sock->engine->id == DEVMEM__ENGINE_COPY ? stage(sock, events, got) : got;
}

/* Makes events from the open message, which stays open (ring->messages.rx_sock) until it is used
 * up. Returns how many, or -ENOMEM. */
static int open_message_to_events(struct devmem_ring *ring, struct devmem_event *events,
				  unsigned int n)
{
	struct devmem_sock *sock = ring->messages.rx_sock;
	unsigned int host = ring->messages.rx.host_events;
	size_t out_before = sock->stream.out.count;
	int got = devmem__rx_next(&ring->messages.rx, &sock->stream, &sock->received, events, n);
	bool done =
		got == 0 || got == -EBADMSG || (got > 0 && devmem__rx_is_over(&ring->messages.rx));

	devmem__messages_handed(ring, &ring->messages.rx, ring->messages.rx.host_events - host,
				done);
	devmem__backpressure_out(sock, sock->stream.out.count - out_before);
	if (done)
		ring->messages.rx_sock = NULL;
	if ((sock->detached || sock->end.reported) && got > 0) {
		discard(sock, events, got);
		got = 0;
	}
	if (got > 0 && sock->spill.wanted && events[got - 1].type == DEVMEM_EVENT_HOST) {
		ring->spill.held_of = sock;
		ring->spill.held = events[--got];
	}
	if (got == -EBADMSG) {
		devmem__log(DEVMEM_LOG_ERROR, "%s", devmem_error());
		ring->report.explained = true;
		got = (int)devmem__end_stream(sock, -EBADMSG, events);
		if (sock->request.armed) /* bytes after a hole in the stream are useless */
			devmem__sock_cancel(sock);
	}
	if (done)
		devmem__sock_let_go(sock);
	return got;
}

static unsigned int woken(struct devmem_ring *ring, struct devmem_event *event)
{
	if (!atomic_load_explicit(&ring->remote.woken, memory_order_relaxed) ||
	    !atomic_exchange(&ring->remote.woken, false))
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
		ring->links.watched.news ? devmem__links_next(&ring->links.watched) : NULL;

	if (!link)
		return 0;
	*event = (struct devmem_event){
		.ifindex = link->ifindex,
		.result = link_result(link->state),
		.type = DEVMEM_EVENT_LINK,
	};
	return 1;
}

/* The end of a connection that ended while its socket could not receive. */
static unsigned int known_end(struct devmem_ring *ring, struct devmem_event *event)
{
	unsigned int out = 0;

	while (!out && !devmem__list_empty(&ring->ends.known)) {
		struct devmem_sock *sock =
			container_of(ring->ends.known.next, struct devmem_sock, end.node);

		devmem__list_del(&sock->end.node);
		out = devmem__end_stream(sock, sock->end.result, event);
	}
	return out;
}

/* Events that no completion makes. Returns how many: 0 or 1. Nearly always 0, which is found
 * without a call. */
static unsigned int news_to_event(struct devmem_ring *ring, struct devmem_event *event)
{
	unsigned int out = woken(ring, event);

	if (!out && atomic_load_explicit(&ring->gathers.news, memory_order_relaxed))
		out = devmem__gathers_event(ring, event);
	if (!out && ring->backpressure.low_bytes)
		out = devmem__backpressure_events(ring, event);
	if (!out && !devmem__list_empty(&ring->ends.known))
		out = known_end(ring, event);
	return out ? out : link_news(ring, event);
}

/* The socket of a completion that may be a fragment by itself, or NULL. */
static struct devmem_sock *fragment_owner(const struct io_uring_cqe *cqe)
{
	struct devmem_sock *sock;

	if ((cqe->user_data & DEVMEM__CQE_KINDS) != DEVMEM__CQE_RECV)
		return NULL;
	sock = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)DEVMEM__CQE_KINDS);
	return sock->engine->take ? sock : NULL;
}

/* Makes events from what comes before the next completion: held host bytes, or the open message. */
static int pending_to_events(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	unsigned int out;
	int got;

	if (!ring->spill.held_of)
		return open_message_to_events(ring, events, n);
	got = devmem__spill_held(ring, events);
	if (got != -ENOBUFS)
		return got;
	out = devmem__overtake(ring, events, n);
	if (out < n && !ring->report.last)
		out += devmem__tx_to_events(ring, events + out, n - out);
	return out ? (int)out : devmem__spill_held(ring, events);
}

int devmem__completions_to_events(struct devmem_ring *ring, struct devmem_event *events,
				  unsigned int n)
{
	struct io_uring_cqe *cqe;
	struct devmem_sock *sock;
	/* @look for news first, and after completions that made no event or left a buffer low */
	bool look = true, seen = false;
	unsigned int out = 0;
	bool taken;

	ring->report.last = false;
	while (out < n && !ring->report.last) {
		if (look && news_to_event(ring, events + out)) {
			out++;
			continue;
		}
		look = false;
		if (ring->spill.held_of || ring->messages.rx_sock) {
			int got = pending_to_events(ring, events + out, n - out);

			if (got < 0)
				return out ? (int)out : got;
			out += (unsigned int)got;
			continue;
		}
		cqe = next_cqe(ring);
		if (!cqe) {
			unsigned int sent = 0;

			if (!devmem__list_empty(&ring->sends.to_report))
				sent = devmem__tx_to_events(ring, events + out, n - out);
			out += sent;
			look = (seen && !out) || ring->backpressure.low_bytes;
			seen = false;
			if (sent || look)
				continue;
			if (!devmem__list_empty(&ring->tokens.in_flight))
				devmem__dontneed_settle(ring);
			break;
		}
		sock = fragment_owner(cqe);
		if (sock) {
			int got = take_fragments(sock, events + out, n - out, &taken);

			if (got < 0)
				return out ? (int)out : got;
			out += (unsigned int)got;
			if (taken)
				continue;
		}
		out += devmem__completion_to_event(ring, cqe, events + out);
		io_uring_cqe_seen(&ring->uring.io, cqe);
		seen = true;
	}
	return (int)out;
}
