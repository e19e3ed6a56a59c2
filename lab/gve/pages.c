// SPDX-License-Identifier: MIT
/* Page lists of queue format DQO-QPL, and the commands that make and end them. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "device.h"

#define MAX_PAGES_OF_LIST 8192u
#define PAGE		  4096u

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

/* ---------------------------------------------------------------------------------- commands */

static int by_address(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Reads the list and sorts it (pages_have()). */
static bool read_pages(struct device *d, struct page_list *list, uint64_t from)
{
	list->page = calloc(list->n, sizeof(list->page[0]));
	if (!list->page || !dma_read(&d->dma, from, list->page, list->n * sizeof(list->page[0])))
		return false;
	for (uint32_t i = 0; i < list->n; i++) {
		list->page[i] = be64toh(list->page[i]);
		if (list->page[i] % PAGE || !dma_at(&d->dma, list->page[i], PAGE, true))
			return false;
	}
	qsort(list->page, list->n, sizeof(list->page[0]), by_address);
	return true;
}

static struct page_list *unused_list(struct device *d)
{
	for (unsigned int i = 0; i < 2 * MAX_QUEUES; i++)
		if (!d->pages[i].used)
			return &d->pages[i];
	return NULL;
}

uint32_t cmd_register_pages(struct device *d, const void *payload)
{
	struct cmd_register_pages cmd;
	struct page_list *list;

	memcpy(&cmd, payload, sizeof(cmd));
	list = unused_list(d);
	if (!list || pages_find(d, be32toh(cmd.id))) {
		complain(d, "REGISTER_PAGE_LIST %u, which %s", be32toh(cmd.id),
			 list ? "exists" : "is one too many");
		return list ? ST_ALREADY_EXISTS : ST_RESOURCE_EXHAUSTED;
	}
	list->id = be32toh(cmd.id);
	list->n = be32toh(cmd.num_pages);
	if (d->params.format != FORMAT_DQO_QPL || be64toh(cmd.page_size) != PAGE || !list->n ||
	    list->n > MAX_PAGES_OF_LIST || !read_pages(d, list, be64toh(cmd.list_address))) {
		complain(d, "REGISTER_PAGE_LIST %u of %u pages: invalid", list->id, list->n);
		pages_free(list);
		return ST_INVALID_ARGUMENT;
	}
	list->used = true;
	return ST_PASSED;
}

static bool queue_uses(const struct device *d, const struct page_list *list)
{
	for (unsigned int i = 0; i < MAX_QUEUES; i++)
		if ((d->tx[i].created && d->tx[i].pages == list) ||
		    (d->rx[i].created && d->rx[i].pages == list))
			return true;
	return false;
}

uint32_t cmd_unregister_pages(struct device *d, const void *payload)
{
	struct page_list *const list = pages_find(d, get32(payload));

	if (!list || queue_uses(d, list)) {
		complain(d, "UNREGISTER_PAGE_LIST %u, which is %s", get32(payload),
			 list ? "in use" : "unknown");
		return list ? ST_FAILED_PRECONDITION : ST_NOT_FOUND;
	}
	pages_free(list);
	return ST_PASSED;
}
