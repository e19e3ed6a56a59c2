// SPDX-License-Identifier: MIT
/*
 * Keep stray packets out of bound queues. A NIC that forgets its rules and its RSS table with a
 * reset leads packets of ordinary connections to bound queues, until the keeper has made the
 * settings again. What arrives there can never be read: recv() fails with EFAULT, and goes on
 * failing. So a program at the interface's ingress drops what no rule of ours led there and what
 * cannot be read. TCP sends it again, and by then the table is right.
 *
 * The program is no setting of the machine: a descriptor of this process holds it, so that nothing
 * is left of it when the process ends, however it ends. It must not outlive the bindings: the
 * queues are ordinary ones then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netlink/stray_program.h"
#include "netlink/tcx.h"
#include "nic/nic_impl.h"

/* Each costs time for every packet of a bound queue. */
#define MAX_FLOWS 64u

/* What the program is made from, and the program. */
struct draft {
	struct devmem__rule flow[MAX_FLOWS];
	unsigned int flows;
	bool too_many;
	struct bpf_insn program[DEVMEM__STRAY_MAX_STEPS];
	unsigned int steps;
};

/* Told once: it is then so for each flow. */
static void warn(struct devmem_nic *nic, const char *why)
{
	if (!nic->stray.told)
		devmem__log(DEVMEM_LOG_WARNING,
			    "%s: a reset of the NIC leads packets of other connections to bound "
			    "queues for a moment, and they are not kept out, so these connections "
			    "may fail with EFAULT: %s",
			    nic->et.name, why);
	nic->stray.told = true;
}

void devmem__nic_drop_stray(struct devmem_nic *nic)
{
	if (nic->stray.link >= 0)
		close(nic->stray.link);
	nic->stray.link = -1;
	free(nic->stray.program);
	nic->stray.program = NULL;
	nic->stray.steps = 0;
}

/* ------------------------------------------------------------------------------ what is steered */

static void add_flow(struct draft *d, const struct devmem__rule *rule)
{
	const struct devmem__rule flow = devmem__rule_from_any(rule);

	for (unsigned int i = 0; i < d->flows; i++)
		if (devmem__rule_same_flow(&d->flow[i], &flow))
			return;
	d->too_many |= d->flows == MAX_FLOWS;
	if (!d->too_many)
		d->flow[d->flows++] = flow;
}

static void add_flows(struct draft *d, const struct devmem_nic *nic)
{
	for (unsigned int i = 0; i < nic->undo.count; i++)
		if (nic->undo.changes[i].kind == DEVMEM__CHANGE_RULE)
			add_flow(d, &nic->undo.changes[i].rule);
}

/* Does a rule of somebody else lead to a queue of ours? What it steers is not on our list. */
static bool is_steered_by_others(struct devmem_nic *nic)
{
	uint8_t *hit = calloc(DEVMEM__MAX_QUEUES, 1);
	struct devmem__rules all = { 0 };
	bool found = !hit;

	if (!hit)
		return true;
	if (!devmem__nic_driver_gave_up(nic) && !devmem__ethtool_rules(&nic->et, &all))
		for (uint32_t i = 0; i < all.count; i++)
			if (!devmem__nic_own_rule(nic, &all.rules[i]))
				devmem__netdev_rule_leads(&nic->et, &all.rules[i], hit,
							  DEVMEM__MAX_QUEUES);
	free(all.rules);
	for (unsigned int i = 0; i < nic->claimed.n; i++)
		found |= hit[nic->claimed.queue[i]];
	free(hit);
	return found;
}

/* Why there is to be no filter, or NULL. It would drop for ever what is missing from the list. */
static const char *why_none(struct devmem_nic *nic, const struct draft *d)
{
	if (!devmem__tcx_allowed())
		return "that takes CAP_BPF";
	if (d->too_many || !d->steps)
		return "more queues, addresses and ports are in use than a filter can have";
	if (nic->stray.table_leads_here)
		return "devmem_source_port() leads a part of the RSS table to them";
	if (is_steered_by_others(nic))
		return "somebody else's flow rule leads to one of them";
	return NULL;
}

/* ---------------------------------------------------------------------------------- the program */

/* The interface's index is known in its own network namespace alone, and the kernel looks for it in
 * the thread's. */
static int attach(struct devmem_nic *nic, const struct draft *d)
{
	if (devmem__journal_netns() != nic->netns)
		return -EXDEV;
	nic->stray.link = devmem__tcx_attach(nic->et.ifindex, d->program, d->steps);
	if (nic->stray.link < 0)
		return nic->stray.link;
	devmem__log(DEVMEM_LOG_INFO,
		    "%s: if the NIC is reset, packets of other connections are kept out of bound "
		    "queues",
		    nic->et.name);
	return 0;
}

static const char *explain(int err)
{
	return err == -EXDEV ? "this thread is in another network namespace than the NIC"
			     : strerror(-err);
}

/* An interface that was removed and came back has lost the link, too. */
static void install(struct devmem_nic *nic, const struct draft *d)
{
	int err = -ENOLINK;

	if (nic->stray.link >= 0)
		err = devmem__tcx_replace(nic->stray.link, d->program, d->steps);
	if (err) {
		devmem__nic_drop_stray(nic);
		err = attach(nic, d);
	}
	if (err) {
		warn(nic, explain(err));
		return;
	}
	free(nic->stray.program);
	nic->stray.program = malloc(d->steps * sizeof(*d->program));
	nic->stray.steps = nic->stray.program ? d->steps : 0;
	if (nic->stray.program)
		memcpy(nic->stray.program, d->program, d->steps * sizeof(*d->program));
}

static bool is_installed(const struct devmem_nic *nic, const struct draft *d)
{
	return nic->stray.link >= 0 && nic->stray.steps == d->steps &&
	       !memcmp(nic->stray.program, d->program, d->steps * sizeof(*d->program));
}

static void update(struct devmem_nic *nic, const struct devmem__rule *next, struct draft *d)
{
	const char *why;

	add_flows(d, nic);
	if (next)
		add_flow(d, next);
	/* between two connections that are steered by themselves nothing is steered: it stays */
	if (!nic->claimed.n || (!d->flows && nic->stray.link < 0)) {
		devmem__nic_drop_stray(nic);
		return;
	}
	d->steps = devmem__stray_program(&nic->claimed, d->flow, d->flows, d->program);
	if (is_installed(nic, d))
		return;
	why = why_none(nic, d);
	if (!why) {
		install(nic, d);
		return;
	}
	devmem__nic_drop_stray(nic);
	warn(nic, why);
}

void devmem__nic_update_stray(struct devmem_nic *nic, const struct devmem__rule *next)
{
	struct draft *d;

	if (!nic->quirks->forgets_steering || nic->only_binds || nic->no_guard)
		return;
	d = calloc(1, sizeof(*d));
	if (d)
		update(nic, next, d);
	else
		devmem__nic_drop_stray(nic);
	free(d);
}
