/* SPDX-License-Identifier: MIT */
/*
 * Where those who have connected say what they want. Each has a seat, and a time in which its first
 * message has to be complete, however slowly it comes; all are listened to at once, so that nobody
 * waits for anybody. When all seats are taken those who did not speak at once lose theirs.
 */
#ifndef LOBBY_H
#define LOBBY_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "control.h"

#define LOBBY_SEATS 64

struct guest {
	struct control control; /* fd -1: the seat is free */
	struct address peer;
	uint64_t since; /* ns */
};

struct lobby {
	int listener;
	/* for poll(2): lobby_next() or lobby_turn_away() has something to do */
	int ready;
	int timer;
	uint64_t patience; /* ns */
	struct guest seat[LOBBY_SEATS];
	unsigned int seats; /* of these, so that descriptors are left for a test */
	unsigned int guests;
	/* the listener is not watched until the timer comes: no seat is free, or no descriptor */
	bool paused;
	bool shortage_reported; /* that was told */
	bool ticks;		/* the timer rings */
};

/* lobby_open() - @listener stays the caller's, and does not block any more. -1 after a sentence. */
int lobby_open(struct lobby *l, int listener, uint64_t patience_ms);

/* lobby_next() - does what there is to do. A guest that has said something leaves the lobby: true,
 * and both are the caller's. */
bool lobby_next(struct lobby *l, struct guest *out, struct lines *said);

/* lobby_turn_away() - the same while no guest can be served: whoever has said something is told
 * why. */
void lobby_turn_away(struct lobby *l, const char *why);

void lobby_close(struct lobby *l);

#endif
