// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"
#include "netlink.h"

/* One interface's answer: without virtual functions asked for, some KiB. */
#define READ_BYTES 32768

static int ask(int fd, uint32_t ifindex)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
	} request = {
		.h = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex },
	};

	return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static void read_xdp(struct nlattr *nest, struct link_xdp *xdp)
{
	/* by IFLA_XDP_ATTACHED; with several, each has its own attribute, and the driver's is taken away first */
	static const struct {
		const char *mode, *off;
	} modes[] = {
		[XDP_ATTACHED_DRV] = { "native", "xdpdrv" },
		[XDP_ATTACHED_SKB] = { "generic", "xdpgeneric" },
		[XDP_ATTACHED_HW] = { "offloaded", "xdpoffload" },
		[XDP_ATTACHED_MULTI] = { "native", "xdpdrv" },
	};
	struct nlattr *a[IFLA_XDP_MAX + 1];
	unsigned int attached;

	if (!nest || nla_parse_nested(a, IFLA_XDP_MAX, nest, NULL) || !a[IFLA_XDP_ATTACHED])
		return;
	attached = nla_get_u8(a[IFLA_XDP_ATTACHED]);
	if (!attached || attached > XDP_ATTACHED_MULTI)
		return;
	xdp->several = attached == XDP_ATTACHED_MULTI;
	xdp->mode = modes[attached].mode;
	xdp->off = modes[attached].off;
	if (a[IFLA_XDP_PROG_ID])
		xdp->program = nla_get_u32(a[IFLA_XDP_PROG_ID]);
	else if (a[IFLA_XDP_DRV_PROG_ID])
		xdp->program = nla_get_u32(a[IFLA_XDP_DRV_PROG_ID]);
}

static int parse(struct nlmsghdr *h, int bytes, struct link_facts *facts)
{
	struct nlattr *a[IFLA_MAX + 1];
	struct ifinfomsg *info;

	if (!nlmsg_ok(h, bytes))
		return -EBADMSG;
	if (h->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)nlmsg_data(h))->error;
	if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof(*info), a, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	info = nlmsg_data(h);
	facts->up = info->ifi_flags & IFF_UP;
	facts->mtu = a[IFLA_MTU] ? nla_get_u32(a[IFLA_MTU]) : 0;
	read_xdp(a[IFLA_XDP], &facts->xdp);
	return 0;
}

int link_facts(uint32_t ifindex, struct link_facts *facts)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), err;
	void *answer = malloc(READ_BYTES);
	ssize_t n = 0;

	memset(facts, 0, sizeof(*facts));
	err = fd < 0 ? -errno : !answer ? -ENOMEM : ask(fd, ifindex);
	if (!err) {
		n = devmem__nl_receive(fd, answer, READ_BYTES, 0);
		err = n < 0 ? (int)n : parse(answer, (int)n, facts);
	}
	free(answer);
	if (fd >= 0)
		close(fd);
	return err;
}
