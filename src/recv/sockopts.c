// SPDX-License-Identifier: MIT
/*
 * The options that the library sets on the caller's socket. Their previous values are kept, and
 * restored when the socket is detached.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "bind.h"
#include "recv/receiving.h"

#define SMALLEST_PAGE 4096 /* a fragment holds at least one page of the buffer */

/* Linux 5.14 [include/uapi/linux/socket.h] */
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
/* SOCK_RCVBUF_LOCK: the kernel does not tune the receive buffer, because it was set */
#define RCVBUF_IS_LOCKED 2

static int get(const struct devmem_sock *sock, int name, int otherwise)
{
	int value = otherwise;
	socklen_t len = sizeof(value);

	return getsockopt(sock->fd, SOL_SOCKET, name, &value, &len) ? otherwise : value;
}

static int set(const struct devmem_sock *sock, int name, int value)
{
	return setsockopt(sock->fd, SOL_SOCKET, name, &value, sizeof(value)) ? -errno : 0;
}

void devmem__sockopts_look(struct devmem_sock *sock)
{
	sock->saved.lowat = get(sock, SO_RCVLOWAT, 1);
}

/* Call before the receive buffer is set, because setting locks it.
 * [net/core/sock.c: __sock_set_rcvbuf()] */
static void save_rcvbuf(struct devmem_sock *sock)
{
	if (sock->saved.rcvbuf)
		return;
	sock->saved.rcvbuf = get(sock, SO_RCVBUF, 0);
	sock->saved.tuned = !(get(sock, SO_BUF_LOCK, RCVBUF_IS_LOCKED) & RCVBUF_IS_LOCKED);
}

/* The kernel enlarges a receive buffer that could not hold this much.
 * [net/ipv4/tcp.c: tcp_set_rcvlowat()] */
int devmem__sockopts_lowat(struct devmem_sock *sock, int bytes)
{
	int err;

	save_rcvbuf(sock);
	err = set(sock, SO_RCVLOWAT, bytes);
	if (err)
		return devmem__fail(-err,
				    "the kernel does not take %d bytes as a low-water mark "
				    "(SO_RCVLOWAT): %s",
				    bytes, strerror(-err));
	sock->saved.lowat_set = true;
	sock->saved.rcvbuf_set = get(sock, SO_RCVBUF, 0) != sock->saved.rcvbuf;
	return 0;
}

/*
 * What the kernel queues for a paused socket holds pages too, up to the size of the receive buffer,
 * which may be larger than ours. So the receive buffer gets the same limit. The kernel doubles the
 * value that it is given. With engine copy there is no need: bytes that are copied into our buffer
 * later lie in the kernel's own memory.
 */
int devmem__sockopts_limit(struct devmem_sock *sock, uint32_t fragments)
{
	uint64_t bytes = (uint64_t)fragments * SMALLEST_PAGE / 2;
	int value = bytes < INT32_MAX ? (int)bytes : INT32_MAX, err;

	if (!fragments || devmem__binding_engine_id(sock->binding) == DEVMEM__ENGINE_COPY)
		return 0;
	save_rcvbuf(sock);
	err = set(sock, SO_RCVBUF, value);
	if (err)
		return devmem__fail(-err,
				    "the kernel does not take %d bytes as a receive buffer "
				    "(SO_RCVBUF): %s",
				    value, strerror(-err));
	sock->saved.limited = sock->saved.rcvbuf_set = true;
	return 0;
}

/* The kernel doubles what it is given. Without CAP_NET_ADMIN it takes no more than
 * net.core.rmem_max. */
static void set_rcvbuf(struct devmem_sock *sock, int bytes)
{
	if (set(sock, SO_RCVBUFFORCE, bytes / 2))
		set(sock, SO_RCVBUF, bytes / 2);
}

void devmem__sockopts_rcvbuf(struct devmem_sock *sock, uint32_t bytes)
{
	save_rcvbuf(sock);
	set_rcvbuf(sock, (int)bytes);
	sock->saved.rcvbuf_set = true;
}

static void restore_rcvbuf(struct devmem_sock *sock)
{
	int locks;

	if (!sock->saved.rcvbuf_set)
		return;
	sock->saved.rcvbuf_set = false;
	set_rcvbuf(sock, sock->saved.rcvbuf);
	locks = get(sock, SO_BUF_LOCK, 0);
	if (sock->saved.tuned)
		set(sock, SO_BUF_LOCK, locks & ~RCVBUF_IS_LOCKED);
	sock->saved.rcvbuf = 0; /* the kernel may tune it from here on */
}

void devmem__sockopts_rcvbuf_back(struct devmem_sock *sock, uint32_t bytes)
{
	if (sock->saved.limited)
		set_rcvbuf(sock, (int)bytes);
	else
		restore_rcvbuf(sock);
}

/* Restores options only once. Afterwards they are the program's own, though the library may keep
 * its duplicate of the descriptor for a while. */
void devmem__sockopts_back(struct devmem_sock *sock)
{
	restore_rcvbuf(sock);
	if (!sock->saved.lowat_set)
		return;
	sock->saved.lowat_set = false;
	set(sock, SO_RCVLOWAT, sock->saved.lowat);
	/* for a request that is not submitted yet and reads the mark from there */
	sock->lowat.value = (uint32_t)sock->saved.lowat;
}
