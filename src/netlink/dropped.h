/* SPDX-License-Identifier: MIT */
/* What an interface counts as dropped while it was to be sent: "tx_dropped" of "ip -s link". */
#ifndef DEVMEM__NETLINK_DROPPED_H
#define DEVMEM__NETLINK_DROPPED_H

#include <stdbool.h>
#include <stdint.h>

/*
 * devmem__tx_dropped() - packets so far, of an interface of this thread's network namespace. false:
 * it cannot be told, or the link is down, when whatever is sent is dropped.
 * [net/sched/sch_generic.c: noop_enqueue]
 */
bool devmem__tx_dropped(unsigned int ifindex, uint64_t *packets);

#endif
