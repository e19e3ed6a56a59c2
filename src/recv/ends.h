/* SPDX-License-Identifier: MIT */
/* State of how connections end: ends.c. */
#ifndef DEVMEM__RECV_ENDS_H
#define DEVMEM__RECV_ENDS_H

#include <stdint.h>

#include "base/list.h"

struct devmem__sock_end {
	bool reported;	     /* the application has its END or ERROR event */
	int error;	     /* why the connection failed, once that is known, or 0 */
	int result;	     /* (on @node's list) of the event to come: 0 is END */
	unsigned int checks; /* that found the connection failed, and its bytes not receivable */
	struct devmem__list node; /* in devmem__ring_ends.known */
};

struct devmem__ring_ends {
	/* sockets whose streams ended while they could not receive; to be reported */
	struct devmem__list known;
	uint64_t checked_at; /* ns: the last check for such sockets */
};

#endif
