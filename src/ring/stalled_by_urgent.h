/* SPDX-License-Identifier: MIT */
/* Connections that stand still because the guard (guard.h) drops what their peers send: they are
 * found, and end. */
#ifndef DEVMEM__RING_STALLED_BY_URGENT_H
#define DEVMEM__RING_STALLED_BY_URGENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct devmem_ring;
struct devmem_sock;
struct devmem__samples;

#define DEVMEM__URGENT_NS 1000000000u /* how often a ring looks */

/* Of a guarded socket: its counters when it was looked at last. */
struct devmem__sock_urgent {
	bool watched;
	bool found;		/* it stands still, and was aborted */
	uint32_t drops;		/* segments that the kernel dropped */
	uint32_t segments;	/* that TCP has seen ... */
	uint32_t data_segments; /* ... and those with data */
	uint64_t received;	/* bytes */
	/* segments that were dropped before TCP saw them, since bytes came last */
	uint32_t unseen;
	in_port_t local_port, peer_port;
	/* one was dropped before it got to the socket: its number, and bytes received then */
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

/* What one look found of what the last one left in @u. true: the connection stands still. Pure; for
 * the tests. */
bool devmem__urgent_judge(struct devmem__sock_urgent *u, const struct devmem__sock_urgent *now);

void devmem__urgent_watch(struct devmem_sock *sock);
void devmem__urgent_leave(struct devmem_sock *sock);
void devmem__urgent_close(struct devmem_ring *ring);

/* Look after the sockets of a ring, if that is due; and in how many ns it is due again. */
void devmem__urgent_look(struct devmem_ring *ring);
uint64_t devmem__urgent_due(const struct devmem_ring *ring);

/* Of one that was found: the error message for its end, and the log's warning. */
void devmem__urgent_explain(struct devmem_sock *sock);

#endif
