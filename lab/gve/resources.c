// SPDX-License-Identifier: MIT
/* Commands by which the driver gives memory to the device. */
#include <endian.h>
#include <string.h>

#include "admin.h"
#include "device.h"

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
		if (!write_stat(d, at, STAT_RX_QUEUE_DROPS, i, 0) ||
		    !write_stat(d, at + 16, STAT_RX_NO_BUFFERS, i, q->no_buffers) ||
		    !write_stat(d, at + 32, STAT_RX_OVER_MRU, i, 0) ||
		    !write_stat(d, at + 48, STAT_RX_BAD_CHECKSUM, i, q->bad_checksums))
			return;
		at += RX_STATS_OF_DEVICE * sizeof(struct stat);
	}
}
