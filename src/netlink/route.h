/* SPDX-License-Identifier: MIT */
/* By which interface does a connection leave? */
#ifndef DEVMEM__NETLINK_ROUTE_H
#define DEVMEM__NETLINK_ROUTE_H

#include "base/internal.h"

/*
 * devmem__route_leaves_by() - index of the interface, as the kernel's routing tables and rules have
 * it now. 0: it cannot be told: no route, or the connection belongs to another network namespace
 * than this thread. No sentence.
 */
unsigned int devmem__route_leaves_by(int fd);

#endif
