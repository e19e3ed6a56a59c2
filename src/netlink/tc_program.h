/* SPDX-License-Identifier: MIT */
/* Which packets a guard at ingress drops, as classic BPF. Pure, no I/O. */
#ifndef DEVMEM__NETLINK_TC_PROGRAM_H
#define DEVMEM__NETLINK_TC_PROGRAM_H

#include <linux/filter.h>

#include "netlink/flow_rule.h"

#define DEVMEM__TC_MAX_STEPS 48u

/*
 * devmem__tc_program() - returns how many instructions it wrote to @to. The program answers -1 for
 * TCP segments with URG that match @flow, and 0 for others.
 */
unsigned int devmem__tc_program(const struct devmem__rule *flow,
				struct sock_filter to[DEVMEM__TC_MAX_STEPS]);

#endif
