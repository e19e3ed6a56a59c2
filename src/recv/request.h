/* SPDX-License-Identifier: MIT */
/* State of the requests that sockets have in the kernel for receiving: request.c. */
#ifndef DEVMEM__RECV_REQUEST_H
#define DEVMEM__RECV_REQUEST_H

#include "base/list.h"

struct devmem__sock_request {
	bool armed;	      /* a multishot receive is in the kernel */
	bool end_armed;	      /* a poll for the connection's end is in the kernel */
	bool end_seen;	      /* that poll fired during a receive, which may have missed the end */
	bool messages;	      /* (zcrx) it receives messages, since zero-copy receive failed */
	unsigned int cancels; /* requests in the kernel that cancel the receive */
	/* (zcrx) changes between zero-copy receive and messages since the last byte */
	unsigned int switches;
	struct devmem__list rearm; /* in devmem__ring_requests.rearm */
};

struct devmem__ring_requests {
	struct devmem__list rearm; /* sockets that want a receive armed */
	bool uncancelled;	   /* a request to cancel one found no room in the queue */
};

#endif
