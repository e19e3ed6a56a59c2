/* SPDX-License-Identifier: MIT */
/* Buffers, and the table of operations that a backend fills in. Knows nothing of NICs, netlink or rings. */
#ifndef DEVMEM_BUFFER_H
#define DEVMEM_BUFFER_H

#include "internal.h"

/* Memory that a backend made: its file, and what the backend wants to remember. */
struct devmem__memory {
	int fd;			/* the dma-buf, or another file; buffer.c closes it */
	size_t bytes;
	uint32_t block;		/* see devmem__buffer_block() */
	char what[320];		/* what it is, in words, for devmem_buffer_backend() */
	void *map;		/* set by map(), undone by unmap() */
	void *priv;		/* the backend's */
};

/*
 * Operations that a backend lacks stay NULL. Without copy_in() and copy_out(), buffer.c copies through the mapping;
 * where there is none either, it answers -EOPNOTSUPP.
 */
struct devmem__backend {
	const char *name;
	bool dmabuf;		/* its file is a dma-buf: it can be bound, and accesses are bracketed */
	int (*alloc)(size_t bytes, const struct devmem_buffer_opts *opts, struct devmem__memory *mem);
	void (*free)(struct devmem__memory *mem);	/* what is in priv; the file is closed already */
	int (*map)(struct devmem__memory *mem);
	void (*unmap)(struct devmem__memory *mem);
	int (*copy_in)(struct devmem__memory *mem, uint64_t offset, const void *from, size_t bytes);
	int (*copy_out)(struct devmem__memory *mem, uint64_t offset, void *to, size_t bytes);
};

extern const struct devmem__backend devmem__backend_udmabuf;
extern const struct devmem__backend devmem__backend_dma_heap;
extern const struct devmem__backend devmem__backend_shm;

/* devmem__buffer_new() - a buffer of a table that need not be one of those. @o is complete. */
int devmem__buffer_new(const struct devmem__backend *ops, size_t bytes, const struct devmem_buffer_opts *o,
		       struct devmem_buffer **out);

void devmem__buffer_ref(struct devmem_buffer *buffer);

/*
 * devmem__buffer_take() - bind it for receiving; false if it is bound already. The kernel hands out the pages of a
 * dma-buf anew for each binding, so two of one buffer would write over each other.
 */
bool devmem__buffer_take(struct devmem_buffer *buffer);
void devmem__buffer_give(struct devmem_buffer *buffer);

const char *devmem__buffer_backend(const struct devmem_buffer *buffer);
bool devmem__buffer_is_dmabuf(const struct devmem_buffer *buffer);

/*
 * devmem__buffer_block() - bytes, a power of two: every such piece of the buffer was asked for in one piece of memory,
 * aligned. 0: unknown. Only the kernel's bind knows for certain: a heap that finds no large piece takes small ones.
 */
uint32_t devmem__buffer_block(const struct devmem_buffer *buffer);

#endif
