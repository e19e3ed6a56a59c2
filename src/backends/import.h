/* SPDX-License-Identifier: MIT */
/* What all have in common who get a dma-buf that was not made for them. */
#ifndef DEVMEM__BACKENDS_IMPORT_H
#define DEVMEM__BACKENDS_IMPORT_H

#include "memory/backend.h"

/* devmem__import_options() - the caller's, for @call, who takes offset and bytes alone. -EINVAL,
 * -E2BIG */
int devmem__import_options(const char *call, const struct devmem_buffer_opts *opts,
			   struct devmem_buffer_opts *o, struct devmem_buffer **out);

/* devmem__import_range() - offset and bytes of @mem, in the dma-buf @fd, which has @all. -EINVAL,
 * -ERANGE */
int devmem__import_range(int fd, const struct devmem_buffer_opts *o, struct devmem_memory *mem,
			 uint64_t *all);

/* devmem__import_map() - as devmem__host_map(), but that the exporter may not allow it:
 * -EOPNOTSUPP. */
int devmem__import_map(struct devmem_memory *mem);

#endif
