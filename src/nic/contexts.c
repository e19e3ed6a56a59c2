// SPDX-License-Identifier: MIT
/* Find the transaction's flow rules and RSS contexts among those that the NIC has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/nic_impl.h"
#include "base/uapi.h"

/* numbers looked at; drivers assign the lowest free one */
#define MAX_CONTEXTS 64u

/* If one rule replaced another at the same location, both changes have that location. The last one
 * describes the rule that is there now. */
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

const struct devmem__rule *devmem__nic_find_flow(const struct devmem__rules *all,
						 const struct devmem__rule *rule)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (devmem__rule_same_flow(&all->rules[i], rule))
			return &all->rules[i];
	return NULL;
}

int64_t devmem__nic_free_location(const struct devmem__rules *all)
{
	return all->any ? RX_CLS_LOC_ANY : devmem__rule_location(all->rules, all->count, all->room);
}

void devmem__nic_reread_rule(struct devmem_nic *nic, struct devmem__change *c)
{
	struct devmem__rule now;

	if (!devmem__ethtool_rule(&nic->et, c->rule.fs.location, &now) &&
	    devmem__rule_same_flow(&now, &c->rule))
		c->rule = now;
}

int devmem__nic_compare_table(struct devmem_nic *nic, uint32_t context, const uint32_t *table,
			      uint32_t size)
{
	uint32_t *now, n;
	int err = devmem__ethtool_table(&nic->et, context, &now, &n);

	if (err)
		return err;
	err = n == size && !memcmp(now, table, n * sizeof(*now)) ? 0 : -ESTALE;
	free(now);
	return err;
}

bool devmem__nic_has_context(struct devmem_nic *nic, const struct devmem__change *c)
{
	return !devmem__nic_compare_table(nic, c->context, c->after, c->size);
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

/* A context is ours if it did not exist before we were about to make ours, and has the table that
 * we meant to give it. */
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
