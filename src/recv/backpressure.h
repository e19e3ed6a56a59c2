/* SPDX-License-Identifier: MIT */
/* State of backpressure, of a socket and of a buffer: backpressure.c. */
#ifndef DEVMEM__RECV_BACKPRESSURE_H
#define DEVMEM__RECV_BACKPRESSURE_H

#include <stdint.h>

#include "base/list.h"

/* What shows whether a paused socket is deadlocked: counters at the last check. */
struct devmem__stall {
	uint64_t freed;	     /* devmem__sock_sends.freed */
	uint64_t checked_at; /* ns */
	uint64_t received;   /* bytes */
	uint32_t segments;   /* with data */
	unsigned int steps;  /* by which the receive buffer has grown ... */
	uint32_t rcvbuf;     /* ... from this size, in bytes */
};

struct devmem__sock_backpressure {
	uint32_t max_fragments;	  /* that may be out; 0: no limit */
	bool paused;		  /* that many are out */
	struct devmem__list node; /* in devmem__ring_backpressure.paused */
	struct devmem__stall stall;
};

struct devmem__ring_backpressure {
	struct devmem__list paused; /* sockets */
	/* bytes of the buffer @low_buffer that are out, to be reported; 0: nothing to report */
	uint64_t low_bytes;
	uint16_t low_buffer;
};

#endif
