/* SPDX-License-Identifier: MIT */
/* What a socket's error queue says of zero-copy sends. Does no I/O. */
#ifndef DEVMEM__TX_ERRQUEUE_H
#define DEVMEM__TX_ERRQUEUE_H

#include "base/internal.h"

/* Calls of sendmsg() by number, from @lo to @hi, whose memory the kernel does not need any more. */
struct devmem__notice {
	uint32_t lo, hi;
	bool copied; /* it copied the bytes instead of sending from there */
};

/* Room for the control data of one message. */
#define DEVMEM__NOTICE_ROOM 256

/* devmem__notice_parse() - from a message's control data; aligned as cmsgs are. false: it says
 * something else. */
bool devmem__notice_parse(const void *control, size_t bytes, struct devmem__notice *notice);

#endif
