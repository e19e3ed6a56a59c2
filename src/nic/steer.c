// SPDX-License-Identifier: MIT
/* Steer flows to the claimed queues by flow rules, and by an RSS context if there are several
 * queues. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/nic_impl.h"
#include "netlink/rss.h"
#include "base/uapi.h"

/* ------------------------------------------------------------------------------------- contexts */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool same_queues(const struct devmem__change *c, const uint32_t *sorted, unsigned int n)
{
	return c->kind == DEVMEM__CHANGE_CONTEXT && c->nqueues == n &&
	       !memcmp(c->queues, sorted, n * sizeof(*sorted));
}

static int no_context(struct devmem_nic *nic, int err)
{
	const char *name = nic->et.name;

	switch (err) {
	case -EOPNOTSUPP:
		return devmem__fail(EOPNOTSUPP,
				    "%s (driver %s) has no RSS contexts to spread flows over "
				    "several queues: steer each connection by itself (with its "
				    "peer), or make bindings of one queue each",
				    name, nic->driver);
	case -EBUSY:
	case -ENOSPC:
		return devmem__fail(ENOSPC,
				    "%s has no room for another RSS context: delete one that is "
				    "not needed (\"ethtool -X %s context N delete\")",
				    name, name);
	default:
		return devmem__fail(-err, "%s: cannot make an RSS context: %s", name,
				    strerror(-err));
	}
}

static int new_context(struct devmem_nic *nic, struct devmem__change *c)
{
	uint32_t *main_table, *now, size;
	int err = devmem__ethtool_table(&nic->et, 0, &main_table, &c->size);

	if (err)
		return no_context(nic, err);
	/* the context's table has the same size: overwrite this copy */
	c->after = main_table;
	devmem__rss_over(c->after, c->size, c->queues, c->nqueues);
	c->contexts_before = devmem__nic_contexts(nic);
	err = devmem__nic_write_intent(nic, c);
	if (err)
		return err;
	err = devmem__ethtool_new_context(&nic->et, c->after, c->size, &c->context);
	if (err) {
		err = no_context(nic, err);
		devmem__nic_write_gone(nic, c);
		return err;
	}
	if (!devmem__ethtool_table(&nic->et, c->context, &now, &size)) {
		free(c->after);
		c->after = now;
		c->size = size;
	}
	return devmem__nic_commit(nic, c);
}

/* The RSS context over these queues: one that we made before, or a new one. */
static int get_context(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
		       uint32_t *context)
{
	uint32_t *sorted = malloc(n * sizeof(*sorted));
	struct devmem__change *c;
	int err;

	if (!sorted)
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	memcpy(sorted, queues, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	for (unsigned int i = 0; i < nic->undo.count; i++) {
		c = &nic->undo.changes[i];
		if (same_queues(c, sorted, n) && devmem__nic_has_context(nic, c)) {
			*context = c->context;
			free(sorted);
			return 0;
		}
	}
	c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_CONTEXT);
	if (!c) {
		free(sorted);
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	}
	c->queues = sorted;
	c->nqueues = n;
	err = new_context(nic, c);
	*context = c->context;
	return err;
}

/* ---------------------------------------------------------------------------------------- rules */

static int no_rules(struct devmem_nic *nic, int err)
{
	const char *name = nic->et.name;
	struct devmem__feature f;

	switch (err) {
	case -EOPNOTSUPP:
		if (!devmem__ethtool_feature(&nic->et, "rx-ntuple-filter", &f) && !f.on &&
		    f.switchable)
			return devmem__fail(EOPNOTSUPP,
					    "n-tuple rules are turned off on %s: \"ethtool -K %s "
					    "ntuple on\"",
					    name, name);
		if (!devmem__nic_hash_is_known(nic))
			return devmem__fail(EOPNOTSUPP,
					    "%s (driver %s) has no n-tuple rules, so flows cannot "
					    "be steered, and does not report how it hashes them: "
					    "use another NIC",
					    name, nic->driver);
		return devmem__fail(EOPNOTSUPP,
				    "%s (driver %s) has no n-tuple rules, so flows cannot be "
				    "steered: have the peers take source ports that lead to the "
				    "queues (devmem_source_port())",
				    name, nic->driver);
	case -EEXIST:
		return devmem__fail(EADDRINUSE,
				    "%s has a rule for the same flow: see \"ethtool -n %s\"", name,
				    name);
	case -ENOSPC:
		return devmem__fail(ENOSPC,
				    "%s has no room for another rule: delete one that is not "
				    "needed (\"ethtool -N %s delete N\")",
				    name, name);
	default:
		return devmem__fail(-err, "%s: cannot make a rule (\"ethtool -N %s\"): %s", name,
				    name, strerror(-err));
	}
}

/* Add the change's rule, at a free location or at that of the rule that it replaces. */
static int add_rule(struct devmem_nic *nic, struct devmem__change *c,
		    const struct devmem__rules *all)
{
	const int64_t at =
		c->had_rule ? c->rule_before.fs.location : devmem__nic_free_location(all);
	int err;

	if (at < 0)
		return no_rules(nic, (int)at);
	c->rule.fs.location = (uint32_t)at;
	err = devmem__nic_write_intent(nic, c);
	if (err)
		return err;
	err = c->had_rule ? devmem__ethtool_delete_rule(&nic->et, (uint32_t)at) : 0;
	if (!err)
		err = devmem__ethtool_add_rule(&nic->et, &c->rule);
	if (err)
		return no_rules(nic, err);
	devmem__nic_reread_rule(nic, c);
	return devmem__nic_commit(nic, c);
}

/* Add the replaced rule again, if it was already deleted. */
static void restore_replaced_rule(struct devmem_nic *nic, const struct devmem__change *c)
{
	struct devmem__rule back = c->rule_before, now;

	if (c->had_rule && devmem__ethtool_rule(&nic->et, back.fs.location, &now))
		devmem__ethtool_add_rule(&nic->et, &back);
}

static int set_rule(struct devmem_nic *nic, const struct devmem__rule *rule,
		    const struct devmem__rules *all)
{
	const struct devmem__rule *there = devmem__nic_find_flow(all, rule);
	const unsigned int made = nic->undo.count;
	struct devmem__change *c;
	int err;

	if (there && devmem__rule_same(there, rule))
		return 0;
	c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_RULE);
	if (!c)
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	c->rule = *rule;
	c->had_rule = there; /* one of ours: it is replaced */
	if (there)
		c->rule_before = *there;
	err = add_rule(nic, c, all);
	if (err && nic->undo.count == made) {
		restore_replaced_rule(nic, c);
		devmem__nic_write_gone(nic, c);
	}
	return err;
}

static bool leads_to_queue(const struct devmem__rule *rule, uint32_t queue)
{
	return !(rule->fs.flow_type & DEVMEM_FLOW_RSS) &&
	       ethtool_get_flow_spec_ring(rule->fs.ring_cookie) == queue;
}

static unsigned int rules_to(const struct devmem_nic *nic, uint32_t queue)
{
	unsigned int rules = 0;

	for (unsigned int i = 0; i < nic->undo.count; i++)
		rules += nic->undo.changes[i].kind == DEVMEM__CHANGE_RULE &&
			 leads_to_queue(&nic->undo.changes[i].rule, queue);
	return rules;
}

/* The queue for a single connection: the one that it is steered to already, or the one that the
 * fewest rules lead to. */
static uint32_t choose_queue(const struct devmem_nic *nic, const struct devmem__rules *all,
			     const struct devmem__rule *rule, const uint32_t *queues,
			     unsigned int n)
{
	const struct devmem__rule *there = devmem__nic_find_flow(all, rule);
	unsigned int best = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (there && leads_to_queue(there, queues[i]))
			return queues[i];
		if (rules_to(nic, queues[i]) < rules_to(nic, queues[best]))
			best = i;
	}
	return queues[best];
}

/* @one_flow: the rule is for a single connection. A NIC without RSS contexts can steer that to one
 * of the queues. */
static int choose_target(struct devmem_nic *nic, struct devmem__rule *rule,
			 const struct devmem__rules *all, const uint32_t *queues, unsigned int n,
			 bool one_flow)
{
	uint32_t context = 0;
	int err;

	if (n == 1) {
		devmem__rule_to_queue(rule, queues[0]);
		return 0;
	}
	err = get_context(nic, queues, n, &context);
	if (err == -EOPNOTSUPP && one_flow) {
		devmem__rule_to_queue(rule, choose_queue(nic, all, rule, queues, n));
		return 0;
	}
	if (!err)
		devmem__rule_to_context(rule, context);
	return err;
}

/* The queues that a rule of ours leads to; their number. @one: storage for a single one. */
static unsigned int targets_of(const struct devmem_nic *nic, const struct devmem__rule *rule,
			       const uint32_t **queues, uint32_t *one)
{
	if (!(rule->fs.flow_type & DEVMEM_FLOW_RSS)) {
		*one = (uint32_t)ethtool_get_flow_spec_ring(rule->fs.ring_cookie);
		*queues = one;
		return 1;
	}
	for (unsigned int i = nic->undo.count; i-- > 0;) {
		const struct devmem__change *c = &nic->undo.changes[i];

		if (c->kind != DEVMEM__CHANGE_CONTEXT || c->context != rule->context)
			continue;
		*queues = c->queues;
		return c->nqueues;
	}
	return 0;
}

/* Does the rule lead to a claimed queue that is not among @queues? Queues of a closed binding are
 * no longer claimed, so a rule that leads there may be replaced. */
static bool leads_to_another(const struct devmem_nic *nic, const struct devmem__rule *rule,
			     const uint32_t *queues, unsigned int n)
{
	const struct devmem__queue_set ours = { (uint32_t *)(uintptr_t)queues, n };
	const uint32_t *led;
	uint32_t one;
	unsigned int many = targets_of(nic, rule, &led, &one);

	for (unsigned int i = 0; i < many; i++)
		if (!devmem__queue_set_has(&ours, led[i]) &&
		    devmem__queue_set_has(&nic->claimed, led[i]))
			return true;
	return false;
}

/* -EADDRINUSE if somebody else, or another binding, already has a rule for the flow. */
static int check_flow(struct devmem_nic *nic, const struct devmem__rules *all,
		      const struct devmem__rule *rule, const uint32_t *queues, unsigned int n)
{
	const struct devmem__rule *there = devmem__nic_find_flow(all, rule);

	if (there && !devmem__nic_own_rule(nic, there))
		return devmem__fail(EADDRINUSE,
				    "%s has a rule for the same flow that is not ours, at location "
				    "%u: see \"ethtool -n %s\"; if nobody needs it, \"ethtool -N "
				    "%s delete %u\"",
				    nic->et.name, there->fs.location, nic->et.name, nic->et.name,
				    there->fs.location);
	if (there && leads_to_another(nic, there, queues, n))
		return devmem__fail(EADDRINUSE,
				    "%s: the same flow is steered to another binding of this "
				    "process, at location %u: close that one first, or steer the "
				    "flows of each binding by their peers",
				    nic->et.name, there->fs.location);
	return 0;
}

static int no_address(const struct devmem_nic *nic)
{
	return devmem__fail(EINVAL, "%s: a queue and a local address are needed to steer a flow",
			    nic->et.name);
}

/* The rules for the flow; returns their number. */
static int build_rules(struct devmem_nic *nic, const struct sockaddr *local,
		       const struct sockaddr *peer, struct devmem__rule rules[2])
{
	int n = devmem__rule_flows(rules, local, peer);

	if (n == -EINVAL)
		return devmem__fail(EINVAL,
				    "%s: the two ends of a flow must be of one address family",
				    nic->et.name);
	if (n < 0)
		return devmem__fail(-n, "%s: only IPv4 and IPv6 flows can be steered",
				    nic->et.name);
	return n;
}

static int read_rules(struct devmem_nic *nic, struct devmem__rules *all)
{
	int err = devmem__ethtool_rules(&nic->et, all);

	if (!err)
		return 0;
	free(all->rules);
	return no_rules(nic, err);
}

static int check_flows(struct devmem_nic *nic, const struct devmem__rule *rules, int many,
		       const uint32_t *queues, unsigned int n)
{
	struct devmem__rules all;
	int err = read_rules(nic, &all);

	if (err)
		return err;
	for (int i = 0; i < many && !err; i++)
		err = check_flow(nic, &all, &rules[i], queues, n);
	free(all.rules);
	return err;
}

/* Read the rules again for each new one, since the previous one has taken a location. */
static int add_flow_rule(struct devmem_nic *nic, struct devmem__rule *rule, const uint32_t *queues,
			 unsigned int n, bool one_flow)
{
	struct devmem__rules all;
	int err = read_rules(nic, &all);

	if (err)
		return err;
	err = choose_target(nic, rule, &all, queues, n, one_flow);
	if (!err)
		err = set_rule(nic, rule, &all);
	free(all.rules);
	return err;
}

static int steer(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
		 const struct sockaddr *local, const struct sockaddr *peer)
{
	unsigned int savepoint = devmem__nic_savepoint(nic);
	struct devmem__rule rules[2];
	int many, err;

	if (!n || !local)
		return no_address(nic);
	many = build_rules(nic, local, peer, rules);
	err = many < 0 ? many : devmem__nic_check_present(nic);
	if (!err)
		err = check_flows(nic, rules, many, queues, n);
	if (err)
		return err;
	for (int i = 0; i < many && !err; i++) {
		devmem__nic_add_guard(nic, &rules[i]);
		devmem__nic_update_stray(nic, &rules[i]);
		err = add_flow_rule(nic, &rules[i], queues, n, peer != NULL);
	}
	return err ? devmem__nic_rollback_failed(nic, savepoint, err) : 0;
}

/* ----------------------------------------------------------------------------------- unsteering */

/*
 * Take back our rule for the flow, which is the last one that we made. A rule that it replaced led
 * to queues of a closed binding, so it does not come back, and its change is forgotten.
 */
static int take_back_rule(struct devmem_nic *nic, const struct devmem__rule *flow,
			  const uint32_t *queues, unsigned int n)
{
	bool found = false;
	int err = -ENOENT;

	for (unsigned int i = nic->undo.count; i-- > 0;) {
		struct devmem__change *c = &nic->undo.changes[i];

		if (c->kind != DEVMEM__CHANGE_RULE || !devmem__rule_same_flow(&c->rule, flow))
			continue;
		if (found) {
			devmem__nic_forget(nic, i);
			continue;
		}
		if (leads_to_another(nic, &c->rule, queues, n))
			break;
		c->had_rule = false;
		err = devmem__nic_take_back(nic, i);
		if (err && err != -ESTALE)
			break;
		found = true;
	}
	return err;
}

/* The filter against urgent data stays: packets that followed the rule may still be on their way to
 * the ingress, and the next connections will go to the same address and port. */
static int unsteer(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
		   const struct sockaddr *local, const struct sockaddr *peer)
{
	struct devmem__rule rules[2];
	int many, failed = 0, found = 0;

	if (!local)
		return no_address(nic);
	many = build_rules(nic, local, peer, rules);
	if (many < 0)
		return many;
	for (int i = 0; i < many; i++) {
		int err = take_back_rule(nic, &rules[i], queues, n);

		found += err != -ENOENT;
		failed = err && err != -ENOENT ? err : failed;
	}
	devmem__nic_update_stray(nic, NULL);
	if (!found)
		return devmem__fail(ENOENT,
				    "%s: no rule for this flow to take back: steer it first, with "
				    "the same addresses",
				    nic->et.name);
	return failed;
}

/* A driver may make its queues anew when a setting is changed or one of them is bound, as gve does;
 * then they have other NAPI ids. Listing the queues notes these. */
static void note_queues(struct devmem_nic *nic)
{
	struct devmem__netdev_queues q;

	if (!devmem__nic_queues(nic, &q))
		devmem__netdev_free(&q);
}

/* @change runs with the NIC to itself. */
static int change_rules(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			const struct sockaddr *local, const struct sockaddr *peer,
			int (*change)(struct devmem_nic *nic, const uint32_t *queues,
				      unsigned int n, const struct sockaddr *local,
				      const struct sockaddr *peer))
{
	int err = devmem__nic_may_change(nic);

	if (!err && nic->quirks->leased) {
		devmem__log(DEVMEM_LOG_INFO,
			    "%s: no flow is steered: rules are made on the NIC that leases its "
			    "queues",
			    nic->et.name);
		return 0;
	}
	if (!err)
		err = devmem__nic_begin(nic);
	if (err)
		return err;
	err = change(nic, queues, n, local, peer);
	if (!err)
		note_queues(nic);
	devmem__nic_end(nic);
	return err;
}

int devmem__nic_steer(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
		      const struct sockaddr *local, const struct sockaddr *peer)
{
	return change_rules(nic, queues, n, local, peer, steer);
}

int devmem__nic_unsteer(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			const struct sockaddr *local, const struct sockaddr *peer)
{
	return change_rules(nic, queues, n, local, peer, unsteer);
}
