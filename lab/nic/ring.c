// SPDX-License-Identifier: GPL-2.0-only
/* A ring that posts empty buffers to the NIC. */
#include "labnic.h"

int labnic_ring_alloc(struct labnic_ring *ring, u32 size, u32 buf_len)
{
	u32 slots = roundup_pow_of_two(size);

	memset(ring, 0, sizeof(*ring));
	ring->size = size;
	ring->mask = slots - 1;
	ring->buf_len = buf_len;
	ring->desc = kvcalloc(slots, sizeof(*ring->desc), GFP_KERNEL);
	ring->buf = kvcalloc(slots, sizeof(*ring->buf), GFP_KERNEL);
	ring->seen = kvcalloc(slots, sizeof(*ring->seen), GFP_KERNEL);
	ring->total = kvcalloc(slots, sizeof(*ring->total), GFP_KERNEL);
	if (ring->desc && ring->buf && ring->seen && ring->total)
		return 0;
	labnic_ring_free(ring, NULL);
	return -ENOMEM;
}

void labnic_ring_free(struct labnic_ring *ring, struct page_pool *pool)
{
	u32 i;

	for (i = 0; pool && ring->buf && i <= ring->mask; i++)
		if (ring->buf[i])
			page_pool_put_full_netmem(pool, ring->buf[i], false);
	kvfree(ring->desc);
	kvfree(ring->buf);
	kvfree(ring->seen);
	kvfree(ring->total);
	ring->desc = NULL;
	ring->buf = NULL;
	ring->seen = NULL;
	ring->total = NULL;
}

u32 labnic_ring_posted(struct labnic_ring *ring)
{
	return ring->prod - READ_ONCE(ring->cons);
}

/*
 * Posts as many buffers as there is room for. Stops when the pool is empty, and at a slot
 * whose packet is still in the completion queue. Returns how many are posted now.
 */
u32 labnic_ring_fill(struct labnic_ring *ring, struct page_pool *pool)
{
	u32 prod = ring->prod, cons = READ_ONCE(ring->cons);

	while (prod - cons < ring->size && !ring->buf[prod & ring->mask]) {
		netmem_ref netmem = page_pool_alloc_netmems(pool, GFP_ATOMIC | __GFP_NOWARN);

		if (!netmem)
			break;
		ring->buf[prod & ring->mask] = netmem;
		ring->seen[prod & ring->mask] = 0;
		ring->total[prod & ring->mask] = 0;
		ring->desc[prod & ring->mask] = page_pool_get_dma_addr_netmem(netmem);
		prod++;
	}
	/* Descriptors before the doorbell: pairs with the acquire in labnic_avail(). */
	smp_store_release(&ring->prod, prod);
	return prod - cons;
}
