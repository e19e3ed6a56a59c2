/* SPDX-License-Identifier: MIT */
/* Receives connections to their end and checks them, for programs that differ in how they wait. */
#ifndef STREAMS_H
#define STREAMS_H

#include <stdbool.h>
#include <stdint.h>

struct server;

struct streams {
	struct server *server;
	uint64_t wrong; /* fragments with wrong bytes */
	bool stop;	/* a signal came, if the ring watches signals */
};

/* Accepts all connections that wait at the listener. */
void streams_accept(struct streams *s);

/* Runs one turn of the ring. Returns the number of events, at most a few hundred, or -1 after an
 * error message. */
int streams_turn(struct streams *s, int timeout_ms);

/* Gives up all open connections. */
void streams_close(struct streams *s);

#endif
