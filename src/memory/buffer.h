/* SPDX-License-Identifier: MIT */
/* Buffers: reference-counted memory of a backend. They know nothing of NICs, netlink or rings. */
#ifndef DEVMEM__MEMORY_BUFFER_H
#define DEVMEM__MEMORY_BUFFER_H

#include "memory/memory.h"
#include "base/process.h"

/*
 * devmem__buffer_make() - make a buffer of memory that @fill provides. @fill fills in @mem, or
 * fails with an error message and leaves nothing behind.
 */
int devmem__buffer_make(const struct devmem_backend *ops,
			int (*fill)(void *arg, struct devmem_memory *mem), void *arg,
			struct devmem_buffer **out);

/* devmem__buffer_new() - make a buffer of memory that the backend allocates. @o is complete, and
 * checked against the options that the backend takes. */
int devmem__buffer_new(const struct devmem_backend *ops, size_t bytes,
		       const struct devmem_buffer_opts *o, struct devmem_buffer **out);

/* devmem__buffer_like() - make another buffer of the same backend and device. */
int devmem__buffer_like(const struct devmem_buffer *buffer, size_t bytes,
			struct devmem_buffer **out);

/* devmem__buffer_explain() - say why this backend was chosen: @why, then what the memory is. */
void devmem__buffer_explain(struct devmem_buffer *buffer, const char *why);

void devmem__buffer_ref(struct devmem_buffer *buffer);

/*
 * devmem__buffer_drop() - drop a reference without ever waiting. If it is the last one, the buffer
 * is put on the list @ended instead of being freed.
 * devmem__buffer_end_all() - free the buffers on the list, which may wait for a device.
 */
void devmem__buffer_drop(struct devmem_buffer *buffer, struct devmem_buffer **ended);
void devmem__buffer_end_all(struct devmem_buffer **ended);

/* devmem__buffer_check() - 0, or -EEXIST with an error message if another process made it. */
int devmem__buffer_check(const struct devmem_buffer *buffer);

/*
 * devmem__buffer_claim() - claim it for a receive binding; false if it has one already. The kernel
 * allocates the pages of a dma-buf separately for each binding, so two bindings of one buffer would
 * overwrite each other's data.
 */
bool devmem__buffer_claim(struct devmem_buffer *buffer);
void devmem__buffer_unclaim(struct devmem_buffer *buffer);

/* devmem_buffer_map(), devmem_buffer_read() and devmem_buffer_write() for calls inside the library,
 * which may try something else on failure. */
int devmem__buffer_map(struct devmem_buffer *buffer, void **addr);
int devmem__buffer_read(struct devmem_buffer *buffer, uint64_t offset, void *to, size_t bytes);
int devmem__buffer_write(struct devmem_buffer *buffer, uint64_t offset, const void *from,
			 size_t bytes);

struct devmem_memory *devmem__buffer_memory(struct devmem_buffer *buffer);
bool devmem__buffer_is_dmabuf(const struct devmem_buffer *buffer);

/* devmem__buffer_offset() - the buffer's offset in its dma-buf, in bytes. devmem__buffer_is_whole()
 * - true if the buffer is the whole dma-buf. */
uint64_t devmem__buffer_offset(const struct devmem_buffer *buffer);
bool devmem__buffer_is_whole(const struct devmem_buffer *buffer);

/*
 * devmem__buffer_block() - the size of the blocks that the buffer was requested in: bytes, a power
 * of two. Each block is aligned and contiguous memory. 0: unknown. Only the kernel's bind knows for
 * certain: a heap that finds no large block uses smaller ones.
 */
uint32_t devmem__buffer_block(const struct devmem_buffer *buffer);

#endif
