/* SPDX-License-Identifier: MIT */
/* Options of the caller's socket, as they were before the library changed them: sockopts.c. */
#ifndef DEVMEM__RECV_SOCKOPTS_H
#define DEVMEM__RECV_SOCKOPTS_H

#include <stdbool.h>

struct devmem__sock_saved {
	int lowat, rcvbuf;
	bool lowat_set, rcvbuf_set; /* the library has changed it */
	bool limited;		    /* @rcvbuf was changed because of max_fragments */
	bool tuned;		    /* the kernel could change @rcvbuf by itself */
};

#endif
