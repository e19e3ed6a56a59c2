/* SPDX-License-Identifier: MIT */
/*
 * The sends of one socket, as positions in a stream of its own. On one side are the application's
 * sends; on the other, calls of sendmsg() and what the kernel reports of them. Does no I/O.
 *
 *	freed           sent                queued
 *	  |               |                   |
 *	  |  the kernel   |  it has not been  |
 *	  |  has these    |  given these      |
 *
 * For each socket the kernel numbers the calls that succeed with MSG_ZEROCOPY, from 0 on, in 32
 * bits. Its notifications name ranges of numbers, in any order. A call's memory is in use until its
 * notification. A call may take less than it was given, and carry several sends or a part of one.
 * [Documentation/networking/msg_zerocopy.rst]
 */
#ifndef DEVMEM__TX_SENDQ_H
#define DEVMEM__TX_SENDQ_H

#include <sys/uio.h>

#include "base/internal.h"

#define DEVMEM__PARTS 1024u /* calls that may be under way */

/* A send of the application. */
struct devmem__send {
	uint64_t cookie, end;		/* @end: the position of its end */
	struct devmem_binding *binding; /* kept for the caller */
	uint32_t bytes;
	bool copied; /* some of its bytes */
};

/* A call of sendmsg(). */
struct devmem__part {
	uint32_t id, bytes;
	bool numbered; /* it has an id */
	bool open;     /* its result is not known yet */
	bool done, copied;
};

struct devmem__sendq {
	struct devmem__send *send;
	struct devmem_range *range;
	struct devmem__part *part;
	/* indices count on without end; the arrays' sizes are powers of two, or 0 */
	/* @send_next: the first one not sent to its end */
	uint32_t sends, send_head, send_next, send_tail;
	/* @range_next: the first one not sent to its end ... */
	uint32_t ranges, range_next, range_tail;
	uint64_t range_used; /* ... of which this was sent */
	uint32_t part_head, part_tail;
	uint32_t next_id;
	uint32_t numbered; /* parts with an id that are not done */
	/* the kernel's next number is unknown: one call at a time */
	bool learn;
	uint64_t freed, sent, queued;
	uint64_t good; /* after an error: sends that end after this position have failed */
	int error;     /* 0, or why nothing more is sent */
	/* @error is the connection's; otherwise it is cleared when all sends have come back */
	bool final;
};

void devmem__sendq_close(struct devmem__sendq *q);

/* devmem__sendq_push() - add a send of @n ranges, none of them empty. -ENOMEM: nothing has
 * changed. */
int devmem__sendq_push(struct devmem__sendq *q, struct devmem_binding *binding,
		       const struct devmem_range *ranges, unsigned int n, uint32_t bytes,
		       uint64_t cookie);

/* How many sends have not come back. */
static inline uint32_t devmem__sendq_count(const struct devmem__sendq *q)
{
	return q->send_tail - q->send_head;
}

/* Bytes that the kernel has. */
static inline uint64_t devmem__sendq_in_flight(const struct devmem__sendq *q)
{
	return q->sent - q->freed;
}

/* devmem__sendq_next() - the send whose bytes are next, or NULL if there is none or none may go
 * now. */
const struct devmem__send *devmem__sendq_next(const struct devmem__sendq *q);

/*
 * devmem__sendq_gather() - gather offsets and lengths of the next bytes, all of one binding, in up
 * to @room elements. From @most bytes on, no further send is added. A large range goes alone.
 * Returns how many elements.
 */
unsigned int devmem__sendq_gather(const struct devmem__sendq *q, struct iovec *iov,
				  unsigned int room, size_t most);

/* devmem__sendq_begin() - a call is being made. @numbered: with MSG_ZEROCOPY. false: too many calls
 * are under way. */
bool devmem__sendq_begin(struct devmem__sendq *q, bool numbered);

/* devmem__sendq_result() - the last call took @bytes; 0 if it failed. */
void devmem__sendq_result(struct devmem__sendq *q, uint32_t bytes);

/* devmem__sendq_notified() - the calls from @lo to @hi are done. @copied: the kernel copied after
 * all. */
void devmem__sendq_notified(struct devmem__sendq *q, uint32_t lo, uint32_t hi, bool copied);

/*
 * devmem__sendq_fail() - send nothing more. Sends that end after position @good have failed with
 * @error; if it is not @final, only the first of them has, and the others with -ECANCELED.
 */
void devmem__sendq_fail(struct devmem__sendq *q, int error, uint64_t good, bool final);

/* devmem__sendq_done() - the oldest send, if its memory is free, or NULL. @result: 0, 1 (copied),
 * or why it failed. */
const struct devmem__send *devmem__sendq_done(const struct devmem__sendq *q, int *result);
void devmem__sendq_pop(struct devmem__sendq *q);

#endif
