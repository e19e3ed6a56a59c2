// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netlink/tcx.h"

/* Constants that older headers lack. [include/uapi/linux/bpf.h of 7.3, linux/capability.h] */
#define TCX_INGRESS  46 /* BPF_TCX_INGRESS (6.6) */
#define BEFORE	     8	/* BPF_F_BEFORE: before all others */
#define CAPABLE_BPF  39 /* CAP_BPF (5.8) */
#define PROGRAM_NAME "devmem_stray"

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

static bool has(const struct __user_cap_data_struct *sets, unsigned int capability)
{
	return sets[capability / 32].effective & 1u << capability % 32;
}

bool devmem__tcx_allowed(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	return !syscall(SYS_capget, &head, sets) &&
	       (has(sets, CAPABLE_BPF) || has(sets, CAP_SYS_ADMIN));
}

static int load(const struct bpf_insn *program, unsigned int steps)
{
	static const char license[] = "Dual MIT/GPL";
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr)); /* also what is not the first member's: the kernel looks */
	attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attr.insn_cnt = steps;
	attr.insns = (uintptr_t)program;
	attr.license = (uintptr_t)license;
	snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", PROGRAM_NAME);
	return bpf(BPF_PROG_LOAD, &attr);
}

int devmem__tcx_attach(uint32_t ifindex, const struct bpf_insn *program, unsigned int steps)
{
	int fd = load(program, steps), link;
	union bpf_attr attr;

	if (fd < 0)
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)fd;
	attr.link_create.target_ifindex = ifindex;
	attr.link_create.attach_type = TCX_INGRESS;
	attr.link_create.flags = BEFORE;
	link = bpf(BPF_LINK_CREATE, &attr);
	close(fd);
	return link;
}

int devmem__tcx_replace(int link, const struct bpf_insn *program, unsigned int steps)
{
	int fd = load(program, steps), err;
	union bpf_attr attr;

	if (fd < 0)
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.link_update.link_fd = (uint32_t)link;
	attr.link_update.new_prog_fd = (uint32_t)fd;
	err = bpf(BPF_LINK_UPDATE, &attr);
	close(fd);
	return err;
}
