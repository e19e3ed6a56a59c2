/* SPDX-License-Identifier: MIT */
/* What backends share that get a dma-buf from somebody else. */
#ifndef DEVMEM__BACKENDS_IMPORT_H
#define DEVMEM__BACKENDS_IMPORT_H

#include "memory/backend.h"

/* devmem__import_options() - copy and check the options of @call, which takes only offset and
 * bytes. -EINVAL, -E2BIG */
int devmem__import_options(const char *call, const struct devmem_buffer_opts *opts,
			   struct devmem_buffer_opts *o, struct devmem_buffer **out);

/* devmem__import_range() - fill in offset and bytes of @mem in the dma-buf @fd, and the dma-buf's
 * size @all. -EINVAL, -ERANGE */
int devmem__import_range(int fd, const struct devmem_buffer_opts *o, struct devmem_memory *mem,
			 uint64_t *all);

/* devmem__import_map() - as devmem__host_map(). -EOPNOTSUPP: the exporter does not allow it. */
int devmem__import_map(struct devmem_memory *mem);

#endif
