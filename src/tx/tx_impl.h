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

/* Whether the peer has stopped acknowledging, and the counters when that began. */
struct devmem__tx_stall {
	bool on;
	uint64_t freed, acked, dropped;
	uint32_t again; /* retransmitted packets */
	/* the connection was given up; @again and @dropped count from the beginning of the stall */
	bool over;
};

struct devmem__tx {
	struct devmem_sock *sock;
	struct devmem__sendq q;
	/* ring->sends.todo: requests are to be made */
	struct devmem__list todo;
	struct devmem__list to_report; /* ring->sends.to_report: there may be events */
	/* the socket's; a duplicate if the ring uses system calls: a descriptor has one request
	 * there */
	int fd;
	uint32_t max;
	bool refused;			  /* devmem_send() has returned -EAGAIN */
	bool misplaced;			  /* a MISPLACED event is to be reported ... */
	bool misplaced_fails;		  /* ... because sends fail; false: they are copied ... */
	char misplaced_from[IF_NAMESIZE]; /* ... and no longer leave by this interface */
	bool zerocopy;			  /* SO_ZEROCOPY is on, and the numbers are ours */
	bool was_off;			  /* it was off before */
	/* the connection is over, and what was acknowledged is known */
	bool closed;

	/* requests in the kernel */
	bool sending; /* a sendmsg, which never stays there for long */
	bool sending_numbered;
	const struct devmem_binding *sending_from;
	bool boundary; /* that sendmsg ends with a boundary (packets.h) */
	struct devmem__packets packets;
	bool receiving; /* a receive from the error queue */
	/* a multishot poll of the error queue, in place of the receive's own */
	bool polling;
	bool cancelling; /* that poll is being cancelled */
	bool room;	 /* a poll for room in the send buffer */
	/* the peer has ended its half, which a one-shot poll for room would report without end */
	bool peer_ended;

	/* one half of the connection is over, which would wake a waiting receive without end */
	bool half;
	bool read_errors;    /* (half) the error queue is to be read */
	bool full;	     /* the kernel takes no more ... */
	uint64_t resume;     /* ... until it has at most so many bytes of ours */
	uint64_t copy_until; /* ns: sends are copied until then, since the route leads elsewhere */
	uint64_t last_reported; /* ns: when that was last reported */
	struct devmem__tx_stall stall;
	unsigned int routed; /* the interface for which the route was checked, or 0 */
	const char *dropped; /* its driver's counter of packets that it drops, or NULL */

	struct msghdr msg, err_msg;
	struct iovec iov[DEVMEM__TX_RANGES];
	_Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(sizeof(uint32_t))];
	_Alignas(struct cmsghdr) unsigned char err_control[DEVMEM__NOTICE_ROOM];
	unsigned char *stage; /* for memory that the processor cannot map */
	/* the processor reads this buffer until the sendmsg is done; or NULL */
	struct devmem_buffer *synced;
};

/* tx.c */
void devmem__tx_todo(struct devmem__tx *tx);
void devmem__tx_to_report(struct devmem__tx *tx);
/* copies to sock->sends what the rooms below must know */
void devmem__tx_publish(struct devmem__tx *tx);
/* fails the sends with @err, which is not the connection's */
void devmem__tx_fail(struct devmem__tx *tx, int err);
/* true if the connection is over, in which case its sends fail; @otherwise: if nobody knows why */
bool devmem__tx_look(struct devmem__tx *tx, int otherwise);
/* the peer gets a RST, and what is under way fails with @err */
void devmem__tx_reset(struct devmem__tx *tx, int err);
void devmem__tx_elsewhere(struct devmem__tx *tx, const struct devmem_binding *binding);

/* How many numbered calls have returned, and have had no notification yet. */
static inline uint32_t devmem__tx_unnotified(const struct devmem__tx *tx)
{
	return tx->q.numbered - (tx->sending && tx->sending_numbered);
}

#endif
