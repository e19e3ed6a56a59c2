/* SPDX-License-Identifier: MIT */
/*
 * What one socket has to send, as positions in a stream of its own: sends of the application on one
 * side, calls of sendmsg() on the other, and what the kernel says of the latter. Does no I/O.
 *
 *	freed           sent                queued
 *	  |               |                   |
 *	  |  the kernel   |  it has not been  |
 *	  |  has these    |  given these      |
 *
 * The kernel numbers the calls that succeed with MSG_ZEROCOPY, from 0 on, in 32 bits, for each
 * socket; its notifications name ranges of numbers, in any order, and the memory of a call is used
 * until then. A call may take less than it was given, and carry several sends, or a part of one.
 * [Documentation/networking/msg_zerocopy.rst]
 */
#ifndef DEVMEM__TX_SENDQ_H
#define DEVMEM__TX_SENDQ_H

#include <sys/uio.h>

#include "base/internal.h"

#define DEVMEM__PARTS 1024u /* calls that may be under way */

/* One of the application's. */
struct devmem__send {
	uint64_t cookie, end;		/* @end: its position */
	struct devmem_binding *binding; /* the caller's affair */
	uint32_t bytes;
	bool copied; /* some of it */
};

/* One of the kernel's. */
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
	/* counted on without end; the arrays' sizes are powers of two, or 0 */
	/* @send_next: the first one not sent to its end */
	uint32_t sends, send_head, send_next, send_tail;
	/* @range_next: the first one not sent to its end ... */
	uint32_t ranges, range_next, range_tail;
	uint64_t range_used; /* ... of which this was sent */
	uint32_t part_head, part_tail;
	uint32_t next_id;
	uint32_t numbered; /* parts with an id that are not done */
	/* which number the kernel gives next is not known: one at a time */
	bool learn;
	uint64_t freed, sent, queued;
	uint64_t good; /* after an error: what ends later has failed */
	int error;     /* 0, or why nothing more is sent */
	/* the connection's; otherwise it is over when what is here has come back */
	bool final;
};

void devmem__sendq_close(struct devmem__sendq *q);

/* devmem__sendq_push() - a send of the bytes of @n ranges, none of them empty. -ENOMEM: nothing has
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

/* devmem__sendq_next() - the send whose bytes are next to go, or NULL: there is none, or none may
 * now. */
const struct devmem__send *devmem__sendq_next(const struct devmem__sendq *q);

/*
 * devmem__sendq_gather() - offsets and lengths of the next bytes, of one binding, in up to @room
 * elements. No further send begins when there are @most bytes, and a large range goes alone.
 * Returns how many elements.
 */
unsigned int devmem__sendq_gather(const struct devmem__sendq *q, struct iovec *iov,
				  unsigned int room, size_t most);

/* devmem__sendq_begin() - a call is made. @numbered: with MSG_ZEROCOPY. false: too many are under
 * way. */
bool devmem__sendq_begin(struct devmem__sendq *q, bool numbered);

/* devmem__sendq_result() - it took @bytes, or failed and took none: 0. */
void devmem__sendq_result(struct devmem__sendq *q, uint32_t bytes);

/* devmem__sendq_notified() - the calls from @lo to @hi are done. @copied: the kernel copied after
 * all. */
void devmem__sendq_notified(struct devmem__sendq *q, uint32_t lo, uint32_t hi, bool copied);

/*
 * devmem__sendq_fail() - nothing more is sent. What ends after position @good failed: with @error,
 * or, if it is not @final, with -ECANCELED behind the first.
 */
void devmem__sendq_fail(struct devmem__sendq *q, int error, uint64_t good, bool final);

/* devmem__sendq_done() - the oldest send if its memory is free; @result: 0, 1 (copied), or why it
 * failed. */
const struct devmem__send *devmem__sendq_done(const struct devmem__sendq *q, int *result);
void devmem__sendq_pop(struct devmem__sendq *q);

#endif
