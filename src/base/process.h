/* SPDX-License-Identifier: MIT */
/*
 * Identifies this process and this thread. What an object holds (requests in the kernel, locks, a
 * NIC's settings) belongs to the process that made the object. A forked child has a copy of the
 * object and the same file descriptors, and must leave them alone.
 */
#ifndef DEVMEM__BASE_PROCESS_H
#define DEVMEM__BASE_PROCESS_H

#include <stdatomic.h>

#include "base/internal.h"

/* devmem__process() - a number that no ancestor of this process has. An object stores it when it is
 * made. Never 0. */
uint32_t devmem__process(void);

/* devmem__thread() - a number that no other thread of this process has or had. The
 * kernel's thread ids would not do: they are reused. */
uint64_t devmem__thread(void);

/* Holds the process's number. The kernel clears it in a child (MADV_WIPEONFORK, Linux 4.14). NULL:
 * the kernel cannot do that, or nobody has asked for the number yet. */
extern _Atomic uint32_t *devmem__process_page;

/* devmem__process_is() - true if this process made the object. It costs one load, because every
 * call on the data path asks. */
static inline bool devmem__process_is(uint32_t made_in)
{
	const _Atomic uint32_t *page = devmem__process_page;

	return __builtin_expect(page ? atomic_load_explicit(page, memory_order_relaxed) == made_in
				     : devmem__process() == made_in,
				1);
}

/* devmem__process_check() - 0, or -EEXIST with an error message. @what names the object, with its
 * article. */
int devmem__process_foreign(const char *what);
static inline int devmem__process_check(uint32_t made_in, const char *what)
{
	return devmem__process_is(made_in) ? 0 : devmem__process_foreign(what);
}

#endif
