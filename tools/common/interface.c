// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interface.h"

int interface_find(const char *name, struct devmem__iface *iface, char *why, size_t room)
{
	int err = devmem__iface_find(name, iface);

	if (!err)
		return 0;
	if (err == -ENODEV)
		snprintf(why, room,
			 "there is no interface \"%s\" in this network namespace (\"ip link\")",
			 name);
	else
		snprintf(why, room, "cannot look up the interface \"%s\": %s", name,
			 strerror(-err));
	return -1;
}
