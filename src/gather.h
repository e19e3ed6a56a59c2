/* SPDX-License-Identifier: MIT */
/* Fragments copied to one place, by whatever can: what of that is under way, and what is over. */
#ifndef DEVMEM_GATHER_H
#define DEVMEM_GATHER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct devmem_event;
struct devmem_ring;
struct devmem__gather;

struct devmem__gathers {
	pthread_mutex_t lock;		/* of @over, @last and @under_way: a backend says from any thread that it is done */
	pthread_cond_t ended;
	struct devmem__gather *over, *last;	/* and not handed out, the oldest first */
	unsigned int under_way;
	atomic_bool news;		/* @over is not empty */
	struct devmem__gather *spare;	/* the ring's thread's */
};

void devmem__gathers_open(struct devmem__gathers *gathers);

/* devmem__gathers_await() - nobody copies from or to any memory any more; devmem__gathers_close(): forget them all. */
void devmem__gathers_await(struct devmem_ring *ring);
void devmem__gathers_close(struct devmem_ring *ring);

/* devmem__gathers_busy() - some are under way, or over and not handed out: they have fragments. */
bool devmem__gathers_busy(const struct devmem_ring *ring);

/* devmem__gathers_event() - one that is over: its fragments are released. Returns how many events that makes: 0 or 1. */
unsigned int devmem__gathers_event(struct devmem_ring *ring, struct devmem_event *event);

#endif
