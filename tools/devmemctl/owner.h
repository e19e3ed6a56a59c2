/* SPDX-License-Identifier: MIT */
/*
 * Which process has bound something. The kernel does not tell: a binding belongs to a netlink
 * socket (or, with zcrx, to an io_uring), and its memory to a dma-buf. A process that holds one of
 * each may be the one; mostly there is one alone.
 */
#ifndef OWNER_H
#define OWNER_H

#include <stdbool.h>
#include <stdint.h>

struct owner {
	int pid;
	char command[32];
	/* it has a generic netlink socket in this network namespace; a ring */
	bool netlink, io_uring;
	uint64_t bytes; /* of the largest dma-buf that it has */
	char exporter[64];
};

struct owners {
	unsigned int count;
	struct owner *owner; /* the caller's to free */
	bool hidden;	     /* there are processes that may not be looked into */
};

/* All processes that have a dma-buf, and a socket or a ring. -ENOMEM */
int owners_find(struct owners *owners);

#endif
