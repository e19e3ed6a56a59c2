/* SPDX-License-Identifier: MIT */
/*
 * Which connections are attached, on a ring or with a binding: two attachments of one connection
 * would divide its bytes between them. The kernel's number of a socket (SO_COOKIE) is the same
 * through whatever descriptor. No I/O.
 */
#ifndef DEVMEM__BIND_ATTACHED_H
#define DEVMEM__BIND_ATTACHED_H

#include <pthread.h>
#include <stdint.h>

struct devmem__attached {
	pthread_mutex_t lock; /* a binding's are attached by rings of several threads */
	uint64_t *cookie;
	unsigned int n, room;
};

void devmem__attached_open(struct devmem__attached *attached);
void devmem__attached_close(struct devmem__attached *attached);

/* devmem__attached_add() - 0; -EALREADY: it is there; -ENOMEM. Without a sentence. A @cookie of 0,
 * unknown, is not noted. */
int devmem__attached_add(struct devmem__attached *attached, uint64_t cookie);
void devmem__attached_remove(struct devmem__attached *attached, uint64_t cookie);

#endif
