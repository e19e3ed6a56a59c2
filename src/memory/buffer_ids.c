// SPDX-License-Identifier: MIT
/*
 * The numbers by which events name buffers: 16 bits, and 0 is no buffer. A buffer takes the lowest
 * free one when it is complete, and gives it back before it is freed. The table is the process's,
 * like the numbers. It has no lock, because a forked child, which uses its copy, could find it
 * locked for ever.
 */
#include <errno.h>
#include <stdatomic.h>

#include "memory/buffer_ids.h"

static struct devmem_buffer *_Atomic buffers[UINT16_MAX + 1];

int devmem__buffer_id_take(struct devmem_buffer *buffer, uint16_t *id)
{
	for (unsigned int i = 1; i <= UINT16_MAX; i++) {
		struct devmem_buffer *none = NULL;

		if (!atomic_load_explicit(&buffers[i], memory_order_relaxed) &&
		    atomic_compare_exchange_strong(&buffers[i], &none, buffer)) {
			*id = (uint16_t)i;
			return 0;
		}
	}
	return devmem__fail(EMFILE, "this process has %d buffers already: close one", UINT16_MAX);
}

void devmem__buffer_id_give_back(uint16_t id)
{
	atomic_store(&buffers[id], NULL);
}

struct devmem_buffer *devmem_buffer_find(uint16_t id)
{
	return atomic_load_explicit(&buffers[id], memory_order_acquire);
}
