/* SPDX-License-Identifier: MIT */
/*
 * Clients that have connected but not yet sent their first message. Each has a seat and a time
 * limit for that whole message, however slowly it comes. All are polled together, so no client
 * waits for another. When all seats are taken, clients that do not speak at once lose theirs.
 */
#ifndef LOBBY_H
#define LOBBY_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "control.h"

#define LOBBY_SEATS 64

struct guest {
	struct control control; /* its fd is -1 if the seat is free */
	struct address peer;
	uint64_t since; /* ns */
};

struct lobby {
	int listener;
	/* for poll(2): readable when lobby_next() or lobby_turn_away() has something to do */
	int ready;
	int timer;
	uint64_t patience; /* ns */
	struct guest seat[LOBBY_SEATS];
	unsigned int seats; /* usable seats, so that descriptors are left for a test */
	unsigned int guests;
	/* the listener is not watched until the timer fires: no seat or no descriptor is free */
	bool paused;
	bool shortage_reported; /* the shortage was reported */
	bool ticks;		/* the timer is running */
};

/* lobby_open() - makes @listener non-blocking; the caller keeps it. Returns -1 after printing an
 * error message. */
int lobby_open(struct lobby *l, int listener, uint64_t patience_ms);

/* lobby_next() - handles what is ready. Returns true if a guest has sent its message: the guest
 * leaves the lobby, and the caller owns @out and @said. */
bool lobby_next(struct lobby *l, struct guest *out, struct lines *said);

/* lobby_turn_away() - the same while no guest can be served: a guest that has sent its message is
 * told why. */
void lobby_turn_away(struct lobby *l, const char *why);

void lobby_close(struct lobby *l);

#endif
