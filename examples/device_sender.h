/* SPDX-License-Identifier: MIT */
/* Sends the pattern from device memory, for send_client --device. */
#ifndef DEVICE_SENDER_H
#define DEVICE_SENDER_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

enum { PATIENCE = 30 };

struct device_job {
	const struct addrinfo *to;
	const char *interface; /* the connections leave through it */
	const char *engine;    /* NULL: the best available */
	unsigned int connections;
	uint64_t bytes; /* per connection */
	bool corrupt;	/* send one wrong byte on each connection */
	bool echo;	/* the peer is to send the same bytes back */
	bool wait;	/* while nobody listens there, try again for up to PATIENCE seconds */
};

/* Prints the engine and why it was chosen. Returns the number of failed connections, after error
 * messages; at least 1 on any failure. */
unsigned int device_send(const struct device_job *job);

#endif
