/* SPDX-License-Identifier: MIT */
/* How much of a binding's memory the page pools of its queues have given out. */
#ifndef PAGEPOOL_H
#define PAGEPOOL_H

#include <stdint.h>

struct nl_sock;

struct pagepool {
	struct nl_sock *sock; /* NULL: the kernel does not report it */
	int family;
	uint32_t ifindex;
};

/* Totals of what the pools have given out: to the NIC, and to holders of fragments. */
struct pagepool_state {
	uint64_t pools, pages, bytes;
};

/* pagepool_open() - if the kernel does not report page pools, the figures stay 0. */
void pagepool_open(struct pagepool *p, uint32_t ifindex);

/* pagepool_add() - adds the pools of the binding with this number; 0: io_uring's pools. */
void pagepool_add(struct pagepool *p, uint32_t binding, struct pagepool_state *state);
void pagepool_close(struct pagepool *p);

#endif
