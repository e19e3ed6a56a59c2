/* SPDX-License-Identifier: MIT */
/*
 * Limits how many pieces of device memory a packet has. TCP makes packets of bytes that are
 * adjacent in the stream. Each page of a range, or part of a page, is a piece, so a packet of many
 * short ranges has many. A NIC has descriptors for a limited number of pieces. Drivers copy a
 * packet with more into one piece, which fails if the processor cannot read the memory. Then they
 * drop the packet, and drop each retransmission of it. So there must be no such packet: a boundary
 * (MSG_EOR) keeps TCP from adding to the bytes before it. Does no I/O.
 * [net/core/datagram.c: zerocopy_fill_skb_from_devmem(); net/ipv4/tcp.c: tcp_sendmsg_locked()]
 */
#ifndef DEVMEM__TX_PACKETS_H
#define DEVMEM__TX_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* the largest limit of packets on the wire that is kept to: no driver has a larger one that is less
 * than what the kernel allows */
#define DEVMEM__PIECES_MAX  16u
#define DEVMEM__PIECES_SAFE 6u /* for an unknown driver */

/* The sizes of the last pieces that were sent since the last boundary. All zero: nothing was sent,
 * and there is no limit. */
struct devmem__packets {
	uint32_t most;	 /* pieces of a packet; 0: any number */
	bool before_tso; /* that limit is one of all bytes between two boundaries */
	uint32_t page;	 /* the system's page size in bytes, if there is a limit */
	/* pieces; unless @before_tso, from DEVMEM__PIECES_MAX on: at least so many, and it still
	 * gives the place of the last one */
	uint32_t count;
	uint32_t between; /* bytes of the last @most - 1 pieces */
	bool only_long;	  /* all ranges were long */
	/* of piece i, at [i % DEVMEM__PIECES_MAX] */
	uint32_t bytes[DEVMEM__PIECES_MAX];
};

/*
 * devmem__packets_limit() - the next ranges leave by a NIC that takes @most pieces in a packet; 0:
 * any number. A packet on the wire has at most 10 KiB, so long pieces need no boundaries, and @most
 * is at most DEVMEM__PIECES_MAX. @before_tso: the limit is one of what TCP hands to the NIC at once
 * and TSO divides. That may be much longer, so there is a boundary after every @most pieces.
 */
void devmem__packets_limit(struct devmem__packets *p, uint32_t most, bool before_tso);

/*
 * devmem__packets_cut() - how much of the next @n ranges one call may take. Their iov_base are
 * offsets in the dma-buf. Returns the number of ranges, at least 1, and may shorten the last of
 * them. @boundary: the call must end with one.
 */
unsigned int devmem__packets_cut(const struct devmem__packets *p, struct iovec *iov, unsigned int n,
				 bool *boundary);

/* devmem__packets_sent() - the kernel took @bytes of these ranges. If it took all of them, it took
 * the boundary too, if there was one. */
void devmem__packets_sent(struct devmem__packets *p, const struct iovec *iov, unsigned int n,
			  size_t bytes, bool boundary);

/* devmem__packets_boundary() - the next bytes do not share a packet with any before them. */
static inline void devmem__packets_boundary(struct devmem__packets *p)
{
	p->count = 0;
	p->between = 0;
	p->only_long = true;
}

#endif
