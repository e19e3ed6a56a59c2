/* SPDX-License-Identifier: MIT */
/* Buffers: references to memory of some backend. Knows nothing of NICs, netlink or rings. */
#ifndef DEVMEM__MEMORY_BUFFER_H
#define DEVMEM__MEMORY_BUFFER_H

#include "memory/memory.h"
#include "base/process.h"

/*
 * devmem__buffer_make() - a buffer of memory that @fill comes by: it fills in the structure, or
 * sets the sentence and leaves nothing behind.
 */
int devmem__buffer_make(const struct devmem_backend *ops,
			int (*fill)(void *arg, struct devmem_memory *mem), void *arg,
			struct devmem_buffer **out);

/* devmem__buffer_new() - of memory that the backend allocates. @o is complete, and checked against
 * what it knows. */
int devmem__buffer_new(const struct devmem_backend *ops, size_t bytes,
		       const struct devmem_buffer_opts *o, struct devmem_buffer **out);

/* devmem__buffer_like() - another one, of the same backend and device. */
int devmem__buffer_like(const struct devmem_buffer *buffer, size_t bytes,
			struct devmem_buffer **out);

/* devmem__buffer_explain() - why it is this backend, in front of what the memory is. */
void devmem__buffer_explain(struct devmem_buffer *buffer, const char *why);

void devmem__buffer_ref(struct devmem_buffer *buffer);

/*
 * devmem__buffer_drop() - drop a reference without ever waiting: the last one goes to @ended.
 * devmem__buffer_end_all() - free what is there, which may wait for a device.
 */
void devmem__buffer_drop(struct devmem_buffer *buffer, struct devmem_buffer **ended);
void devmem__buffer_end_all(struct devmem_buffer **ended);

/* devmem__buffer_check() - -EEXIST, with its sentence, if another process made it. */
int devmem__buffer_check(const struct devmem_buffer *buffer);

/*
 * devmem__buffer_take() - bind it for receiving; false if it is bound already. The kernel hands out
 * the pages of a dma-buf anew for each binding, so two of one buffer would write over each other.
 */
bool devmem__buffer_take(struct devmem_buffer *buffer);
void devmem__buffer_give(struct devmem_buffer *buffer);

/* What devmem_buffer_map(), devmem_buffer_read() and devmem_buffer_write() do, for calls that have
 * other ways if it fails. */
int devmem__buffer_map(struct devmem_buffer *buffer, void **addr);
int devmem__buffer_read(struct devmem_buffer *buffer, uint64_t offset, void *to, size_t bytes);
int devmem__buffer_write(struct devmem_buffer *buffer, uint64_t offset, const void *from,
			 size_t bytes);

struct devmem_memory *devmem__buffer_memory(struct devmem_buffer *buffer);
bool devmem__buffer_is_dmabuf(const struct devmem_buffer *buffer);

/* devmem__buffer_offset() - where it begins in its dma-buf, bytes; devmem__buffer_is_whole(): and
 * is that all there is? */
uint64_t devmem__buffer_offset(const struct devmem_buffer *buffer);
bool devmem__buffer_is_whole(const struct devmem_buffer *buffer);

/*
 * devmem__buffer_block() - bytes, a power of two: every such piece of the buffer was asked for in
 * one piece of memory, aligned. 0: unknown. Only the kernel's bind knows for certain: a heap that
 * finds no large piece takes small ones.
 */
uint32_t devmem__buffer_block(const struct devmem_buffer *buffer);

#endif
