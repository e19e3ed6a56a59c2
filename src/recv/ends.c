// SPDX-License-Identifier: MIT
/*
 * How connections end. An armed receive reports the end. A socket that is paused, or has no free
 * memory to receive into, has no armed receive. What it waits for may never come if nobody learns
 * of the end, so its connection is checked here.
 *
 * Why connections end. The kernel gives the reason only once, to the first that asks: a receive, a
 * send, or SO_ERROR. Later calls get no error, or EPIPE. So the first answer is kept, and all
 * events of a socket report it. [include/net/sock.h: sock_error()]
 */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "recv/receiving.h"

/* checks, DEVMEM__STALL_NS apart, of a failed connection whose bytes cannot be received */
#define PATIENCE 10u

/* True if the result of a receive is an error of the connection, rather than of the request or of
 * our memory. */
static bool is_of_connection(int res)
{
	switch (res) {
	case -EAGAIN:
	case -EBADMSG:
	case -ECANCELED:
	case -EFAULT:
	case -EINTR:
	case -ENOBUFS:
	case -ENODEV:
	case -ENOMEM:
	case -ENOSPC:
		return false;
	}
	return res < 0;
}

int devmem__end_is(struct devmem_sock *sock, int err)
{
	if (!is_of_connection(err))
		return err;
	sock->end.error = sock->end.error ? sock->end.error : err;
	return sock->end.error;
}

bool devmem__end_is_there(int fd)
{
	uint8_t state = 0;
	socklen_t len = sizeof(state);

	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &len) && state == TCP_CLOSE;
}

/* The connection's error, if a receive got it and its completion has not been processed yet; or
 * 0. */
static int in_completions(const struct devmem_sock *sock)
{
	const uint64_t user_data = (uintptr_t)sock | DEVMEM__CQE_RECV;
	struct io_uring_cqe *cqe;
	unsigned int head;

	io_uring_for_each_cqe (&sock->ring->uring.io, head, cqe)
		if (cqe->user_data == user_data && is_of_connection(cqe->res))
			return cqe->res;
	return 0;
}

int devmem__end_why(struct devmem_sock *sock, int otherwise)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (!sock->end.error)
		sock->end.error = in_completions(sock);
	if (!sock->end.error && !getsockopt(sock->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		sock->end.error = -err;
	return sock->end.error ? sock->end.error : otherwise;
}

int devmem__end_by_us(struct devmem_sock *sock, int err)
{
	return devmem__end_is_there(sock->fd) ? devmem__end_why(sock, err)
					      : devmem__end_is(sock, err);
}

/*
 * A receive sees an orderly end if another call got the error. -EPIPE is no error of the received
 * stream: the kernel reports a reset as EPIPE if the peer had ended its half in order before.
 * [net/ipv4/tcp_input.c: tcp_reset(), in TCP_CLOSE_WAIT]
 */
int devmem__end_of_stream(const struct devmem_sock *sock)
{
	return sock->end.error == -EPIPE ? 0 : sock->end.error;
}

/* ---------------------------------------------------------------------------- without a receive */

static void end_known(struct devmem_sock *sock, int error)
{
	sock->end.result = error;
	devmem__list_append(&sock->ring->ends.known, &sock->end.node);
}

/*
 * An orderly end comes after all bytes, and the application has to make room for those first. If
 * the connection failed and the application does not make room soon, its bytes are dropped: it may
 * be waiting for more bytes than will come or fit.
 */
static void check_past_bytes(struct devmem_sock *sock)
{
	const int error = devmem__end_is_there(sock->fd) ? devmem__end_why(sock, 0) : 0;

	if (error && ++sock->end.checks > PATIENCE)
		end_known(sock, error);
}

static void check(struct devmem_sock *sock)
{
	int queued = 0;
	ssize_t got;
	char byte;

	if (!ioctl(sock->fd, SIOCINQ, &queued) && queued > 0) {
		check_past_bytes(sock);
		return;
	}
	got = recv(sock->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
	if (!got)
		end_known(sock, 0);
	else if (got < 0 && is_of_connection(-errno))
		end_known(sock, -errno);
}

/*
 * A socket whose bytes wait for room in the spill buffer may have its end behind them. The end of
 * any other socket is in a completion, or the socket has no receive. A completion that overflowed
 * the queue may belong to any socket.
 */
void devmem__ends_look_past(struct devmem_ring *ring)
{
	const bool unseen = io_uring_cq_has_overflow(&ring->uring.io);

	if (ring->now - ring->ends.checked_at < DEVMEM__STALL_NS)
		return;
	ring->ends.checked_at = ring->now;
	for (unsigned int i = 0; i < ring->socks.slots; i++) {
		struct devmem_sock *sock = ring->socks.slot[i];

		if (!sock || sock->end.reported || sock->detached)
			continue;
		if (sock->spill.blocked || unseen)
			check_past_bytes(sock);
		else if (!devmem__list_empty(&sock->request.rearm))
			check(sock);
	}
}

/* Does nothing until the application has all received bytes, because an end comes after them. */
void devmem__ends_look(struct devmem_ring *ring)
{
	struct devmem__list *node;

	if (ring->now - ring->ends.checked_at < DEVMEM__STALL_NS ||
	    io_uring_cq_ready(&ring->uring.io) || io_uring_cq_has_overflow(&ring->uring.io) ||
	    ring->messages.rx_sock || ring->spill.held_of)
		return;
	ring->ends.checked_at = ring->now;
	for (node = ring->requests.rearm.next; node != &ring->requests.rearm; node = node->next)
		check(container_of(node, struct devmem_sock, request.rearm));
}
