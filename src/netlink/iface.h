/* SPDX-License-Identifier: MIT */
/*
 * An interface by any of its names. The ioctls behind if_nametoindex() take names of up to 15
 * characters, read "va:1" as an alias of va, and cannot be asked without a descriptor, which
 * if_nametoindex() does not tell from a name that nobody has.
 */
#ifndef DEVMEM__NETLINK_IFACE_H
#define DEVMEM__NETLINK_IFACE_H

#include <net/if.h>

struct devmem__iface {
	unsigned int index;
	char name[IFNAMSIZ]; /* the kernel's own, whichever it was found by */
};

/*
 * devmem__iface_find() - in this thread's network namespace, by its name or an alternative one (up
 * to 127 characters, Linux 5.5). 0, or a negative errno: -ENODEV: there is none; otherwise it could
 * not be asked. Sets no sentence and needs nothing of the library: tools, which have its public
 * header alone, are compiled with it.
 */
int devmem__iface_find(const char *name, struct devmem__iface *iface);

/* devmem__iface_need() - the same, and sets the sentence. (iface_need.c) */
int devmem__iface_need(const char *name, struct devmem__iface *iface);

#endif
