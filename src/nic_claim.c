// SPDX-License-Identifier: MIT
/* Queues made ready to be bound: looked at, chosen, split on, out of the RSS table. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nic_impl.h"
#include "queues.h"
#include "rss.h"
#include "uapi.h"

#define UNBOUND_TRIES	5000u	/* five seconds in all; io_uring takes milliseconds */
#define UNBOUND_US	1000u

/* ------------------------------------------------------------------------------------- looking at queues */

static int note_queue(struct devmem__nic_queues *q, uint32_t id, uint8_t use, uint32_t napi)
{
	if (id >= q->count) {
		uint8_t *u = realloc(q->use, id + 1);
		uint32_t *n;

		if (!u)
			return -ENOMEM;
		q->use = u;
		n = realloc(q->napi, (id + 1) * sizeof(*n));
		if (!n)
			return -ENOMEM;
		q->napi = n;
		memset(u + q->count, 0, id + 1 - q->count);
		memset(n + q->count, 0, (id + 1 - q->count) * sizeof(*n));
		q->count = id + 1;
	}
	q->use[id] = use;
	q->napi[id] = napi;
	return 0;
}

static int got_queue(struct nlattr **a, void *arg)
{
	struct nlattr *id = a[DEVMEM_NETDEV_A_QUEUE_ID], *napi = a[DEVMEM_NETDEV_A_QUEUE_NAPI_ID];
	struct nlattr *type = a[DEVMEM_NETDEV_A_QUEUE_TYPE];
	uint8_t use = 0;

	if (!id || !type || nla_get_u32(type) != DEVMEM_NETDEV_QUEUE_TYPE_RX)
		return 0;
	use |= a[DEVMEM_NETDEV_A_QUEUE_DMABUF] ? DEVMEM__QUEUE_DMABUF : 0;
	use |= a[DEVMEM_NETDEV_A_QUEUE_IO_URING] ? DEVMEM__QUEUE_IO_URING : 0;
	use |= a[DEVMEM_NETDEV_A_QUEUE_XSK] ? DEVMEM__QUEUE_XSK : 0;
	use |= a[DEVMEM_NETDEV_A_QUEUE_LEASE] ? DEVMEM__QUEUE_LEASED : 0;
	return note_queue(arg, nla_get_u32(id), use, napi ? nla_get_u32(napi) : 0);
}

static int dump_queues(struct devmem_nic *nic, struct devmem__nic_queues *q)
{
	int err = -EINTR;

	/* EINTR: they changed while we were reading */
	for (int tries = 0; err == -EINTR && tries < 5; tries++) {
		devmem__nic_queues_free(q);
		devmem__nl_begin(&nic->netdev, DEVMEM_NETDEV_CMD_QUEUE_GET);
		devmem__nl_put_u32(&nic->netdev, DEVMEM_NETDEV_A_QUEUE_IFINDEX, nic->et.ifindex);
		err = devmem__nl_dump(&nic->netdev, got_queue, q);
	}
	return err;
}

int devmem__nic_queues(struct devmem_nic *nic, struct devmem__nic_queues *q)
{
	int err, rings;

	memset(q, 0, sizeof(*q));
	err = devmem__nic_look(nic);
	if (err)
		return err;
	err = dump_queues(nic, q);
	if (err) {
		devmem__nic_queues_free(q);
		return devmem__nl_fail(&nic->netdev, err, "%s: cannot list the RX queues", nic->et.name);
	}
	if (q->count)
		return 0;
	/* the kernel lists none while the interface is down */
	rings = devmem__ethtool_rings(&nic->et);
	err = rings < 0 ? rings : rings ? note_queue(q, (uint32_t)rings - 1, 0, 0) : -ENODEV;
	if (err) {
		devmem__nic_queues_free(q);
		return devmem__fail(-err, "%s: cannot count the RX queues (%s): is it up? See \"ip link\"",
				    nic->et.name, strerror(-err));
	}
	return 0;
}

void devmem__nic_queues_free(struct devmem__nic_queues *q)
{
	free(q->use);
	free(q->napi);
	memset(q, 0, sizeof(*q));
}

int devmem__nic_queue_of_napi(struct devmem_nic *nic, unsigned int napi_id)
{
	struct devmem__nic_queues q;
	uint32_t at;
	int err;

	pthread_mutex_lock(&nic->lock);
	err = devmem__nic_queues(nic, &q);
	pthread_mutex_unlock(&nic->lock);
	if (err)
		return err;
	for (at = 0; at < q.count; at++)
		if (napi_id && q.napi[at] == napi_id)
			break;
	err = at < q.count ? (int)at : -ENOENT;
	devmem__nic_queues_free(&q);
	if (err < 0)
		return devmem__fail(ENOENT, "no RX queue of %s has NAPI id %u: the flow comes in on another interface",
				    nic->et.name, napi_id);
	return err;
}

/* Is it used in one of these ways? An interface that is gone has let go, too. */
static bool is_used(struct devmem_nic *nic, uint32_t queue, unsigned int uses)
{
	struct devmem__nic_queues q;
	bool used;

	if (devmem__nic_queues(nic, &q))
		return false;
	used = queue < q.count && q.use[queue] & uses;
	devmem__nic_queues_free(&q);
	return used;
}

void devmem__nic_wait_unbound(struct devmem_nic *nic, uint32_t queue)
{
	bool bound = true;

	for (unsigned int i = 0; bound && i < UNBOUND_TRIES; i++) {
		if (i)
			usleep(UNBOUND_US);
		pthread_mutex_lock(&nic->lock);
		bound = is_used(nic, queue, DEVMEM__QUEUE_IO_URING);
		pthread_mutex_unlock(&nic->lock);
	}
}

void devmem__nic_wait_free(struct devmem_nic *nic, uint32_t queue)
{
	for (unsigned int i = 0; i < UNBOUND_TRIES; i++) {
		if (!is_used(nic, queue, DEVMEM__QUEUE_IO_URING | DEVMEM__QUEUE_DMABUF))
			return;
		usleep(UNBOUND_US);
	}
}

/* -------------------------------------------------------------------------------------------- choosing */

static void mark(struct devmem__nic_queues *q, uint64_t queue)
{
	if (queue < q->count)
		q->use[queue] |= DEVMEM__QUEUE_STEERED;
}

static void mark_context(struct devmem_nic *nic, struct devmem__nic_queues *q, uint32_t context)
{
	uint32_t *table, size;

	if (devmem__ethtool_table(&nic->et, context, &table, &size))
		return;
	for (uint32_t i = 0; i < size; i++)
		mark(q, table[i]);
	free(table);
}

/*
 * Flows that somebody else steers to a queue would land in device memory, where their socket cannot read them: such
 * a queue is only taken if it is asked for by number.
 */
static void mark_steered(struct devmem_nic *nic, struct devmem__nic_queues *q)
{
	struct devmem__rules all;

	if (devmem__ethtool_rules(&nic->et, &all) == 0) {
		for (uint32_t i = 0; i < all.count; i++) {
			const struct devmem__rule *r = &all.rules[i];

			if (devmem__nic_own_rule(nic, r))
				continue;
			if (r->fs.flow_type & DEVMEM_FLOW_RSS && r->context)
				mark_context(nic, q, r->context);
			else if (r->fs.ring_cookie != RX_CLS_FLOW_DISC &&
				 !ethtool_get_flow_spec_ring_vf(r->fs.ring_cookie))
				mark(q, ethtool_get_flow_spec_ring(r->fs.ring_cookie));
		}
	}
	free(all.rules);
}

static int refuse_listed(struct devmem_nic *nic, int err, uint32_t queue, uint32_t count)
{
	const char *name = nic->et.name;

	switch (err) {
	case -ERANGE:
		return devmem__fail(ERANGE, "%s has no RX queue %u: it has %u, counted from 0 (see \"ethtool -l %s\")",
				    name, queue, count, name);
	case -EINVAL:
		return devmem__fail(EINVAL, "RX queue %u of %s is listed twice", queue, name);
	case -EEXIST:
		return devmem__fail(EEXIST, "RX queue %u of %s is bound already, by this process or another: take "
				    "another one, or let the library choose", queue, name);
	case -EBUSY:
		return devmem__fail(EBUSY, "RX queue %u of %s is used by AF_XDP or leased to a container: take "
				    "another one, or let the library choose", queue, name);
	default:
		return devmem__fail(EBUSY, "no RX queue of %s would be left for ordinary traffic, of %u: bind fewer, or "
				    "add some with \"ethtool -L %s\"", name, count, name);
	}
}

/* The kernel would find out only when everything else has been done, and say ERANGE. */
static int refuse_queue_0(struct devmem_nic *nic, unsigned int want, const uint32_t *list)
{
	for (unsigned int i = 0; nic->recipe->keeps_queue_0 && i < want; i++)
		if (!list[i])
			return devmem__fail(EBUSY, "RX queue 0 of %s cannot be bound, because its driver (%s) cannot "
					    "restart that one: take another one, or let the library choose",
					    nic->et.name, nic->driver);
	return 0;
}

static int choose(struct devmem_nic *nic, unsigned int want, const uint32_t *list, struct devmem__nic_queues *q,
		  uint32_t *queues)
{
	const char *name = nic->et.name;
	unsigned int bad = 0;
	int err;

	if (!want)
		return devmem__fail(EINVAL, "%s: no RX queues are asked for", name);
	mark_steered(nic, q);
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
		return devmem__fail(EBUSY, "%s has not %u free RX queue%s, of %u: queue 0 and those that are bound or "
				    "that others steer flows to are not taken; bind fewer, or add some with "
				    "\"ethtool -L %s\"", name, want, want == 1 ? "" : "s", q->count, name);
	return 0;
}

/* -------------------------------------------------------------------------------- what must come first */

static int feature_failed(struct devmem_nic *nic, int err)
{
	const char *name = nic->et.name, *feature = nic->recipe->feature_first;

	if (err == -EOPNOTSUPP)
		return devmem__fail(EPROTONOSUPPORT, "%s (driver %s) cannot split headers from data, which device memory "
				    "needs: it would take %s, which this NIC has not", name, nic->driver, feature);
	if (err == -EIO)
		return devmem__fail(EPROTONOSUPPORT, "%s (driver %s) cannot split headers from data as long as something "
				    "keeps %s off: see \"ethtool -k %s\", rx-checksumming among others", name,
				    nic->driver, feature, name);
	return devmem__nl_fail(&nic->et.nl, err, "%s: cannot turn %s on, which header/data split needs (\"ethtool -K %s "
			       "%s on\")", name, feature, name, feature);
}

static int feature_on(struct devmem_nic *nic)
{
	const char *feature = nic->recipe->feature_first;
	struct devmem__feature before;
	struct devmem__change *c;
	int err;

	if (!feature)
		return 0;
	err = devmem__ethtool_feature(&nic->et, feature, &before);
	if (err)
		return feature_failed(nic, err);
	if (before.on)
		return 0;
	c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_FEATURE);
	if (!c)
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	snprintf(c->feature, sizeof(c->feature), "%s", feature);
	c->feature_before = before.wanted;
	err = devmem__nic_write_down(nic, c);
	if (err)
		return err;
	err = devmem__ethtool_set_feature(&nic->et, feature, true);
	if (!err)
		return devmem__nic_made(nic, c);
	err = feature_failed(nic, err);
	devmem__nic_not_made(nic, c);
	return err;
}

/* ------------------------------------------------------------------------------------------ data split */

static int split_failed(struct devmem_nic *nic, int err)
{
	if (err == -EOPNOTSUPP)
		return devmem__nl_fail(&nic->et.nl, -EPROTONOSUPPORT, "%s (driver %s) cannot split headers from data, "
				       "which device memory needs", nic->et.name, nic->driver);
	return devmem__nl_fail(&nic->et.nl, err, "%s: cannot turn header/data split on (\"ethtool -G %s "
			       "tcp-data-split on hds-thresh 0\")", nic->et.name, nic->et.name);
}

/* One request, remembered if it changed anything. */
static int set_split(struct devmem_nic *nic, const struct devmem__split_state *before, bool split, bool thresh)
{
	struct devmem__change *c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_SPLIT);
	bool changed = false;
	int err;

	if (!c)
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	c->split = split;
	c->split_before = before->split;
	c->thresh = thresh;
	c->thresh_before = before->thresh;
	err = devmem__nic_write_down(nic, c);
	if (err)
		return err;
	err = devmem__ethtool_set_split(&nic->et, split, DEVMEM_SPLIT_ENABLED, thresh, 0, &changed);
	if (err)
		err = split_failed(nic, err);
	if (!err && changed)
		return devmem__nic_made(nic, c);
	devmem__nic_not_made(nic, c);
	return err;
}

static int split_on(struct devmem_nic *nic)
{
	struct devmem__split_state before, now;
	bool thresh;
	int err = devmem__ethtool_split(&nic->et, &before);

	if (err)
		return split_failed(nic, err);
	thresh = before.has_thresh && before.thresh;
	/*
	 * A driver may report a split that it made by itself; the bind insists on one that was asked for. The kernel
	 * knows whether it was, and answers by whether asking is a change; so then it must be the only thing asked.
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
		return split_failed(nic, err);
	if (now.split != DEVMEM_SPLIT_ENABLED || now.thresh)
		return devmem__fail(EPROTONOSUPPORT, "%s (driver %s) accepted header/data split but did not turn it on: "
				    "see \"ethtool -g %s\"", nic->et.name, nic->driver, nic->et.name);
	return 0;
}

/* ------------------------------------------------------------------------------------------- RSS table */

static uint32_t *copy(const uint32_t *from, size_t n)
{
	uint32_t *to = malloc((n ? n : 1) * sizeof(*to));

	if (to && n)
		memcpy(to, from, n * sizeof(*to));
	return to;
}

/* The table as it is and as it is to be; size 0: there is none, or it need not change. */
struct table_plan {
	uint32_t *before, *after, size;
};

static void plan_free(struct table_plan *p)
{
	free(p->before);
	free(p->after);
	memset(p, 0, sizeof(*p));
}

static int plan_table(struct devmem_nic *nic, const struct devmem__nic_queues *q, const uint32_t *queues,
		      unsigned int n, struct table_plan *p)
{
	uint8_t *spare;
	int err;

	memset(p, 0, sizeof(*p));
	err = devmem__ethtool_table(&nic->et, 0, &p->before, &p->size);
	if (err == -EOPNOTSUPP)
		return 0;
	if (err)
		return devmem__fail(-err, "%s: cannot read the RSS table (\"ethtool -x %s\"): %s", nic->et.name,
				    nic->et.name, strerror(-err));
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
	return devmem__fail(-err, "%s: no RX queue is left for ordinary traffic: bind fewer", nic->et.name);
}

static int check_table(const struct devmem_nic *nic, const struct devmem__change *c, const uint32_t *queues,
		       unsigned int n)
{
	if (!devmem__rss_uses(c->after, c->size, queues, n))
		return 0;
	return devmem__fail(EIO, "%s (driver %s) kept the queues in its RSS table: see \"ethtool -x %s\"",
			    nic->et.name, nic->driver, nic->et.name);
}

static int write_table(struct devmem_nic *nic, struct table_plan *p, const uint32_t *queues, unsigned int n)
{
	const struct devmem__change *c;
	struct table_plan plan = *p;
	int err;

	if (!plan.size)
		return 0;
	memset(p, 0, sizeof(*p));
	err = devmem__nic_change_table(nic, plan.before, plan.after, plan.size, "take the queues out of the RSS table", &c);
	return err ? err : check_table(nic, c, queues, n);
}

/* After a failure, whose sentence stays. */
static void back_to_others(struct devmem_nic *nic, const uint32_t *queues, unsigned int n)
{
	char why[512];
	int err;

	snprintf(why, sizeof(why), "%s", devmem_error());
	err = devmem__nic_note_claim(nic, queues, n, false);
	if (err)
		devmem__fail(-err, "%s", why);
}

static int claim(struct devmem_nic *nic, unsigned int want, const uint32_t *list, uint32_t *queues)
{
	unsigned int savepoint = devmem__nic_savepoint(nic);
	struct devmem__nic_queues q;
	struct table_plan plan;
	int err = devmem__nic_queues(nic, &q);

	if (err)
		return err;
	devmem__nic_mark_claimed(nic, &q);
	err = choose(nic, want, list, &q, queues);
	if (!err)
		err = plan_table(nic, &q, queues, want, &plan);
	devmem__nic_queues_free(&q);
	if (err)
		return err;
	err = devmem__nic_note_claim(nic, queues, want, true);
	/* from here on things change */
	if (!err)
		err = feature_on(nic);
	if (!err)
		err = split_on(nic);
	if (!err)
		err = write_table(nic, &plan, queues, want);
	plan_free(&plan);
	if (!err)
		return 0;
	err = devmem__nic_back_out(nic, savepoint, err);
	back_to_others(nic, queues, want);
	return err;
}

int devmem__nic_claim(struct devmem_nic *nic, unsigned int want, const uint32_t *list, uint32_t *queues)
{
	int err = devmem__nic_begin(nic);

	if (err)
		return err;
	err = claim(nic, want, list, queues);
	devmem__nic_end(nic);
	return err;
}
