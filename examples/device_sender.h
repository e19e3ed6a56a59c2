/* SPDX-License-Identifier: MIT */
/* The pattern, sent from device memory: what send_client --device does. */
#ifndef DEVICE_SENDER_H
#define DEVICE_SENDER_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

struct device_job {
	const struct addrinfo *to;
	const char *interface; /* by which the connections leave */
	const char *engine;    /* NULL: the best that can be */
	unsigned int connections;
	uint64_t bytes; /* on each */
	bool corrupt;	/* one byte of each is wrong */
	bool echo;	/* the same bytes are to come back */
};

/* Tells which engine it was and why. Returns how many connections failed, after sentences; at least
 * 1 on any failure. */
unsigned int device_send(const struct device_job *job);

#endif
