// SPDX-License-Identifier: MIT
/* devmem_nic_restore(): undo what dead processes left on one interface, or on all. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/internal.h"
#include "nic/nic.h"

static int restore_one(const char *ifname, const char *journal, struct devmem__restore *restore)
{
	struct devmem_nic *nic;
	int err = devmem__nic_open_idle(ifname, journal, &nic);

	if (err)
		return err;
	err = devmem__nic_recover(nic, restore);
	devmem__nic_unref(nic);
	return err;
}

/* Go by interface and not by journal file: an interface may have come back from another namespace
 * with another index. */
static int restore_all(const char *journal, struct devmem__restore *restore)
{
	struct if_nameindex *list = if_nameindex();
	char first[512] = "";
	int result = 0;

	if (!list)
		return devmem__fail(errno, "cannot list the interfaces: %s", strerror(errno));
	for (struct if_nameindex *i = list; i->if_index; i++) {
		int err = restore_one(i->if_name, journal, restore);

		if (err && err != -ENODEV && !result) { /* ENODEV: removed meanwhile */
			result = err;
			snprintf(first, sizeof(first), "%s", devmem_error());
		}
	}
	if_freenameindex(list);
	return result ? devmem__fail(-result, "%s", first) : 0;
}

static int nic_restore(const char *ifname, const struct devmem_restore_opts *opts)
{
	struct devmem_restore_opts o;
	struct devmem__restore restore = { 0 };
	int err = devmem__options(&o, sizeof(o), opts, "devmem_restore_opts");

	if (err)
		return err;
	restore.list = (struct devmem__array){ o.list, o.room, o.item_size };
	err = devmem__array_check(&restore.list, sizeof(*o.list), "devmem_nic_restore");
	if (!err)
		err = ifname ? restore_one(ifname, o.journal, &restore)
			     : restore_all(o.journal, &restore);
	if (o.count)
		*o.count = restore.count;
	return err;
}

int devmem_nic_restore(const char *ifname, const struct devmem_restore_opts *opts)
{
	return devmem__result(nic_restore(ifname, opts));
}
