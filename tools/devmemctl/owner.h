/* SPDX-License-Identifier: MIT */
/*
 * Finds the process that has bound a queue. The kernel does not say: a binding belongs to a netlink
 * socket (or, with zcrx, to an io_uring), and its memory to a dma-buf. A process that holds one of
 * each is a candidate; mostly there is only one.
 */
#ifndef OWNER_H
#define OWNER_H

#include <stdbool.h>
#include <stdint.h>

struct owner {
	int pid;
	char command[32];
	/* it has a generic netlink socket in this network namespace; an io_uring */
	bool netlink, io_uring;
	uint64_t bytes; /* size of its largest dma-buf */
	char exporter[64];
};

struct owners {
	unsigned int count;
	struct owner *owner; /* the caller frees it */
	bool hidden;	     /* some processes could not be inspected for lack of permission */
};

/* owners_find() - finds all processes that have a dma-buf and a netlink socket or an io_uring.
 * Returns 0 or -ENOMEM. */
int owners_find(struct owners *owners);

#endif
