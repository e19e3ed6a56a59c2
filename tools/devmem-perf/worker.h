/* SPDX-License-Identifier: MIT */
/*
 * A thread with its own ring, its share of the connections, and a buffer of its own to send from.
 * What flows and the crew share of it; others go by crew.h.
 */
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

/* What an end does on a connection. */
enum part {
	PART_LISTENS, /* receives, and sends nothing */
	PART_SENDS,   /* as much as goes or as is due; it may receive, too */
	PART_ASKS,    /* requests, and waits for responses */
	PART_ANSWERS,
};

struct flow {
	uint64_t index; /* of all connections: when it is its turn, with --rate */
	int fd;
	struct devmem_sock *sock;
	uint64_t received; /* bytes */
	/* messages handed over, and those whose memory is ours again */
	uint64_t sends, completed;
	uint64_t answered;	   /* PART_ASKS: responses that are complete */
	uint64_t limit;		   /* messages to send; UINT64_MAX: none */
	uint64_t *start;	   /* by slot: when that message began, or was due */
	uint64_t retransmits;	   /* of the connection, when the measured time began */
	bool refused, ended, shut; /* @ended: nothing more comes; @shut: nor goes */
	int failure;		   /* of a send, before its connection's, or 0 */
};

/* From the beginning; the main thread looks at it. */
struct tally {
	uint64_t bytes_in, bytes_out, messages_in, messages_out;
};

/* What is measured lies between two of these. */
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
	struct devmem_buffer *buffer; /* to send from: slots, those of a flow together */
	struct devmem_binding *tx;
	uint64_t slots, stride; /* of each flow; bytes */
	struct flow *flow;
	unsigned int flows, open;
	int timer;	      /* --rate: when the next one is due; or -1 */
	uint64_t armed;	      /* for when */
	bool going, enough;   /* it has begun; the time is over */
	unsigned char *piece; /* what is read out of the buffer to be verified */
	pthread_mutex_t lock; /* of the next two, and of whether there is a ring */
	struct tally tally;
	struct hdr *times; /* since the main thread took the last ones */
	struct snapshot begin, end;
	uint64_t unsent, retransmits, rtt_us;
	char engine[16], engine_reason[512], warning[512];
	bool broken;	      /* it failed since a connection did */
	char why[MEMORY_WHY]; /* it failed; "": it did not */
};

/* worker_fail() - why. The first reason counts. Returns -1. */
int worker_fail(struct worker *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* worker_break() - the same, and that it was a connection: the other end may know why. */
int worker_break(struct worker *w, const struct flow *f, const char *what);

/* worker_main() - of the thread. */
void *worker_main(void *worker);

/* --------------------------------------------------------------------------------------- flow.c */

/* flow_open() - attaches it. -1: worker_fail() was told why, as by all that follow. */
int flow_open(struct worker *w, struct flow *f);

/* flow_fill() - what is sent, unless each message is written when it is its turn (--verify). */
int flow_fill(struct worker *w);

/* flow_push() - send what can be sent now, and end it if that was all. */
int flow_push(struct worker *w, struct flow *f);

/* flow_event() - of its socket. @now: when it came out of the ring. */
int flow_event(struct worker *w, struct flow *f, const struct devmem_event *ev, uint64_t now);

/* flow_due() - when its message number @n is; without --rate, 0: at once. */
uint64_t flow_due(const struct worker *w, const struct flow *f, uint64_t n);

/* flow_next() - when it sends next, if nothing else holds it up; CLOCK_NEVER: something does, or
 * that was all. */
uint64_t flow_next(const struct worker *w, const struct flow *f);

/* flow_unsent() - messages that were due before @end, and are not sent. */
uint64_t flow_unsent(const struct worker *w, const struct flow *f, uint64_t end);

#endif
