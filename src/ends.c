// SPDX-License-Identifier: MIT
/*
 * Why a connection ended. The kernel tells it once, to whoever asks first: a receive, a send, or SO_ERROR. Whoever asks later is
 * told nothing, or that the pipe is broken. So the first answer is kept, and all events of a socket give the same.
 * [include/net/sock.h: sock_error]
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "ring.h"

/* Results of a receive that say something about the request, or our memory, but not about the connection. */
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
	sock->error = sock->error ? sock->error : err;
	return sock->error;
}

bool devmem__end_is_there(int fd)
{
	uint8_t state = 0;
	socklen_t len = sizeof(state);

	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &len) && state == TCP_CLOSE;
}

/* A receive has got the answer, and its completion was not looked at yet. */
static int in_completions(const struct devmem_sock *sock)
{
	const uint64_t user_data = (uintptr_t)sock | DEVMEM__CQE_RECV;
	struct io_uring_cqe *cqe;
	unsigned int head;

	io_uring_for_each_cqe(&sock->ring->io, head, cqe)
		if (cqe->user_data == user_data && is_of_connection(cqe->res))
			return cqe->res;
	return 0;
}

int devmem__end_why(struct devmem_sock *sock, int otherwise)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (!sock->error)
		sock->error = in_completions(sock);
	if (!sock->error && !getsockopt(sock->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		sock->error = -err;
	return sock->error ? sock->error : otherwise;
}

int devmem__end_by_us(struct devmem_sock *sock, int err)
{
	return devmem__end_is_there(sock->fd) ? devmem__end_why(sock, err) : devmem__end_is(sock, err);
}

/*
 * A receive sees an end in order when somebody else has got the error. -EPIPE is no error of what is received: a reset is told so
 * when the peer had ended its half in order before. [net/ipv4/tcp_input.c: tcp_reset, in TCP_CLOSE_WAIT]
 */
int devmem__end_of_stream(const struct devmem_sock *sock)
{
	return sock->error == -EPIPE ? 0 : sock->error;
}
