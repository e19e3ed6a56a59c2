/* SPDX-License-Identifier: MIT */
/*
 * Room memory: buffers, and what can be done with a piece of memory, whatever backend it is of.
 * What a backend lacks is made up for here, in one place. The room may include base. Room backends
 * has one file for each backend, and may include this one.
 */
#ifndef DEVMEM__MEMORY_MEMORY_H
#define DEVMEM__MEMORY_MEMORY_H

#include "devmem/backend.h"
#include "base/internal.h"

/* devmem__backend_complete() - @ops is @given, with something in the place of each operation that
 * it lacks. */
int devmem__backend_complete(const struct devmem_backend *given, struct devmem_backend *ops);

/* devmem__memory_map() - mapped, if it was not before. */
int devmem__memory_map(struct devmem_memory *mem);

/* devmem__memory_sync() - bracket accesses by the processor: DEVMEM_SYNC_. Nothing is to be done
 * for other files. */
int devmem__memory_sync(const struct devmem_memory *mem, unsigned int flags);

/* devmem__memory_gather() - as the operation; where the backend cannot, the processor copies. */
int devmem__memory_gather(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
			  const struct devmem_range *ranges, unsigned int n,
			  void (*done)(void *arg, int result), void *arg);

#endif
