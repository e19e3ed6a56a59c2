// SPDX-License-Identifier: MIT
/* Claim queues: choose them, turn header/data split on, take them out of the RSS table. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic/nic_impl.h"
#include "netlink/rss.h"
#include "base/uapi.h"

#define CHECKSUMS "rx-checksum" /* the kernel's name of the feature; "rx" in ethtool -K */

/* ------------------------------------------------------------------------------------- choosing */

/*
 * Mark queues to which somebody else steers flows. Those flows would land in device memory, where
 * their sockets cannot read them, so such a queue is used only if the caller lists it.
 */
static int mark_steered(struct devmem_nic *nic, struct devmem__netdev_queues *q)
{
	uint8_t *hit = calloc(q->count, 1);
	struct devmem__rules all;

	if (!hit)
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	if (!devmem__ethtool_rules(&nic->et, &all))
		for (uint32_t i = 0; i < all.count; i++)
			if (!devmem__nic_own_rule(nic, &all.rules[i]))
				devmem__netdev_rule_leads(&nic->et, &all.rules[i], hit, q->count);
	free(all.rules);
	for (uint32_t i = 0; i < q->count; i++)
		q->use[i] |= hit[i] ? DEVMEM__QUEUE_STEERED : 0;
	free(hit);
	return 0;
}

/* The end of an error message: how to get @count queues with this driver. Returns @text or a
 * literal. */
static const char *more_queues(struct devmem_nic *nic, uint32_t count, char *text, size_t room)
{
	char command[64];

	if (nic->quirks->leased)
		return ", or have its NIC lease it another one";
	devmem__ethtool_more_queues(&nic->et, count, command, sizeof(command));
	if (!*command)
		return "";
	snprintf(text, room, ", or add some with \"%s\"", command);
	return text;
}

static int refuse_listed(struct devmem_nic *nic, int err, uint32_t queue, uint32_t count)
{
	const char *name = nic->et.name;
	char more[96];

	switch (err) {
	case -ERANGE:
		return devmem__fail(ERANGE,
				    "%s has no RX queue %u: it has %u, counted from 0 (see "
				    "\"ethtool -l %s\")",
				    name, queue, count, name);
	case -EINVAL:
		return devmem__fail(EINVAL, "RX queue %u of %s is listed twice", queue, name);
	case -EEXIST:
		return devmem__fail(EEXIST,
				    "RX queue %u of %s is bound already, by this process or "
				    "another: take another one, or let the library choose",
				    queue, name);
	case -EBUSY:
		return devmem__fail(EBUSY,
				    "RX queue %u of %s is used by AF_XDP or leased to a container: "
				    "take another one, or let the library choose",
				    queue, name);
	default:
		return devmem__fail(EBUSY,
				    "no RX queue of %s would be left for ordinary traffic, of %u: "
				    "bind fewer%s",
				    name, count, more_queues(nic, count + 1, more, sizeof(more)));
	}
}

/*
 * Check this before anything is changed. The kernel notices only at the bind, after everything else
 * has been done. It then says ERANGE, or EOPNOTSUPP for a queue without a DMA device.
 */
static int refuse_queue_0(struct devmem_nic *nic, unsigned int want, const uint32_t *list)
{
	const struct devmem__quirks *quirks = nic->quirks;
	const char *why = quirks->leased	  ? "it is not leased from a NIC"
			  : quirks->keeps_queue_0 ? "its driver cannot restart that one"
						  : NULL;

	for (unsigned int i = 0; why && i < want; i++)
		if (!list[i])
			return devmem__fail(EBUSY,
					    "RX queue 0 of %s (driver %s) cannot be bound, because "
					    "%s: take another one, or let the library choose",
					    nic->et.name, nic->driver, why);
	return 0;
}

static int choose(struct devmem_nic *nic, unsigned int want, const uint32_t *list,
		  struct devmem__netdev_queues *q, uint32_t *queues)
{
	const char *name = nic->et.name;
	unsigned int bad = 0;
	char more[96];
	int err;

	if (!want)
		return devmem__fail(EINVAL, "%s: no RX queues are asked for", name);
	/* if others make the settings, they also steer flows to our queues */
	err = nic->only_binds ? 0 : mark_steered(nic, q);
	if (err)
		return err;
	if (list) {
		err = devmem__queues_check(q->use, q->count, list, want, &bad);
		if (err)
			return refuse_listed(nic, err, list[bad], q->count);
		err = refuse_queue_0(nic, want, list);
		if (err)
			return err;
		memcpy(queues, list, want * sizeof(*list));
		return 0;
	}
	err = devmem__queues_choose(q->use, q->count, want, queues);
	if (err)
		return devmem__fail(EBUSY,
				    "%s does not have %u free RX queue%s, of %u: queue 0 and those "
				    "that are bound or that others steer flows to are not taken; "
				    "bind fewer%s",
				    name, want, want == 1 ? "" : "s", q->count,
				    more_queues(nic, q->count + want, more, sizeof(more)));
	return 0;
}

/* -------------------------------------------------------------------------- required features */

static int feature_failed(struct devmem_nic *nic, const char *feature, int err)
{
	const char *name = nic->et.name;

	if (!strcmp(feature, CHECKSUMS))
		return devmem__nl_fail(&nic->et.nl, err,
				       "%s: cannot turn receive checksums on, without which "
				       "nothing arrives in device memory (\"ethtool -K %s rx on\")",
				       name, name);
	if (err == -EOPNOTSUPP)
		return devmem__fail(EPROTONOSUPPORT,
				    "%s (driver %s) cannot split headers from data, which device "
				    "memory needs: it requires %s, which this NIC does not have",
				    name, nic->driver, feature);
	if (err == -EIO)
		return devmem__fail(EPROTONOSUPPORT,
				    "%s (driver %s) cannot split headers from data as long as "
				    "something keeps %s off: see \"ethtool -k %s\", "
				    "rx-checksumming among others",
				    name, nic->driver, feature, name);
	return devmem__nl_fail(&nic->et.nl, err,
			       "%s: cannot turn %s on, which header/data split needs (\"ethtool -K "
			       "%s %s on\")",
			       name, feature, name, feature);
}

static int feature_on(struct devmem_nic *nic, const char *feature)
{
	struct devmem__feature before;
	struct devmem__change *c;
	int err;

	if (!feature)
		return 0;
	err = devmem__ethtool_feature(&nic->et, feature, &before);
	if (err)
		return feature_failed(nic, feature, err);
	if (before.on)
		return 0;
	c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_FEATURE);
	if (!c)
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	snprintf(c->feature, sizeof(c->feature), "%s", feature);
	c->feature_before = before.wanted;
	err = devmem__nic_write_intent(nic, c);
	if (err)
		return err;
	err = devmem__ethtool_set_feature(&nic->et, feature, true);
	if (!err)
		return devmem__nic_commit(nic, c);
	err = feature_failed(nic, feature, err);
	devmem__nic_write_gone(nic, c);
	return err;
}

/*
 * The kernel computes the checksum of a packet that the NIC did not verify, but it cannot read a
 * payload in device memory: nothing would arrive. [net/core/skbuff.c: skb_checksum()] So this is
 * checked even when others make the settings. If the feature cannot be read, assume that it is on.
 */
static int checksums_on(struct devmem_nic *nic)
{
	struct devmem__feature now;

	if (nic->quirks->leased || devmem__ethtool_feature(&nic->et, CHECKSUMS, &now) || now.on)
		return 0;
	if (!nic->only_binds && now.switchable)
		return feature_on(nic, CHECKSUMS);
	return devmem__fail(EPROTONOSUPPORT,
			    "%s (driver %s) does not verify checksums of what it receives, and the "
			    "kernel cannot do that in device memory: turn it on (\"ethtool -K %s "
			    "rx on\")",
			    nic->et.name, nic->driver, nic->et.name);
}

/* ----------------------------------------------------------------------------------- data split */

/* @before: the setting before, or NULL if it could not be read. */
static int split_failed(struct devmem_nic *nic, const struct devmem__split_state *before, int err)
{
	if (err == -EOPNOTSUPP)
		return devmem__nl_fail(&nic->et.nl, -EPROTONOSUPPORT,
				       "%s (driver %s) cannot split headers from data, which "
				       "device memory needs",
				       nic->et.name, nic->driver);
	return devmem__nl_fail(&nic->et.nl, err,
			       "%s: cannot turn header/data split on (\"ethtool -G %s "
			       "tcp-data-split on%s\")",
			       nic->et.name, nic->et.name,
			       before && before->has_thresh ? " hds-thresh 0" : "");
}

/* A driver may fail after it has taken the setting over: gve, when it cannot start its queues with
 * it. [drivers/net/ethernet/google/gve/gve_main.c: gve_queues_start()] */
static bool split_took_effect(struct devmem_nic *nic, const struct devmem__split_state *before)
{
	struct devmem__split_state now;

	return !devmem__ethtool_split(&nic->et, &now) && now.split == DEVMEM_SPLIT_ENABLED &&
	       before->split != DEVMEM_SPLIT_ENABLED;
}

/* One request; committed only if the kernel says that it changed something. What took effect
 * although it failed is committed too, so that it is rolled back. */
static int set_split(struct devmem_nic *nic, const struct devmem__split_state *before, bool split,
		     bool thresh)
{
	struct devmem__change *c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_SPLIT);
	bool changed = false;
	int err, committed;

	if (!c)
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	c->split = split;
	c->split_before = before->split;
	c->thresh = thresh;
	c->thresh_before = before->thresh;
	err = devmem__nic_write_intent(nic, c);
	if (err)
		return err;
	err = devmem__ethtool_set_split(&nic->et, split, DEVMEM_SPLIT_ENABLED, thresh, 0, &changed);
	if (err) {
		err = split_failed(nic, before, err);
		changed = split_took_effect(nic, before);
	}
	if (!changed) {
		devmem__nic_write_gone(nic, c);
		return err;
	}
	committed = devmem__nic_commit(nic, c);
	return err ? err : committed;
}

static int split_on(struct devmem_nic *nic)
{
	struct devmem__split_state before, now;
	bool thresh;
	int err = devmem__ethtool_split(&nic->et, &before);

	if (err)
		return split_failed(nic, NULL, err);
	thresh = before.has_thresh && before.thresh;
	/*
	 * A driver may report a split that it turned on by itself, but the bind requires one that
	 * was configured. The kernel knows whether it was: then the request changes nothing. To see
	 * that answer, the request must contain nothing else.
	 */
	if (before.split == DEVMEM_SPLIT_ENABLED) {
		err = set_split(nic, &before, true, false);
		if (!err && thresh)
			err = set_split(nic, &before, false, true);
	} else {
		err = set_split(nic, &before, true, thresh);
	}
	if (err)
		return err;
	err = devmem__ethtool_split(&nic->et, &now);
	if (err)
		return split_failed(nic, NULL, err);
	if (now.split != DEVMEM_SPLIT_ENABLED || now.thresh)
		return devmem__fail(EPROTONOSUPPORT,
				    "%s (driver %s) accepted header/data split but did not turn it "
				    "on: see \"ethtool -g %s\"",
				    nic->et.name, nic->driver, nic->et.name);
	return 0;
}

/* ------------------------------------------------------------------------------------ RSS table */

static uint32_t *copy(const uint32_t *from, size_t n)
{
	uint32_t *to = malloc((n ? n : 1) * sizeof(*to));

	if (to && n)
		memcpy(to, from, n * sizeof(*to));
	return to;
}

/* The RSS table now and after the claim; size 0: there is no table, or it need not change. */
struct table_plan {
	uint32_t *before, *after, size;
};

static void plan_free(struct table_plan *p)
{
	free(p->before);
	free(p->after);
	memset(p, 0, sizeof(*p));
}

static int plan_table(struct devmem_nic *nic, const struct devmem__netdev_queues *q,
		      const uint32_t *queues, unsigned int n, struct table_plan *p)
{
	uint8_t *spare;
	int err;

	memset(p, 0, sizeof(*p));
	err = devmem__ethtool_table(&nic->et, 0, &p->before, &p->size);
	if (err == -EOPNOTSUPP)
		return 0;
	if (err)
		return devmem__fail(-err, "%s: cannot read the RSS table (\"ethtool -x %s\"): %s",
				    nic->et.name, nic->et.name, strerror(-err));
	if (!devmem__rss_uses(p->before, p->size, queues, n)) {
		plan_free(p);
		return 0;
	}
	spare = calloc(q->count, 1);
	p->after = copy(p->before, p->size);
	err = spare && p->after ? 0 : -ENOMEM;
	for (uint32_t i = 0; !err && i < q->count; i++)
		spare[i] = devmem__queue_is_ordinary(q->use[i]);
	if (!err)
		err = devmem__rss_without(p->after, p->size, queues, n, spare, q->count);
	free(spare);
	if (!err)
		return 0;
	plan_free(p);
	return devmem__fail(-err, "%s: no RX queue is left for ordinary traffic: bind fewer",
			    nic->et.name);
}

static int check_table(const struct devmem_nic *nic, const struct devmem__change *c,
		       const uint32_t *queues, unsigned int n)
{
	if (!devmem__rss_uses(c->after, c->size, queues, n))
		return 0;
	return devmem__fail(EIO,
			    "%s (driver %s) kept the queues in its RSS table: see \"ethtool -x "
			    "%s\"",
			    nic->et.name, nic->driver, nic->et.name);
}

static int write_table(struct devmem_nic *nic, struct table_plan *p, const uint32_t *queues,
		       unsigned int n)
{
	const struct devmem__change *c;
	struct table_plan plan = *p;
	int err;

	if (!plan.size)
		return 0;
	memset(p, 0, sizeof(*p));
	err = devmem__nic_change_table(nic, plan.before, plan.after, plan.size,
				       "take the queues out of the RSS table", &c);
	return err ? err : check_table(nic, c, queues, n);
}

/* Give the claim up after a failure; keeps its error message. */
static void drop_claim(struct devmem_nic *nic, const uint32_t *queues, unsigned int n)
{
	char why[512];
	int err;

	snprintf(why, sizeof(why), "%s", devmem_error());
	err = devmem__nic_update_claim(nic, queues, n, false);
	if (err)
		devmem__fail(-err, "%s", why);
}

static int change_settings(struct devmem_nic *nic, struct table_plan *plan, const uint32_t *queues,
			   unsigned int n)
{
	int err = checksums_on(nic);

	if (!err && !nic->only_binds)
		err = feature_on(nic, nic->quirks->feature_first);
	if (!err && !nic->only_binds)
		err = split_on(nic);
	return err ? err : write_table(nic, plan, queues, n);
}

static int claim(struct devmem_nic *nic, unsigned int want, const uint32_t *list, uint32_t *queues,
		 bool *no_journal)
{
	unsigned int savepoint = devmem__nic_savepoint(nic);
	struct devmem__netdev_queues q;
	struct table_plan plan = { 0 };
	int err = devmem__nic_queues(nic, &q);

	if (err)
		return err;
	devmem__nic_mark_claimed(nic, &q);
	err = choose(nic, want, list, &q, queues);
	if (!err && !nic->only_binds)
		err = plan_table(nic, &q, queues, want, &plan);
	devmem__netdev_free(&q);
	if (err)
		return err;
	nic->journal_failed = false;
	err = devmem__nic_update_claim(nic, queues, want, true);
	/* nothing was changed up to here */
	if (!err)
		err = change_settings(nic, &plan, queues, want);
	plan_free(&plan);
	if (!err)
		return 0;
	*no_journal = nic->journal_failed;
	err = devmem__nic_rollback_failed(nic, savepoint, err);
	drop_claim(nic, queues, want);
	return err;
}

int devmem__nic_claim(struct devmem_nic *nic, unsigned int want, const uint32_t *list,
		      uint32_t *queues, bool *no_journal)
{
	int err = devmem__nic_begin(nic);

	*no_journal = err && !devmem__nl_short_of(err);
	if (err)
		return err;
	err = claim(nic, want, list, queues, no_journal);
	if (!err)
		devmem__nic_keeper_start(nic);
	devmem__nic_end(nic);
	return err;
}
