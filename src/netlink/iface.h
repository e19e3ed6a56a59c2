/* SPDX-License-Identifier: MIT */
/*
 * Finds an interface by any of its names. if_nametoindex() will not do: its ioctls take names of at
 * most 15 characters and read "va:1" as an alias of va, and it does not distinguish a lack of file
 * descriptors from a name that no interface has.
 */
#ifndef DEVMEM__NETLINK_IFACE_H
#define DEVMEM__NETLINK_IFACE_H

#include <net/if.h>

struct devmem__iface {
	unsigned int index;
	char name[IFNAMSIZ]; /* its main name, whichever name it was found by */
};

/*
 * devmem__iface_find() - look in this thread's network namespace for an interface with this name or
 * alternative name (up to 127 characters, Linux 5.5). 0; -ENODEV: there is none; another negative
 * errno: the look-up failed. Sets no error message and needs nothing of the library, since the
 * tools, which use the public header alone, compile this file in.
 */
int devmem__iface_find(const char *name, struct devmem__iface *iface);

/* devmem__iface_socket() - a socket for ioctls about interfaces, of any family that the kernel has;
 * or a negative errno. */
int devmem__iface_socket(void);

/* devmem__iface_need() - the same, but sets the error message. (iface_need.c) */
int devmem__iface_need(const char *name, struct devmem__iface *iface);

#endif
