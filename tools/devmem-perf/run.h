/* SPDX-License-Identifier: MIT */
/* Runs a test in the main thread of either end: reports intervals, and watches for the other end
 * and for signals. */
#ifndef RUN_H
#define RUN_H

#include "control.h"
#include "crew.h"
#include "lobby.h"
#include "result.h"

struct run {
	const struct perf_options *opt;
	const struct test *test;
	enum test_end which;
	struct control *control;
	struct crew *crew;
	struct result *own, *peer;
	bool have_peer;	     /* the other end's figures have arrived */
	struct lobby *lobby; /* the server's lobby; NULL in the client */
	uint64_t limit;	     /* ns; the server's limit for the whole test; 0: none */
	/* ns; the extra time for what is under way when the test's time is over */
	uint64_t grace;
	char why[MEMORY_WHY];
};

/* run_bytes() - begins to measure a test of a number of bytes, before the peer is told to begin, so
 * that no byte is missed. */
void run_bytes(struct run *r);

/* run_turn_away() - refuses other clients. */
void run_turn_away(struct run *r);

/* run_go() - starts the test's time. */
void run_go(struct run *r);

/* run_all() - runs until all threads have ended. On failure it stops them, returns -1 and sets
 * @why. */
int run_all(struct run *r);

/* run_finish() - waits for the threads and takes their figures. @err: the test has failed already.
 * Returns -1 and sets @why. */
int run_finish(struct run *r, int err);

/* run_await() - waits for a message of this kind. Returns -1 and sets @why: the peer reported a
 * failure or has gone. */
int run_await(struct run *r, const char *kind, struct lines *l, int timeout_ms);

/* run_last_words() - when a connection broke, waits for the peer's reason, which explains more, and
 * sets @why if one comes. */
void run_last_words(struct run *r);

/* run_say() - sends a message without lines. */
int run_say(struct run *r, const char *kind);

#endif
