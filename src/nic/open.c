// SPDX-License-Identifier: MIT
/* Open, share and end a NIC's transaction. */
#include <errno.h>

#include "nic/nic_impl.h"

/* In a forked child, free the copy and undo nothing. The parent keeps its locks: they belong to the
 * open file description, which it still has open. */
static void forget(struct devmem_nic *nic)
{
	if (nic->journal.fd >= 0)
		devmem__journal_close_unchanged(&nic->journal);
	devmem__nic_free(nic);
}

/*
 * First undo what a process left that was killed during its transaction. What cannot be undone now
 * stays in the journal, and opening the NIC succeeds all the same.
 */
static int nic_open(const char *ifname, const struct devmem_nic_opts *opts, struct devmem_nic **out)
{
	struct devmem_nic_opts o;
	struct devmem_nic *nic;
	int err = devmem__options(&o, sizeof(o), opts, "devmem_nic_opts");

	if (err)
		return err;
	if (!ifname || !out || o.flags & ~(DEVMEM_NIC_KEEP | DEVMEM_NIC_NO_GUARD) || o.reserved)
		return devmem__fail(EINVAL, "devmem_nic_open: an interface name and a place for "
					    "the result are needed, and no flags but "
					    "DEVMEM_NIC_KEEP and DEVMEM_NIC_NO_GUARD");
	err = devmem__nic_open_idle(ifname, o.journal, &nic);
	if (err)
		return err;
	err = devmem__nic_probe(nic);
	if (err) {
		devmem__nic_free(nic);
		return err;
	}
	nic->keep = o.flags & DEVMEM_NIC_KEEP;
	nic->no_guard = o.flags & DEVMEM_NIC_NO_GUARD;
	nic->only_binds = nic->keep || nic->quirks->leased;
	devmem__nic_keeper_open(nic);
	if (!nic->obstacle && !nic->only_binds)
		devmem__nic_recover(nic, NULL);
	*out = nic;
	return 0;
}

int devmem_nic_open(const char *ifname, const struct devmem_nic_opts *opts, struct devmem_nic **out)
{
	return devmem__result(nic_open(ifname, opts, out));
}

void devmem__nic_ref(struct devmem_nic *nic)
{
	atomic_fetch_add_explicit(&nic->refs, 1, memory_order_relaxed);
}

int devmem__nic_unref(struct devmem_nic *nic)
{
	int err;

	/* acquire: what other threads did to the NIC must be visible to the one that undoes it */
	if (atomic_fetch_sub_explicit(&nic->refs, 1, memory_order_acq_rel) != 1)
		return 0;
	if (!devmem__process_is(nic->process)) {
		forget(nic);
		return 0;
	}
	devmem__nic_keeper_stop(nic);
	err = devmem__nic_end_transaction(nic);
	devmem__nic_free(nic);
	return err;
}

int devmem_nic_close(struct devmem_nic *nic)
{
	return devmem__result(nic ? devmem__nic_unref(nic) : 0);
}

int devmem__nic_rollback(struct devmem_nic *nic, unsigned int savepoint)
{
	int err = devmem__nic_begin(nic);

	if (err)
		return err; /* undone when the transaction ends */
	err = devmem__nic_rollback_locked(nic, savepoint);
	devmem__nic_end(nic);
	return err;
}
