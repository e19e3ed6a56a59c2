/* SPDX-License-Identifier: MIT */
/* What tx.c (the application's side of sending) and tx_io.c (the kernel's side) share. */
#ifndef DEVMEM__TX_TX_IMPL_H
#define DEVMEM__TX_TX_IMPL_H

#include <net/if.h>

#include "tx/errqueue.h"
#include "tx/packets.h"
#include "tx/sendq.h"
#include "tx.h"

#define DEVMEM__TX_RANGES 64u /* of one sendmsg */

/* Since when the peer has acknowledged nothing, and what was counted then. */
struct devmem__tx_stall {
	bool on;
	uint64_t freed, acked, dropped;
	uint32_t again; /* packets that were sent again */
	bool over;	/* it was given up, after so many of both */
};

struct devmem__tx {
	struct devmem_sock *sock;
	struct devmem__sendq q;
	/* ring->sends.todo: there is something to ask the kernel for */
	struct devmem__list todo;
	struct devmem__list to_report; /* ring->sends.to_report: there may be events */
	/* the socket's; by system calls a duplicate, since no descriptor has two requests */
	int fd;
	uint32_t max;
	bool refused;			  /* the application was told -EAGAIN */
	bool misplaced;			  /* ... and is to be told that bytes leave elsewhere ... */
	bool misplaced_fails;		  /* ... which fails, or is copied ... */
	char misplaced_from[IF_NAMESIZE]; /* ... than by this interface */
	bool zerocopy;			  /* SO_ZEROCOPY is on, and the numbers are ours */
	bool was_off;			  /* ... and was not before */
	/* the connection is over, and what was acknowledged is known */
	bool closed;

	/* requests in the kernel */
	bool sending; /* a sendmsg, which is never there for long */
	bool sending_numbered;
	const struct devmem_binding *sending_from;
	bool boundary; /* ... which ends a packet */
	struct devmem__packets packets;
	bool hearing; /* a receive from the error queue */
	/* a poll for all that happens, in the place of the receive's own */
	bool polling;
	bool cancelling; /* ... which was to be cancelled */
	bool room;	 /* a poll for room in the send buffer */
	/* ... which would say without end that the peer has ended its half */
	bool peer_ended;

	/* one half of the connection is over, which would wake receives without end */
	bool half;
	bool stir;	     /* (half) the error queue is to be looked at */
	bool full;	     /* the kernel takes no more ... */
	uint64_t resume;     /* ... until it has no more than so many bytes of ours */
	uint64_t copy_until; /* ns: the route leads elsewhere; then it is tried again */
	uint64_t last_told;  /* ns: of that */
	struct devmem__tx_stall stall;
	unsigned int routed; /* the interface for which the route was looked at, or 0 */

	struct msghdr msg, err_msg;
	struct iovec iov[DEVMEM__TX_RANGES];
	_Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(sizeof(uint32_t))];
	_Alignas(struct cmsghdr) unsigned char err_control[DEVMEM__NOTICE_ROOM];
	unsigned char *stage;	      /* for memory that the processor cannot map */
	struct devmem_buffer *synced; /* the processor reads it: until the sendmsg is done */
};

/* tx.c */
void devmem__tx_todo(struct devmem__tx *tx);
void devmem__tx_tell(struct devmem__tx *tx);
/* into sock->sends, for receiving */
void devmem__tx_publish(struct devmem__tx *tx);
void devmem__tx_fail(struct devmem__tx *tx, int err); /* not the connection's */
/* is the connection over? @otherwise: if nobody knows why */
bool devmem__tx_look(struct devmem__tx *tx, int otherwise);
/* the peer gets a RST, and what is under way fails with @err */
void devmem__tx_reset(struct devmem__tx *tx, int err);
void devmem__tx_elsewhere(struct devmem__tx *tx, const struct devmem_binding *binding);

/* How many numbered calls have been answered for and not told of. */
static inline uint32_t devmem__tx_unheard(const struct devmem__tx *tx)
{
	return tx->q.numbered - (tx->sending && tx->sending_numbered);
}

#endif
