// SPDX-License-Identifier: MIT
/* The verb "show": what is bound at the moment, by whom, and which rules lead there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic/journal.h"

#include "ctl.h"
#include "show.h"

struct show {
	const struct ctl_options *opt;
	struct devmem__nl netdev;
	struct owners owners;
	struct out_json json;
};

bool iface_bound(const struct iface *i, uint32_t queue)
{
	return i->queues.use[queue] & (DEVMEM__QUEUE_DMABUF | DEVMEM__QUEUE_IO_URING);
}

bool iface_binds(const struct iface *i, const struct iface_binding *b, uint32_t queue)
{
	if (b->dmabuf)
		return i->queues.dmabuf[queue] == b->dmabuf;
	return i->queues.use[queue] & DEVMEM__QUEUE_IO_URING && queue == b->queue;
}

bool iface_owner(const struct iface_binding *b, const struct owner *owner)
{
	return b->dmabuf ? owner->netlink : owner->io_uring;
}

/* ----------------------------------------------------------------------------------- collecting */

static bool is_known(const struct iface *i, uint32_t queue)
{
	for (unsigned int b = 0; b < i->bindings; b++)
		if (iface_binds(i, &i->binding[b], queue))
			return true;
	return false;
}

static int collect_bindings(struct iface *i, const struct owners *owners)
{
	i->binding = calloc(i->queues.count + 1, sizeof(*i->binding));
	if (!i->binding)
		return -ENOMEM;
	for (uint32_t queue = 0; queue < i->queues.count; queue++) {
		struct iface_binding *b = &i->binding[i->bindings];

		if (!iface_bound(i, queue) || is_known(i, queue))
			continue;
		*b = (struct iface_binding){ .dmabuf = i->queues.dmabuf[queue], .queue = queue };
		for (unsigned int o = owners->count; o-- > 0;)
			if (iface_owner(b, &owners->owner[o])) {
				b->owner = &owners->owner[o];
				b->owners++;
			}
		i->bindings++;
	}
	return 0;
}

/* Keeps the rule if it leads to a bound queue. */
static int collect_rule(struct iface *i, struct devmem__ethtool *et,
			const struct devmem__rule *rule)
{
	uint8_t *hit = calloc(i->queues.count + 1, 1);
	bool leads = false;

	if (!hit)
		return -ENOMEM;
	devmem__netdev_rule_leads(et, rule, hit, i->queues.count);
	for (uint32_t q = 0; q < i->queues.count; q++)
		leads = leads || (hit[q] && iface_bound(i, q));
	if (leads)
		i->rule[i->rules++] = (struct iface_rule){ .rule = *rule, .hit = hit };
	else
		free(hit);
	return 0;
}

/* An interface without flow rules has none to show, which is no failure. */
static int collect_rules(struct iface *i, struct devmem__ethtool *et)
{
	struct devmem__rules all;
	int err = 0;

	if (!devmem__ethtool_rules(et, &all)) {
		i->rule = calloc(all.count + 1, sizeof(*i->rule));
		err = i->rule ? 0 : -ENOMEM;
		for (uint32_t r = 0; !err && r < all.count; r++)
			err = collect_rule(i, et, &all.rules[r]);
	}
	free(all.rules);
	return err;
}

/* A journal that only root may read is reported as such, and is no failure. */
static void collect_journal(struct iface *i, unsigned int ifindex, const char *folder)
{
	struct devmem__journal *journal = calloc(1, sizeof(*journal));
	char path[sizeof(journal->path)];
	int err = journal ? 0 : devmem__fail(ENOMEM, "no memory");

	if (!err)
		err = devmem__journal_path(folder ? folder : DEVMEM__JOURNAL_FOLDER,
					   devmem__journal_netns(), ifindex, path, sizeof(path));
	if (!err && !devmem__journal_find_damaged(path, i->aside, sizeof(i->aside)))
		i->aside[0] = '\0';
	if (!err)
		err = devmem__journal_open_readonly(journal, path);
	if (!err) {
		i->journal = journal;
		return;
	}
	free(journal);
	if (err != -ENOENT)
		snprintf(i->no_journal, sizeof(i->no_journal), "%s", devmem_error());
}

static int collect(struct iface *i, struct show *s, const char *ifname)
{
	const struct owners *owners = &s->owners;
	struct devmem__nl *netdev = &s->netdev;
	struct devmem__ethtool et;
	char bus[32];
	int err = devmem__ethtool_open(&et, ifname);

	if (err)
		return err;
	snprintf(i->name, sizeof(i->name), "%s", et.name);
	devmem__ethtool_driver(&et, i->driver, bus);
	devmem__ethtool_split(&et, &i->split);
	err = link_facts(et.ifindex, &i->link);
	if (!err)
		err = devmem__netdev_queues(netdev, et.ifindex, &i->queues);
	if (!err)
		err = pools_find(netdev, et.ifindex, &i->pools);
	/* the kernel has no page pools or no statistics of them */
	if (err == -EOPNOTSUPP)
		err = 0;
	if (!err)
		err = collect_bindings(i, owners);
	if (!err)
		err = collect_rules(i, &et);
	if (!err)
		collect_journal(i, et.ifindex, s->opt->journal);
	devmem__ethtool_close(&et);
	return err ? devmem__fail(-err, "%s: cannot read its queues: %s", ifname, strerror(-err))
		   : 0;
}

static void iface_free(struct iface *i)
{
	for (uint32_t r = 0; r < i->rules; r++)
		free(i->rule[r].hit);
	free(i->rule);
	if (i->journal)
		devmem__journal_close_unchanged(i->journal);
	free(i->journal);
	free(i->binding);
	devmem__netdev_free(&i->queues);
	free(i->pools.pool);
}

/* -------------------------------------------------------------------------------------- showing */

static int show_one(struct show *s, const char *ifname)
{
	struct iface i = { 0 };
	int err = collect(&i, s, ifname);

	if (!err && s->opt->json)
		show_json(&s->json, &i, &s->owners);
	else if (!err)
		show_print(&i, &s->owners);
	iface_free(&i);
	return err;
}

static int show_all(struct show *s)
{
	struct if_nameindex *list = if_nameindex();
	int err = 0;

	for (struct if_nameindex *i = list; i && i->if_index && !err; i++) {
		err = show_one(s, i->if_name);
		if (err == -ENODEV) /* removed meanwhile */
			err = 0;
	}
	if (list)
		if_freenameindex(list);
	return err;
}

static int show(const struct ctl_options *opt)
{
	struct show s = { .opt = opt, .json.f = stdout };
	struct devmem__ethtool et;
	int err = 0;

	/* report a wrong name before printing anything */
	if (opt->ifname) {
		err = devmem__ethtool_open(&et, opt->ifname);
		if (!err)
			devmem__ethtool_close(&et);
	}
	if (!err)
		err = devmem__nl_open(&s.netdev, "netdev");
	if (!err && owners_find(&s.owners))
		err = devmem__fail(ENOMEM, "no memory");
	if (!err && opt->json) {
		out_object(&s.json, NULL);
		out_array(&s.json, "interfaces");
	}
	if (!err)
		err = opt->ifname ? show_one(&s, opt->ifname) : show_all(&s);
	while (s.json.depth)
		out_end(&s.json);
	devmem__nl_close(&s.netdev);
	free(s.owners.owner);
	return err ? ctl_failed(err) : CTL_OK;
}

const struct ctl_verb ctl_show = {
	.name = "show",
	.what = "which queues are bound, to what and by whom, and what leads there",
	.about = "Shows queues, what is bound to them and by which process, page pools, the rules "
		 "that lead there, and the journal.",
	.status = "0 done, 1 the kernel does not tell, 2 wrong arguments",
	.letters = "dj",
	.run = show,
};
