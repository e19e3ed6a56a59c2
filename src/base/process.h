/* SPDX-License-Identifier: MIT */
/*
 * Which process and which thread is this? What an object holds (requests in the kernel, locks, a
 * NIC's settings) belongs to the process that made it. A forked child has a copy of the object and
 * the same descriptors: it must leave them alone.
 */
#ifndef DEVMEM__BASE_PROCESS_H
#define DEVMEM__BASE_PROCESS_H

#include <stdatomic.h>

#include "base/internal.h"

/* devmem__process() - a number that no ancestor of this process has; an object remembers it when it
 * is made. Never 0. */
uint32_t devmem__process(void);

/* devmem__thread() - a number that no other thread of this process has or had. Threads' ids are
 * used again. */
uint64_t devmem__thread(void);

/* Holds the number; the kernel clears it in a child (MADV_WIPEONFORK, Linux 4.14). NULL: it cannot,
 * or nobody has asked yet. */
extern _Atomic uint32_t *devmem__process_page;

/* devmem__process_is() - is it this one that made the object? One load: it is asked by each call on
 * the way of the data. */
static inline bool devmem__process_is(uint32_t made_in)
{
	const _Atomic uint32_t *page = devmem__process_page;

	return __builtin_expect(page ? atomic_load_explicit(page, memory_order_relaxed) == made_in
				     : devmem__process() == made_in,
				1);
}

/* devmem__process_check() - 0, or -EEXIST with its sentence. @what: the object, with its
 * article. */
int devmem__process_foreign(const char *what);
static inline int devmem__process_check(uint32_t made_in, const char *what)
{
	return devmem__process_is(made_in) ? 0 : devmem__process_foreign(what);
}

#endif
