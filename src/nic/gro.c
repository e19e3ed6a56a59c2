// SPDX-License-Identifier: MIT
/*
 * The kernel's GRO joins packets of one flow without asking whether it can read their payload.
 * Where a NIC leaves some packets unsplit, in pages, it makes one packet of bytes in pages and
 * bytes in device memory, which no call can hand out. If the bytes in pages are first, the kernel
 * even takes the rest for pages. [net/core/gro.c: skb_gro_receive(), up to 7.3 at least, compares
 * pp_recycle alone; skb_try_coalesce() in net/core/skbuff.c asks skb_frags_readable(), too]
 *
 * NICs split all TCP packets of a flow, or none, so GRO stays on until there is such a mixture.
 * Then it is turned off.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nic/nic_impl.h"

/* It may be called for each connection that a mixture ended: one of them wakes the thread. */
void devmem__nic_report_gro_mixture(struct devmem_nic *nic)
{
	const uint64_t one = 1;

	if (!nic->only_binds && !atomic_exchange(&nic->keeper.mixed, true))
		(void)!write(nic->keeper.wake, &one, sizeof(one));
}

static int turn_off(struct devmem_nic *nic)
{
	struct devmem__feature now;
	struct devmem__change *c;
	int err = devmem__ethtool_feature(&nic->et, DEVMEM__GRO, &now);

	if (err || !now.on)
		return err;
	c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_FEATURE);
	if (!c)
		return -ENOMEM;
	snprintf(c->feature, sizeof(c->feature), "%s", DEVMEM__GRO);
	c->feature_before = true;
	err = devmem__nic_write_intent(nic, c);
	if (err)
		return err;
	err = devmem__ethtool_set_feature(&nic->et, DEVMEM__GRO, false);
	if (err) {
		devmem__nic_write_gone(nic, c);
		return err;
	}
	devmem__log(DEVMEM_LOG_WARNING,
		    "%s: GRO merged packets that the NIC did not split with others that it did: it "
		    "is turned off until the transaction ends",
		    nic->et.name);
	return devmem__nic_commit(nic, c);
}

void devmem__nic_turn_gro_off(struct devmem_nic *nic)
{
	int err;

	if (!atomic_load(&nic->keeper.mixed) || devmem__nic_begin(nic))
		return;
	err = turn_off(nic);
	if (err)
		devmem__log(DEVMEM_LOG_WARNING,
			    "%s: GRO merged packets that the NIC did not split with others that it "
			    "did, and cannot be turned off (\"ethtool -K %s gro off\"): %s",
			    nic->et.name, nic->et.name, strerror(-err));
	atomic_store(&nic->keeper.mixed, false);
	devmem__nic_end(nic);
}
