/* SPDX-License-Identifier: MIT */
/*
 * The connections that are attached to a ring or with a binding. A second attachment of one
 * connection is refused, since the two would divide its bytes between them. Connections are
 * compared by the kernel's number of the socket (SO_COOKIE), which is the same through every
 * descriptor. No I/O.
 */
#ifndef DEVMEM__BIND_ATTACHED_H
#define DEVMEM__BIND_ATTACHED_H

#include <pthread.h>
#include <stdint.h>

struct devmem__attached {
	pthread_mutex_t lock; /* rings of several threads may attach with one binding */
	uint64_t *cookie;
	unsigned int n, room;
};

void devmem__attached_open(struct devmem__attached *attached);
void devmem__attached_close(struct devmem__attached *attached);

/* devmem__attached_add() - 0; -EEXIST: it is attached already; -ENOMEM. Sets no error message. A
 * @cookie of 0 means unknown and is ignored. */
int devmem__attached_add(struct devmem__attached *attached, uint64_t cookie);
void devmem__attached_remove(struct devmem__attached *attached, uint64_t cookie);

#endif
