/* SPDX-License-Identifier: MIT */
/* Finds the interface that a connection's packets leave by. */
#ifndef DEVMEM__NETLINK_ROUTE_H
#define DEVMEM__NETLINK_ROUTE_H

#include "base/internal.h"

/*
 * devmem__route_leaves_by() - the interface's index, according to the kernel's present routing
 * tables and rules. 0: unknown, because there is no route, or the connection is in another network
 * namespace than this thread. Sets no error message.
 */
unsigned int devmem__route_leaves_by(int fd);

#endif
