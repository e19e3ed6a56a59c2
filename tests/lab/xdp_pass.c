// SPDX-License-Identifier: MIT
/*
 * xdp_pass INTERFACE [native]: attach the smallest XDP program there is, which passes everything,
 * in the generic mode or that one. It stays until "ip link set dev INTERFACE xdpgeneric off": the
 * guest has no compiler for such programs.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int load(void)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uintptr_t)pass;
	attr.insn_cnt = sizeof(pass) / sizeof(pass[0]);
	attr.license = (uintptr_t) "GPL";
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

/* Returns 0 or the kernel's errno. */
static int attach(int ifindex, int program, uint32_t mode)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
		struct nlattr xdp, fd_head;
		int32_t fd;
		struct nlattr flags_head;
		uint32_t flags;
	} request = {
		.h = { .nlmsg_len = sizeof(request),
		       .nlmsg_type = RTM_SETLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.info = { .ifi_index = ifindex },
		.xdp = { .nla_len = 3 * NLA_HDRLEN + 8, .nla_type = IFLA_XDP | NLA_F_NESTED },
		.fd_head = { .nla_len = NLA_HDRLEN + 4, .nla_type = IFLA_XDP_FD },
		.fd = program,
		.flags_head = { .nla_len = NLA_HDRLEN + 4, .nla_type = IFLA_XDP_FLAGS },
		.flags = mode,
	};
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[1024];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		return errno;
	close(fd);
	return answer.h.nlmsg_type == NLMSG_ERROR ? -answer.e.error : EBADMSG;
}

int main(int argc, char **argv)
{
	unsigned int ifindex = argc == 2 || argc == 3 ? if_nametoindex(argv[1]) : 0;
	uint32_t mode = argc == 3 ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	int program, err;

	if (!ifindex) {
		fprintf(stderr, "usage: xdp_pass INTERFACE [native]\n");
		return 2;
	}
	program = load();
	err = program < 0 ? errno : attach((int)ifindex, program, mode);
	if (!err)
		return 0;
	fprintf(stderr, "xdp_pass: %s: %s\n", argv[1], strerror(err));
	return 1;
}
