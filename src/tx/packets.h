/* SPDX-License-Identifier: MIT */
/*
 * How many pieces of device memory a packet has. TCP makes packets of whatever lies next to each
 * other in the stream: each page of a range, or part of one, is a piece, and a packet of many short
 * ranges has many. A NIC has descriptors for only so many pieces of a packet. Drivers copy a packet
 * with more into one piece, which fails where the processor cannot read the memory; then they drop
 * it, and drop it again each time that TCP repeats it. So there must be no such packet: a boundary
 * (MSG_EOR) keeps TCP from adding to what is before it. Does no I/O. [net/core/datagram.c:
 * zerocopy_fill_skb_from_devmem; net/ipv4/tcp.c: tcp_sendmsg_locked]
 */
#ifndef DEVMEM__TX_PACKETS_H
#define DEVMEM__TX_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* a limit above this is none: the kernel itself keeps to 17 [MAX_SKB_FRAGS] */
#define DEVMEM__COPY_TOKENS_MAX	 16u
#define DEVMEM__COPY_TOKENS_SAFE 6u /* for a driver of which nothing is known */

/* What was sent since the last boundary: the sizes of the last pieces. All zero: nothing, and there
 * is no limit. */
struct devmem__packets {
	uint32_t most; /* pieces of a packet; 0: any number */
	uint32_t page; /* bytes of a page of the system, if there is a limit */
	/* pieces; from DEVMEM__COPY_TOKENS_MAX on: at least so many, and the place of the last
	 * one */
	uint32_t count;
	uint32_t between; /* bytes of the last ones, one less than @most */
	bool only_long;	  /* nothing but long ranges */
	/* of piece i, at [i % DEVMEM__COPY_TOKENS_MAX] */
	uint32_t bytes[DEVMEM__COPY_TOKENS_MAX];
};

/* devmem__packets_limit() - what comes next goes by a NIC that takes @most pieces of a packet; 0:
 * any number. */
void devmem__packets_limit(struct devmem__packets *p, uint32_t most);

/*
 * devmem__packets_cut() - how much of the next @n ranges one call may take, their iov_base being
 * offsets in the dma-buf. Returns the number of ranges, at least 1; the last of them may be made
 * shorter. @boundary: the call must end with one.
 */
unsigned int devmem__packets_cut(const struct devmem__packets *p, struct iovec *iov, unsigned int n,
				 bool *boundary);

/* devmem__packets_sent() - the kernel took @bytes of these ranges, and with all of them the
 * boundary, if there was one. */
void devmem__packets_sent(struct devmem__packets *p, const struct iovec *iov, unsigned int n,
			  size_t bytes, bool boundary);

/* devmem__packets_boundary() - what is sent next does not share a packet with anything before
 * it. */
static inline void devmem__packets_boundary(struct devmem__packets *p)
{
	p->count = 0;
	p->between = 0;
	p->only_long = true;
}

#endif
