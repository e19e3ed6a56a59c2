// SPDX-License-Identifier: MIT
#include "faults.h"

#include <string.h>

static const char *const names[FAULTS] = {
	[FAULT_DROP_EVERY] = "drop_every",
	[FAULT_REORDER_EVERY] = "reorder_every",
	[FAULT_DELAY_EVERY] = "delay_every",
	[FAULT_DELAY_US] = "delay_us",
	[FAULT_NOSPLIT_EVERY] = "nosplit_every",
	[FAULT_NOSPLIT_BYTES] = "nosplit_bytes",
	[FAULT_CORRUPT_EVERY] = "corrupt_every",
	[FAULT_MISROUTE_EVERY] = "misroute_every",
	[FAULT_STARVE] = "starve",
	[FAULT_LINK] = "link",
	[FAULT_REMOVE] = "remove",
	[FAULT_RESET] = "reset",
	[FAULT_TX_STALL] = "tx_stall",
	[FAULT_FAIL_CREATE_RX] = "fail_create_rx",
	[FAULT_FAIL_DESTROY_RX] = "fail_destroy_rx",
	[FAULT_FAIL_RULE] = "fail_rule",
	[FAULT_FAIL_RSS] = "fail_rss",
	[FAULT_FAIL_TIME] = "fail_admin_time",
	[FAULT_DUPLICATE_EVERY] = "duplicate_every",
	[FAULT_RSC_LIMIT] = "rsc_limit",
};

void faults_init(struct faults *f)
{
	memset(f, 0, sizeof(*f));
	f->value[FAULT_DELAY_US] = 1000;
	f->value[FAULT_NOSPLIT_BYTES] = 64;
	f->value[FAULT_LINK] = 1;
	f->value[FAULT_RSC_LIMIT] = 16;
}

enum fault fault_by_name(const char *name)
{
	for (unsigned int i = FAULT_NONE + 1; i < FAULTS; i++)
		if (!strcmp(names[i], name))
			return i;
	return FAULT_NONE;
}

const char *fault_name(enum fault fault)
{
	return names[fault];
}

bool fault_strikes(struct faults *f, enum fault fault)
{
	if (!f->value[fault] || ++f->packets[fault] < f->value[fault])
		return false;
	f->packets[fault] = 0;
	return true;
}

bool fault_fails(struct faults *f, enum fault fault)
{
	if (!f->value[fault])
		return false;
	f->value[fault]--;
	return true;
}
