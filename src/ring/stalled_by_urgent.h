/* SPDX-License-Identifier: MIT */
/* Connections that stand still because the guard (guard.h) drops what their peers send: the ring
 * finds and aborts them. */
#ifndef DEVMEM__RING_STALLED_BY_URGENT_H
#define DEVMEM__RING_STALLED_BY_URGENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct devmem_ring;
struct devmem_sock;
struct devmem__samples;

#define DEVMEM__URGENT_NS 1000000000u /* how often a ring looks */

/* Of a guarded socket: its counters at the last check. */
struct devmem__sock_urgent {
	bool watched;
	bool found;		/* it stands still, and was aborted */
	uint32_t drops;		/* segments that the kernel dropped */
	uint32_t segments;	/* segments that TCP has seen ... */
	uint32_t data_segments; /* ... and those with data */
	uint64_t received;	/* bytes */
	/* segments that were dropped before TCP saw them, since bytes came last */
	uint32_t unseen;
	in_port_t local_port, peer_port;
	/* a segment was dropped before it reached the socket: its sequence number, and the bytes
	 * received until then */
	bool sampled;
	uint32_t sampled_seq;
	uint64_t sampled_received;
};

/* Of a ring. */
struct devmem__ring_urgent {
	unsigned int watched; /* guarded sockets */
	unsigned int slot;    /* of the socket that was checked last */
	uint64_t due;	      /* ns: when the next ones are checked */
	/* of segments that are dropped before they reach a socket, or NULL */
	struct devmem__samples *samples;
	bool refused; /* the kernel gives no samples */
};

/* Compares this check's counters, @now, with the last check's, @u, and updates @u. true: the
 * connection stands still. No I/O, so that tests can call it. */
bool devmem__urgent_judge(struct devmem__sock_urgent *u, const struct devmem__sock_urgent *now);

void devmem__urgent_watch(struct devmem_sock *sock);
void devmem__urgent_leave(struct devmem_sock *sock);
void devmem__urgent_close(struct devmem_ring *ring);

/* Check sockets of a ring, if that is due; and in how many ns it is due. */
void devmem__urgent_look(struct devmem_ring *ring);
uint64_t devmem__urgent_due(const struct devmem_ring *ring);

/* If the socket was found standing still: set the error message for its end, and log a warning. */
void devmem__urgent_explain(struct devmem_sock *sock);

#endif
