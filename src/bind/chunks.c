// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bind/chunks.h"

/* aim for at least so many: a chunk stays in use until all of it is released */
#define MIN_CHUNKS 32u
#define SMALLEST   4096u /* bytes */
#define WORD_BITS  64u

static unsigned int words(const struct devmem__chunks *chunks)
{
	return (chunks->count + WORD_BITS - 1) / WORD_BITS;
}

int devmem__chunks_open(struct devmem__chunks *chunks, size_t bytes, size_t most)
{
	size_t size = SMALLEST;

	while (size * 2 <= most && size * 2 * MIN_CHUNKS <= bytes)
		size *= 2;
	chunks->bytes = size;
	chunks->count = (unsigned int)(bytes / size);
	chunks->free = calloc(words(chunks), sizeof(*chunks->free));
	if (!chunks->free)
		return devmem__fail(ENOMEM, "no memory to divide a buffer of %zu bytes", bytes);
	for (unsigned int i = 0; i < chunks->count; i++)
		chunks->free[i / WORD_BITS] |= 1ull << i % WORD_BITS;
	return 0;
}

void devmem__chunks_close(struct devmem__chunks *chunks)
{
	free(chunks->free);
	chunks->free = NULL;
}

int devmem__chunks_take(struct devmem__chunks *chunks)
{
	for (unsigned int w = 0; w < words(chunks); w++) {
		uint64_t seen = atomic_load_explicit(&chunks->free[w], memory_order_relaxed);

		while (seen) {
			unsigned int bit = (unsigned int)__builtin_ctzll(seen);

			/* acquire: pairs with the release in devmem__chunks_give(). Whoever gave
			 * the chunk back has read its bytes before we let the kernel write
			 * there. */
			if (atomic_compare_exchange_weak_explicit(&chunks->free[w], &seen,
								  seen & ~(1ull << bit),
								  memory_order_acquire,
								  memory_order_relaxed))
				return (int)(w * WORD_BITS + bit);
		}
	}
	return -1;
}

void devmem__chunks_give(struct devmem__chunks *chunks, unsigned int chunk)
{
	atomic_fetch_or_explicit(&chunks->free[chunk / WORD_BITS], 1ull << chunk % WORD_BITS,
				 memory_order_release);
}
