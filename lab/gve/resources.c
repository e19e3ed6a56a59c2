// SPDX-License-Identifier: MIT
/* Commands by which the driver gives memory to the device. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "device.h"

#define MAX_PAGES_OF_LIST 8192u
#define PAGE		  4096u

/* Tells the driver the doorbell of each interrupt. */
static bool write_doorbells(struct device *d, const struct cmd_configure_resources *cmd)
{
	const uint64_t at = be64toh(cmd->irq_db_addr), stride = be32toh(cmd->irq_db_stride);

	for (uint32_t i = 0; i < be32toh(cmd->num_irq_dbs); i++) {
		const uint32_t index = htobe32(DB_IRQ + i);

		if (!dma_write(&d->dma, at + i * stride, &index, sizeof(index)))
			return false;
	}
	return true;
}

uint32_t cmd_configure(struct device *d, const void *payload)
{
	struct cmd_configure_resources cmd;
	uint32_t counters, blocks;

	memcpy(&cmd, payload, sizeof(cmd));
	counters = be32toh(cmd.num_counters);
	blocks = be32toh(cmd.num_irq_dbs);
	if (d->resources.configured) {
		complain(d, "CONFIGURE_DEVICE_RESOURCES a second time");
		return ST_ALREADY_EXISTS;
	}
	if (cmd.queue_format != d->params.format || !blocks || blocks > 2 * d->params.max_queues ||
	    cmd.msix_base || counters > 2 * MAX_QUEUES ||
	    !dma_at(&d->dma, be64toh(cmd.counter_array), 4ull * counters, true) ||
	    !write_doorbells(d, &cmd)) {
		complain(d, "CONFIGURE_DEVICE_RESOURCES: format %u, %u interrupts, %u counters",
			 cmd.queue_format, blocks, counters);
		return ST_INVALID_ARGUMENT;
	}
	d->resources.blocks = blocks;
	d->resources.configured = true;
	return ST_PASSED;
}

uint32_t cmd_deconfigure(struct device *d, const void *payload)
{
	(void)payload;
	for (unsigned int i = 0; i < MAX_QUEUES; i++)
		if (d->tx[i].created || d->rx[i].created) {
			complain(d, "DECONFIGURE_DEVICE_RESOURCES while queue %u exists", i);
			return ST_FAILED_PRECONDITION;
		}
	if (d->stats_address)
		complain(d, "DECONFIGURE_DEVICE_RESOURCES while statistics are reported");
	d->stats_address = 0;
	d->resources.configured = false;
	d->resources.blocks = 0;
	irq_reset(d);
	return ST_PASSED;
}

/* ---------------------------------------------------------------------- pages, format DQO-QPL */

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

/* -------------------------------------------------------------------------------- statistics */

uint32_t cmd_report_stats(struct device *d, const void *payload)
{
	struct cmd_report_stats cmd;

	memcpy(&cmd, payload, sizeof(cmd));
	d->stats_address = be64toh(cmd.address);
	d->stats_bytes = be64toh(cmd.length);
	if (d->stats_address && !dma_at(&d->dma, d->stats_address, d->stats_bytes, true)) {
		d->stats_address = 0;
		return ST_INVALID_ARGUMENT;
	}
	return ST_PASSED;
}

static bool write_stat(struct device *d, uint64_t at, enum stat_name name, uint32_t queue,
		       uint64_t value)
{
	const struct stat stat = { .name = htobe32(name),
				   .queue_id = htobe32(queue),
				   .value = htobe64(value) };

	return dma_write(&d->dma, at, &stat, sizeof(stat));
}

/* The device's numbers are the last ones in the report, four for each RX queue that exists. */
void stats_write(struct device *d)
{
	uint64_t at, bytes, n = 0;

	for (unsigned int i = 0; i < MAX_QUEUES; i++)
		n += d->rx[i].created;
	bytes = n * RX_STATS_OF_DEVICE * sizeof(struct stat);
	if (!d->stats_address || bytes > d->stats_bytes)
		return;
	at = d->stats_address + d->stats_bytes - bytes;
	for (unsigned int i = 0; i < MAX_QUEUES; i++) {
		const struct rx_queue *const q = &d->rx[i];

		if (!q->created)
			continue;
		if (!write_stat(d, at, STAT_RX_QUEUE_DROPS, i, q->drops) ||
		    !write_stat(d, at + 16, STAT_RX_NO_BUFFERS, i, q->no_buffers) ||
		    !write_stat(d, at + 32, STAT_RX_OVER_MRU, i, 0) ||
		    !write_stat(d, at + 48, STAT_RX_BAD_CHECKSUM, i, q->bad_checksums))
			return;
		at += RX_STATS_OF_DEVICE * sizeof(struct stat);
	}
}
