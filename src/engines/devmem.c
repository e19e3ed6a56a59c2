// SPDX-License-Identifier: MIT
/*
 * Engine "devmem": multishot IORING_OP_RECVMSG with MSG_SOCK_DEVMEM over provided buffers. io_uring has no code of
 * its own for device memory: the fragments come as cmsgs in the buffer, laid out behind struct
 * io_uring_recvmsg_out. [io_uring/net.c: io_recvmsg_multishot]
 */
#include <errno.h>
#include <string.h>

#include "ring.h"
#include "uapi_sock.h"

static int devmem_open(struct devmem_ring *ring, const struct devmem_ring_opts *opts)
{
	ring->msg.msg_controllen = DEVMEM__CONTROL_BYTES;
	return devmem__rxbufs_open(&ring->bufs, &ring->io, opts->buffers, opts->buffer_bytes);
}

static void devmem_close(struct devmem_ring *ring)
{
	devmem__rxbufs_close(&ring->bufs, &ring->io);
}

static void devmem_arm(struct devmem_sock *sock, struct io_uring_sqe *sqe)
{
	uint64_t user_data = sqe->user_data;

	io_uring_prep_recvmsg_multishot(sqe, sock->fd, &sock->ring->msg, DEVMEM_MSG_SOCK_DEVMEM);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = 0;
	sqe->user_data = user_data;
}

static bool devmem_can_arm(const struct devmem_ring *ring)
{
	return ring->bufs.free > 0;
}

/*
 * The header's payloadlen counts device bytes too; only host bytes lie behind the control data. The end of the
 * stream is a message of no bytes. cqe->res is not used: it counts the room for control data, filled or not.
 */
static bool devmem_begin(struct devmem_sock *sock, const struct io_uring_cqe *cqe, struct devmem__rx *rx)
{
	struct devmem__rxbufs *bufs = &sock->ring->bufs;
	unsigned int id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	const unsigned char *p = devmem__rxbufs_take(bufs, id);
	struct io_uring_recvmsg_out out;

	memcpy(&out, p, sizeof(out));
	devmem__rx_start(rx, p + sizeof(out), out.controllen, p + sizeof(out) + DEVMEM__CONTROL_BYTES, bufs->payload,
			 out.payloadlen, devmem__rxbufs_token(bufs, id));
	if (out.flags & MSG_CTRUNC)	/* kernels before 6.15 could drop a token here */
		rx->broken = true;
	return out.payloadlen || out.controllen;
}

static void devmem_handed(struct devmem_ring *ring, struct devmem__rx *rx, unsigned int host, bool done)
{
	if (host)
		devmem__rxbufs_hold(&ring->bufs, rx->host_token & 0xffff, host);
	if (done)
		devmem__rxbufs_put(&ring->bufs, rx->host_token);
}

static int devmem_put_host(struct devmem_ring *ring, uint32_t token)
{
	return devmem__rxbufs_put(&ring->bufs, token);
}

const struct devmem__engine devmem__engine_devmem = {
	.name = "devmem",
	.open = devmem_open,
	.close = devmem_close,
	.arm = devmem_arm,
	.can_arm = devmem_can_arm,
	.begin = devmem_begin,
	.handed = devmem_handed,
	.put_host = devmem_put_host,
};
