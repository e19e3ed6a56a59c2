/* SPDX-License-Identifier: MIT */
/* State of the loop's own requests, the tick and link notifications: wait.c. */
#ifndef DEVMEM__RING_WAIT_H
#define DEVMEM__RING_WAIT_H

#include <liburing.h>

#include "netlink/link.h"

struct devmem__ring_tick {
	bool armed;
	bool had_events; /* since it was armed */
	bool idle;	 /* a tick has passed without an event */
	struct __kernel_timespec time;
	uint64_t due; /* ns: when the armed one fires */
};

struct devmem__ring_links {
	struct devmem__links watched;
	bool armed; /* a poll for notifications is in the kernel */
};

#endif
