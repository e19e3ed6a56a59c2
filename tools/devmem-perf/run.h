/* SPDX-License-Identifier: MIT */
/* The time of a test, as both ends' main threads spend it: intervals are told, the other end and
 * signals listened to. */
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
	bool have_peer;	     /* the other end's figures have come */
	struct lobby *lobby; /* others who want something; or NULL */
	uint64_t limit;	     /* how long all of it may take, of the server: ns; 0: for ever */
	uint64_t grace;	     /* ... and what is under way when the time of a test is over */
	char why[MEMORY_WHY];
};

/* run_bytes() - before the peer is told to begin: where bytes are counted, none is to be missed. */
void run_bytes(struct run *r);

/* run_turn_away() - whoever else has come. */
void run_turn_away(struct run *r);

/* run_go() - the time begins. */
void run_go(struct run *r);

/* run_all() - until all threads have ended, or until it fails: then they are stopped. -1, and
 * @why. */
int run_all(struct run *r);

/* run_finish() - waits for the threads, and takes their figures. @err: it has failed before. -1,
 * and @why. */
int run_finish(struct run *r, int err);

/* run_await() - a message of this kind. -1, and @why: the peer says that it failed, or has gone. */
int run_await(struct run *r, const char *kind, struct lines *l, int timeout_ms);

/*
 * run_last_words() - a connection that broke is not why: the one who broke it knows, or is not
 * there any more. @why, if that can be told.
 */
void run_last_words(struct run *r);

/* run_say() - a message without lines. */
int run_say(struct run *r, const char *kind);

#endif
