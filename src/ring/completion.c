// SPDX-License-Identifier: MIT
/* Handles one completion of any kind: it opens a message, ends a stream, or makes an event. */
#include <errno.h>
#include <string.h>

#include "bind.h"
#include "memory/buffer.h"
#include "recv/messages.h"
#include "recv/token_release.h"
#include "ring/loop.h"
#include "tx.h"

#define SECOND 1000000000u /* ns */

/* The error message of an ERROR event: set already by the code that found the error, or else what
 * the kernel said. */
static void explain(struct devmem_ring *ring, int error)
{
	if (error && !ring->report.explained)
		devmem__fail(-error, "the connection broke: %s", strerror(-error));
	ring->report.explained = false;
	ring->report.last = error;
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

unsigned int devmem__end_stream(struct devmem_sock *sock, int error, struct devmem_event *event)
{
	error = error ? devmem__end_is(sock, error) : devmem__end_of_stream(sock);
	devmem__tx_explain(sock);
	devmem__urgent_explain(sock);
	if (error)
		devmem__tx_broken(sock, error);
	if (sock->end.reported || sock->detached) {
		sock->ring->report.explained = false;
		return 0;
	}
	sock->end.reported = true;
	devmem__urgent_leave(sock);
	devmem__list_del(&sock->request.rearm);
	devmem__lowat_forget(sock);
	if (sock->ring->spill.held_of == sock)
		devmem__spill_drop(sock->ring);
	explain(sock->ring, error);
	*event = end_event(sock, error);
	return 1;
}

/* A receive failed. Returns how many events that makes. */
static unsigned int receive_failed(struct devmem_sock *sock, int res, struct devmem_event *event)
{
	switch (res) {
	case -ENOBUFS:
		sock->ring->stats.no_buffers++;
		return 0;
	case -ECANCELED:
	case -EINTR:
	case -EAGAIN:
		return 0; /* armed again unless the socket is being detached */
	}
	if (sock->engine->recover && sock->engine->recover(sock, res))
		return 0;
	return devmem__end_stream(sock, res, event);
}

/*
 * Bytes of a bound socket are in host memory. Either the NIC did not split a packet; or they came
 * through a queue that is not bound, as all further bytes will: the rule is gone, another rule
 * matches before it, or the route changed. The application is told of the queue with a MISPLACED
 * event, and the bytes are copied until that is repaired. The check asks what is known of the NIC,
 * at most once a second. While the NIC is being changed, the next bytes check again.
 */
static unsigned int check_arrival(struct devmem_sock *sock, struct devmem_event *event)
{
	struct devmem_ring *ring = sock->ring;
	bool was = sock->arrival.misplaced,
	     host = !ring->messages.rx.devmem && ring->messages.rx.bytes_left, told, ours;
	int queue;

	sock->arrival.misplaced = host && !sock->arrival.unsplit;
	if (!host || (was && sock->arrival.misplaced))
		return 0;
	told = sock->arrival.checked_at && ring->now - sock->arrival.checked_at < SECOND;
	if (!told) {
		queue = devmem__sock_queue_known(sock);
		if (queue == -EBUSY) {
			sock->arrival.misplaced = false;
			return 0;
		}
		sock->arrival.checked_at = ring->now;
		ours = queue >= 0 && devmem__binding_has_queue(sock->binding, queue);
		if (ours && !sock->arrival.unsplit)
			devmem__log(DEVMEM_LOG_WARNING,
				    "packets come through queue %d that the NIC did not split: "
				    "they are copied",
				    queue);
		sock->arrival.unsplit = ours;
		sock->arrival.misplaced = !sock->arrival.unsplit;
	}
	ring->stats.misplaced += sock->arrival.misplaced;
	sock->stats.misplaced += sock->arrival.misplaced;
	if (sock->detached || !sock->arrival.misplaced || told)
		return 0;
	ring->report.last = true;
	*event = (struct devmem_event){
		.user_data = sock->stream.user_data,
		.result = devmem__binding_misplaced(sock->binding, queue),
		.sock = sock->stream.slot,
		.type = DEVMEM_EVENT_MISPLACED,
	};
	return 1;
}

/* A receive completed without bytes: the stream has ended, or the receive has failed. */
static unsigned int receive_empty(struct devmem_sock *sock, const struct io_uring_cqe *cqe,
				  struct devmem_event *event)
{
	if (sock->engine->empty)
		sock->engine->empty(sock, cqe);
	return cqe->res < 0 ? receive_failed(sock, cqe->res, event)
			    : devmem__end_stream(sock, 0, event);
}

/* Opens a message: its bytes are left in ring->messages.rx. Anything else becomes an event. */
static unsigned int message(struct devmem_sock *sock, const struct io_uring_cqe *cqe,
			    struct devmem_event *event)
{
	struct devmem_ring *ring = sock->ring;

	if (!devmem__messages_begin(ring, cqe, &ring->messages.rx)) {
		devmem__messages_handed(ring, &ring->messages.rx, 0, true);
		return devmem__end_stream(sock, 0, event);
	}
	ring->messages.rx_sock = sock;
	ring->messages.rx.one_host = sock->spill.wanted;
	sock->request.switches = 0;
	devmem__lowat_received(sock, ring->messages.rx.bytes_left);
	return check_arrival(sock, event);
}

/* A completion of a socket's receive that is not a fragment by itself. */
static unsigned int receive_done(struct devmem_sock *sock, const struct io_uring_cqe *cqe,
				 struct devmem_event *event)
{
	const bool messages = !sock->engine->take || sock->request.messages;
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

/* Returns how many events the completion made: 0 or 1. */
unsigned int devmem__completion_to_event(struct devmem_ring *ring, const struct io_uring_cqe *cqe,
					 struct devmem_event *event)
{
	void *object = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)DEVMEM__CQE_KINDS);

	switch ((enum devmem__cqe_kind)(cqe->user_data & DEVMEM__CQE_KINDS)) {
	case DEVMEM__CQE_RECV:
		return receive_done(object, cqe, event);
	case DEVMEM__CQE_RELEASE:
		devmem__dontneed_failed(object);
		break;
	case DEVMEM__CQE_WAKE:
		ring->wake.armed = false;
		break;
	case DEVMEM__CQE_WATCH:
		return devmem__watch_done(object, cqe->res, event);
	case DEVMEM__CQE_TICK:
		ring->tick.armed = false;
		ring->tick.idle |= !ring->tick.had_events || devmem__dontneed_is_few(ring);
		break;
	case DEVMEM__CQE_LINK:
		ring->links.armed = false;
		devmem__links_read(&ring->links.watched);
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
