/* SPDX-License-Identifier: MIT */
/*
 * A buffer divided into chunks of one size, which rings of several threads take and give back
 * without locks: each chunk is a bit. The lowest free chunk is taken first, so that little of the
 * buffer is touched while few chunks are in use.
 */
#ifndef DEVMEM__BIND_CHUNKS_H
#define DEVMEM__BIND_CHUNKS_H

#include <stdatomic.h>

#include "base/internal.h"

struct devmem__chunks {
	size_t bytes; /* of one chunk, a power of two */
	unsigned int count;
	atomic_uint rings;	/* how many rings take from here */
	_Atomic uint64_t *free; /* a bit for each chunk */
};

/* devmem__chunks_open() - divide @bytes into chunks of at most @most bytes. -ENOMEM */
int devmem__chunks_open(struct devmem__chunks *chunks, size_t bytes, size_t most);
void devmem__chunks_close(struct devmem__chunks *chunks);

/* devmem__chunks_take() - the number of a chunk, or -1: none is free. Any thread. */
int devmem__chunks_take(struct devmem__chunks *chunks);
void devmem__chunks_give(struct devmem__chunks *chunks, unsigned int chunk);

#endif
