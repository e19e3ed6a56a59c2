/* SPDX-License-Identifier: MIT */
/* All worker threads of one end, from when the connections are made until the figures are summed
 * up. The main thread calls these. */
#ifndef CREW_H
#define CREW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "memory.h"
#include "pin.h"
#include "result.h"
#include "worker.h"

#define CREW_PIECE (256u << 10) /* bytes read from a buffer at a time */

struct crew {
	const struct perf_options *opt;
	const struct test *test;
	struct memory *memory;
	enum test_end which;
	struct pin_list pin;
	struct worker *worker;
	unsigned int workers;
	/* clock_now() values; CLOCK_NEVER: not yet, or for @until no limit */
	_Atomic uint64_t started, measure, until;
	/* @stop: the threads are to stop; @failed: a thread failed; @broken: because a connection
	 * broke */
	_Atomic bool stop, failed, broken;
	_Atomic unsigned int done;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int ready, begun; /* numbers of threads, protected by @lock */
	int event;		   /* an eventfd that becomes readable when a thread ends */
	struct tally reported;	   /* totals at the end of the last interval */
	struct hdr *spare, *interval, *all;
	char why[MEMORY_WHY];
};

/* crew_open() - starts the threads and gives each its share of the connections, which the crew owns
 * from now on. Returns -1 and sets @why. */
int crew_open(struct crew *c, const struct perf_options *opt, const struct test *test,
	      enum test_end which, struct memory *memory, const int *fd);

/* crew_measure() - sets the measured time. @wait: wait until all threads have begun to measure. */
void crew_measure(struct crew *c, uint64_t from, uint64_t until, bool wait);

/* crew_go() - lets the threads send. */
void crew_go(struct crew *c);

/* crew_interval() - the figures since the last call. */
void crew_interval(struct crew *c, struct point *p);

bool crew_is_done(const struct crew *c);

/* crew_stop() - stops the test before its end and aborts its connections. */
void crew_stop(struct crew *c);

/* crew_close() - waits for the threads. Returns 0, or -1 and sets @why: a thread failed or was
 * stopped. @r has the figures as far as the test got. */
int crew_close(struct crew *c, struct result *r);

/* crew_sum() - sums up the figures of the threads, which have ended. Returns -1 if there is no
 * memory. */
int crew_sum(const struct crew *c, struct result *r);

/* ----------------------------------------------------------------------- the threads call these */

const struct perf_options *crew_options(const struct crew *c);
uint64_t crew_started(const struct crew *c);
bool crew_measures(const struct crew *c, uint64_t when);

enum crew_step { CREW_READY, CREW_BEGUN };
void crew_step(struct crew *c, enum crew_step step);
void crew_leave(struct crew *c, bool failed, bool broken);

#endif
