// SPDX-License-Identifier: MIT
/* The lab's model of gve: registers and the admin queue, in the order that a driver uses them and
 * in others. */
#include <endian.h>
#include <string.h>

#include "gve_pair.h"

static int set_up(void **state)
{
	(void)state;
	PAIR("rules=16", "queues=4");
	return 0;
}

static struct driver *const v = &pair.receiver; /* far's */
static struct device *const d = &pair.far;

static uint32_t read_register(uint32_t at)
{
	unsigned char raw[4];

	bar_read(d, 0, at, raw, sizeof(raw));
	return get32(raw);
}

static void write_register(uint32_t at, uint32_t value)
{
	unsigned char raw[4];

	put32(raw, value);
	bar_write(d, 0, at, raw, sizeof(raw));
}

static void *page(uint32_t at)
{
	return guest_at(&pair.guest, v->page + at);
}

static uint32_t command(enum opcode opcode, const void *payload, size_t bytes)
{
	return driver_command(v, opcode, payload, bytes);
}

/* As it was before any driver. */
static void to_reset(void)
{
	write_register(REG_DRIVER_STATUS, DRIVER_RESET);
}

/* ---------------------------------------------------------------------------------- registers */

static void registers_tell_the_state(void **state)
{
	(void)state;
	assert_int_equal(read_register(REG_DEVICE_STATUS), STATUS_LINK);
	assert_int_equal(read_register(REG_MAX_TX_QUEUES), 16);
	assert_int_equal(read_register(REG_MAX_RX_QUEUES), 16);
	assert_int_equal(read_register(REG_ADMINQ_EVENT_COUNTER), 2);
	assert_int_equal(read_register(REG_ADMINQ_BASE_LO), (uint32_t)v->admin);
	assert_int_equal(read_register(REG_ADMINQ_BASE_HI), v->admin >> 32);
	pair_fault(d, FAULT_LINK, 0);
	assert_int_equal(read_register(REG_DEVICE_STATUS), 0);
	pair_fault(d, FAULT_RESET, 1);
	assert_int_equal(read_register(REG_DEVICE_STATUS), STATUS_RESET_REQUESTED);
	to_reset();
	assert_int_equal(read_register(REG_DEVICE_STATUS), STATUS_IS_RESET);
	assert_int_equal(read_register(REG_ADMINQ_EVENT_COUNTER), 0);
	assert_int_equal(pair_counter(d, COUNT_RESETS), 1);
	pair_end(0);
}

static void registers_of_other_sizes(void **state)
{
	unsigned char raw[8];

	(void)state;
	bar_write(d, 0, REG_DRIVER_VERSION, "l", 1); /* byte by byte */
	assert_int_equal(pair_complaints(), 0);
	bar_write(d, 0, REG_DRIVER_STATUS, "\0\0\0\0", 2);
	bar_write(d, 0, REG_DRIVER_STATUS + 2, "\0\0\0\0", 4);
	write_register(REG_MAX_TX_QUEUES, 1);
	write_register(REG_ADMINQ_BASE_LO, 0); /* while it runs */
	bar_write(d, 0, REG_ADMINQ_LENGTH, "\0\0", 2);
	assert_int_equal(pair_complaints(), 5);
	/* behind the registers there is nothing; over their end, only they are */
	memset(raw, 0xee, sizeof(raw));
	bar_read(d, 0, REGS_BYTES - 4, raw, sizeof(raw));
	assert_memory_equal(raw + 4, "\0\0\0\0", 4);
	bar_read(d, 0, BAR_BYTES - 8, raw, sizeof(raw));
	assert_memory_equal(raw, "\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(read_register(REG_MAX_TX_QUEUES), 16);
	pair_end(5);
}

static void the_admin_queue_must_be_memory(void **state)
{
	(void)state;
	to_reset();
	for (unsigned int i = 0; i < 3; i++) {
		unsigned char length[2];

		put16(length, i == 0 ? 2048 : ADMINQ_BYTES);
		bar_write(d, 0, REG_ADMINQ_LENGTH, length, 2);
		write_register(REG_ADMINQ_BASE_HI, 0);
		write_register(REG_ADMINQ_BASE_LO,
			       (uint32_t)(i == 1 ? 0 : v->admin + 32 * (i == 2)));
		write_register(REG_DRIVER_STATUS, DRIVER_RUN);
		assert_int_equal(pair_complaints(), i + 1);
		assert_int_equal(read_register(REG_DEVICE_STATUS) & STATUS_IS_RESET,
				 STATUS_IS_RESET);
	}
	v->commands = 0;
	assert_int_equal(driver_verify(v), 0); /* no command runs */
	assert_int_equal(pair_complaints(), 4);
	driver_admin_queue(v);
	assert_int_equal(driver_verify(v), ST_PASSED);
	write_register(REG_DRIVER_STATUS, DRIVER_RUN); /* a second time */
	pair_end(5);
}

static void doorbells_that_do_not_exist(void **state)
{
	(void)state;
	driver_doorbell(v, DB_IRQ - 1, 0);
	driver_doorbell(v, DB_END, 0);
	driver_doorbell(v, 1023, 0);
	bar_write(d, 2, 4 * DB_IRQ, "\0\0", 2);
	bar_write(d, 2, 4 * DB_IRQ + 2, "\0\0\0\0", 4);
	pair_end(5);
}

/* ------------------------------------------------------------------------------------- order */

static void commands_have_an_order(void **state)
{
	const uint64_t address = htobe64(v->page);

	(void)state;
	to_reset();
	driver_admin_queue(v);
	assert_int_equal(command(OP_REPORT_LINK_SPEED, &address, 8), ST_FAILED_PRECONDITION);
	assert_int_equal(pair_complaints(), 1);
	assert_int_equal(driver_verify(v), ST_PASSED);
	assert_int_equal(command(OP_REPORT_LINK_SPEED, &address, 8), ST_PASSED);
	assert_int_equal(command(OP_DECONFIGURE_RESOURCES, NULL, 0), ST_FAILED_PRECONDITION);
	assert_false(driver_create_tx(v, 0, TX_RING));
	assert_int_equal(pair_complaints(), 3);
	assert_int_equal(driver_configure(v, FORMAT_DQO_RDA, 32), ST_PASSED);
	assert_int_equal(driver_configure(v, FORMAT_DQO_RDA, 32), ST_ALREADY_EXISTS);
	assert_int_equal(command(OP_SET_PARAMETER, NULL, 0), ST_UNIMPLEMENTED);
	assert_int_equal(command(0x77, NULL, 0), ST_UNIMPLEMENTED);
	assert_int_equal(pair_complaints(), 6);
	assert_int_equal(command(OP_DECONFIGURE_RESOURCES, NULL, 0), ST_PASSED);
	assert_int_equal(driver_configure(v, FORMAT_DQO_RDA, 8), ST_PASSED);
	pair_end(6);
}

/* Several with one doorbell, over the queue's end, each with a status of its own. */
static void commands_come_in_batches(void **state)
{
	const uint64_t good = htobe64(v->page), bad = 0;
	unsigned char *cmd[4];

	(void)state;
	while (v->commands % 64 != 62)
		assert_int_equal(command(OP_REPORT_LINK_SPEED, &good, 8), ST_PASSED);
	for (unsigned int i = 0; i < 4; i++) {
		cmd[i] = guest_at(&pair.guest, v->admin + (v->commands + i) % 64 * COMMAND_BYTES);
		memset(cmd[i], 0, COMMAND_BYTES);
		put32(cmd[i], OP_REPORT_LINK_SPEED);
		memcpy(cmd[i] + 8, i == 1 ? &bad : &good, 8);
	}
	v->commands += 4;
	write_register(REG_ADMINQ_DOORBELL, v->commands);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(get32(cmd[i] + 4), i == 1 ? ST_INVALID_ARGUMENT : ST_PASSED);
	assert_int_equal(read_register(REG_ADMINQ_EVENT_COUNTER), v->commands);
	write_register(REG_ADMINQ_DOORBELL, v->commands + 65); /* more than it has */
	write_register(REG_ADMINQ_DOORBELL, v->commands - 1);
	assert_int_equal(read_register(REG_ADMINQ_EVENT_COUNTER), v->commands);
	assert_int_equal(pair_complaints(), 2);
	cmd[0] = guest_at(&pair.guest, v->admin + v->commands % 64 * COMMAND_BYTES);
	memcpy(cmd[0], cmd[3], COMMAND_BYTES); /* with a status before it ran */
	write_register(REG_ADMINQ_DOORBELL, v->commands + 1);
	pair_end(3);
}

static void a_command_may_never_be_answered(void **state)
{
	const uint64_t address = htobe64(v->page);

	(void)state;
	pair_fault(d, FAULT_FAIL_TIME, 1);
	assert_int_equal(command(OP_REPORT_LINK_SPEED, &address, 8), 0);
	assert_int_equal(read_register(REG_ADMINQ_EVENT_COUNTER), 2);
	assert_int_equal(command(OP_REPORT_LINK_SPEED, &address, 8), 0);
	assert_int_equal(pair_counter(d, COUNT_FAILED), 1);
	to_reset();
	assert_true(driver_start(v));
	pair_end(0);
}

/* -------------------------------------------------------------------------- verify, describe */

static void only_drivers_that_can(void **state)
{
	static const struct {
		uint64_t length, can;
		uint8_t os;
		uint32_t status;
	} all[] = { { 304, 8, 1, ST_PASSED },
		    { 304, 8, 2, ST_UNIMPLEMENTED },
		    { 304, 7, 1, ST_UNIMPLEMENTED },
		    { 303, 8, 1, ST_INVALID_ARGUMENT } };

	(void)state;
	for (unsigned int i = 0; i < COUNT(all); i++) {
		const struct cmd_verify_driver cmd = { .length = htobe64(all[i].length),
						       .address = htobe64(v->page) };
		const uint64_t can = htobe64(all[i].can);
		unsigned char *const info = page(0);

		memset(info, 0, 304);
		info[0] = all[i].os;
		memcpy(info + 16, &can, 8);
		assert_int_equal(command(OP_VERIFY_DRIVER, &cmd, sizeof(cmd)), all[i].status);
	}
	pair_end(1);
}

static uint32_t describe(uint32_t room)
{
	const struct cmd_describe cmd = { .address = htobe64(v->page),
					  .version = htobe32(1),
					  .available = htobe32(room) };

	return command(OP_DESCRIBE_DEVICE, &cmd, sizeof(cmd));
}

/* The option, or NULL. */
static const void *option(uint16_t id)
{
	const struct descriptor *const head = page(0);
	uint32_t at = sizeof(*head);

	for (unsigned int i = 0; i < be16toh(head->num_options); i++) {
		const struct option *const o = page(at);

		at += sizeof(*o) + be16toh(o->length);
		assert_true(at <= be16toh(head->total_length));
		assert_int_equal(o->required_features, 0);
		if (be16toh(o->id) == id)
			return o + 1;
	}
	assert_int_equal(at, be16toh(head->total_length));
	return NULL;
}

static void the_device_describes_itself(void **state)
{
	const struct descriptor *const head = page(0);

	(void)state;
	pair_end(0);
	PAIR("mtu=3000", "buffer=2048", "header_buffer=128", "rules=7", "rss=device",
	     "max_ring=512", "queues=3");
	assert_int_equal(describe(4096), ST_PASSED);
	assert_int_equal(be16toh(head->default_num_queues), 3);
	assert_int_equal(be16toh(head->rx_queue_entries), 256);
	assert_memory_equal(head->mac, "\x02gve\0\x02", 6);
	assert_int_equal(be32toh(((const struct option_dqo_rda *)option(OPT_DQO_RDA))->features),
			 FEATURE_MODIFY_RING | FEATURE_JUMBO_FRAMES | FEATURE_BUFFER_SIZES |
				 FEATURE_FLOW_STEERING | FEATURE_RSS_CONFIG);
	assert_null(option(OPT_DQO_QPL));
	assert_int_equal(be16toh(((const struct option_jumbo_frames *)option(OPT_JUMBO_FRAMES))
					 ->max_mtu),
			 3000);
	assert_memory_equal(option(OPT_BUFFER_SIZES), "\0\0\0\x10\x08\0\0\x80", 8);
	assert_memory_equal(option(OPT_MODIFY_RING), "\0\0\0\1\2\0\2\0\0\x40\1\0", 12);
	assert_memory_equal(option(OPT_FLOW_STEERING), "\0\0\0\x20\0\0\0\0\0\0\0\7", 12);
	assert_memory_equal(option(OPT_RSS_CONFIG), "\0\0\0\x80\0\x28\0\x80", 8);
	pair_end(0);
}

static void without_rules_and_rss(void **state)
{
	(void)state;
	PAIR("rules=0", "format=qpl");
	assert_int_equal(describe(4096), ST_PASSED);
	assert_null(option(OPT_DQO_RDA));
	assert_null(option(OPT_FLOW_STEERING));
	assert_null(option(OPT_RSS_CONFIG));
	assert_int_equal(be32toh(((const struct option_dqo_qpl *)option(OPT_DQO_QPL))->features),
			 FEATURE_MODIFY_RING | FEATURE_JUMBO_FRAMES | FEATURE_BUFFER_SIZES);
	assert_int_equal(describe(100), ST_INVALID_ARGUMENT);
	pair_end(1);
}

static void types_and_speed_are_told(void **state)
{
	struct cmd_at cmd = { .length = htobe64(2 * PTYPES), .address = htobe64(v->page) };
	uint64_t speed = 0, address = htobe64(v->page);
	uint8_t map[2 * PTYPES];

	(void)state;
	packet_type_map(map);
	assert_int_equal(command(OP_GET_PTYPE_MAP, &cmd, sizeof(cmd)), ST_PASSED);
	assert_memory_equal(page(0), map, sizeof(map));
	cmd.length = htobe64(2 * PTYPES - 2);
	assert_int_equal(command(OP_GET_PTYPE_MAP, &cmd, sizeof(cmd)), ST_INVALID_ARGUMENT);
	assert_int_equal(command(OP_REPORT_LINK_SPEED, &address, 8), ST_PASSED);
	memcpy(&speed, page(0), 8);
	assert_int_equal(be64toh(speed), 100000);
	pair_end(1);
}

/* ---------------------------------------------------------------------------------- resources */

struct refusal {
	const char *what;
	void (*change)(struct cmd_configure_resources *cmd);
};

static void another_format(struct cmd_configure_resources *cmd)
{
	cmd->queue_format = FORMAT_DQO_QPL;
}

static void no_interrupts(struct cmd_configure_resources *cmd)
{
	cmd->num_irq_dbs = 0;
}

static void many_interrupts(struct cmd_configure_resources *cmd)
{
	cmd->num_irq_dbs = htobe32(33);
}

static void another_base(struct cmd_configure_resources *cmd)
{
	cmd->msix_base = htobe32(1);
}

static void many_counters(struct cmd_configure_resources *cmd)
{
	cmd->num_counters = htobe32(65);
}

static void counters_outside(struct cmd_configure_resources *cmd)
{
	cmd->counter_array = htobe64(GUEST - 4);
}

static void doorbells_outside(struct cmd_configure_resources *cmd)
{
	cmd->irq_db_stride = htobe32(UINT32_MAX);
}

static void resources_that_are_refused(void **state)
{
	static const struct refusal all[] = {
		{ "another format", another_format },
		{ "no interrupts", no_interrupts },
		{ "many interrupts", many_interrupts },
		{ "another base", another_base },
		{ "many counters", many_counters },
		{ "counters outside", counters_outside },
		{ "doorbells outside", doorbells_outside },
	};
	const struct cmd_configure_resources good = { .counter_array = htobe64(v->page),
						      .irq_db_addr = htobe64(v->page + 1024),
						      .num_counters = htobe32(64),
						      .num_irq_dbs = htobe32(32),
						      .irq_db_stride = htobe32(64),
						      .queue_format = FORMAT_DQO_RDA };

	(void)state;
	assert_int_equal(command(OP_DECONFIGURE_RESOURCES, NULL, 0), ST_PASSED);
	for (unsigned int i = 0; i < COUNT(all); i++) {
		struct cmd_configure_resources cmd = good;

		all[i].change(&cmd);
		if (command(OP_CONFIGURE_RESOURCES, &cmd, sizeof(cmd)) != ST_INVALID_ARGUMENT)
			fail_msg("%s", all[i].what);
		assert_int_equal(pair_complaints(), i + 1);
	}
	assert_int_equal(command(OP_CONFIGURE_RESOURCES, &good, sizeof(good)), ST_PASSED);
	for (uint32_t i = 0; i < 32; i++)
		assert_int_equal(get32(page(1024 + i * 64)), DB_IRQ + i);
	assert_int_equal(get32(page(1024 + 32 * 64)), 0);
	pair_end(COUNT(all));
}

static void resources_stay_while_queues_do(void **state)
{
	(void)state;
	assert_true(driver_create_tx(v, 3, TX_RING));
	assert_int_equal(command(OP_DECONFIGURE_RESOURCES, NULL, 0), ST_FAILED_PRECONDITION);
	assert_int_equal(command(OP_DESTROY_TX, &(uint32_t){ htobe32(3) }, 4), ST_PASSED);
	assert_int_equal(command(OP_DECONFIGURE_RESOURCES, NULL, 0), ST_PASSED);
	pair_end(1);
}

/* The first command of a batch fails by a fault: that queue 0 is not there is not the driver's. */
static void a_fault_may_leave_queues_apart(void **state)
{
	(void)state;
	pair_fault(d, FAULT_FAIL_CREATE_RX, 1);
	assert_false(driver_create_rx(v, 0, RX_RING, 2048, 0));
	assert_true(driver_create_rx(v, 1, RX_RING, 2048, 0));
	assert_int_equal(pair_complaints(), 0);
	to_reset();
	assert_true(driver_start(v));
	assert_true(driver_create_rx(v, 1, RX_RING, 2048, 0));
	pair_end(1);
}

static void nothing_outlives_a_reset(void **state)
{
	const struct cmd_configure_rule rule = { .rule.type = htobe16(FLOW_TCPV4),
						 .rule.queue = htobe16(1) };

	(void)state;
	assert_true(driver_create_rx(v, 0, RX_RING, 2048, 0));
	assert_true(driver_create_tx(v, 0, TX_RING));
	assert_int_equal(driver_rule(v, &rule), ST_PASSED);
	d->steer.table[5] = 15;
	pair_fault(d, FAULT_DROP_EVERY, 9);
	to_reset();
	assert_false(d->rx[0].created || d->tx[0].created || d->resources.configured);
	assert_int_equal(d->steer.rules, 0);
	assert_int_equal(d->steer.table[5], 1);
	assert_int_equal(d->faults.value[FAULT_DROP_EVERY], 9); /* the host's */
	assert_true(driver_start(v));
	assert_true(driver_create_rx(v, 0, RX_RING, 2048, 0));
	pair_end(0);
}

/* ---------------------------------------------------------------------------------- statistics */

static uint32_t report(uint64_t address, uint64_t bytes)
{
	const struct cmd_report_stats cmd = { .length = htobe64(bytes),
					      .address = htobe64(address) };

	return command(OP_REPORT_STATS, &cmd, sizeof(cmd));
}

/* Four for each queue, at the end of the report. */
static void statistics_are_reported(void **state)
{
	const struct stat *const stat = page(1000 - 2 * 4 * sizeof(struct stat));

	(void)state;
	assert_true(driver_create_rx(v, 0, RX_RING, 2048, 0));
	assert_true(driver_create_rx(v, 2, RX_RING, 2048, 0));
	d->rx[2].no_buffers = 77;
	d->rx[2].bad_checksums = 5;
	memset(page(0), 0, 1000);
	assert_int_equal(report(v->page, 1000), ST_PASSED);
	assert_int_equal(be32toh(stat[0].name), STAT_RX_QUEUE_DROPS);
	assert_int_equal(be32toh(stat[0].queue_id), 0);
	assert_int_equal(be32toh(stat[5].name), STAT_RX_NO_BUFFERS);
	assert_int_equal(be32toh(stat[5].queue_id), 2);
	assert_int_equal(be64toh(stat[5].value), 77);
	assert_int_equal(be64toh(stat[7].value), 5);
	assert_int_equal(be32toh(stat[-1].name), 0);
	d->rx[2].no_buffers = 78;
	assert_int_equal(report(v->page, 127), ST_PASSED); /* no room for both */
	assert_int_equal(be64toh(stat[5].value), 77);
	assert_int_equal(report(GUEST + pair.guest.bytes - 100, 101), ST_INVALID_ARGUMENT);
	assert_int_equal(report(v->page, UINT64_MAX), ST_INVALID_ARGUMENT);
	assert_int_equal(report(0, 0), ST_PASSED);
	assert_int_equal(be64toh(stat[5].value), 77);
	pair_end(0);
}

/* The driver frees the report's memory with the other resources. */
static void statistics_end_before_resources_do(void **state)
{
	const struct stat *const stat = page(0);

	(void)state;
	assert_int_equal(report(v->page, 1000), ST_PASSED);
	assert_int_equal(report(0, 0), ST_PASSED);
	assert_int_equal(command(OP_DECONFIGURE_RESOURCES, NULL, 0), ST_PASSED);
	assert_int_equal(pair_complaints(), 0);
	assert_int_equal(driver_configure(v, FORMAT_DQO_RDA, 32), ST_PASSED);
	assert_true(driver_create_rx(v, 0, RX_RING, 2048, 0));
	assert_int_equal(report(v->page, 64), ST_PASSED);
	assert_int_equal(command(OP_DESTROY_RX, &(uint32_t){ 0 }, 4), ST_PASSED);
	assert_int_equal(command(OP_DECONFIGURE_RESOURCES, NULL, 0), ST_PASSED);
	assert_int_equal(pair_complaints(), 1);
	assert_int_equal(driver_configure(v, FORMAT_DQO_RDA, 32), ST_PASSED);
	memset(page(0), 0, 64);
	assert_true(driver_create_rx(v, 0, RX_RING, 2048, 0));
	assert_int_equal(stat[1].name, 0);
	pair_end(1);
}

/* ------------------------------------------------------------------------------- rules and RSS */

static struct cmd_configure_rule add(uint32_t location)
{
	return (struct cmd_configure_rule){ .op = htobe16(RULE_ADD),
					    .location = htobe32(location),
					    .rule.type = htobe16(FLOW_TCPV6),
					    .rule.queue = htobe16((uint16_t)(location % 4)),
					    .rule.mask.dst_port = 0xffff,
					    .rule.key.dst_port = htobe16((uint16_t)location) };
}

static uint32_t query(uint16_t what, uint32_t first, uint64_t room)
{
	const struct cmd_query_rules cmd = { .op = htobe16(what),
					     .first = htobe32(first),
					     .available = htobe64(room),
					     .address = htobe64(v->page) };

	memset(page(0), 0, 4096);
	return command(OP_QUERY_RULES, &cmd, sizeof(cmd));
}

static void rules_are_queried(void **state)
{
	const struct queried_rules *const head = page(0);
	const struct queried_rule *const rule = page(sizeof(*head));
	const uint32_t *const id = page(sizeof(*head));

	(void)state;
	for (uint32_t i = 1; i < 16; i += 3) { /* 1, 4, 7, 10, 13 */
		const struct cmd_configure_rule r = add(i);

		assert_int_equal(driver_rule(v, &r), ST_PASSED);
	}
	assert_int_equal(query(QUERY_STATS, 0, 4096), ST_PASSED);
	assert_int_equal(be32toh(head->num_rules), 5);
	assert_int_equal(be32toh(head->max_rules), 16);
	assert_int_equal(be32toh(head->num_queried), 0);
	assert_int_equal(query(QUERY_IDS, 2, 4096), ST_PASSED);
	assert_int_equal(be32toh(head->num_queried), 4);
	assert_int_equal(be32toh(head->total_length), sizeof(*head) + 16);
	assert_int_equal(be32toh(id[0]), 4);
	assert_int_equal(be32toh(id[3]), 13);
	/* two, where there is room for two and a half */
	assert_int_equal(query(QUERY_RULES, 4, sizeof(*head) + 2 * sizeof(*rule) + 40), ST_PASSED);
	assert_int_equal(be32toh(head->num_queried), 2);
	assert_int_equal(be32toh(head->total_length), sizeof(*head) + 2 * sizeof(*rule));
	assert_int_equal(be32toh(rule[1].location), 7);
	assert_int_equal(be16toh(rule[1].rule.queue), 3);
	assert_int_equal(be16toh(rule[1].rule.key.dst_port), 7);
	assert_int_equal(be32toh(rule[2].location), 0);
	assert_int_equal(query(QUERY_IDS, 14, 4096), ST_PASSED);
	assert_int_equal(be32toh(head->num_queried), 0);
	assert_int_equal(query(QUERY_IDS, UINT32_MAX, 4096), ST_PASSED);
	assert_int_equal(query(3, 0, 4096), ST_INVALID_ARGUMENT);
	assert_int_equal(query(QUERY_IDS, 0, 15), ST_INVALID_ARGUMENT);
	pair_end(0);
}

static void rules_are_commanded(void **state)
{
	struct cmd_configure_rule r = add(3);
	struct cmd_extended cmd = { .opcode = htobe32(OP_CONFIGURE_RULE),
				    .length = htobe32(sizeof(r) - 1),
				    .address = htobe64(v->page) };

	(void)state;
	pair_fault(d, FAULT_FAIL_RULE, 1);
	assert_int_equal(driver_rule(v, &r), ST_RESOURCE_EXHAUSTED);
	assert_int_equal(pair_counter(d, COUNT_FAILED), 1);
	assert_int_equal(driver_rule(v, &r), ST_PASSED);
	r.op = htobe16(RULE_DELETE);
	assert_int_equal(driver_rule(v, &r), ST_PASSED);
	assert_int_equal(driver_rule(v, &r), ST_NOT_FOUND);
	r = add(3);
	assert_int_equal(driver_rule(v, &r), ST_PASSED);
	r = add(16);
	assert_int_equal(driver_rule(v, &r), ST_OUT_OF_RANGE);
	r.op = htobe16(RULE_RESET);
	assert_int_equal(driver_rule(v, &r), ST_PASSED);
	assert_int_equal(d->steer.rules, 0);
	r.op = htobe16(3);
	assert_int_equal(driver_rule(v, &r), ST_INVALID_ARGUMENT);
	assert_int_equal(pair_complaints(), 0);
	assert_int_equal(command(OP_EXTENDED, &cmd, sizeof(cmd)), ST_INVALID_ARGUMENT);
	cmd.length = htobe32(sizeof(r));
	cmd.address = htobe64(GUEST - 1);
	assert_int_equal(command(OP_EXTENDED, &cmd, sizeof(cmd)), ST_INVALID_ARGUMENT);
	cmd.opcode = htobe32(OP_CREATE_RX);
	assert_int_equal(command(OP_EXTENDED, &cmd, sizeof(cmd)), ST_INVALID_ARGUMENT);
	pair_end(3);
}

static void without_rules_there_are_none(void **state)
{
	struct cmd_configure_rule r = add(0);

	(void)state;
	PAIR("rules=0");
	assert_int_equal(driver_rule(v, &r), ST_UNIMPLEMENTED);
	assert_int_equal(query(QUERY_STATS, 0, 4096), ST_UNIMPLEMENTED);
	pair_end(0);
}

static struct cmd_configure_rss rss(uint16_t keys, uint16_t entries)
{
	return (struct cmd_configure_rss){ .hash_types = htobe16(0x2d2),
					   .algorithm = RSS_TOEPLITZ,
					   .key_size = htobe16(keys),
					   .lut_size = htobe16(entries),
					   .key_address = htobe64(v->page),
					   .lut_address = htobe64(v->page + 64) };
}

static void rss_is_configured(void **state)
{
	struct cmd_configure_rss cmd = rss(RSS_KEY_BYTES, 0);
	uint8_t key[RSS_KEY_BYTES];

	(void)state;
	memset(page(0), 0x5a, RSS_KEY_BYTES);
	memset(key, 0x5a, sizeof(key));
	for (uint32_t i = 0; i < RSS_TABLE; i++)
		put32(page(64 + 4 * i), 15 - i % 16);
	assert_int_equal(command(OP_CONFIGURE_RSS, &cmd, sizeof(cmd)), ST_PASSED);
	assert_memory_equal(d->steer.key, key, sizeof(key));
	assert_int_equal(d->steer.hash_types, 0x2d2);
	assert_int_equal(d->steer.table[1], 1); /* not given: as it was */
	cmd = rss(0, RSS_TABLE);
	assert_int_equal(command(OP_CONFIGURE_RSS, &cmd, sizeof(cmd)), ST_PASSED);
	for (uint32_t i = 0; i < RSS_TABLE; i++)
		assert_int_equal(d->steer.table[i], 15 - i % 16);
	put32(page(64 + 4 * 127), 16); /* a queue that cannot be */
	put32(page(64), 3);
	assert_int_equal(command(OP_CONFIGURE_RSS, &cmd, sizeof(cmd)), ST_INVALID_ARGUMENT);
	assert_int_equal(d->steer.table[0], 15);
	cmd = rss(RSS_KEY_BYTES - 1, 0);
	assert_int_equal(command(OP_CONFIGURE_RSS, &cmd, sizeof(cmd)), ST_INVALID_ARGUMENT);
	cmd = rss(0, 2 * RSS_TABLE);
	assert_int_equal(command(OP_CONFIGURE_RSS, &cmd, sizeof(cmd)), ST_INVALID_ARGUMENT);
	cmd = rss(0, 0);
	cmd.algorithm = 2;
	assert_int_equal(command(OP_CONFIGURE_RSS, &cmd, sizeof(cmd)), ST_UNIMPLEMENTED);
	cmd = rss(0, 0);
	pair_fault(d, FAULT_FAIL_RSS, 1);
	assert_int_equal(command(OP_CONFIGURE_RSS, &cmd, sizeof(cmd)), ST_INTERNAL_ERROR);
	assert_int_equal(pair_counter(d, COUNT_FAILED), 1);
	assert_int_equal(command(OP_CONFIGURE_RSS, &cmd, sizeof(cmd)), ST_PASSED);
	pair_end(0);
}

static void rss_is_queried(void **state)
{
	struct cmd_at cmd = { .length = htobe64(4096), .address = htobe64(v->page) };
	const struct queried_rss *const head = page(0);

	(void)state;
	assert_int_equal(command(OP_QUERY_RSS, &cmd, sizeof(cmd)), ST_UNIMPLEMENTED);
	pair_end(0);
	PAIR("rss=device");
	cmd.address = htobe64(v->page);
	assert_int_equal(command(OP_QUERY_RSS, &cmd, sizeof(cmd)), ST_PASSED);
	assert_int_equal(be32toh(head->total_length), 8 + RSS_KEY_BYTES + 4 * RSS_TABLE);
	assert_int_equal(be16toh(head->hash_types), d->steer.hash_types);
	assert_memory_equal(page(8), d->steer.key, RSS_KEY_BYTES);
	for (uint32_t i = 0; i < RSS_TABLE; i++)
		assert_int_equal(get32(page(8 + RSS_KEY_BYTES + 4 * i)), d->steer.table[i]);
	cmd.length = htobe64(8 + RSS_KEY_BYTES + 4 * RSS_TABLE - 1);
	assert_int_equal(command(OP_QUERY_RSS, &cmd, sizeof(cmd)), ST_INVALID_ARGUMENT);
	pair_end(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(registers_tell_the_state, set_up),
		cmocka_unit_test_setup(registers_of_other_sizes, set_up),
		cmocka_unit_test_setup(the_admin_queue_must_be_memory, set_up),
		cmocka_unit_test_setup(doorbells_that_do_not_exist, set_up),
		cmocka_unit_test_setup(commands_have_an_order, set_up),
		cmocka_unit_test_setup(commands_come_in_batches, set_up),
		cmocka_unit_test_setup(a_command_may_never_be_answered, set_up),
		cmocka_unit_test_setup(only_drivers_that_can, set_up),
		cmocka_unit_test_setup(the_device_describes_itself, set_up),
		cmocka_unit_test(without_rules_and_rss),
		cmocka_unit_test_setup(types_and_speed_are_told, set_up),
		cmocka_unit_test_setup(resources_that_are_refused, set_up),
		cmocka_unit_test_setup(resources_stay_while_queues_do, set_up),
		cmocka_unit_test_setup(a_fault_may_leave_queues_apart, set_up),
		cmocka_unit_test_setup(nothing_outlives_a_reset, set_up),
		cmocka_unit_test_setup(statistics_are_reported, set_up),
		cmocka_unit_test_setup(statistics_end_before_resources_do, set_up),
		cmocka_unit_test_setup(rules_are_queried, set_up),
		cmocka_unit_test_setup(rules_are_commanded, set_up),
		cmocka_unit_test(without_rules_there_are_none),
		cmocka_unit_test_setup(rss_is_configured, set_up),
		cmocka_unit_test_setup(rss_is_queried, set_up),
	};

	return cmocka_run_group_tests_name("gve_admin", tests, NULL, NULL);
}
