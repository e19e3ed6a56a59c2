/* SPDX-License-Identifier: MIT */
/* A worker thread with its own ring, its share of the connections, and its own buffer to send from.
 * This header has what flows and the crew share; other files use crew.h. */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <devmem/devmem.h>

#include "hdr.h"
#include "memory.h"
#include "test.h"

struct crew;

/* The role of an end on a connection. */
enum part {
	PART_LISTENS, /* only receives */
	PART_SENDS,   /* sends as fast as possible or at --rate; it may receive, too */
	PART_ASKS,    /* sends requests and waits for responses */
	PART_ANSWERS,
};

struct flow {
	uint64_t index; /* its number among all connections, which with --rate gives its turn */
	int fd;
	struct devmem_sock *sock;
	uint64_t received; /* bytes */
	/* messages passed to the kernel, and those of them whose memory is free again */
	uint64_t sends, completed;
	uint64_t answered;	   /* PART_ASKS: complete responses received */
	uint64_t limit;		   /* messages to send; UINT64_MAX: no limit */
	uint64_t *start;	   /* by slot: when its message began, or was due */
	uint64_t retransmits;	   /* the connection's total when the measured time began */
	bool refused, ended, shut; /* @ended: the peer sends no more; @shut: we send no more */
	/* a send's errno, until the connection's own error is known; or 0 */
	int failure;
};

/* Totals of the whole test. The main thread reads them. */
struct tally {
	uint64_t bytes_in, bytes_out, messages_in, messages_out;
};

/* Figures of the measured time are the difference of two of these. */
struct snapshot {
	uint64_t at; /* 0: not taken */
	struct tally tally;
	struct devmem_stats stats;
	uint64_t user_us, system_us;
};

struct worker {
	struct crew *crew;
	const struct test *test;
	enum part part;
	uint64_t in_size, out_size; /* bytes of a message */
	unsigned int number;
	int cpu; /* -1: any */
	pthread_t thread;
	struct lane *lane;
	struct devmem_ring *ring;
	struct devmem_buffer *buffer; /* to send from; a flow's slots are adjacent */
	struct devmem_binding *tx;
	uint64_t slots, stride; /* slots per flow; bytes per slot */
	struct flow *flow;
	unsigned int flows, open;
	int timer;	      /* timerfd for the next message at --rate, or -1 */
	uint64_t armed;	      /* when the timer expires */
	bool going, enough;   /* sending has begun; the measured time is over */
	unsigned char *piece; /* bytes read from the buffer for --verify */
	pthread_mutex_t lock; /* protects the next two, and whether there is a ring */
	struct tally tally;
	struct hdr *times; /* latencies since the main thread last took them */
	struct snapshot begin, end;
	uint64_t unsent, retransmits, rtt_us, copied_connections;
	char engine[16], engine_reason[512], warning[512];
	bool broken;	      /* it failed because a connection broke */
	char why[MEMORY_WHY]; /* why it failed; "": it did not */
};

/* worker_fail() - records why the worker failed. Only the first reason is kept. Returns -1. */
int worker_fail(struct worker *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* worker_break() - the same for a broken connection, of which the other end may know the cause. */
int worker_break(struct worker *w, const struct flow *f, const char *what);

/* worker_main() - the thread's function. */
void *worker_main(void *worker);

/* --------------------------------------------------------------------------------------- flow.c */

/* flow_open() - attaches the connection. Returns -1 after worker_fail(), as all that follow. */
int flow_open(struct worker *w, struct flow *f);

/* flow_fill() - fills the buffer that is sent from. With --verify each message is written just
 * before it is sent instead. */
int flow_fill(struct worker *w);

/* flow_push() - sends what can be sent now, and ends the flow if that was all. */
int flow_push(struct worker *w, struct flow *f);

/* flow_event() - handles an event of its socket. @now: when the event came out of the ring. */
int flow_event(struct worker *w, struct flow *f, const struct devmem_event *ev, uint64_t now);

/* flow_due() - when message @n is due; 0 without --rate: at once. */
uint64_t flow_due(const struct worker *w, const struct flow *f, uint64_t n);

/* flow_next() - when the flow can send next. CLOCK_NEVER: something else holds it up, or it has
 * sent everything. */
uint64_t flow_next(const struct worker *w, const struct flow *f);

/* flow_unsent() - number of messages that were due before @end but are not sent. */
uint64_t flow_unsent(const struct worker *w, const struct flow *f, uint64_t end);

#endif
