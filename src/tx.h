/* SPDX-License-Identifier: MIT */
/*
 * Room tx: sending. This header has what the loop calls. The room may include recv and the rooms
 * below it.
 */
#ifndef DEVMEM__TX_H
#define DEVMEM__TX_H

#include "recv/receiving.h"

struct devmem__tx;

/* Before the kernel is entered: makes requests for what sockets have to send, and for the
 * notifications to wait for. */
void devmem__tx_prepare(struct devmem_ring *ring);

/* devmem__tx_done() - process a completion. false: it does not belong to a send. */
bool devmem__tx_done(const struct io_uring_cqe *cqe);

/* devmem__tx_to_events() - events of sends that are over; 0 if there are none now. */
unsigned int devmem__tx_to_events(struct devmem_ring *ring, struct devmem_event *events,
				  unsigned int n);

/* A receive failed with @err, so the connection may be over. */
void devmem__tx_broken(struct devmem_sock *sock, int err);

/* devmem__tx_abort() - end the connection at once, because of @err, which its events then
 * report. */
void devmem__tx_abort(struct devmem_sock *sock, int err);

void devmem__tx_detach(struct devmem_sock *sock);

/* True if sends still need the socket. */
bool devmem__tx_busy(const struct devmem_sock *sock);

/*
 * stall.c: fails sends that the NIC drops again and again. devmem__tx_waits() - true if there are
 * sends that are not over. Then devmem__tx_look_at_stalls() must be called every
 * DEVMEM__TX_LOOK_NS.
 */
#define DEVMEM__TX_LOOK_NS 2000000000u
static inline bool devmem__tx_waits(const struct devmem_ring *ring)
{
	return ring->stats.sends != ring->sends.over;
}
void devmem__tx_look_at_stalls(struct devmem_ring *ring);
/* sets the error message if the connection was ended for that reason */
void devmem__tx_explain(const struct devmem_sock *sock);

/* For closing a ring: first, aborts connections with sends under way; then, when no requests are
 * left, waits for their memory. */
void devmem__tx_abort_all(struct devmem_ring *ring);
void devmem__tx_await_all(struct devmem_ring *ring);
void devmem__tx_free(struct devmem_sock *sock);

#endif
