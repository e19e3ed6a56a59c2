/* SPDX-License-Identifier: MIT */
/* State of low-water marks, SO_RCVLOWAT: lowat.c. */
#ifndef DEVMEM__RECV_LOWAT_H
#define DEVMEM__RECV_LOWAT_H

#include <stdint.h>

#include "base/list.h"

struct devmem__sock_lowat {
	uint32_t value; /* SO_RCVLOWAT as the library set it last */
	bool managed;	/* by the library; false: by the application, or the socket is detached */
	struct devmem__list node;   /* in devmem__ring_lowat.raised, while @value is above 1 */
	uint32_t fill_pages;	    /* pages received of late ... */
	uint64_t fill_bytes;	    /* ... and the bytes in them */
	unsigned int full_receives; /* in a row */
	/* how often a mark held back bytes that somebody waited for; less as marks are reached */
	unsigned int held_back;
	unsigned int reached;  /* marks reached since @held_back changed */
	uint64_t streamed;     /* bytes since a mark fell */
	uint64_t fell_at;      /* ns: when a mark fell, if nothing was received since; else 0 */
	uint64_t last_receive; /* ns, CLOCK_MONOTONIC */
	uint64_t recent;       /* bytes of this turn, after its first completion */
	uint64_t patience;     /* ns: how long the socket may be silent before its mark falls */
};

struct devmem__ring_lowat {
	struct devmem__list raised; /* sockets with a raised mark, the longest silent first */
	unsigned int count;	    /* of them */
};

#endif
