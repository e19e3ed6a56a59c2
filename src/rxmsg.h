/* SPDX-License-Identifier: MIT */
/*
 * Messages: multishot IORING_OP_RECVMSG into the ring's receive buffers, with room for control data. Device memory
 * comes this way as cmsgs, host bytes behind them. Which flags are asked with is the engine's affair.
 */
#ifndef DEVMEM_RXMSG_H
#define DEVMEM_RXMSG_H

#include "ring.h"

/* Made for the first socket that needs them; closed with the ring. */
int devmem__rxmsg_open(struct devmem_ring *ring);
void devmem__rxmsg_close(struct devmem_ring *ring);

void devmem__rxmsg_arm(struct devmem_sock *sock, struct io_uring_sqe *sqe, int flags);

/* devmem__rxmsg_begin() - open a completion for devmem__rx_next(); false: the stream has ended */
bool devmem__rxmsg_begin(struct devmem_ring *ring, const struct io_uring_cqe *cqe, struct devmem__rx *rx);

/* devmem__rxmsg_handed() - a portion was handed out: @host of its events were HOST; @done: the completion is used up */
void devmem__rxmsg_handed(struct devmem_ring *ring, struct devmem__rx *rx, unsigned int host, bool done);

/* devmem__rxmsg_put_host() - a HOST fragment comes back. -EINVAL: it is not out */
int devmem__rxmsg_put_host(struct devmem_ring *ring, uint32_t token);

#endif
