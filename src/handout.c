// SPDX-License-Identifier: MIT
/*
 * From completions to the caller's events, in one pass. A completion that has more than the caller has room for
 * stays open and goes on in the next call.
 */
#include <errno.h>
#include <string.h>

#include "bind.h"
#include "buffer.h"
#include "dontneed.h"
#include "rxmsg.h"
#include "tx.h"

#define SECOND 1000000000u	/* ns */

static struct io_uring_cqe *next_cqe(struct devmem_ring *ring)
{
	struct io_uring_cqe *cqe;
	unsigned int head;

	/* not io_uring_peek_cqe(): that may enter the kernel */
	io_uring_for_each_cqe(&ring->uring.io, head, cqe)
		return cqe;
	return NULL;
}

/* The message of an ERROR event: of who noticed that the stream cannot go on, or what the kernel said. */
static void explain(struct devmem_ring *ring, int error)
{
	if (error && !ring->explained)
		devmem__fail(-error, "the connection broke: %s", strerror(-error));
	ring->explained = false;
	ring->last = error;
}

static struct devmem_event end_event(const struct devmem_sock *sock, int error)
{
	return (struct devmem_event){
		.user_data = sock->stream.user_data,
		.result = error,
		.sock = sock->stream.slot,
		.type = error ? DEVMEM_EVENT_ERROR : DEVMEM_EVENT_END,
	};
}

static unsigned int end_stream(struct devmem_sock *sock, int error, struct devmem_event *event)
{
	error = error ? devmem__end_is(sock, error) : devmem__end_of_stream(sock);
	devmem__tx_explain(sock);
	devmem__urgent_explain(sock);
	if (error)
		devmem__tx_broken(sock, error);
	if (sock->ended || sock->detached) {
		sock->ring->explained = false;
		return 0;
	}
	sock->ended = true;
	devmem__urgent_leave(sock);
	devmem__list_del(&sock->rearm);
	devmem__lowat_forget(sock);
	if (sock->ring->place.held_of == sock)
		devmem__place_drop(sock->ring);
	explain(sock->ring, error);
	*event = end_event(sock, error);
	return 1;
}

/* A receive ended without bytes. Returns how many events that makes. */
static unsigned int receive_failed(struct devmem_sock *sock, int res, struct devmem_event *event)
{
	switch (res) {
	case -ENOBUFS:
		sock->ring->stats.no_buffers++;
		return 0;
	case -ECANCELED:
	case -EINTR:
	case -EAGAIN:
		return 0;	/* armed again unless the socket is being detached */
	}
	if (sock->engine->recover && sock->engine->recover(sock, res))
		return 0;
	return end_stream(sock, res, event);
}

/*
 * Bytes of a bound socket that are in host memory: a packet that was not split, or, through a queue which is not bound,
 * all of them: the rule is gone or another one is before it, or the route changed. The application is told where they
 * come from; they are copied until that is mended. Looked at is what the NIC is known to be like; if it is being changed, it
 * is looked at again with the next bytes. At most once a second.
 */
static unsigned int look_where(struct devmem_sock *sock, struct devmem_event *event)
{
	struct devmem_ring *ring = sock->ring;
	bool was = sock->misplaced, host = !ring->rx.devmem && ring->rx.bytes_left, told, ours;
	int queue;

	sock->misplaced = host && !sock->unsplit;
	if (!host || (was && sock->misplaced))
		return 0;
	told = sock->last_look && ring->now - sock->last_look < SECOND;
	if (!told) {
		queue = devmem__sock_queue_known(sock);
		if (queue == -EBUSY) {
			sock->misplaced = false;
			return 0;
		}
		sock->last_look = ring->now;
		ours = queue >= 0 && devmem__binding_has_queue(sock->binding, queue);
		if (ours && !sock->unsplit)
			devmem__log(DEVMEM_LOG_WARNING, "packets come through queue %d that the NIC did not split: they are copied",
				    queue);
		sock->unsplit = ours;
		sock->misplaced = !sock->unsplit;
	}
	ring->stats.misplaced += sock->misplaced;
	if (sock->detached || !sock->misplaced || told)
		return 0;
	ring->last = true;
	*event = (struct devmem_event){
		.user_data = sock->stream.user_data,
		.result = devmem__binding_misplaced(sock->binding, queue),
		.sock = sock->stream.slot,
		.type = DEVMEM_EVENT_MISPLACED,
	};
	return 1;
}

/* A receive brought nothing, and will bring nothing more or has failed. */
static unsigned int receive_empty(struct devmem_sock *sock, const struct io_uring_cqe *cqe, struct devmem_event *event)
{
	if (sock->engine->empty)
		sock->engine->empty(sock, cqe);
	return cqe->res < 0 ? receive_failed(sock, cqe->res, event) : end_stream(sock, 0, event);
}

/* A message. What it brought is left in ring->rx; what else happened is an event. */
static unsigned int message(struct devmem_sock *sock, const struct io_uring_cqe *cqe, struct devmem_event *event)
{
	struct devmem_ring *ring = sock->ring;

	if (!devmem__rxmsg_begin(ring, cqe, &ring->rx)) {
		devmem__rxmsg_handed(ring, &ring->rx, 0, true);
		return end_stream(sock, 0, event);
	}
	ring->rx_sock = sock;
	ring->rx.one_host = sock->place;
	sock->stuck = 0;
	devmem__lowat_received(sock, ring->rx.bytes_left);
	return look_where(sock, event);
}

/* A completion of a socket's receive that is no fragment by itself. */
static unsigned int receive_done(struct devmem_sock *sock, const struct io_uring_cqe *cqe, struct devmem_event *event)
{
	const bool messages = !sock->engine->take || sock->messages;
	unsigned int out;

	sock->ring->stats.completions++;
	if (!(cqe->flags & IORING_CQE_F_MORE))
		devmem__sock_disarmed(sock);
	if (messages && cqe->flags & IORING_CQE_F_BUFFER)
		out = message(sock, cqe, event);
	else
		out = receive_empty(sock, cqe, event);
	devmem__sock_let_go(sock);
	return out;
}

/* One completion of any kind. Returns how many events it made at once. */
unsigned int devmem__hand_out_one(struct devmem_ring *ring, const struct io_uring_cqe *cqe, struct devmem_event *event)
{
	void *object = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)DEVMEM__CQE_KINDS);

	switch ((enum devmem__cqe_kind)(cqe->user_data & DEVMEM__CQE_KINDS)) {
	case DEVMEM__CQE_RECV:
		return receive_done(object, cqe, event);
	case DEVMEM__CQE_RELEASE:
		devmem__dontneed_failed(object);
		break;
	case DEVMEM__CQE_WAKE:
		ring->wake_armed = false;
		break;
	case DEVMEM__CQE_WATCH:
		return devmem__watch_done(object, cqe->res, event);
	case DEVMEM__CQE_TICK:
		ring->tick_armed = false;
		ring->idle |= !ring->stirred || devmem__dontneed_is_few(ring);
		break;
	case DEVMEM__CQE_LINK:
		ring->link_armed = false;
		devmem__links_read(&ring->links);
		break;
	case DEVMEM__CQE_END:
		devmem__sock_end_comes(object, cqe->res);
		break;
	case DEVMEM__CQE_CANCEL:
		devmem__sock_cancelled(object, cqe->res);
		break;
	case DEVMEM__CQE_OTHER:
		break;
	case DEVMEM__CQE_SEND:
	case DEVMEM__CQE_HEAR:
	case DEVMEM__CQE_ROOM:
	case DEVMEM__CQE_STIR:
		devmem__tx_done(cqe);
		break;
	}
	return 0;
}

/* Bytes after the end, or of a socket that the application has let go: nobody will release them, so we do. */
static void discard(struct devmem_sock *sock, const struct devmem_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		if (events[i].tokens)
			sock->engine->release(sock, &events[i], 1);
		else
			devmem__rxmsg_put_host(sock->ring, events[i].token);
	}
}

/* Copied bytes of a buffer that the processor cannot map go there once more. Returns how many events are good. */
static int stage(struct devmem_sock *sock, struct devmem_event *events, int n)
{
	struct devmem_buffer *buffer = devmem__binding_buffer(sock->binding);
	bool staged;
	const unsigned char *from = devmem__binding_memory(sock->binding, &staged);
	int i;

	for (i = 0; staged && i < n; i++) {
		int err = devmem__buffer_write(buffer, events[i].offset, from + events[i].offset, events[i].length);

		if (!err) {
			sock->ring->stats.bytes_staged += events[i].length;
			continue;
		}
		devmem__log(DEVMEM_LOG_ERROR, "what a connection received cannot be copied into its buffer: %s", devmem_error());
		discard(sock, events + i, n - i);
		if (sock->armed)
			devmem__sock_cancel(sock);
		sock->ring->explained = true;
		return i + (int)end_stream(sock, err, events + i);
	}
	return n;
}

/*
 * Completions that are fragments by themselves, as many as are of one socket. Returns the number of events; *taken says
 * whether there were any.
 */
static int take_fragments(struct devmem_sock *sock, struct devmem_event *events, unsigned int n, bool *taken)
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
	return sock->engine->way == DEVMEM__WAY_COPY ? stage(sock, events, got) : got;
}

/* Events from the completion that is open; it stays open (ring->rx_sock) until used up. Or -ENOMEM. */
static int hand_out_open(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	struct devmem_sock *sock = ring->rx_sock;
	unsigned int host = ring->rx.host_events;
	size_t out_before = sock->stream.out.count;
	int got = devmem__rx_next(&ring->rx, &sock->stream, &ring->count, events, n);
	bool done = got == 0 || got == -EBADMSG || (got > 0 && devmem__rx_is_over(&ring->rx));

	devmem__rxmsg_handed(ring, &ring->rx, ring->rx.host_events - host, done);
	devmem__pressure_out(sock, sock->stream.out.count - out_before);
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
		got = (int)end_stream(sock, -EBADMSG, events);
		if (sock->armed)	/* what comes after a hole is of no use */
			devmem__sock_cancel(sock);
	}
	if (done)
		devmem__sock_let_go(sock);
	return got;
}

static unsigned int woken(struct devmem_ring *ring, struct devmem_event *event)
{
	if (!atomic_load_explicit(&ring->woken, memory_order_relaxed) || !atomic_exchange(&ring->woken, false))
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
	const struct devmem__link *link = ring->links.news ? devmem__links_next(&ring->links) : NULL;

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
		out = end_stream(sock, sock->end, event);
	}
	return out;
}

/* What is not a completion. Returns how many events that makes: 0 or 1. Nearly always 0, so it is seen here, without calls. */
static unsigned int hand_out_news(struct devmem_ring *ring, struct devmem_event *event)
{
	unsigned int out = woken(ring, event);

	if (!out && atomic_load_explicit(&ring->gathers.news, memory_order_relaxed))
		out = devmem__gathers_event(ring, event);
	if (!out && ring->low_bytes)
		out = devmem__pressure_events(ring, event);
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
	got = devmem__place_held(ring, events);
	if (got != -ENOBUFS)
		return got;
	out = devmem__overtake(ring, events, n);
	if (out < n && !ring->last)
		out += devmem__tx_hand_out(ring, events + out, n - out);
	return out ? (int)out : devmem__place_held(ring, events);
}

int devmem__hand_out(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	struct io_uring_cqe *cqe;
	struct devmem_sock *sock;
	bool look = true, seen = false;	/* for news: at first, and after completions that made no event or ran a buffer low */
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
