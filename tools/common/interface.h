/* SPDX-License-Identifier: MIT */
#ifndef INTERFACE_H
#define INTERFACE_H

#include <stddef.h>

#include "../../src/netlink/iface.h" /* needs nothing of the library */

/*
 * interface_find() - by any of its names. 0; otherwise -1, and @why says why not, for the command
 * line.
 */
int interface_find(const char *name, struct devmem__iface *iface, char *why, size_t room);

#endif
