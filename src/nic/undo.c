// SPDX-License-Identifier: MIT
/*
 * How to undo each kind of change. First check whether the setting is still as we left it. If
 * somebody has changed it since, it stays, and that is reported as -ESTALE. If it is already back
 * to what it was before, nothing is to be done, whoever put it back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/nic_impl.h"
#include "netlink/rss.h"
#include "base/uapi.h"

/* ----------------------------------------------------------------------------------- data split */

static int split_stale(struct devmem_nic *nic, const struct devmem__change *c, const char *what)
{
	return devmem__fail(ESTALE,
			    "%s: somebody changed %s after us, and it was left like that; it was "
			    "tcp-data-split %s, hds-thresh %u (\"ethtool -G %s\")",
			    nic->et.name, what,
			    c->split_before == DEVMEM_SPLIT_ENABLED    ? "on"
			    : c->split_before == DEVMEM_SPLIT_DISABLED ? "off"
								       : "auto",
			    c->thresh_before, nic->et.name);
}

static bool split_is_restored(struct devmem_nic *nic, const struct devmem__change *c, bool split,
			      bool thresh)
{
	struct devmem__split_state now;

	if (devmem__ethtool_split(&nic->et, &now))
		return false;
	return (!split || now.split == c->split_before) &&
	       (!thresh || now.thresh == c->thresh_before);
}

static bool accepts_split(const struct devmem_nic *nic, uint8_t split)
{
	return split == DEVMEM_SPLIT_ENABLED ||
	       (split == DEVMEM_SPLIT_DISABLED && !nic->quirks->refuses_split_off);
}

/*
 * The setting before was either configured or the driver's own choice; the kernel does not say
 * which. Nearly always it was the driver's choice. So request "unknown" first, which leaves it to
 * the driver, and check whether that gives the setting of before. Some drivers (gve) read "unknown"
 * as "no change": then request the setting itself, unless the driver rejects that value.
 */
static int put_split_back(struct devmem_nic *nic, const struct devmem__change *c, bool split,
			  bool thresh)
{
	int err = devmem__ethtool_set_split(&nic->et, split, DEVMEM_SPLIT_UNKNOWN, thresh,
					    c->thresh_before, NULL);

	if (!err && split_is_restored(nic, c, split, thresh))
		return 0;
	if (split && accepts_split(nic, c->split_before))
		err = devmem__ethtool_set_split(&nic->et, true, c->split_before, thresh,
						c->thresh_before, NULL);
	if (err)
		return devmem__nl_fail(&nic->et.nl, err,
				       "%s: cannot put header/data split back to what it was (see "
				       "\"ethtool -g %s\")",
				       nic->et.name, nic->et.name);
	if (!split_is_restored(nic, c, split, thresh))
		return devmem__fail(EIO,
				    "%s (driver %s) did not put header/data split back to what it "
				    "was: see \"ethtool -g %s\"",
				    nic->et.name, nic->driver, nic->et.name);
	return 0;
}

static int undo_split(struct devmem_nic *nic, const struct devmem__change *c)
{
	struct devmem__split_state now;
	bool split, thresh;
	int err = devmem__ethtool_split(&nic->et, &now);

	if (err)
		return devmem__nl_fail(&nic->et.nl, err,
				       "%s: cannot read header/data split to put it back",
				       nic->et.name);
	split = c->split && now.split == DEVMEM_SPLIT_ENABLED;
	thresh = c->thresh && now.has_thresh && !now.thresh;
	if (split || thresh)
		err = put_split_back(nic, c, split, thresh);
	if (err)
		return err;
	if (c->split && !split && now.split != c->split_before)
		return split_stale(nic, c, "tcp-data-split");
	return c->thresh && !thresh && now.thresh != c->thresh_before
		       ? split_stale(nic, c, "hds-thresh")
		       : 0;
}

/* ------------------------------------------------------------------------------------- features */

/* devmem__nic_turn_gro_off() turned it off. If it is on now, somebody else or an earlier undo
 * turned it on. */
static int undo_gro(struct devmem_nic *nic)
{
	const char *name = nic->et.name;
	struct devmem__feature now;
	int err = devmem__ethtool_feature(&nic->et, DEVMEM__GRO, &now);

	if (!err && !now.on)
		err = devmem__ethtool_set_feature(&nic->et, DEVMEM__GRO, true);
	return err ? devmem__nl_fail(&nic->et.nl, err,
				     "%s: cannot turn GRO on again (\"ethtool -K %s gro on\")",
				     name, name)
		   : 0;
}

/*
 * We left the feature requested (wanted). It may be off all the same, because a feature that it
 * depends on was turned off. It may also be on although somebody requested off, because the driver
 * needed it until now. Both cases are undone here by requesting the value of before.
 */
static int undo_feature(struct devmem_nic *nic, const struct devmem__change *c)
{
	const char *name = nic->et.name;
	struct devmem__feature now;
	int err = devmem__ethtool_feature(&nic->et, c->feature, &now);

	if (!err && !c->feature_before && !now.on && !now.wanted)
		return 0;
	if (!err && !now.on && !now.wanted)
		return devmem__fail(ESTALE,
				    "%s: somebody turned %s off after us, and it was left like "
				    "that; it was %s (\"ethtool -K %s\")",
				    name, c->feature, c->feature_before ? "on" : "off", name);
	if (!err)
		err = devmem__ethtool_set_feature(&nic->et, c->feature, c->feature_before);
	if (err == -EIO)
		return devmem__fail(EIO,
				    "%s (driver %s) did not put %s back to what it was: see "
				    "\"ethtool -k %s\"",
				    name, nic->driver, c->feature, name);
	if (err)
		return devmem__nl_fail(&nic->et.nl, err,
				       "%s: cannot put %s back to what it was (\"ethtool -K %s %s "
				       "%s\")",
				       name, c->feature, name, c->feature,
				       c->feature_before ? "on" : "off");
	return 0;
}

/* ----------------------------------------------------------------------------------- RSS tables */

/*
 * A table that was never configured follows the number of channels; a configured one does not. The
 * kernel does not say which it was. A table that looks like the kernel's default is reset to the
 * default.
 */
static int put_table_back(struct devmem_nic *nic, const struct devmem__change *c)
{
	int rings = devmem__ethtool_rings(&nic->et);

	if (rings > 0 && devmem__rss_is_default(c->before, c->size, (uint32_t)rings) &&
	    !devmem__ethtool_reset_table(&nic->et) &&
	    !devmem__nic_compare_table(nic, 0, c->before, c->size))
		return 0;
	return devmem__ethtool_set_table(&nic->et, c->before, c->size);
}

static int undo_table(struct devmem_nic *nic, const struct devmem__change *c)
{
	const char *name = nic->et.name;
	int err = devmem__nic_compare_table(nic, 0, c->after, c->size);

	if (err == -ESTALE && !devmem__nic_compare_table(nic, 0, c->before, c->size))
		return 0;
	if (err == -ESTALE)
		return devmem__fail(ESTALE,
				    "%s: somebody changed the RSS table after us, and it was left "
				    "like that: see \"ethtool -x %s\"; \"ethtool -X %s default\" "
				    "spreads flows over all queues",
				    name, name, name);
	if (!err)
		err = put_table_back(nic, c);
	if (err)
		return devmem__fail(-err,
				    "%s: cannot put the RSS table back (%s): \"ethtool -X %s "
				    "default\" spreads flows over all queues",
				    name, strerror(-err), name);
	return 0;
}

static int undo_context(struct devmem_nic *nic, const struct devmem__change *c)
{
	const char *name = nic->et.name;
	int err = devmem__nic_compare_table(nic, c->context, c->after, c->size);

	if (err == -ENOENT)
		return 0;
	if (err == -ESTALE)
		return devmem__fail(ESTALE,
				    "%s: somebody changed our RSS context %u, and it was left like "
				    "that: \"ethtool -X %s context %u delete\" removes it",
				    name, c->context, name, c->context);
	if (!err)
		err = devmem__ethtool_delete_context(&nic->et, c->context);
	if (err)
		return devmem__fail(-err,
				    "%s: cannot delete our RSS context %u (%s): does somebody's "
				    "rule lead to it? See \"ethtool -n %s\"",
				    name, c->context, strerror(-err), name);
	return 0;
}

/* ---------------------------------------------------------------------------------------- rules */

static int undo_rule(struct devmem_nic *nic, const struct devmem__change *c)
{
	struct devmem__rule now, back = c->rule_before;
	uint32_t at = c->rule.fs.location;
	const char *name = nic->et.name;
	int err = devmem__ethtool_rule(&nic->et, at, &now);

	/* the rule that ours replaced was ours, too: its own change is undone next */
	if (err == -ENOENT || err == -EINVAL ||
	    (!err && c->had_rule && devmem__rule_same(&now, &c->rule_before)))
		return 0;
	if (!err && !devmem__rule_same(&now, &c->rule))
		return devmem__fail(ESTALE,
				    "%s: somebody put another rule in the place of ours, at "
				    "location %u, and it was left there: see \"ethtool -n %s\"",
				    name, at, name);
	if (!err)
		err = devmem__ethtool_delete_rule(&nic->et, at);
	if (!err && c->had_rule)
		err = devmem__ethtool_add_rule(&nic->et, &back);
	if (err)
		return devmem__fail(-err,
				    "%s: cannot remove our rule (%s): \"ethtool -N %s delete %u\"",
				    name, strerror(-err), name, at);
	return 0;
}

/* ------------------------------------------------------------------------- was the change made? */

/* By its match and its target, at any location. */
static bool find_rule(struct devmem_nic *nic, struct devmem__change *c)
{
	struct devmem__rules all;
	bool found = false;

	if (!devmem__ethtool_rules(&nic->et, &all))
		for (uint32_t i = 0; !found && i < all.count; i++) {
			found = devmem__rule_same(&all.rules[i], &c->rule);
			if (found)
				c->rule = all.rules[i];
		}
	free(all.rules);
	return found;
}

static bool find_guard(struct devmem_nic *nic, const struct devmem__change *c)
{
	return devmem__tc_has_guard(&nic->tc, nic->et.ifindex, c->guard_id) == 1;
}

/* -ENOENT counts as undone: an interface loses the filter when it moves to another network
 * namespace, or somebody may have deleted it. */
static int undo_guard(struct devmem_nic *nic, const struct devmem__change *c)
{
	int err = devmem__tc_unguard(&nic->tc, nic->et.ifindex, c->guard_id);

	if (err == -ENOENT)
		devmem__log(DEVMEM_LOG_WARNING,
			    "%s: somebody has removed our filter against urgent data before us",
			    nic->et.name);
	if (!err || err == -ENOENT)
		return 0;
	return devmem__fail(-err,
			    "%s: cannot remove our filter against urgent data (%s): see \"tc "
			    "filter show dev %s ingress\"",
			    nic->et.name, strerror(-err), nic->et.name);
}

/* The last process that shares the NIC removes the qdisc. Others may have added filters to it by
 * then. */
static int undo_qdisc(struct devmem_nic *nic)
{
	const char *name = nic->et.name;
	int err = devmem__tc_has_qdisc(&nic->tc, nic->et.ifindex), filters = 0;

	if (!err)
		return 0;
	if (err > 0)
		filters = devmem__tc_filters(&nic->tc, nic->et.ifindex);
	if (filters > 0)
		return devmem__fail(ESTALE,
				    "%s: somebody has put filters into the clsact qdisc that we "
				    "added, and it was left: see \"tc filter show dev %s ingress\"",
				    name, name);
	if (err > 0)
		err = filters < 0 ? filters : devmem__tc_delete_qdisc(&nic->tc, nic->et.ifindex);
	return err ? devmem__fail(-err,
				  "%s: cannot remove the clsact qdisc that we added (%s): \"tc "
				  "qdisc del dev %s clsact\"",
				  name, strerror(-err), name)
		   : 0;
}

bool devmem__nic_was_made(struct devmem_nic *nic, struct devmem__change *c)
{
	switch (c->kind) {
	case DEVMEM__CHANGE_CONTEXT:
		return devmem__nic_find_context(nic, c);
	case DEVMEM__CHANGE_RULE:
		return find_rule(nic, c);
	case DEVMEM__CHANGE_GUARD:
		return find_guard(nic, c);
	case DEVMEM__CHANGE_SPLIT:
	case DEVMEM__CHANGE_TABLE:
	case DEVMEM__CHANGE_FEATURE:
	case DEVMEM__CHANGE_QDISC:
		break;
	}
	/* if it was not made, the undo finds the setting of before and changes nothing */
	return true;
}

int devmem__nic_undo_change(const struct devmem__change *change, void *arg)
{
	struct devmem_nic *nic = arg;
	int err = devmem__nic_check_present(nic);

	if (err)
		return err;
	switch (change->kind) {
	case DEVMEM__CHANGE_SPLIT:
		return undo_split(nic, change);
	case DEVMEM__CHANGE_TABLE:
		return undo_table(nic, change);
	case DEVMEM__CHANGE_CONTEXT:
		return undo_context(nic, change);
	case DEVMEM__CHANGE_RULE:
		return undo_rule(nic, change);
	case DEVMEM__CHANGE_FEATURE:
		return strcmp(change->feature, DEVMEM__GRO) ? undo_feature(nic, change)
							    : undo_gro(nic);
	case DEVMEM__CHANGE_QDISC:
		return undo_qdisc(nic);
	case DEVMEM__CHANGE_GUARD:
		return undo_guard(nic, change);
	}
	return devmem__fail(EINVAL, "%s: a change of a kind that is not known", nic->et.name);
}
