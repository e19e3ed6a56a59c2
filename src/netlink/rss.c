// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "netlink/queue_use.h"
#include "netlink/rss.h"

bool devmem__rss_is_default(const uint32_t *table, uint32_t size, uint32_t rings)
{
	for (uint32_t i = 0; i < size; i++)
		if (!rings || table[i] != i % rings)
			return false;
	return true;
}

bool devmem__rss_uses(const uint32_t *table, uint32_t size, const uint32_t *queues, unsigned int n)
{
	for (uint32_t i = 0; i < size; i++)
		if (devmem__queue_is_listed(table[i], queues, n))
			return true;
	return false;
}

/* Lists the queue of each entry that stays. A queue is listed once for each of its entries, which
 * is what preserves the shares. */
static uint32_t kept_entries(const uint32_t *table, uint32_t size, const uint32_t *queues,
			     unsigned int n, uint32_t *kept)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < size; i++)
		if (!devmem__queue_is_listed(table[i], queues, n))
			kept[count++] = table[i];
	return count;
}

static uint32_t spare_queues(const uint8_t *spare, uint32_t rings, const uint32_t *queues,
			     unsigned int n, uint32_t size, uint32_t *kept)
{
	uint32_t count = 0;

	for (uint32_t q = 0; q < rings && count < size; q++)
		if (spare[q] && !devmem__queue_is_listed(q, queues, n))
			kept[count++] = q;
	return count;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int devmem__rss_without(uint32_t *table, uint32_t size, const uint32_t *queues, unsigned int n,
			const uint8_t *spare, uint32_t rings)
{
	uint32_t *kept = calloc(size ? size : 1, sizeof(*kept));
	uint32_t count, gone, next = 0;

	if (!kept)
		return -ENOMEM;
	count = kept_entries(table, size, queues, n, kept);
	gone = size - count;
	if (!count && spare)
		count = spare_queues(spare, rings, queues, n, size, kept);
	/* samples taken from the sorted list at equal distances have the same shares as the list */
	qsort(kept, count, sizeof(*kept), compare);
	for (uint32_t i = 0; count && i < size; i++)
		if (devmem__queue_is_listed(table[i], queues, n))
			table[i] = kept[(uint64_t)next++ * count / gone];
	free(kept);
	return count || !size ? 0 : -EBUSY;
}

void devmem__rss_over(uint32_t *table, uint32_t size, const uint32_t *queues, unsigned int n)
{
	for (uint32_t i = 0; i < size; i++)
		table[i] = queues[i % n];
}
