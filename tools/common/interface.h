/* SPDX-License-Identifier: MIT */
#ifndef INTERFACE_H
#define INTERFACE_H

#include <stddef.h>

#include "../../src/netlink/iface.h" /* needs no other part of the library */

/* interface_find() - finds an interface by any of its names. Returns 0, or -1 and in @why the
 * reason, worded for the command line. */
int interface_find(const char *name, struct devmem__iface *iface, char *why, size_t room);

#endif
