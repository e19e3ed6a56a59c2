/* SPDX-License-Identifier: MIT */
/* Gathers: copies of fragments into one range, by whatever can copy them. gather.c */
#ifndef DEVMEM__RING_GATHER_H
#define DEVMEM__RING_GATHER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ring/wake.h"

struct devmem_event;
struct devmem_ring;
struct devmem__gather;

struct devmem__ring_gathers {
	/* in the order in which they began, and are reported */
	struct devmem__gather *first, *last;
	struct devmem__gather *spare;
	uint64_t reported;
	/*
	 * From here on other threads write too, on cache lines of their own: a backend says from
	 * any thread that a gather is over. @lock is for @under_way. @news: gathers are over that
	 * the ring's thread has not seen; it clears it before it looks at the first of them, in
	 * next_over(), which pairs with the stores in over().
	 */
	_Alignas(DEVMEM__CACHE_LINE) pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned int under_way;
	atomic_bool news;
};

void devmem__gathers_open(struct devmem__ring_gathers *gathers);

/* devmem__gathers_await() - wait until nobody copies from or to any memory any more.
 * devmem__gathers_close() - free all gathers, which are over. */
void devmem__gathers_await(struct devmem_ring *ring);
void devmem__gathers_close(struct devmem_ring *ring);
void devmem__gathers_forget(struct devmem_ring *ring); /* in a forked child: free memory alone */

/* devmem__gathers_event() - report the first gather, if it is over, and release its fragments.
 * Returns how many events: 0 or 1. */
unsigned int devmem__gathers_event(struct devmem_ring *ring, struct devmem_event *event);

#endif
