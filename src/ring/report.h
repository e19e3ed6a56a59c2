/* SPDX-License-Identifier: MIT */
/* State of what completions tell the application: completions.c and completion.c. */
#ifndef DEVMEM__RING_REPORT_H
#define DEVMEM__RING_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* Where the bytes of a bound socket arrive. */
struct devmem__sock_arrival {
	bool misplaced; /* the last ones came through a queue that is not bound */
	/* at the last check, host bytes came through a bound queue: the NIC did not split them */
	bool unsplit;
	uint64_t checked_at; /* ns */
};

struct devmem__ring_report {
	/* the error message is set already, for the connection whose stream ends next */
	bool explained;
	/* the latest event must be the last of its wait: the error message belongs to it */
	bool last;
};

#endif
