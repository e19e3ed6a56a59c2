/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's iou-zcrx wants of liburing 2.10 or later, for Debian 13's 2.9: included before
 * all else, together with the kernel's own linux/io_uring.h, which takes the place of the copy that
 * liburing brings.
 */
#ifndef LIBURING_ZCRX_H
#define LIBURING_ZCRX_H

#include <linux/io_uring.h>
#include <liburing.h>

struct io_uring_zcrx_rq {
	__u32 *khead;
	__u32 *ktail;
	__u32 rq_tail;
	unsigned int ring_entries;
	struct io_uring_zcrx_rqe *rqes;
	void *ring_ptr;
};

static inline int io_uring_register_ifq(struct io_uring *ring, struct io_uring_zcrx_ifq_reg *reg)
{
	return io_uring_register((unsigned int)ring->ring_fd, IORING_REGISTER_ZCRX_IFQ, reg, 1);
}

#endif
