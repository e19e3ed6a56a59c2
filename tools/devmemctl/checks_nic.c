// SPDX-License-Identifier: MIT
/* An interface: its driver, its settings, and who uses its queues. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/ethtool.h"
#include "nic/journal.h"
#include "netlink/probe.h"
#include "netlink/netdev.h"
#include "netlink/tcx.h"
#include "netlink/tx_offloads.h"
#include "nic/nic.h"
#include "bind/page_size.h"
#include "nic/quirks.h"

#include "checks.h"
#include "link.h"

#define NO_CONTEXT 0xfffffffeu /* no RSS context has this number */
#define NO_RING	   0xffffffffu /* entries; no ring has so many */
#define LARGE_PAGE 65536u
#define LEASE	   "have a NIC lease a queue to it (docs/containers.md)"

struct nic {
	const char *name;
	const struct ctl_options *opt;
	const struct machine *machine;
	const struct devmem__quirks *quirks;
	struct devmem_nic *nic;
	struct devmem__ethtool et;
	struct devmem__nl netdev; /* its family is 0 if the kernel has none */
	struct link_facts link;
	char driver[32], bus[32];
	bool never; /* nothing can make it receive into device memory */
};

/* --------------------------------------------------------------------------------------- driver */

static bool driver_can(const char *ifname)
{
	struct devmem_nic *nic = NULL;
	int err = devmem__nic_open_idle(ifname, NULL, &nic);

	if (err)
		return false;
	err = devmem__nic_probe(nic);
	if (!err)
		err = devmem__nic_obstacle(nic);
	devmem_nic_close(nic);
	return !err;
}

/* Writes what to use instead: another interface of this machine, if one can. */
static void use_another(struct report *r, const struct nic *n)
{
	/* if all interfaces are checked, each has its own line, and looking would take for ever */
	struct if_nameindex *list = n->opt->ifname ? if_nameindex() : NULL, *i = list;

	while (i && i->if_index && (!strcmp(i->if_name, n->name) || !driver_can(i->if_name)))
		i++;
	if (i && i->if_index)
		report_todo(r, "use %s, which can", i->if_name);
	else
		report_todo(r, "use an interface of bnxt_en, fbnic, gve or mlx5_core, or try it in "
			       "the lab (docs/lab.md)");
	if (list)
		if_freenameindex(list);
}

static void cannot(struct report *r, struct nic *n)
{
	const char *remark = n->quirks->remark;

	if (!n->driver[0])
		report_add(r, PROBLEM, "driver", "it has no driver that could bind device memory");
	else if (n->quirks->since)
		report_add(r, PROBLEM, "driver",
			   "%s cannot bind device memory here; it can from Linux %s on%s%s",
			   n->driver, n->quirks->since, remark ? ", " : "", remark ? remark : "");
	else
		report_add(r, PROBLEM, "driver", "%s cannot bind device memory%s%s", n->driver,
			   remark ? ": " : "", remark ? remark : "");
	n->never = !n->quirks->since;
	if (n->quirks->leased)
		report_todo(r, LEASE);
	else if (n->quirks->since)
		report_todo(r, "use a newer kernel or firmware, or another mode of the driver");
	else
		use_another(r, n);
	if (n->never && n->opt->ifname)
		report_add(r, OK, "copying",
			   "programs receive on it all the same, by engine copy: the kernel copies "
			   "into a buffer of any backend");
}

/* False: no other check of the interface matters. */
static bool check_driver(struct report *r, struct nic *n)
{
	int err = devmem__nic_obstacle(n->nic);

	if (!n->machine->kernel && n->driver[0]) /* already reported */
		return true;
	if (!n->machine->kernel || err == -EOPNOTSUPP ||
	    (err == -EPERM && n->quirks->driver && !n->quirks->since)) {
		cannot(r, n);
		return false;
	}
	if (err == -EPERM)
		report_add(r, WARNING, "driver",
			   "%s: only a process that may bind can find out whether it can bind "
			   "device memory",
			   n->driver[0] ? n->driver : "none");
	else if (err)
		report_add(r, PROBLEM, "driver", "%s", devmem_error());
	else
		report_add(r, OK, "driver", "%s can bind device memory%s",
			   n->driver[0] ? n->driver : "none",
			   n->quirks->stops_all ? "; each bind interrupts all of its queues" : "");
	if (err == -EPERM)
		report_todo(r, "run as root");
	return true;
}

static void check_link(struct report *r, const struct nic *n)
{
	if (n->link.up) {
		report_add(r, OK, "link", "%s is up, MTU %u", n->name, n->link.mtu);
		return;
	}
	report_add(r, WARNING, "link", "%s is down: the users of its queues cannot be seen",
		   n->name);
	report_todo(r, "ip link set dev %s up", n->name);
}

/* ------------------------------------------------------------------------------------- settings */

/*
 * Finds out whether the driver can split headers from data. The kernel checks that before the rest
 * of the request, which asks for a ring that is too large and so must fail. Returns 0 if it can.
 * [net/ethtool/rings.c: ethnl_set_rings_validate(), then ethnl_set_rings()]
 */
static int ask_split(struct nic *n)
{
	struct devmem__nl *nl = &n->et.nl;
	struct nlattr *nest;
	int err;

	devmem__nl_begin(nl, DEVMEM_ETHTOOL_MSG_RINGS_SET);
	nest = devmem__nl_nest(nl, DEVMEM_ETHTOOL_A_RINGS_HEADER);
	devmem__nl_put_u32(nl, DEVMEM_ETHTOOL_A_HEADER_DEV_INDEX, n->et.ifindex);
	devmem__nl_nest_end(nl, nest);
	devmem__nl_put_u32(nl, DEVMEM_ETHTOOL_A_RINGS_RX, NO_RING);
	devmem__nl_put_u8(nl, DEVMEM_ETHTOOL_A_RINGS_TCP_DATA_SPLIT, DEVMEM_SPLIT_ENABLED);
	err = devmem__nl_call(nl, NULL, NULL);
	return err == -EINVAL ? 0 : err;
}

static void check_threshold(struct report *r, const struct devmem__split_state *s)
{
	if (!s->has_thresh)
		report_add(r, OK, "hds-thresh", "the driver has none");
	else if (s->thresh)
		report_add(r, OK, "hds-thresh",
			   "%u bytes; set to 0 for as long as a queue is bound", s->thresh);
	else
		report_add(r, OK, "hds-thresh", "0");
}

/* Checks the feature that the split depends on. The library turns it on first, if it is switchable.
 * False: it cannot be turned on, so there is no split. */
static bool check_feature(struct report *r, struct nic *n)
{
	const char *name = n->quirks->feature_first;
	struct devmem__feature f;

	if (!name || devmem__ethtool_feature(&n->et, name, &f) || f.on || f.switchable)
		return true;
	report_add(r, PROBLEM, "split",
		   "%s (driver %s) cannot split headers from data: it needs %s, which is off "
		   "and cannot be turned on",
		   n->name, n->driver, name);
	report_todo(r, "see \"ethtool -k %s\", for example rx-checksumming", n->name);
	return false;
}

/*
 * The driver lists the setting but does not report its state. Known drivers report it if they can
 * split: gve in a queue format other than DQO-RDA, or without header buffers, lists the setting and
 * refuses it only when asked. [gve_get_ringparam(), gve_set_hsplit_config()]
 */
static void split_unreported(struct report *r, const struct nic *n)
{
	if (n->quirks->since) {
		report_add(r, PROBLEM, "split",
			   "%s (driver %s) cannot split headers from data in its present mode",
			   n->name, n->driver);
		report_todo(r, "use another interface, or another mode of the driver%s%s",
			    n->quirks->remark ? ": it splits " : "",
			    n->quirks->remark ? n->quirks->remark : "");
		return;
	}
	report_add(r, WARNING, "split",
		   "header/data split: the driver does not report it; only a bind shows whether it "
		   "can be turned on");
	report_todo(r, "ethtool -G %s tcp-data-split on", n->name);
}

static void check_checksums(struct report *r, struct nic *n)
{
	struct devmem__feature f;

	if (devmem__ethtool_feature(&n->et, "rx-checksum", &f))
		return;
	if (f.on) {
		report_add(r, OK, "checksums", "the NIC verifies them");
	} else if (f.switchable) {
		report_add(r, OK, "checksums",
			   "not verified by the NIC; turned on for as long as a queue is bound");
	} else {
		report_add(r, PROBLEM, "checksums",
			   "%s cannot verify checksums, nor can the kernel in device memory: "
			   "nothing would arrive",
			   n->name);
		report_todo(r, "use another interface");
	}
}

/* It is not known in advance whether the NIC leaves single packets of a flow unsplit: see
 * docs/security.md. */
static void check_merging(struct report *r, struct nic *n)
{
	struct devmem__feature f;

	if (devmem__ethtool_feature(&n->et, "rx-gro", &f))
		return;
	if (f.on)
		report_add(r, OK, "merging",
			   "GRO is on; it is turned off if the NIC leaves single packets unsplit, "
			   "which would end connections");
	else
		report_add(r, OK, "merging",
			   "GRO is off: received packets are not merged, which costs time but "
			   "does no harm");
}

static void check_split(struct report *r, struct nic *n)
{
	struct devmem__split_state s;
	int err = devmem__ethtool_split(&n->et, &s), can;

	if (err) {
		report_add(r, PROBLEM, "split",
			   "%s has no ring settings (%s), so it has no header/data split", n->name,
			   strerror(-err));
		report_todo(r, "use another interface");
		return;
	}
	can = s.split == DEVMEM_SPLIT_ENABLED ? 0 : ask_split(n);
	if (can == -EOPNOTSUPP) {
		report_add(r, PROBLEM, "split", "%s (driver %s) cannot split headers from data",
			   n->name, n->driver);
		report_todo(r, "use another interface");
		return;
	}
	if (s.split == DEVMEM_SPLIT_UNKNOWN) {
		split_unreported(r, n);
		return;
	}
	if (!check_feature(r, n))
		return;
	if (s.split == DEVMEM_SPLIT_ENABLED)
		report_add(r, OK, "split", "header/data split is on");
	else if (!can)
		report_add(r, OK, "split",
			   "header/data split: off; turned on for as long as a queue is bound");
	else
		report_add(r, WARNING, "split",
			   "header/data split: off; whether it can be turned on is not known (%s)",
			   strerror(-can));
	if (can == -EPERM)
		report_todo(r, "run as root");
	else if (can)
		report_todo(r, "ethtool -G %s tcp-data-split on", n->name);
	check_threshold(r, &s);
}

/* A program in any mode counts. [net/core/netdev_rx_queue.c, dev_xdp_prog_count()] */
static void check_xdp(struct report *r, const struct nic *n)
{
	const struct link_xdp *xdp = &n->link.xdp;

	if (!xdp->mode) {
		report_add(r, OK, "xdp", "no program is attached");
		return;
	}
	report_add(r, PROBLEM, "xdp",
		   "an XDP program (id %u, %s%s) is attached, and the kernel binds no queue "
		   "while there is one",
		   xdp->program, xdp->mode, xdp->several ? " and more" : "");
	report_todo(r, "ip link set dev %s %s off", n->name, xdp->off);
}

/* --------------------------------------------------------------------------------------- queues */

static void mark_steered(struct nic *n, struct devmem__netdev_queues *q)
{
	struct devmem__rules all;
	uint8_t *hit = calloc(q->count ? q->count : 1, 1);

	if (!hit)
		return;
	if (!devmem__ethtool_rules(&n->et, &all))
		for (uint32_t i = 0; i < all.count; i++)
			devmem__netdev_rule_leads(&n->et, &all.rules[i], hit, q->count);
	for (uint32_t i = 0; i < q->count; i++)
		q->use[i] |= hit[i] ? DEVMEM__QUEUE_STEERED : 0;
	free(all.rules);
	free(hit);
}

/* How many queues could be bound at once, by the library's own choice. */
static unsigned int count_free(const struct devmem__netdev_queues *q)
{
	uint32_t *chosen = malloc((q->count + 1) * sizeof(*chosen));
	unsigned int n = 0;

	while (chosen && n < q->count && !devmem__queues_choose(q->use, q->count, n + 1, chosen))
		n++;
	free(chosen);
	return n;
}

static unsigned int count_use(const struct devmem__netdev_queues *q, uint8_t use)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < q->count; i++)
		n += (q->use[i] & use) != 0;
	return n;
}

/* Writes ": 2 bound, 1 steered to by rules" and so on; "" if all are free. */
static void uses(const struct devmem__netdev_queues *q, char *text, size_t room)
{
	static const struct {
		uint8_t use;
		const char *word;
	} all[] = {
		{ DEVMEM__QUEUE_DMABUF, "bound" },
		{ DEVMEM__QUEUE_IO_URING, "with io_uring (zcrx)" },
		{ DEVMEM__QUEUE_XSK, "with AF_XDP" },
		{ DEVMEM__QUEUE_LEASED, "leased to containers" },
		{ DEVMEM__QUEUE_STEERED, "steered to by rules" },
	};
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(all) && used < room; i++) {
		unsigned int n = count_use(q, all[i].use);

		if (n)
			used += (size_t)snprintf(text + used, room - used, "%s%u %s",
						 used ? ", " : ": ", n, all[i].word);
	}
}

static void no_queues(struct report *r, struct nic *n, uint32_t count)
{
	char more[64];

	devmem__ethtool_more_queues(&n->et, count + 1, more, sizeof(more));
	if (count == 1)
		report_todo(r, "%s", *more ? more : "use an interface that can have more queues");
	else
		report_todo(r, "end the programs that have them (devmemctl show %s)%s%s%s", n->name,
			    *more ? ", or add some (" : "", more, *more ? ")" : "");
}

static void check_queues(struct report *r, struct nic *n)
{
	struct devmem__netdev_queues q = { 0 };
	char words[160];
	unsigned int free_queues;
	int err;

	if (!n->netdev.family)
		return;
	err = devmem__netdev_queues(&n->netdev, n->et.ifindex, &q);
	if (!err && !q.count) /* the interface is down */
		err = devmem__netdev_rings(&n->et, &q);
	if (err) {
		report_add(r, WARNING, "queues", "cannot list them: %s", strerror(-err));
		report_todo(r, "ip link set dev %s up", n->name);
		goto out;
	}
	mark_steered(n, &q);
	uses(&q, words, sizeof(words));
	free_queues = count_free(&q);
	report_add(r, free_queues ? OK : PROBLEM, "queues",
		   "%u of %u RX queues are available (one is left for ordinary traffic)%s",
		   free_queues, q.count, words);
	if (!free_queues && n->quirks->leased)
		report_todo(r, "end the programs that have them (devmemctl show %s), or " LEASE,
			    n->name);
	else if (!free_queues)
		no_queues(r, n, q.count);
out:
	devmem__netdev_free(&q);
}

static void check_ntuple(struct report *r, struct nic *n)
{
	struct devmem__feature f = { 0 };
	int err = devmem__ethtool_feature(&n->et, "rx-ntuple-filter", &f);

	if (err)
		report_add(r, WARNING, "n-tuple", "cannot read whether flow rules are on: %s",
			   strerror(-err));
	else if (f.on)
		report_add(r, OK, "n-tuple", "flow rules are on");
	else if (f.switchable)
		report_add(r, PROBLEM, "n-tuple",
			   "flow rules are off: flows cannot be steered to a queue");
	else
		report_add(r, PROBLEM, "n-tuple",
			   "%s has no flow rules: flows cannot be steered to a queue", n->name);
	if (err)
		report_todo(r, "ethtool -n %s", n->name);
	else if (!f.on)
		report_todo(r,
			    f.switchable ? "ethtool -K %s ntuple on"
					 : "use another interface than %s",
			    n->name);
}

/* Asks for a context that does not exist. The kernel answers ENOENT only if the driver can have
 * contexts. [net/ethtool/ioctl.c: ethtool_get_rxfh()] */
static void check_contexts(struct report *r, struct nic *n)
{
	uint32_t *table = NULL, size;
	int err = devmem__ethtool_table(&n->et, NO_CONTEXT, &table, &size);

	free(table);
	if (err == -ENOENT)
		report_add(r, OK, "contexts",
			   "it has RSS contexts: one rule spreads flows over several queues");
	else if (err == -EOPNOTSUPP)
		report_add(r, OK, "contexts",
			   "it has no RSS contexts: with several queues each connection needs a "
			   "rule of its own (devmem_steer() with its peer)");
	else
		report_add(r, OK, "contexts",
			   "only binding several queues shows whether it has RSS contexts");
}

/* --------------------------------------------------------------------------------------- resets */

static void check_resets(struct report *r, const struct nic *n)
{
	const char *what = "a reset of the NIC undoes rules and the RSS table, which are then made "
			   "again; until then";

	if (!n->quirks->forgets_steering)
		return;
	if (devmem__tcx_allowed()) {
		report_add(r, OK, "resets", "%s other connections are kept out of bound queues",
			   what);
		return;
	}
	report_add(r, WARNING, "resets",
		   "%s other connections may fail with EFAULT, since this process does not have "
		   "CAP_BPF to keep them out of bound queues",
		   what);
	report_todo(r, "run as root, or: setcap cap_net_admin,cap_bpf+ep PROGRAM");
}

/* ---------------------------------------------------------------------------------------- pages */

static bool lacks_large_pages(const struct devmem__quirks *quirks)
{
	return quirks->driver && !quirks->large_pages;
}

bool check_nic_large_pages(const char *ifname)
{
	char driver[32], bus[32];
	struct devmem__ethtool et;

	if (devmem__ethtool_open(&et, ifname))
		return true;
	devmem__ethtool_driver(&et, driver, bus);
	devmem__ethtool_close(&et);
	return !lacks_large_pages(devmem__quirks_of(driver));
}

/* False: it is known that there are no pages but the system's. */
static bool check_page_sizes(struct report *r, struct nic *n)
{
	int err;

	if (!n->netdev.family || !n->machine->may_bind || !n->machine->kernel)
		return !lacks_large_pages(n->quirks);
	err = devmem__netdev_ask_any_queue(&n->netdev, n->et.ifindex, LARGE_PAGE);
	/* no kernel and no setting changes what the driver does not have */
	if (err == -EOPNOTSUPP || lacks_large_pages(n->quirks)) {
		report_add(r, OK, "pages",
			   "only the system's page size: %s has no larger ones, which bnxt_en and "
			   "mlx5_core have",
			   n->driver);
		return false;
	}
	if (err == -EINVAL) {
		report_add(r, WARNING, "pages",
			   "only the system's page size: the kernel has no rx-page-size");
		report_todo(r, "boot Linux 7.3 or later%s",
			    n->quirks->driver ? "" : ", and see whether the driver has it");
		return false;
	}
	if (n->quirks->driver)
		report_add(r, OK, "pages",
			   "the kernel and drivers of this name have rx-page-size; only a bind "
			   "shows whether this NIC and the memory support it");
	else
		report_add(r, OK, "pages",
			   "the kernel has rx-page-size; only a bind shows whether the NIC and the "
			   "memory support it");
	return true;
}

/* -------------------------------------------------------------------------------------- sending */

static void check_tx_offloads(struct report *r, struct nic *n)
{
	const char *missing = devmem__tx_offload_missing(&n->et);

	if (!missing) {
		report_add(r, OK, "sending", "it sends from device memory");
		return;
	}
	report_add(r, WARNING, "sending",
		   "it cannot send from device memory while %s is off: what is sent is copied",
		   missing);
	report_todo(r, "ethtool -K %s tx on sg on", n->name);
}

static void check_sending(struct report *r, struct nic *n)
{
	int err =
		n->netdev.family ? devmem__netdev_ask_send(&n->netdev, n->et.ifindex) : -EOPNOTSUPP;

	if (err == -EBADF) {
		check_tx_offloads(r, n);
		return;
	}
	report_add(r, WARNING, "sending",
		   "it cannot send from device memory: what is sent is copied (%s)",
		   n->netdev.why[0] ? n->netdev.why : "the kernel cannot do it");
	if (!devmem__kernel_sends())
		report_todo(r, "boot Linux 6.16 or later, and see whether the driver can");
	else if (n->quirks->leased)
		report_todo(r, LEASE);
	else if (n->quirks->since && n->quirks->remark)
		report_todo(r, "use another interface, or another mode of the driver: it sends %s",
			    n->quirks->remark);
	else
		report_todo(r, "to send, use an interface of bnxt_en, fbnic, gve or mlx5_core");
}

static void rings_failed(struct report *r, const struct nic *n, int err, uint64_t advised)
{
	report_add(r, err == -ENOSPC ? PROBLEM : WARNING, "rings", "%s", devmem_error());
	if (err == -ENOSPC)
		report_todo(r, "--buffer %llu",
			    (unsigned long long)(advised + (1 << 20) - 1) >> 20);
	else
		report_todo(r, "ethtool -g %s", n->name);
}

/* @large: pages larger than the system's may be available. Otherwise advice to use them would be
 * useless. */
static void check_rings(struct report *r, struct nic *n, bool large)
{
	struct devmem_plan plan = {
		.size = sizeof(plan),
		.buffer_bytes = n->opt->buffer_bytes,
		.page_size = large ? 0 : devmem__system_page(),
	};
	char buffer[32], pinned[32], advised[32];
	int err = devmem_plan(n->nic, &plan);

	if (err) {
		rings_failed(r, n, err, plan.advised_bytes);
		return;
	}
	if (!large)
		plan.advice = NULL;
	out_bytes(buffer, sizeof(buffer), n->opt->buffer_bytes);
	out_bytes(pinned, sizeof(pinned), plan.pinned_bytes);
	out_bytes(advised, sizeof(advised), plan.advised_bytes);
	report_add(r, plan.advice ? WARNING : OK, "rings",
		   "%u entries, MTU %u: a queue with pages of %u KiB keeps %s of the buffer's %s; "
		   "%s is advised",
		   plan.ring_entries, plan.mtu, plan.bind_page_size >> 10, pinned, buffer, advised);
	if (plan.advice)
		report_todo(r, "%s", plan.advice);
}

/* -------------------------------------------------------------------------------------- journal */

/* Counts the changes whose owner is dead. */
static unsigned int left_behind(const struct devmem__journal *journal)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < journal->state.nentries; i++)
		n += !devmem__journal_owner_alive(journal,
						  devmem__journal_state_owner(&journal->state,
									      journal->state
										      .entries[i]
										      .owner));
	return n;
}

/* Reports a journal that was damaged and set aside. Nobody knows which of its process's changes are
 * not undone. */
static void check_aside(struct report *r, const char *name, const char *path)
{
	char aside[sizeof(((struct devmem__journal *)0)->path) + 16];

	if (!devmem__journal_find_damaged(path, aside, sizeof(aside)))
		return;
	report_add(r, WARNING, "journal",
		   "a damaged journal is kept as %s: which of its changes are not undone is "
		   "unknown",
		   aside);
	report_todo(r,
		    "compare ethtool -g, -k, -x and -n of %s with what they should be, then remove "
		    "the file",
		    name);
}

/* The library changes no setting of a NIC without a journal. */
static bool check_writable(struct report *r, const char *path)
{
	if (!devmem__journal_check_writable(path))
		return true;
	report_add(r, PROBLEM, "journal", "%s", devmem_error());
	report_todo(r, "let the programs' user write to the folder, or name another one in "
		       "devmem_nic_opts; until then what is received is copied");
	return false;
}

static void check_journal(struct report *r, const struct nic *n)
{
	struct devmem__journal journal;
	char path[sizeof(journal.path)];
	bool writable = true;
	unsigned int left;
	int err = devmem__journal_path(DEVMEM__JOURNAL_FOLDER, devmem__journal_netns(),
				       n->et.ifindex, path, sizeof(path));

	if (!err)
		check_aside(r, n->name, path);
	if (!err)
		writable = check_writable(r, path);
	if (!err)
		err = devmem__journal_open_readonly(&journal, path);
	if (err == -ENOENT || (err && !writable))
		return;
	if (err) {
		report_add(r, WARNING, "journal", "%s", devmem_error());
		report_todo(r, "run as root");
		return;
	}
	left = left_behind(&journal);
	if (journal.damaged)
		report_add(r, WARNING, "journal",
			   "it is damaged: %u settings in it can still be undone", left);
	else
		report_add(r, left ? WARNING : OK, "journal",
			   left ? "a process died and left %u settings changed"
				: "%u settings are left to put back",
			   left);
	if (left || journal.damaged)
		report_todo(r, "devmemctl restore %s", n->name);
	devmem__journal_close_unchanged(&journal);
}

/* ----------------------------------------------------------------------------------- all checks */

static int open_nic(struct nic *n, const char *ifname)
{
	/* devmem_nic_open() would restore what dead processes left */
	int err = devmem__nic_open_idle(ifname, NULL, &n->nic);

	if (!err)
		err = devmem__nic_probe(n->nic);
	if (!err)
		err = devmem__ethtool_open(&n->et, ifname);
	if (err)
		return err;
	n->name = n->et.name;
	devmem__ethtool_driver(&n->et, n->driver, n->bus);
	n->quirks = devmem__quirks_of(n->driver);
	devmem__nl_open(&n->netdev, "netdev");
	err = link_facts(n->et.ifindex, &n->link);
	return err ? devmem__fail(-err, "%s: cannot read its link: %s", n->name, strerror(-err))
		   : 0;
}

static void close_nic(struct nic *n)
{
	devmem__nl_close(&n->netdev);
	devmem__ethtool_close(&n->et);
	devmem_nic_close(n->nic);
}

static void check_settings(struct report *r, struct nic *n)
{
	check_split(r, n);
	check_checksums(r, n);
	check_merging(r, n);
	check_xdp(r, n);
	check_queues(r, n);
	check_ntuple(r, n);
	check_contexts(r, n);
	check_resets(r, n);
	check_sending(r, n);
	check_rings(r, n, check_page_sizes(r, n));
	check_place(r, n->name, n->bus);
}

/* Split, rules, rings and place belong to the NIC, and cannot be seen from here. */
static void check_leased(struct report *r, struct nic *n)
{
	report_add(r, OK, "settings",
		   "those of the NIC that leases its queues count: split, rules and rings cannot "
		   "be seen from here");
	check_queues(r, n);
	check_sending(r, n);
	check_page_sizes(r, n);
}

int check_nic(struct report *r, const struct machine *m, const struct ctl_options *opt,
	      const char *ifname, bool *never)
{
	struct nic n = { .opt = opt, .machine = m, .et.fd = -1 };
	int err = open_nic(&n, ifname);

	if (!err && check_driver(r, &n)) {
		check_link(r, &n);
		if (n.quirks->leased)
			check_leased(r, &n);
		else
			check_settings(r, &n);
		check_urgent(r, n.name, n.et.ifindex);
		check_journal(r, &n);
	}
	close_nic(&n);
	if (never)
		*never = n.never;
	return err;
}
