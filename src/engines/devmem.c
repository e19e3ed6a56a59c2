// SPDX-License-Identifier: MIT
/*
 * Engine "devmem": the queues of the binding write into its buffer, and messages with MSG_SOCK_DEVMEM tell where.
 * Tokens go back by SO_DEVMEM_DONTNEED, on the ring.
 */
#include "dontneed.h"
#include "rxmsg.h"
#include "uapi_sock.h"

static int open_source(struct devmem__source *source, const struct devmem_ring_opts *opts)
{
	(void)opts;
	return devmem__rxmsg_open(source->ring);
}

static void arm(struct devmem_sock *sock, struct io_uring_sqe *sqe)
{
	devmem__rxmsg_arm(sock, sqe, DEVMEM_MSG_SOCK_DEVMEM);
}

static bool can_arm(const struct devmem_sock *sock)
{
	return sock->ring->bufs.free > 0;
}

static int release(struct devmem_sock *sock, const struct devmem_event *event, unsigned int tokens)
{
	return devmem__dontneed(sock, event->token, tokens);
}

const struct devmem__engine devmem__engine_devmem = {
	.way = DEVMEM__WAY_DEVMEM,
	.open = open_source,
	.arm = arm,
	.can_arm = can_arm,
	.release = release,
	.drop = devmem__dontneed_all_now,
};
