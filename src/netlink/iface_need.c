// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "netlink/iface.h"
#include "base/internal.h"

int devmem__iface_need(const char *name, struct devmem__iface *iface)
{
	int err = devmem__iface_find(name, iface);

	if (!err)
		return 0;
	if (err == -ENODEV)
		return devmem__fail(ENODEV,
				    "there is no interface \"%.127s\" in this network namespace: "
				    "see \"ip link\"",
				    name);
	return devmem__fail(-err, "cannot look up the interface \"%.127s\": %s", name,
			    strerror(-err));
}
