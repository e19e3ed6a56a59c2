/* SPDX-License-Identifier: MIT */
/*
 * Messages: multishot IORING_OP_RECVMSG into the ring's receive buffers, with room for control
 * data. Device memory comes as cmsgs, with host bytes behind them. The engine chooses the flags.
 */
#ifndef DEVMEM__RECV_MESSAGES_H
#define DEVMEM__RECV_MESSAGES_H

#include <string.h>

#include "recv/receiving.h"

/* The receive buffers: opened for the first socket that needs them, closed with the ring. */
int devmem__messages_open(struct devmem_ring *ring);
void devmem__messages_close(struct devmem_ring *ring);

void devmem__messages_arm(struct devmem_sock *sock, struct io_uring_sqe *sqe, int flags);

/*
 * devmem__messages_begin() - prepare a completion for devmem__rx_next(). false: the message has no
 * bytes, which is the end of the stream.
 *
 * The header's payloadlen counts device bytes too; only host bytes lie behind the control data.
 * cqe->res is not used, because it counts the room for control data, filled or not.
 */
static inline bool devmem__messages_begin(struct devmem_ring *ring, const struct io_uring_cqe *cqe,
					  struct devmem__rx *rx)
{
	struct devmem__recv_buffers *bufs = &ring->messages.buffers;
	unsigned int id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	const unsigned char *p = devmem__recv_buffers_take(bufs, id);
	struct io_uring_recvmsg_out out;

	memcpy(&out, p, sizeof(out));
	devmem__rx_start(rx, p + sizeof(out), out.controllen,
			 p + sizeof(out) + DEVMEM__CONTROL_BYTES, bufs->payload, out.payloadlen,
			 devmem__recv_buffers_token(bufs, id));
	if (out.flags & MSG_CTRUNC) /* kernels before 6.15 could drop a token here */
		rx->broken = true;
	return out.payloadlen || out.controllen;
}

/* devmem__messages_is_end() - true if devmem__messages_begin() would return false. Changes
 * nothing. */
static inline bool devmem__messages_is_end(const struct devmem_ring *ring,
					   const struct io_uring_cqe *cqe)
{
	struct io_uring_recvmsg_out out;

	memcpy(&out,
	       devmem__recv_buffers_memory(&ring->messages.buffers,
					   cqe->flags >> IORING_CQE_BUFFER_SHIFT),
	       sizeof(out));
	return !out.payloadlen && !out.controllen;
}

/* devmem__messages_handed() - a portion of events was returned, @host of them HOST events. @done:
 * the completion is used up. */
static inline void devmem__messages_handed(struct devmem_ring *ring, const struct devmem__rx *rx,
					   unsigned int host, bool done)
{
	if (host)
		devmem__recv_buffers_hold(&ring->messages.buffers, rx->host_token & 0xffff, host);
	if (done)
		devmem__recv_buffers_put(&ring->messages.buffers, rx->host_token);
}

/* devmem__messages_put_host() - release a HOST fragment. -EINVAL: it is not out. */
int devmem__messages_put_host(struct devmem_ring *ring, uint32_t token);

#endif
