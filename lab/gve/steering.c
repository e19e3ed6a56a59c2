// SPDX-License-Identifier: MIT
/* Commands about flow rules and RSS. */
#include <endian.h>
#include <string.h>

#include "admin.h"
#include "device.h"

static uint32_t configure_rule(struct device *d, const struct cmd_configure_rule *cmd)
{
	if (!d->params.rules)
		return ST_UNIMPLEMENTED;
	switch (be16toh(cmd->op)) {
	case RULE_ADD:
		if (fault_fails(&d->faults, FAULT_FAIL_RULE)) {
			d->counters[COUNT_FAILED]++;
			return ST_RESOURCE_EXHAUSTED;
		}
		return steer_add(&d->steer, &d->params, be32toh(cmd->location), &cmd->rule);
	case RULE_DELETE:
		return steer_delete(&d->steer, be32toh(cmd->location));
	case RULE_RESET:
		steer_clear(&d->steer);
		return ST_PASSED;
	default:
		return ST_INVALID_ARGUMENT;
	}
}

uint32_t cmd_extended(struct device *d, const void *payload)
{
	struct cmd_configure_rule rule;
	struct cmd_extended cmd;

	memcpy(&cmd, payload, sizeof(cmd));
	if (be32toh(cmd.opcode) != OP_CONFIGURE_RULE || be32toh(cmd.length) != sizeof(rule) ||
	    !dma_read(&d->dma, be64toh(cmd.address), &rule, sizeof(rule))) {
		complain(d, "EXTENDED_COMMAND 0x%x of %u bytes: invalid", be32toh(cmd.opcode),
			 be32toh(cmd.length));
		return ST_INVALID_ARGUMENT;
	}
	return configure_rule(d, &rule);
}

/* Writes rules, or their locations, from @first on, as many as there is room for. */
static uint32_t write_rules(struct device *d, const struct cmd_query_rules *cmd, uint32_t *n)
{
	const bool ids = be16toh(cmd->op) == QUERY_IDS;
	const uint32_t each = ids ? sizeof(uint32_t) : sizeof(struct queried_rule);
	uint64_t left = be64toh(cmd->available), at = be64toh(cmd->address);

	left = left < ADMINQ_BYTES ? left : ADMINQ_BYTES;
	if (left < sizeof(struct queried_rules))
		return ST_INVALID_ARGUMENT;
	left -= sizeof(struct queried_rules);
	at += sizeof(struct queried_rules);
	for (uint32_t i = be32toh(cmd->first); i < MAX_RULES && left >= each; i++) {
		const struct queried_rule rule = { .location = htobe32(i),
						   .rule = d->steer.rule[i].flow };

		if (!d->steer.rule[i].used)
			continue;
		if (!dma_write(&d->dma, at, &rule, each))
			return ST_INVALID_ARGUMENT;
		at += each;
		left -= each;
		(*n)++;
	}
	return ST_PASSED;
}

uint32_t cmd_query_rules(struct device *d, const void *payload)
{
	struct queried_rules head = { .num_rules = htobe32(d->steer.rules),
				      .max_rules = htobe32(d->params.rules) };
	uint32_t n = 0, status = ST_PASSED, each = 0;
	struct cmd_query_rules cmd;

	memcpy(&cmd, payload, sizeof(cmd));
	if (!d->params.rules)
		return ST_UNIMPLEMENTED;
	if (be16toh(cmd.op) > QUERY_STATS)
		return ST_INVALID_ARGUMENT;
	if (be16toh(cmd.op) != QUERY_STATS) {
		each = be16toh(cmd.op) == QUERY_IDS ? 4 : sizeof(struct queried_rule);
		status = write_rules(d, &cmd, &n);
	}
	head.num_queried = htobe32(n);
	head.total_length = htobe32((uint32_t)sizeof(head) + n * each);
	if (status == ST_PASSED && !dma_write(&d->dma, be64toh(cmd.address), &head, sizeof(head)))
		status = ST_INVALID_ARGUMENT;
	return status;
}

/* A table that leads to a queue which cannot exist is refused; one to a queue that does not exist
 * at the moment loses packets. */
static uint32_t set_table(struct device *d, uint64_t address)
{
	uint32_t table[RSS_TABLE];

	if (!dma_read(&d->dma, address, table, sizeof(table)))
		return ST_INVALID_ARGUMENT;
	for (unsigned int i = 0; i < RSS_TABLE; i++) {
		table[i] = be32toh(table[i]);
		if (table[i] >= d->params.max_queues)
			return ST_INVALID_ARGUMENT;
	}
	memcpy(d->steer.table, table, sizeof(table));
	return ST_PASSED;
}

uint32_t cmd_configure_rss(struct device *d, const void *payload)
{
	struct cmd_configure_rss cmd;
	uint32_t keys, entries;

	memcpy(&cmd, payload, sizeof(cmd));
	keys = be16toh(cmd.key_size);
	entries = be16toh(cmd.lut_size);
	if (fault_fails(&d->faults, FAULT_FAIL_RSS)) {
		d->counters[COUNT_FAILED]++;
		return ST_INTERNAL_ERROR;
	}
	if (cmd.algorithm != RSS_TOEPLITZ)
		return ST_UNIMPLEMENTED;
	if ((keys && keys != RSS_KEY_BYTES) || (entries && entries != RSS_TABLE))
		return ST_INVALID_ARGUMENT;
	if (entries && set_table(d, be64toh(cmd.lut_address)) != ST_PASSED)
		return ST_INVALID_ARGUMENT;
	if (keys && !dma_read(&d->dma, be64toh(cmd.key_address), d->steer.key, RSS_KEY_BYTES))
		return ST_INVALID_ARGUMENT;
	d->steer.hash_types = be16toh(cmd.hash_types);
	return ST_PASSED;
}

uint32_t cmd_query_rss(struct device *d, const void *payload)
{
	unsigned char answer[sizeof(struct queried_rss) + RSS_KEY_BYTES + 4 * RSS_TABLE];
	const struct queried_rss head = { .total_length = htobe32(sizeof(answer)),
					  .hash_types = htobe16(d->steer.hash_types),
					  .algorithm = RSS_TOEPLITZ };
	struct cmd_at cmd;

	memcpy(&cmd, payload, sizeof(cmd));
	if (!d->params.device_rss)
		return ST_UNIMPLEMENTED;
	memcpy(answer, &head, sizeof(head));
	memcpy(answer + sizeof(head), d->steer.key, RSS_KEY_BYTES);
	for (unsigned int i = 0; i < RSS_TABLE; i++)
		put32(answer + sizeof(head) + RSS_KEY_BYTES + 4 * i, d->steer.table[i]);
	if (be64toh(cmd.length) < sizeof(answer) ||
	    !dma_write(&d->dma, be64toh(cmd.address), answer, sizeof(answer)))
		return ST_INVALID_ARGUMENT;
	return ST_PASSED;
}
