// SPDX-License-Identifier: MIT
/* What this transaction has made and what the NIC has of it: flow rules and RSS contexts,
 * recognised. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/nic_impl.h"

/* whose numbers are looked at: a driver hands out the lowest that is free */
#define MAX_CONTEXTS 64u

/* Replaced rules are described by the later change: the last one that fits is the one that stands
 * there. */
const struct devmem__change *devmem__nic_own_rule(const struct devmem_nic *nic,
						  const struct devmem__rule *rule)
{
	for (unsigned int i = nic->undo.count; i-- > 0;) {
		const struct devmem__change *c = &nic->undo.changes[i];

		if (c->kind == DEVMEM__CHANGE_RULE && c->rule.fs.location == rule->fs.location)
			return devmem__rule_same(&c->rule, rule) ? c : NULL;
	}
	return NULL;
}

bool devmem__nic_has_context(struct devmem_nic *nic, const struct devmem__change *c)
{
	uint32_t *table, size;
	bool same;

	if (devmem__ethtool_table(&nic->et, c->context, &table, &size))
		return false;
	same = size == c->size && !memcmp(table, c->after, size * sizeof(*table));
	free(table);
	return same;
}

uint64_t devmem__nic_contexts(struct devmem_nic *nic)
{
	uint64_t there = 0;

	for (uint32_t i = 1; i < MAX_CONTEXTS; i++) {
		uint32_t *table, size;
		int err = devmem__ethtool_table(&nic->et, i, &table, &size);

		if (err == -EOPNOTSUPP)
			break;
		if (err)
			continue;
		free(table);
		there |= 1ull << i;
	}
	return there;
}

/* A context that was not there before ours was to be made, and looks like it, is ours. */
bool devmem__nic_find_context(struct devmem_nic *nic, struct devmem__change *c)
{
	uint64_t more = devmem__nic_contexts(nic) & ~c->contexts_before;

	for (uint32_t i = 1; i < MAX_CONTEXTS; i++) {
		c->context = i;
		if (more & 1ull << i && devmem__nic_has_context(nic, c))
			return true;
	}
	return false;
}
