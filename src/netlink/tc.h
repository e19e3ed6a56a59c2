/* SPDX-License-Identifier: MIT */
/*
 * Traffic control at an interface's ingress, as far as a guard against urgent data needs it: a
 * clsact qdisc with classic BPF filters that drop packets. Functions return 0 or the kernel's
 * negative errno and leave the error message to the caller; tc->why has the kernel's text. One
 * thread at a time.
 */
#ifndef DEVMEM__NETLINK_TC_H
#define DEVMEM__NETLINK_TC_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink/flow_rule.h"

#define DEVMEM__TC_SAMPLES 0x64766d75u /* the psample group that dropped packets are reported to */

struct devmem__tc {
	/* an rtnetlink socket, which stays in the namespace that it was opened in; -1: none */
	int fd;
	uint32_t seq;
	char why[256];
};

int devmem__tc_open(struct devmem__tc *tc);
void devmem__tc_close(struct devmem__tc *tc);

/* 1: the interface has a clsact qdisc, which filters can be added to; 0: it has none. */
int devmem__tc_has_qdisc(struct devmem__tc *tc, uint32_t ifindex);
int devmem__tc_add_qdisc(struct devmem__tc *tc, uint32_t ifindex);
int devmem__tc_delete_qdisc(struct devmem__tc *tc, uint32_t ifindex);

/* How many filters the qdisc has, in both directions and whoever made them. */
int devmem__tc_filters(struct devmem__tc *tc, uint32_t ifindex);

/*
 * devmem__tc_guard() - add a filter that drops segments with URG that match the local address and
 * port of @flow. @id names the filter and is not 0. If the kernel supports it, dropped segments are
 * reported as samples.
 */
int devmem__tc_guard(struct devmem__tc *tc, uint32_t ifindex, const struct devmem__rule *flow,
		     uint64_t id);

/* 1: the filter exists; 0: it does not. */
int devmem__tc_has_guard(struct devmem__tc *tc, uint32_t ifindex, uint64_t id);

/* Deletes the filter. -ENOENT: it does not exist. */
int devmem__tc_unguard(struct devmem__tc *tc, uint32_t ifindex, uint64_t id);

/* The guards on the interface, of all processes, and how many segments they dropped. */
struct devmem__tc_guards {
	unsigned int count;
	uint64_t dropped;
};
int devmem__tc_guards(struct devmem__tc *tc, uint32_t ifindex, struct devmem__tc_guards *guards);

#endif
