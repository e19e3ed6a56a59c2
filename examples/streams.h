/* SPDX-License-Identifier: MIT */
/* Connections that are received to their end, and checked, by programs that differ in how they
 * wait. */
#ifndef STREAMS_H
#define STREAMS_H

#include <stdbool.h>
#include <stdint.h>

struct server;

struct streams {
	struct server *server;
	uint64_t wrong; /* fragments that were not what was sent */
	bool stop;	/* the ring watches the signals, and one came */
};

/* All that wait at the listener. */
void streams_accept(struct streams *s);

/* One turn of the ring. Returns how many events it had, which are a few hundred at most; -1 on
 * failure, after a sentence. */
int streams_turn(struct streams *s, int timeout_ms);

/* Those that are open are given up. */
void streams_close(struct streams *s);

#endif
