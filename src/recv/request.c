// SPDX-License-Identifier: MIT
/*
 * Arms and cancels the receive that a socket has in the kernel, and arms it again when it ends.
 * Also arms the poll for the end of the connection, for receives that may miss the end.
 */
#include <errno.h>
#include <poll.h>

#include "recv/receiving.h"

/*
 * In Linux 7.3 a receive that has so much to do that it is requeued loses a reset of the connection
 * in the meantime: nothing else follows, and it waits for ever. A poll for the end alone does not
 * lose it. While notifications of sends are expected, each of them would complete this poll, so the
 * request that receives them reports the end instead.
 * [io_uring/poll.c: io_poll_check_events(), IOU_REQUEUE after "again"]
 */
void devmem__sock_watch_end(struct devmem_sock *sock)
{
	struct io_uring_sqe *sqe;

	if (!sock->engine->ends_get_lost || sock->ring->uring.syscalls || sock->request.end_armed ||
	    !sock->request.armed || sock->end.reported || sock->detached || sock->sends.numbered)
		return;
	sqe = devmem__uring_sqe(&sock->ring->uring, DEVMEM__CQE_END, sock);
	if (!sqe)
		return; /* retried with the next receive */
	io_uring_prep_poll_add(sqe, sock->fd, POLLRDHUP);
	sqe->user_data = (uintptr_t)sock | DEVMEM__CQE_END;
	sock->request.end_armed = true;
}

/*
 * Cancels the receive, which is then armed again. The new receive takes what is queued and, once
 * that is all, finds the end by itself. If there is so much that it is requeued, the poll reports
 * the end again, and so on.
 */
void devmem__sock_end_comes(struct devmem_sock *sock, int res)
{
	sock->request.end_armed = false;
	if (res == POLLERR && sock->tx) { /* a notification of a send */
		devmem__sock_watch_end(sock);
		devmem__sock_let_go(sock);
		return;
	}
	sock->request.end_seen = sock->request.armed;
	if (sock->request.armed && !sock->end.reported && !sock->detached)
		devmem__sock_cancel(sock);
	devmem__sock_let_go(sock);
}

static void arm(struct devmem_sock *sock)
{
	struct devmem_ring *ring = sock->ring;
	struct io_uring_sqe *sqe = devmem__uring_sqe(&ring->uring, DEVMEM__CQE_RECV, sock);

	if (!sqe)
		return; /* stays on the list for the next turn */
	sock->engine->arm(sock, sqe);
	sock->request.armed = true;
	sock->end.checks = 0;
	ring->stats.rearms++;
	devmem__list_del(&sock->request.rearm);
	devmem__sock_watch_end(sock);
}

/*
 * While the completion queue is full or has overflowed, a zero-copy receive finds no room for its
 * fragments and ends at once. Its last completion takes room too: if all receives were armed again
 * in that state, none would ever receive anything. [io_uring/zcrx.c: io_zcrx_queue_cqe()]
 */
static bool completions_have_room(const struct devmem_ring *ring)
{
	return io_uring_cq_ready(&ring->uring.io) < ring->uring.io.cq.ring_entries &&
	       !io_uring_cq_has_overflow(&ring->uring.io);
}

/* Sockets that cannot be armed now stay on the list for the next turn. */
void devmem__sock_arm_pending(struct devmem_ring *ring)
{
	struct devmem__list *node, *next;

	for (node = ring->requests.rearm.next;
	     node != &ring->requests.rearm && completions_have_room(ring); node = next) {
		struct devmem_sock *sock = container_of(node, struct devmem_sock, request.rearm);

		next = node->next;
		if (!sock->backpressure.paused && sock->engine->can_arm(sock))
			arm(sock);
	}
}

/* The receive in the kernel has ended; another follows unless the stream has ended too. */
void devmem__sock_disarmed(struct devmem_sock *sock)
{
	sock->request.armed = sock->request.end_seen = false;
	if (!sock->end.reported && !sock->detached)
		devmem__list_append(&sock->ring->requests.rearm, &sock->request.rearm);
}

/* Queues a cancel, whose completion goes to @object (NULL: to nobody). false: there is no room for
 * it now. */
static bool cancel(struct devmem_sock *sock, enum devmem__cqe_kind kind,
		   enum devmem__cqe_kind answer, const void *object)
{
	struct io_uring_sqe *sqe = devmem__uring_sqe(&sock->ring->uring, answer, object);

	if (!sqe)
		return false;
	io_uring_prep_cancel64(sqe, (uintptr_t)sock | kind, 0);
	sqe->user_data = (uintptr_t)object | answer;
	return true;
}

/* Cancels another of the socket's requests, whose own completion reports it. false: call again. */
bool devmem__sock_cancel_request(struct devmem_sock *sock, enum devmem__cqe_kind kind)
{
	return cancel(sock, kind, DEVMEM__CQE_OTHER, NULL);
}

/* Cancels the receive, which ends with a completion. Nothing that it received before is lost. */
void devmem__sock_cancel(struct devmem_sock *sock)
{
	if (cancel(sock, DEVMEM__CQE_RECV, DEVMEM__CQE_CANCEL, sock))
		sock->request.cancels++;
	else
		sock->ring->requests.uncancelled = true;
}

static bool is_unwanted(const struct devmem_sock *sock)
{
	return sock->detached || sock->end.reported || sock->backpressure.paused ||
	       sock->request.end_seen;
}

/*
 * A receive that is running, or queued to continue, is not found or cannot be cancelled at the
 * moment. The cancel is repeated as long as the receive is unwanted.
 * [io_uring/cancel.c: io_try_cancel()]
 */
void devmem__sock_cancelled(struct devmem_sock *sock, int res)
{
	sock->request.cancels--;
	if ((res == -ENOENT || res == -EALREADY) && sock->request.armed && is_unwanted(sock))
		devmem__sock_cancel(sock);
	devmem__sock_let_go(sock);
}

void devmem__sock_cancel_end(struct devmem_sock *sock)
{
	if (!cancel(sock, DEVMEM__CQE_END, DEVMEM__CQE_OTHER, NULL))
		sock->ring->requests.uncancelled = true;
}

/* Repeats cancels that found no room. A detached socket belongs to the application again, and a
 * receive of ours would take its bytes. */
void devmem__sock_cancel_again(struct devmem_ring *ring)
{
	ring->requests.uncancelled = false;
	for (unsigned int i = 0; i < ring->socks.slots && !ring->requests.uncancelled; i++) {
		struct devmem_sock *sock = ring->socks.slot[i];

		if (!sock)
			continue;
		if (sock->request.armed && !sock->request.cancels && is_unwanted(sock))
			devmem__sock_cancel(sock);
		if (sock->request.end_armed && sock->detached)
			devmem__sock_cancel_end(sock);
	}
}
