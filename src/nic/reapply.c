// SPDX-License-Identifier: MIT
/*
 * Reapply the transaction's settings after a reset of the NIC. A driver that resets its NIC (after
 * a transmit timeout or "ethtool --reset") may lose flow rules and RSS contexts, and set the RSS
 * table back to its default. The default table leads to the bound queues too, so ordinary
 * connections may arrive there and fail with EFAULT, since the kernel cannot read their bytes. The
 * bindings belong to the core and survive a reset. [drivers/net/ethernet/google/gve/gve_main.c:
 * gve_reset()]
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/nic_impl.h"
#include "netlink/rss.h"
#include "base/uapi.h"

/* ------------------------------------------------------------------------------- was it reset? */

/* The last change of the RSS table, by this process or another one. */
static const struct devmem__change *last_table(const struct devmem_nic *nic)
{
	const struct devmem__journal_state *state = &nic->journal.state;

	for (unsigned int i = state->nentries; i-- > 0;)
		if (state->entries[i].change.kind == DEVMEM__CHANGE_TABLE)
			return &state->entries[i].change;
	return NULL;
}

/* The queues claimed by all owners. -ENOMEM. */
static int claimed_by_all(const struct devmem_nic *nic, struct devmem__queue_set *claimed)
{
	const struct devmem__journal_state *state = &nic->journal.state;
	int err = 0;

	*claimed = (struct devmem__queue_set){ 0 };
	for (unsigned int i = 0; !err && i < state->nowners; i++)
		if (!state->owners[i].left)
			err = devmem__queue_set_add(claimed, state->owners[i].queues,
						    state->owners[i].nqueues);
	return err;
}

static bool leads_to_claimed(const struct devmem_nic *nic, const uint32_t *table, uint32_t size)
{
	struct devmem__queue_set claimed;
	bool leads = !claimed_by_all(nic, &claimed) &&
		     devmem__rss_uses(table, size, claimed.queue, claimed.n);

	devmem__queue_set_free(&claimed);
	return leads;
}

/*
 * The table was reset if it is the default one and leads to claimed queues, unless we set it so.
 * Nobody wants that. Any other table was set by somebody on purpose, and stays.
 */
bool devmem__nic_table_was_reset(struct devmem_nic *nic)
{
	const struct devmem__change *c = last_table(nic);
	uint32_t *now, size;
	int rings;
	bool lost;

	if (!nic->claimed.n || devmem__nic_driver_gave_up(nic) ||
	    devmem__ethtool_table(&nic->et, 0, &now, &size))
		return false;
	rings = devmem__ethtool_rings(&nic->et);
	lost = rings > 0 && devmem__rss_is_default(now, size, (uint32_t)rings) &&
	       leads_to_claimed(nic, now, size);
	if (c && size == c->size && !memcmp(now, c->after, size * sizeof(*now)))
		lost = false;
	free(now);
	return lost;
}

/* ------------------------------------------------------------------------------------ reapply */

/* The lost table was not set by us and led to none of our queues. Take our queues out of the
 * default table. */
static int remove_claimed_queues(struct devmem_nic *nic)
{
	uint32_t *before, *after, size;
	const struct devmem__change *made;
	struct devmem__queue_set claimed = { 0 };
	int err = devmem__ethtool_table(&nic->et, 0, &before, &size);

	if (err)
		return devmem__fail(-err, "%s: cannot read the RSS table: %s", nic->et.name,
				    strerror(-err));
	after = malloc(size * sizeof(*after));
	err = after ? claimed_by_all(nic, &claimed) : -ENOMEM;
	if (!err) {
		memcpy(after, before, size * sizeof(*after));
		err = devmem__rss_without(after, size, claimed.queue, claimed.n, NULL, 0);
	}
	devmem__queue_set_free(&claimed);
	if (!err)
		return devmem__nic_change_table(nic, before, after, size,
						"take the queues out of the RSS table", &made);
	free(before);
	free(after);
	return devmem__fail(-err, "%s: cannot take the queues out of the RSS table again: %s",
			    nic->et.name, strerror(-err));
}

static int reapply_table(struct devmem_nic *nic)
{
	const struct devmem__change *c = last_table(nic);
	int err;

	if (!devmem__nic_table_was_reset(nic))
		return 0;
	if (!c)
		return remove_claimed_queues(nic);
	err = devmem__ethtool_set_table(&nic->et, c->after, c->size);
	if (!err && devmem__nic_table_was_reset(nic))
		err = -EIO;
	return err ? devmem__fail(-err, "%s: cannot take the queues out of the RSS table again: %s",
				  nic->et.name, strerror(-err))
		   : 0;
}

/* Mark the lost setting GONE in the journal, and record the new one as a change of its own. */
static int write_down_again(struct devmem_nic *nic, struct devmem__change *c)
{
	if (c->seq)
		devmem__journal_write_gone(&nic->journal, c->seq);
	c->seq = 0;
	return devmem__nic_write_intent(nic, c);
}

static int reapply_context(struct devmem_nic *nic, struct devmem__change *c)
{
	int err;

	if (devmem__nic_has_context(nic, c))
		return 0;
	c->context = 0;
	c->contexts_before = devmem__nic_contexts(nic);
	err = write_down_again(nic, c);
	if (err)
		return err;
	err = devmem__ethtool_new_context(&nic->et, c->after, c->size, &c->context);
	if (!err)
		return devmem__journal_write_done(&nic->journal, c);
	devmem__fail(-err, "%s: cannot make an RSS context again: %s", nic->et.name,
		     strerror(-err));
	devmem__nic_write_gone(nic, c);
	c->seq = 0;
	return err;
}

/* A rule that a later rule of ours replaced must not be added again. */
static bool is_replaced(const struct devmem_nic *nic, unsigned int at)
{
	for (unsigned int i = at + 1; i < nic->undo.count; i++)
		if (nic->undo.changes[i].kind == DEVMEM__CHANGE_RULE &&
		    nic->undo.changes[i].rule.fs.location == nic->undo.changes[at].rule.fs.location)
			return true;
	return false;
}

/* The same location as before, if it is still free. */
static int64_t place_for(const struct devmem__rule *rule, const struct devmem__rules *all)
{
	if (all->any)
		return RX_CLS_LOC_ANY;
	for (uint32_t i = 0; i < all->count; i++)
		if (all->rules[i].fs.location == rule->fs.location)
			return devmem__nic_free_location(all);
	return rule->fs.location;
}

static int reapply_rule(struct devmem_nic *nic, struct devmem__change *c,
			const struct devmem__rules *all)
{
	int64_t at = place_for(&c->rule, all);
	int err;

	if (at < 0)
		return devmem__fail((int)-at, "%s: cannot make a rule again: %s", nic->et.name,
				    strerror((int)-at));
	c->had_rule = false;
	c->rule.fs.location = (uint32_t)at;
	err = write_down_again(nic, c);
	if (err)
		return err;
	err = devmem__ethtool_add_rule(&nic->et, &c->rule);
	if (err) {
		devmem__fail(-err, "%s: cannot make a rule again: %s", nic->et.name,
			     strerror(-err));
		devmem__nic_write_gone(nic, c);
		c->seq = 0;
		return err;
	}
	devmem__nic_reread_rule(nic, c);
	return devmem__journal_write_done(&nic->journal, c);
}

/* For each change of the stack: if it is a rule that leads to an RSS context, the change that made
 * that context; else NULL. The caller frees the array. NULL: no memory. */
static struct devmem__change **contexts_of_rules(struct devmem_nic *nic)
{
	struct devmem__undo *u = &nic->undo;
	struct devmem__change **of = calloc(u->count + 1, sizeof(struct devmem__change *));

	for (unsigned int i = 0; of && i < u->count; i++)
		for (unsigned int k = 0; u->changes[i].kind == DEVMEM__CHANGE_RULE && k < u->count;
		     k++)
			if (u->changes[k].kind == DEVMEM__CHANGE_CONTEXT &&
			    u->changes[i].rule.fs.flow_type & DEVMEM_FLOW_RSS &&
			    u->changes[k].context == u->changes[i].rule.context)
				of[i] = &u->changes[k];
	return of;
}

static int reapply_if_lost(struct devmem_nic *nic, struct devmem__change *c)
{
	struct devmem__rules all;
	int err = devmem__ethtool_rules(&nic->et, &all);

	if (err)
		err = devmem__fail(-err, "%s: cannot list the rules: %s", nic->et.name,
				   strerror(-err));
	else if (!devmem__nic_find_flow(&all, &c->rule))
		err = reapply_rule(nic, c, &all);
	free(all.rules);
	return err;
}

static int reapply_rules(struct devmem_nic *nic, struct devmem__change **of)
{
	int failed = 0;

	for (unsigned int i = 0; i < nic->undo.count; i++) {
		struct devmem__change *c = &nic->undo.changes[i];
		int err;

		if (c->kind != DEVMEM__CHANGE_RULE || is_replaced(nic, i))
			continue;
		if (of[i])
			devmem__rule_to_context(&c->rule, of[i]->context);
		err = reapply_if_lost(nic, c);
		failed = failed ? failed : err;
	}
	return failed;
}

/* The table goes first: it may add a change to the stack, which may move the changes in memory. */
int devmem__nic_reapply(struct devmem_nic *nic)
{
	int err = reapply_table(nic);
	struct devmem__change **of = err ? NULL : contexts_of_rules(nic);

	if (!err && !of)
		err = devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	for (unsigned int i = 0; !err && i < nic->undo.count; i++)
		if (nic->undo.changes[i].kind == DEVMEM__CHANGE_CONTEXT)
			err = reapply_context(nic, &nic->undo.changes[i]);
	if (!err)
		err = reapply_rules(nic, of);
	free(of);
	return err;
}
