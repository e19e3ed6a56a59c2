/* SPDX-License-Identifier: MIT */
/* How much of a binding's memory the kernel has: what the page pools of its queues have given
 * out. */
#ifndef PAGEPOOL_H
#define PAGEPOOL_H

#include <stdint.h>

struct nl_sock;

struct pagepool {
	struct nl_sock *sock; /* NULL: the kernel does not tell */
	int family;
	uint32_t ifindex;
};

/* What they have out together: to the NIC, and to whoever holds fragments. */
struct pagepool_state {
	uint64_t pools, pages, bytes;
};

/* pagepool_open() - where the kernel does not tell, what is read is nothing. */
void pagepool_open(struct pagepool *p, uint32_t ifindex);

/* pagepool_add() - those of the binding with this number; 0: those that io_uring has. */
void pagepool_add(struct pagepool *p, uint32_t binding, struct pagepool_state *state);
void pagepool_close(struct pagepool *p);

#endif
