/* SPDX-License-Identifier: MIT */
/* State that other threads use to wake a ring's thread, and to release fragments: wake.c. */
#ifndef DEVMEM__RING_WAKE_H
#define DEVMEM__RING_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/internal.h"

/* Two threads that write to one line take it from each other. 64 bytes on x86 and most arm64. */
#define DEVMEM__CACHE_LINE 64

struct devmem__remote_release;

/*
 * All that other threads write, on a cache line of its own: a thread that releases fragments does
 * not take away the lines that the ring's thread works on.
 *
 * Two pairs of a store and a load keep a wake-up from being lost. Each side stores first and loads
 * then, sequentially consistent, so at least one of them sees the other's store:
 * - devmem__wake(): another thread stores its news (@released, @woken, devmem__ring_gathers.news),
 *   then exchanges @sleeping. The ring's thread stores @sleeping (enter(), leave()), then loads the
 *   news in has_news().
 * - devmem_wake(): another thread stores @woken, then exchanges @resting. The ring's thread stores
 *   @resting, then loads @woken, both in rest().
 */
struct devmem__ring_remote {
	/* fragments that other threads released: they push, the ring's thread takes all */
	_Alignas(DEVMEM__CACHE_LINE) _Atomic(struct devmem__remote_release *) released;
	/* devmem_wake() sets it, the ring's thread clears it with the WOKEN event */
	atomic_bool woken;
	/* the ring's thread waits, or is about to: set by it, cleared by either side */
	atomic_bool sleeping;
	/* the ring's thread lets completions come together (coalesce_us), which only devmem_wake()
	 * cuts short: set by it, cleared by either side */
	atomic_bool resting;
	/* other threads in devmem_wake() or devmem_release(): they count themselves in and out, and
	 * the ring's thread waits for 0 before it closes the ring */
	atomic_uint visitors;
	/* the eventfd behind devmem_ring_fd(), or -1. The ring's thread stores it once, other
	 * threads load it in devmem__wake() */
	atomic_int notify_fd;
};

/* The eventfd that wakes the ring's thread. Only that thread writes here. */
struct devmem__ring_wake {
	int fd;
	bool armed;	/* a read of it is in the kernel ... */
	uint64_t value; /* ... into this */
	/* the caller may sleep on devmem_ring_fd(), which is not readable: devmem__pending() */
	bool quiet;
	unsigned int quiet_head; /* of the completion queue when the descriptor was read */
};

#endif
