/* SPDX-License-Identifier: MIT */
/*
 * Room memory: buffers, and the operations on a piece of memory of any backend. Operations that a
 * backend lacks are replaced here, in one place. The room may include base. Room backends has one
 * file for each backend, and may include this room.
 */
#ifndef DEVMEM__MEMORY_MEMORY_H
#define DEVMEM__MEMORY_MEMORY_H

#include "devmem/backend.h"
#include "base/internal.h"

#define DEVMEM__MAX_BACKEND_NAME 63u

/* devmem__backend_complete() - copy @given to @ops and fill in each operation that it lacks.
 * -EINVAL, -E2BIG */
int devmem__backend_complete(const struct devmem_backend *given, struct devmem_backend *ops);

/* devmem__memory_map() - map it unless it is mapped already. */
int devmem__memory_map(struct devmem_memory *mem);

/* devmem__memory_sync() - bracket accesses by the processor: DEVMEM_SYNC_. Does nothing for memory
 * that is not a dma-buf. */
int devmem__memory_sync(const struct devmem_memory *mem, unsigned int flags);

/* devmem__memory_gather() - devmem_backend.gather; if the backend cannot, the processor copies. */
int devmem__memory_gather(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
			  const struct devmem_range *ranges, unsigned int n,
			  void (*done)(void *arg, int result), void *arg);

#endif
