/* SPDX-License-Identifier: MIT */
/*
 * Traffic control at an interface's ingress, as far as a guard against urgent data needs it: a
 * clsact qdisc, and filters of classic BPF in it that drop. Functions return 0 or the kernel's
 * negative errno, and leave the error message to the caller; tc->why has the kernel's words. One
 * thread at a time.
 */
#ifndef DEVMEM__NETLINK_TC_H
#define DEVMEM__NETLINK_TC_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink/flow_rule.h"

#define DEVMEM__TC_SAMPLES 0x64766d75u /* the group of what was dropped, for psample */

struct devmem__tc {
	/* a socket of rtnetlink, in the namespace that it was opened in; -1: there is none */
	int fd;
	uint32_t seq;
	char why[256];
};

int devmem__tc_open(struct devmem__tc *tc);
void devmem__tc_close(struct devmem__tc *tc);

/* 1: the interface has a qdisc that filters can be in; 0: it has none. */
int devmem__tc_has_qdisc(struct devmem__tc *tc, uint32_t ifindex);
int devmem__tc_add_qdisc(struct devmem__tc *tc, uint32_t ifindex);
int devmem__tc_delete_qdisc(struct devmem__tc *tc, uint32_t ifindex);

/* How many filters are in it, whoever made them, in both directions. */
int devmem__tc_filters(struct devmem__tc *tc, uint32_t ifindex);

/*
 * devmem__tc_guard() - drop segments with URG that match the addresses and ports of @flow. @id:
 * names the filter; not 0. What was dropped is told as samples, if the kernel can do that.
 */
int devmem__tc_guard(struct devmem__tc *tc, uint32_t ifindex, const struct devmem__rule *flow,
		     uint64_t id);

/* 1: it is there; 0: it is not. */
int devmem__tc_has_guard(struct devmem__tc *tc, uint32_t ifindex, uint64_t id);

/* -ENOENT: there is none. */
int devmem__tc_unguard(struct devmem__tc *tc, uint32_t ifindex, uint64_t id);

/* The guards of all processes there, and how many segments they dropped. */
struct devmem__tc_guards {
	unsigned int count;
	uint64_t dropped;
};
int devmem__tc_guards(struct devmem__tc *tc, uint32_t ifindex, struct devmem__tc_guards *guards);

#endif
