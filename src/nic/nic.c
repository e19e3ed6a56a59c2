// SPDX-License-Identifier: MIT
/* The NIC object: create it, ask for its abilities, free it. For its transaction see open.c and
 * transaction.c. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nic/nic_impl.h"

#define IFINDEX_LO 1

static int no_support(struct devmem_nic *nic)
{
	const struct devmem__quirks *quirks = nic->quirks;
	const char *remark = quirks->remark ? quirks->remark : "";

	if (quirks->leased)
		return devmem__fail(EOPNOTSUPP,
				    "%s (driver %s) cannot receive into device memory: none of its "
				    "queues is leased from a NIC, which takes kernel %s",
				    nic->et.name, nic->driver, quirks->since);
	if (quirks->since)
		return devmem__fail(EOPNOTSUPP,
				    "%s (driver %s) cannot receive into device memory: this driver "
				    "does it from kernel %s on%s%s",
				    nic->et.name, nic->driver, quirks->since, *remark ? ", " : "",
				    remark);
	if (nic->driver[0])
		return devmem__fail(EOPNOTSUPP,
				    "%s (driver %s) cannot receive into device memory: %s%stake an "
				    "interface whose driver manages its queues (bnxt, fbnic, gve, "
				    "mlx5, or the lab's)",
				    nic->et.name, nic->driver, remark, *remark ? "; " : "");
	return devmem__fail(EOPNOTSUPP,
			    "%s cannot receive into device memory: take an interface of a real NIC "
			    "(or of the lab)",
			    nic->et.name);
}

/*
 * Try to bind an invalid dma-buf fd. Newer kernels check the device first: EOPNOTSUPP if it cannot
 * bind, EBADF if it can. Kernel 6.12 checks the fd first and says EBADF for any device, even for
 * loopback. It maps the memory for the parent device, so there an interface without a parent cannot
 * bind. [netdev_nl_bind_rx_doit()]
 */
static int probe(struct devmem_nic *nic)
{
	int err = devmem__netdev_ask_any_queue(&nic->netdev, nic->et.ifindex, 0);

	switch (err) {
	case -EBADF:
		if (!nic->bus[0] &&
		    devmem__netdev_ask_bind(&nic->netdev, IFINDEX_LO, 0, 0) == -EBADF)
			return no_support(nic);
		return 0;
	/* 6.12: an XDP program is attached; the real bind reports it, unless it is gone by then */
	case -EEXIST:
		return 0;
	case -EOPNOTSUPP:
		return no_support(nic);
	case -EPERM: /* checked before the device */
		if (!nic->driver[0] && !nic->bus[0])
			return no_support(nic);
		return devmem__fail(EPERM,
				    "%s: binding device memory needs CAP_NET_ADMIN: run as root, "
				    "or give the program that capability",
				    nic->et.name);
	case -ENODEV:
		return devmem__fail(ENODEV, "%s went away: see \"ip link\"", nic->et.name);
	default:
		return devmem__nl_fail(&nic->netdev, err ? err : -EIO,
				       "%s: cannot find out whether it can receive into device "
				       "memory",
				       nic->et.name);
	}
}

void devmem__nic_free(struct devmem_nic *nic)
{
	devmem__undo_free(&nic->undo);
	devmem__queue_set_free(&nic->claimed);
	if (nic->keeper.wake >= 0)
		close(nic->keeper.wake);
	if (nic->keeper.news >= 0)
		close(nic->keeper.news);
	devmem__nl_close(&nic->netdev);
	devmem__nl_close(&nic->spare);
	devmem__ethtool_close(&nic->et);
	free(nic->napis.id);
	devmem__tc_close(&nic->tc);
	if (nic->stray.link >= 0)
		close(nic->stray.link);
	free(nic->stray.program);
	/* a forked child's copy may be locked by a thread that exists only in the parent */
	if (devmem__process_is(nic->process))
		pthread_mutex_destroy(&nic->lock);
	free(nic);
}

int devmem__nic_open_idle(const char *ifname, const char *journal, struct devmem_nic **out)
{
	struct devmem_nic *nic = calloc(1, sizeof(*nic));
	int err;

	if (!nic)
		return devmem__fail(ENOMEM, "%s: no memory", ifname);
	atomic_init(&nic->refs, 1);
	nic->process = devmem__process();
	pthread_mutex_init(&nic->lock, NULL);
	pthread_mutex_init(&nic->ended.lock, NULL);
	pthread_mutex_init(&nic->napis.lock, NULL);
	nic->journal.fd = -1;
	nic->tc.fd = nic->stray.link = -1;
	nic->keeper.wake = nic->keeper.news = -1;
	nic->netns = devmem__journal_netns();
	err = devmem__ethtool_open(&nic->et, ifname);
	if (!err && (size_t)snprintf(nic->journal_folder, sizeof(nic->journal_folder), "%s",
				     journal ? journal : DEVMEM__JOURNAL_FOLDER) >=
			    sizeof(nic->journal_folder))
		err = devmem__fail(ENAMETOOLONG,
				   "the name of the journal's folder is too long: %.100s...",
				   journal);
	if (err) {
		devmem__nic_free(nic);
		return err;
	}
	devmem__tc_open(&nic->tc); /* if it fails, there is no guard at the ingress */
	devmem__ethtool_driver(&nic->et, nic->driver, nic->bus);
	nic->quirks = devmem__quirks_of(nic->driver);
	*out = nic;
	return 0;
}

int devmem__nic_probe(struct devmem_nic *nic)
{
	int err = devmem__ethtool_connect(&nic->et);

	if (!err)
		err = devmem__nl_open(&nic->netdev, "netdev");
	if (!err)
		err = devmem__nl_open(&nic->spare, "netdev");
	if (!err)
		err = probe(nic);
	if (err == -ENODEV || devmem__nl_short_of(err))
		return err;
	nic->obstacle = err;
	snprintf(nic->why, sizeof(nic->why), "%s", err ? devmem_error() : "");
	return 0;
}

int devmem__nic_check(const struct devmem_nic *nic)
{
	return devmem__process_check(nic->process, "the NIC's transaction");
}

int devmem__nic_obstacle(const struct devmem_nic *nic)
{
	return nic->obstacle ? devmem__fail(-nic->obstacle, "%s", nic->why) : 0;
}

static bool any_queue_runs(struct devmem_nic *nic)
{
	struct devmem__netdev_queues q;
	bool runs = false;

	if (devmem__netdev_queues(&nic->netdev, nic->et.ifindex, &q))
		return true;
	for (uint32_t i = 0; i < q.count; i++)
		runs |= q.napi[i] != 0;
	devmem__netdev_free(&q);
	return runs;
}

/* Has the driver interrupts? sysfs has a file for each, and tells without asking the driver. */
static bool has_interrupts(const struct devmem_nic *nic)
{
	const struct dirent *entry;
	bool any = false;
	char path[96];
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/msi_irqs", nic->bus);
	dir = opendir(path);
	while (dir && !any && (entry = readdir(dir)))
		any = entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return any;
}

/*
 * gve frees what it answers from when it resets the device. If the reset fails, the interface stays
 * up without queues and without interrupts, and gve answers from null pointers: the machine stops.
 * [7.3, drivers/net/ethernet/google/gve: gve_reset_recovery(), gve_get_rxfh(),
 * gve_get_flow_rule_entry()] The kernel lists queues when nobody changes the interface, so this
 * waits for the end of a reset. If only its queues could not be started, it has its interrupts, and
 * putting the setting back starts them.
 */
bool devmem__nic_driver_gave_up(struct devmem_nic *nic)
{
	return nic->quirks->stops_after_failed_reset && !devmem__ethtool_is_down(&nic->et) &&
	       !any_queue_runs(nic) && !has_interrupts(nic);
}

int devmem__nic_check_present(struct devmem_nic *nic)
{
	int err = devmem__ethtool_find(&nic->et, nic->driver, nic->bus);

	if (err)
		return devmem__fail(-err,
				    "%s is gone: it was removed, or moved to another network "
				    "namespace, where its settings are still changed",
				    nic->et.name);
	if (devmem__nic_driver_gave_up(nic))
		return devmem__fail(ENETDOWN,
				    "%s: its driver (%s) gave up after a reset that failed, and "
				    "cannot be asked for any setting: load the driver again",
				    nic->et.name, nic->driver);
	return 0;
}

int devmem__nic_may_change(const struct devmem_nic *nic)
{
	return nic->keep ? devmem__fail(EPERM,
					"%s was opened with DEVMEM_NIC_KEEP: whoever makes its "
					"settings must also steer flows to the queues",
					nic->et.name)
			 : 0;
}

/* A socket belongs to the namespace where it was opened, and a thread can open one only in its own
 * namespace. */
int devmem__nic_socket(struct devmem_nic *nic, struct devmem__nl *nl)
{
	int err = devmem__nl_open(nl, "netdev");

	if (err || devmem__nl_same_net(nl, &nic->netdev))
		return err;
	devmem__nl_close(nl);
	pthread_mutex_lock(&nic->lock);
	*nl = nic->spare;
	memset(&nic->spare, 0, sizeof(nic->spare));
	pthread_mutex_unlock(&nic->lock);
	return nl->family ? 0
			  : devmem__fail(ENODEV,
					 "%s is not in this thread's network namespace: bind more "
					 "than once in the one where devmem_nic_open() was called",
					 nic->et.name);
}

unsigned int devmem__nic_ifindex(const struct devmem_nic *nic)
{
	return nic->et.ifindex;
}

const char *devmem__nic_name(const struct devmem_nic *nic)
{
	return nic->et.name;
}

unsigned int devmem__nic_savepoint(const struct devmem_nic *nic)
{
	return nic->undo.count;
}

bool devmem__nic_explain_link_down(struct devmem_nic *nic, int err)
{
	const char *name = nic->et.name;

	if ((err != -EAGAIN && err != -ENODEV && err != -ENETDOWN) ||
	    !devmem__ethtool_is_down(&nic->et))
		return false;
	devmem__fail(-err,
		     "%s is down, and its driver (%s) binds no queue then: \"ip link set dev %s "
		     "up\"",
		     name, nic->driver, name);
	return true;
}

int devmem__nic_ring_and_mtu(struct devmem_nic *nic, uint32_t *ring_entries, uint32_t *mtu)
{
	int err = devmem__ethtool_ring_entries(&nic->et, ring_entries);

	if (err && nic->quirks->leased)
		return devmem__fail(-err,
				    "%s has no rings of its own: ask the NIC that leases its "
				    "queues",
				    nic->et.name);
	if (err)
		return devmem__fail(-err, "%s: cannot read the ring sizes (\"ethtool -g %s\"): %s",
				    nic->et.name, nic->et.name, strerror(-err));
	err = devmem__ethtool_mtu(&nic->et, mtu);
	return err ? devmem__fail(-err, "%s: cannot read the MTU: %s", nic->et.name, strerror(-err))
		   : 0;
}

bool devmem__nic_is_leased(const struct devmem_nic *nic)
{
	return nic->quirks->leased;
}

const char *devmem__nic_driver(const struct devmem_nic *nic)
{
	return nic->driver;
}

struct devmem__nic_ended *devmem__nic_ended(struct devmem_nic *nic)
{
	return &nic->ended;
}

const char *devmem__nic_bus(const struct devmem_nic *nic)
{
	return nic->bus;
}

void devmem__nic_update_has_guards(struct devmem_nic *nic)
{
	bool some = false;

	for (unsigned int i = 0; i < nic->undo.count; i++)
		some |= nic->undo.changes[i].kind == DEVMEM__CHANGE_GUARD;
	atomic_store(&nic->guards, some);
}

bool devmem__nic_has_guards(const struct devmem_nic *nic)
{
	return atomic_load(&nic->guards);
}
