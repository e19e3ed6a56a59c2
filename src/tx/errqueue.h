/* SPDX-License-Identifier: MIT */
/* Reads what a socket's error queue reports of zero-copy sends. Does no I/O. */
#ifndef DEVMEM__TX_ERRQUEUE_H
#define DEVMEM__TX_ERRQUEUE_H

#include "base/internal.h"

/* Calls of sendmsg(), numbered from @lo to @hi, whose memory the kernel no longer needs. */
struct devmem__notice {
	uint32_t lo, hi;
	bool copied; /* the kernel copied the bytes instead of sending from there */
};

/* Room for the control data of one message. */
#define DEVMEM__NOTICE_ROOM 256

/* devmem__notice_parse() - parse a message's control data, which is aligned as cmsgs are. false:
 * the message reports something else. */
bool devmem__notice_parse(const void *control, size_t bytes, struct devmem__notice *notice);

#endif
