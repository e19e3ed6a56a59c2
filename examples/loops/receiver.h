/* SPDX-License-Identifier: MIT */
/*
 * What the programs in this folder receive, each in an event loop of another kind: the pattern of
 * send_client, on several connections. The loop waits for two descriptors, the listener and the
 * ring, and calls the functions below when one of them is readable.
 */
#ifndef RECEIVER_H
#define RECEIVER_H

#include <stdbool.h>

#include <devmem/devmem.h>

#ifdef __cplusplus
extern "C" {
#endif

struct receiver {
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	int listener, ring_fd; /* both belong to the receiver: do not close them */
	unsigned int connections, accepted, ended, broken;
	unsigned long long bytes, wrong; /* @wrong: fragments with wrong bytes */
};

/* Opens everything. @argv: the program, INTERFACE PORT CONNECTIONS. Ends the program with an error
 * message on failure. */
void receiver_open(struct receiver *r, int argc, char **argv);

/* The listener is readable: accepts and attaches every connection that waits. */
void receiver_accept(struct receiver *r);

/*
 * The ring is readable: takes all of its events, until devmem_wait() returns 0. Returns true when
 * the requested number of connections has ended.
 */
bool receiver_take(struct receiver *r);

/* Closes everything, and prints a summary. Returns the exit status of the program. */
int receiver_close(struct receiver *r);

#ifdef __cplusplus
}
#endif

#endif
