/* SPDX-License-Identifier: MIT */
/* What rings, and the rooms below this one, must know of sends. tx.c writes it. */
#ifndef DEVMEM__TX_SENDS_H
#define DEVMEM__TX_SENDS_H

#include <stdint.h>

#include "base/list.h"

struct devmem__sock_sends {
	uint32_t max;	/* sends under way, as the application limits them; 0: the default */
	uint32_t count; /* sends that are under way */
	/* calls of sendmsg() whose notifications are to come; one may end a poll of the socket */
	uint32_t numbered;
	uint64_t freed; /* bytes that the kernel has let go of */
};

struct devmem__ring_sends {
	struct devmem__list todo;      /* sockets with requests to make: devmem__tx.todo */
	struct devmem__list to_report; /* sockets that may have events: devmem__tx.to_report */
	uint64_t over;		       /* sends that were reported */
	uint64_t checked_at;	       /* ns: when stall.c last checked that sends get out */
};

#endif
