/* SPDX-License-Identifier: MIT */
/* Writes the classic BPF program that selects the packets that a guard at ingress drops. No I/O. */
#ifndef DEVMEM__NETLINK_TC_PROGRAM_H
#define DEVMEM__NETLINK_TC_PROGRAM_H

#include <linux/filter.h>

#include "netlink/flow_rule.h"

#define DEVMEM__TC_MAX_STEPS 48u

/*
 * devmem__tc_program() - write the program to @to and return its number of instructions. The
 * program returns -1 for TCP segments with URG that match the local address and port of @flow, and
 * 0 for others.
 */
unsigned int devmem__tc_program(const struct devmem__rule *flow,
				struct sock_filter to[DEVMEM__TC_MAX_STEPS]);

#endif
