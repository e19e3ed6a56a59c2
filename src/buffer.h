/* SPDX-License-Identifier: MIT */
/* Buffers, and the table of operations that a backend fills in. Knows nothing of NICs, netlink or rings. */
#ifndef DEVMEM_BUFFER_H
#define DEVMEM_BUFFER_H

#include "internal.h"

/* Memory that a backend made: its dma-buf, and what the backend wants to remember. */
struct devmem__memory {
	int fd;			/* the dma-buf; buffer.c closes it */
	size_t bytes;
	void *map;		/* set by map(), undone by unmap() */
	void *priv;		/* the backend's */
};

/* Operations that a backend lacks stay NULL; buffer.c answers -EOPNOTSUPP for them. */
struct devmem__backend {
	const char *name;
	int (*alloc)(size_t bytes, const struct devmem_buffer_opts *opts, struct devmem__memory *mem);
	void (*free)(struct devmem__memory *mem);	/* what is in priv; the dma-buf is closed already */
	int (*map)(struct devmem__memory *mem);
	void (*unmap)(struct devmem__memory *mem);
};

extern const struct devmem__backend devmem__backend_udmabuf;

void devmem__buffer_ref(struct devmem_buffer *buffer);

/*
 * devmem__buffer_take() - bind it for receiving; false if it is bound already. The kernel hands out the pages of a
 * dma-buf anew for each binding, so two of one buffer would write over each other.
 */
bool devmem__buffer_take(struct devmem_buffer *buffer);
void devmem__buffer_give(struct devmem_buffer *buffer);

const char *devmem__buffer_backend(const struct devmem_buffer *buffer);

#endif
