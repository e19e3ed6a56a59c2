// SPDX-License-Identifier: MIT
/*
 * io_uring has no code of its own for messages of device memory: fragments come as cmsgs in the
 * provided buffer, behind struct io_uring_recvmsg_out. [io_uring/net.c: io_recvmsg_multishot()]
 */
#include <errno.h>
#include <string.h>

#include "recv/messages.h"

int devmem__messages_open(struct devmem_ring *ring)
{
	int err;

	if (ring->messages.buffers.ring)
		return 0;
	ring->messages.header.msg_controllen = DEVMEM__CONTROL_BYTES;
	err = devmem__recv_buffers_open(&ring->messages.buffers, &ring->uring, ring->opts.buffers,
					ring->opts.buffer_bytes);
	if (!err)
		/* for sockets that were attached before */
		devmem__recv_buffers_want(&ring->messages.buffers, ring->socks.slots);
	return err;
}

void devmem__messages_close(struct devmem_ring *ring)
{
	if (ring->messages.buffers.ring)
		devmem__recv_buffers_close(&ring->messages.buffers, &ring->uring);
}

void devmem__messages_arm(struct devmem_sock *sock, struct io_uring_sqe *sqe, int flags)
{
	uint64_t user_data = sqe->user_data;

	io_uring_prep_recvmsg_multishot(sqe, sock->fd, &sock->ring->messages.header,
					(unsigned int)flags);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = DEVMEM__RECV_BUFFERS_GROUP;
	sqe->user_data = user_data;
}

int devmem__messages_put_host(struct devmem_ring *ring, uint32_t token)
{
	if (!ring->messages.buffers.ring ||
	    devmem__recv_buffers_put(&ring->messages.buffers, token))
		return devmem__fail(EINVAL, "a HOST fragment was released that is not out");
	return 0;
}
