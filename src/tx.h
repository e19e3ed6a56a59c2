/* SPDX-License-Identifier: MIT */
/*
 * Room tx: sending. What of it the loop calls is here. It may include recv and what is below.
 */
#ifndef DEVMEM__TX_H
#define DEVMEM__TX_H

#include "recv/receiving.h"

struct devmem__tx;

/* Before the kernel is entered: what sockets have to send, and the notifications to wait for. */
void devmem__tx_prepare(struct devmem_ring *ring);

/* devmem__tx_done() - a completion. false: it is not of a send. */
bool devmem__tx_done(const struct io_uring_cqe *cqe);

/* devmem__tx_to_events() - events of sends that are over; 0 if there are none now. */
unsigned int devmem__tx_to_events(struct devmem_ring *ring, struct devmem_event *events,
				  unsigned int n);

/* The connection is over, perhaps: a receive failed with @err. */
void devmem__tx_broken(struct devmem_sock *sock, int err);

/* devmem__tx_abort() - end the connection at once, because of @err: that is what its events
 * tell. */
void devmem__tx_abort(struct devmem_sock *sock, int err);

void devmem__tx_detach(struct devmem_sock *sock);

/* Does something of it keep the socket? */
bool devmem__tx_busy(const struct devmem_sock *sock);

/*
 * stall.c: sends that the NIC drops again and again are to fail. devmem__tx_waits(): there are
 * sends that are not over, so that devmem__tx_look_at_stalls() is to be called every
 * DEVMEM__TX_LOOK_NS.
 */
#define DEVMEM__TX_LOOK_NS 2000000000u
static inline bool devmem__tx_waits(const struct devmem_ring *ring)
{
	return ring->stats.sends != ring->sends.over;
}
void devmem__tx_look_at_stalls(struct devmem_ring *ring);
/* the message of such a connection's end, if it is one */
void devmem__tx_explain(const struct devmem_sock *sock);

/* The ring is being closed: first connections with sends under way are aborted, then, requests
 * being over, waited for. */
void devmem__tx_abort_all(struct devmem_ring *ring);
void devmem__tx_await_all(struct devmem_ring *ring);
void devmem__tx_free(struct devmem_sock *sock);

#endif
