/* SPDX-License-Identifier: MIT */
/* All threads of an end, from when the connections are there until the figures are. The main thread
 * calls these. */
#ifndef CREW_H
#define CREW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "memory.h"
#include "pin.h"
#include "result.h"
#include "worker.h"

#define CREW_PIECE (256u << 10) /* bytes that are read out of a buffer at a time */

struct crew {
	const struct perf_options *opt;
	const struct test *test;
	struct memory *memory;
	enum test_end which;
	struct pin_list pin;
	struct worker *worker;
	unsigned int workers;
	/* when; CLOCK_NEVER: not yet, or for @until no such time */
	_Atomic uint64_t started, measure, until;
	/* do it; one has; since a connection broke */
	_Atomic bool stop, failed, broken;
	_Atomic unsigned int done;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int ready, begun; /* threads: of @lock */
	int event;		   /* becomes readable when a thread has ended */
	struct tally reported;	   /* what the last interval ended with */
	struct hdr *spare, *interval, *all;
	char why[MEMORY_WHY];
};

/* crew_open() - a thread for each share of these connections, which are the crew's from now on. -1,
 * and @why. */
int crew_open(struct crew *c, const struct perf_options *opt, const struct test *test,
	      enum test_end which, struct memory *memory, const int *fd);

/* crew_measure() - from when until when. @wait: until all threads have noticed that it has
 * begun. */
void crew_measure(struct crew *c, uint64_t from, uint64_t until, bool wait);

/* crew_go() - now they may send. */
void crew_go(struct crew *c);

/* crew_interval() - what was done since the last call. */
void crew_interval(struct crew *c, struct point *p);

bool crew_is_done(const struct crew *c);

/* crew_stop() - in the middle: connections are aborted. */
void crew_stop(struct crew *c);

/* crew_close() - wait for the threads. 0; or -1, and @why: a thread failed or was stopped. @r: as
 * far as it came. */
int crew_close(struct crew *c, struct result *r);

/* crew_sum() - what the threads have to tell, when they have ended. -1: no memory. */
int crew_sum(const struct crew *c, struct result *r);

/* ----------------------------------------------------------------------- the threads call these */

const struct perf_options *crew_options(const struct crew *c);
uint64_t crew_started(const struct crew *c);
bool crew_measures(const struct crew *c, uint64_t when);

enum crew_step { CREW_READY, CREW_BEGUN };
void crew_step(struct crew *c, enum crew_step step);
void crew_leave(struct crew *c, bool failed, bool broken);

#endif
