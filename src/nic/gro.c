// SPDX-License-Identifier: MIT
/*
 * The kernel's GRO merges packets of one flow without checking whether their payload is readable.
 * If a NIC leaves some packets unsplit, in pages, GRO builds one packet from pages and device
 * memory, which no call can return to the application. If the pages come first, the kernel even
 * treats the device memory as pages. [net/core/gro.c: skb_gro_receive() compares only pp_recycle,
 * up to 7.3 at least; skb_try_coalesce() in net/core/skbuff.c also compares skb_frags_readable()]
 *
 * Normally a NIC splits either all TCP packets of a flow or none, so GRO stays on. It is turned off
 * when such a mixture is seen.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nic/nic_impl.h"

/* May be called for each connection that a mixture ended; only the first call wakes the thread. */
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
		    "%s: GRO merged split packets with unsplit ones: it is turned off until the "
		    "transaction ends",
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
			    "%s: GRO merged split packets with unsplit ones, and cannot be turned "
			    "off (\"ethtool -K %s gro off\"): %s",
			    nic->et.name, nic->et.name, strerror(-err));
	atomic_store(&nic->keeper.mixed, false);
	devmem__nic_end(nic);
}
