/* SPDX-License-Identifier: MIT */
/* How many packets an interface dropped instead of sending them: "tx_dropped" of "ip -s link", and
 * what a driver counts elsewhere. */
#ifndef DEVMEM__NETLINK_DROPPED_H
#define DEVMEM__NETLINK_DROPPED_H

#include <stdbool.h>
#include <stdint.h>

/*
 * devmem__tx_dropped() - read the count of an interface in this thread's network namespace. @more:
 * the driver's counter of what that count leaves out, by its name in ethtool -S; or NULL. false:
 * the count cannot be read, or the link is down. While it is down every packet is dropped.
 * [net/sched/sch_generic.c: noop_enqueue]
 */
bool devmem__tx_dropped(unsigned int ifindex, const char *more, uint64_t *packets);

#endif
