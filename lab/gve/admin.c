// SPDX-License-Identifier: MIT
#include "admin.h"

#include <endian.h>
#include <string.h>

#include "device.h"

#define IN_QUEUE (ADMINQ_BYTES / COMMAND_BYTES)

static uint32_t create_tx(struct device *d, const void *payload)
{
	struct cmd_create_tx cmd;

	memcpy(&cmd, payload, sizeof(cmd));
	return tx_create(d, &cmd);
}

static bool fails(struct device *d, enum fault fault)
{
	if (!fault_fails(&d->faults, fault))
		return false;
	d->counters[COUNT_FAILED]++;
	d->admin.queue_failed = true;
	return true;
}

static uint32_t create_rx(struct device *d, const void *payload)
{
	struct cmd_create_rx cmd;

	if (fails(d, FAULT_FAIL_CREATE_RX))
		return ST_INTERNAL_ERROR;
	memcpy(&cmd, payload, sizeof(cmd));
	return rx_create(d, &cmd);
}

static uint32_t destroy_tx(struct device *d, const void *payload)
{
	const uint32_t id = get32(payload);

	if (id >= MAX_QUEUES || !d->tx[id].created) {
		complain(d, "DESTROY_TX_QUEUE %u, which does not exist", id);
		return ST_NOT_FOUND;
	}
	tx_destroy(&d->tx[id]);
	return ST_PASSED;
}

static uint32_t destroy_rx(struct device *d, const void *payload)
{
	const uint32_t id = get32(payload);

	if (fails(d, FAULT_FAIL_DESTROY_RX))
		return ST_INTERNAL_ERROR;
	if (id >= MAX_QUEUES || !d->rx[id].created) {
		complain(d, "DESTROY_RX_QUEUE %u, which does not exist", id);
		return ST_NOT_FOUND;
	}
	rx_destroy(&d->rx[id]);
	return ST_PASSED;
}

enum when { BEFORE, CONFIGURED }; /* may it come before CONFIGURE_DEVICE_RESOURCES? */

static const struct command {
	enum opcode opcode;
	const char *name;
	enum when when;
	uint32_t (*run)(struct device *d, const void *payload);
} commands[] = {
	{ OP_VERIFY_DRIVER, "VERIFY_DRIVER_COMPATIBILITY", BEFORE, cmd_verify_driver },
	{ OP_DESCRIBE_DEVICE, "DESCRIBE_DEVICE", BEFORE, cmd_describe },
	{ OP_CONFIGURE_RESOURCES, "CONFIGURE_DEVICE_RESOURCES", BEFORE, cmd_configure },
	{ OP_DECONFIGURE_RESOURCES, "DECONFIGURE_DEVICE_RESOURCES", CONFIGURED, cmd_deconfigure },
	{ OP_REGISTER_PAGES, "REGISTER_PAGE_LIST", CONFIGURED, cmd_register_pages },
	{ OP_UNREGISTER_PAGES, "UNREGISTER_PAGE_LIST", CONFIGURED, cmd_unregister_pages },
	{ OP_CREATE_TX, "CREATE_TX_QUEUE", CONFIGURED, create_tx },
	{ OP_CREATE_RX, "CREATE_RX_QUEUE", CONFIGURED, create_rx },
	{ OP_DESTROY_TX, "DESTROY_TX_QUEUE", CONFIGURED, destroy_tx },
	{ OP_DESTROY_RX, "DESTROY_RX_QUEUE", CONFIGURED, destroy_rx },
	{ OP_CONFIGURE_RSS, "CONFIGURE_RSS", CONFIGURED, cmd_configure_rss },
	{ OP_QUERY_RSS, "QUERY_RSS", CONFIGURED, cmd_query_rss },
	{ OP_REPORT_STATS, "REPORT_STATS", CONFIGURED, cmd_report_stats },
	{ OP_REPORT_LINK_SPEED, "REPORT_LINK_SPEED", BEFORE, cmd_link_speed },
	{ OP_GET_PTYPE_MAP, "GET_PTYPE_MAP", BEFORE, cmd_ptype_map },
	{ OP_QUERY_RULES, "QUERY_FLOW_RULES", CONFIGURED, cmd_query_rules },
	{ OP_EXTENDED, "EXTENDED_COMMAND", CONFIGURED, cmd_extended },
};

static const struct command *find(uint32_t opcode)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].opcode == opcode)
			return &commands[i];
	return NULL;
}

static uint32_t run_command(struct device *d, const unsigned char raw[COMMAND_BYTES])
{
	const struct command *const c = find(get32(raw));
	uint32_t status;

	if (!c) {
		complain(d, "command 0x%x is not known", get32(raw));
		return ST_UNIMPLEMENTED;
	}
	if (get32(raw + 4) != ST_UNSET)
		complain(d, "%s: its status is set before it ran", c->name);
	if (c->opcode != OP_VERIFY_DRIVER && !d->admin.verified) {
		complain(d, "%s before VERIFY_DRIVER_COMPATIBILITY", c->name);
		return ST_FAILED_PRECONDITION;
	}
	if (c->when == CONFIGURED && !d->resources.configured) {
		complain(d, "%s before CONFIGURE_DEVICE_RESOURCES", c->name);
		return ST_FAILED_PRECONDITION;
	}
	status = c->run(d, raw + 8);
	trace(d, "%s: 0x%x", c->name, status);
	return status;
}

/* Only all RX queues together, or queues other than 0. [gve_rx_queue_stop()] */
static void check_queue_0(struct device *d)
{
	if (d->rx[0].created || d->admin.queue_failed)
		return;
	for (unsigned int i = 1; i < MAX_QUEUES; i++)
		if (d->rx[i].created) {
			complain(d, "RX queue %u exists, and queue 0 does not", i);
			return;
		}
}

void admin_run(struct device *d, uint32_t count)
{
	struct admin *const a = &d->admin;

	if (!a->running || count - a->done > IN_QUEUE) {
		complain(d, "the admin queue's doorbell: %u, with %u done%s", count, a->done,
			 a->running ? "" : ", and it does not run");
		return;
	}
	while (a->running && !a->hung && a->done != count) {
		const uint64_t at = a->base + a->done % IN_QUEUE * COMMAND_BYTES;
		unsigned char raw[COMMAND_BYTES];
		uint32_t status;

		if (!dma_read(&d->dma, at, raw, sizeof(raw)))
			return;
		if (fault_fails(&d->faults, FAULT_FAIL_TIME)) {
			d->counters[COUNT_FAILED]++;
			a->hung = true;
			return;
		}
		status = htobe32(run_command(d, raw));
		if (!dma_write(&d->dma, at + 4, &status, sizeof(status)))
			return;
		a->done++;
	}
	check_queue_0(d);
	stats_write(d);
}
