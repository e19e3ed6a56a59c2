// SPDX-License-Identifier: MIT
/* Page lists of queue format DQO-QPL. */
#include <stdlib.h>
#include <string.h>

#include "device.h"

#define PAGE 4096u

/* The guest chooses the order of pages, and lists are short (thousands): sorted when made. */
bool pages_have(const struct page_list *list, uint64_t address, uint32_t bytes)
{
	const uint64_t page = address / PAGE * PAGE;
	uint32_t low = 0, high = list->n;

	if (!bytes || address + bytes - 1 < address || (address + bytes - 1) / PAGE * PAGE != page)
		return false;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (list->page[middle] == page)
			return true;
		if (list->page[middle] < page)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

struct page_list *pages_find(struct device *d, uint32_t id)
{
	for (unsigned int i = 0; i < 2 * MAX_QUEUES; i++)
		if (d->pages[i].used && d->pages[i].id == id)
			return &d->pages[i];
	return NULL;
}

void pages_free(struct page_list *list)
{
	free(list->page);
	memset(list, 0, sizeof(*list));
}
