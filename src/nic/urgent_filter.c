// SPDX-License-Identifier: MIT
/*
 * The guard against urgent data for sockets without one of their own: those that are not attached
 * yet, and sockets of other programs whose flows a rule steers to bound queues. A filter at the
 * interface's ingress drops segments with URG that go to an address and port that we steer. Where
 * traffic control is not available, flows are steered without this guard.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "nic/nic_impl.h"

/* Each filter costs time for every packet. A program that connects from many ports does not need
 * one per port, since each of its sockets is guarded once attached. */
#define MAX_GUARDS 64u

static void warn_no_guard(struct devmem_nic *nic, int err, const char *what)
{
	devmem__log(DEVMEM_LOG_WARNING,
		    "%s: %s (%s): what is steered to bound queues is not guarded against urgent "
		    "data until it is attached; guard listeners by devmem_guard()",
		    nic->et.name, what, nic->tc.why[0] ? nic->tc.why : strerror(-err));
}

/* Is there a guard for the flow's destination already? Its source does not matter. @guards: how
 * many we have. */
static bool has_guard(const struct devmem_nic *nic, const struct devmem__rule *flow,
		      unsigned int *guards)
{
	*guards = 0;
	for (unsigned int i = 0; i < nic->undo.count; i++) {
		const struct devmem__change *c = &nic->undo.changes[i];

		if (c->kind != DEVMEM__CHANGE_GUARD)
			continue;
		if (devmem__rule_same_flow(&c->rule, flow))
			return true;
		++*guards;
	}
	return false;
}

/* Make sure that there is a clsact qdisc. Somebody else's will do. */
static int need_qdisc(struct devmem_nic *nic)
{
	struct devmem__change *c;
	int err = devmem__tc_has_qdisc(&nic->tc, nic->et.ifindex);

	if (err)
		return err < 0 ? err : 0;
	c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_QDISC);
	err = c ? devmem__nic_write_intent(nic, c) : -ENOMEM;
	if (err)
		return err;
	err = devmem__tc_add_qdisc(&nic->tc, nic->et.ifindex);
	if (!err)
		return devmem__nic_commit(nic, c);
	devmem__nic_write_gone(nic, c);
	return err;
}

static int make_guard(struct devmem_nic *nic, const struct devmem__rule *flow)
{
	struct devmem__change *c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_GUARD);
	int err = c ? 0 : -ENOMEM;

	if (!err && getrandom(&c->guard_id, sizeof(c->guard_id), 0) != (ssize_t)sizeof(c->guard_id))
		err = -EIO;
	if (err)
		return err;
	c->guard_id |= 1;
	c->rule = *flow;
	err = devmem__nic_write_intent(nic, c);
	if (err)
		return err;
	err = devmem__tc_guard(&nic->tc, nic->et.ifindex, flow, c->guard_id);
	if (!err)
		return devmem__nic_commit(nic, c);
	devmem__nic_write_gone(nic, c);
	return err;
}

void devmem__nic_add_guard(struct devmem_nic *nic, const struct devmem__rule *rule)
{
	const unsigned int savepoint = devmem__nic_savepoint(nic);
	const struct devmem__rule flow = devmem__rule_from_any(rule);
	unsigned int guards;
	int err;

	if (nic->no_guard || has_guard(nic, &flow, &guards))
		return;
	if (guards >= MAX_GUARDS) {
		devmem__log(DEVMEM_LOG_WARNING,
			    "%s: flows to %u addresses and ports are guarded against urgent data "
			    "at its ingress, and no more: guard sockets by devmem_guard()",
			    nic->et.name, guards);
		return;
	}
	err = need_qdisc(nic);
	if (err) {
		warn_no_guard(nic, err, "it takes no clsact qdisc");
		return;
	}
	err = make_guard(nic, &flow);
	devmem__nic_update_has_guards(nic);
	if (!err)
		return;
	warn_no_guard(nic, err, "it takes no filter that drops");
	devmem__nic_rollback_locked(nic, savepoint);
}
