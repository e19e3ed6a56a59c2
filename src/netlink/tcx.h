/* SPDX-License-Identifier: MIT */
/*
 * A BPF program at an interface's ingress. A file descriptor (a BPF link) holds it there: it ends
 * with the last process that has the descriptor, however that ends, and needs no qdisc. Linux 6.6.
 * [kernel/bpf/tcx.c]
 */
#ifndef DEVMEM__NETLINK_TCX_H
#define DEVMEM__NETLINK_TCX_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * devmem__tcx_allowed() - true if this thread has the capability to load programs. Ask before
 * devmem__tcx_attach(): a seccomp filter may end a process that calls bpf(2).
 */
bool devmem__tcx_allowed(void);

/*
 * devmem__tcx_attach() - have the program run for each packet that the interface receives, before
 * those of others. The interface must be in this thread's network namespace. Returns the link's
 * descriptor, to be closed by the caller, or a negative errno.
 */
int devmem__tcx_attach(uint32_t ifindex, const struct bpf_insn *program, unsigned int steps);

/*
 * devmem__tcx_replace() - replace the link's program; no packet is without one meanwhile. On
 * failure the program is the one before. -ENOLINK: the interface was removed.
 */
int devmem__tcx_replace(int link, const struct bpf_insn *program, unsigned int steps);

#endif
