/* SPDX-License-Identifier: MIT */
/*
 * Writes the BPF program that keeps stray packets out of bound queues: those that came through a
 * bound queue, whose payload no processor can read, and that go to none of the addresses and ports
 * that are steered there. No I/O.
 */
#ifndef DEVMEM__NETLINK_STRAY_PROGRAM_H
#define DEVMEM__NETLINK_STRAY_PROGRAM_H

#include <linux/bpf.h>

#include "netlink/flow_rule.h"
#include "netlink/queue_use.h"

#define DEVMEM__STRAY_MAX_STEPS 4096u

/* What the program returns: the kernel's TCX_NEXT (6.6) and TCX_DROP. */
#define DEVMEM__STRAY_NEXT (-1) /* the next program decides */
#define DEVMEM__STRAY_DROP 2

/*
 * devmem__stray_program() - write the program to @to and return its number of instructions. Only
 * the local address and port of @flows count; @queues are not empty. 0: it would have too many
 * instructions.
 */
unsigned int devmem__stray_program(const struct devmem__queue_set *queues,
				   const struct devmem__rule *flows, unsigned int nflows,
				   struct bpf_insn to[DEVMEM__STRAY_MAX_STEPS]);

#endif
