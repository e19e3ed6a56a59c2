// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "netlink/rtnl.h"

static void read_xdp(struct nlattr *nest, struct link_xdp *xdp)
{
	/* Indexed by IFLA_XDP_ATTACHED. If several programs are attached, each mode has its own
	 * attribute: name the driver's, which is to be detached first. */
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

static int parse(struct nlmsghdr *h, struct link_facts *facts)
{
	struct nlattr *a[IFLA_MAX + 1];
	struct ifinfomsg *info = nlmsg_data(h);

	if (nlmsg_parse(h, sizeof(*info), a, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	facts->up = info->ifi_flags & IFF_UP;
	facts->mtu = a[IFLA_MTU] ? nla_get_u32(a[IFLA_MTU]) : 0;
	read_xdp(a[IFLA_XDP], &facts->xdp);
	return 0;
}

int link_facts(uint32_t ifindex, struct link_facts *facts)
{
	int err = 0;
	struct nlmsghdr *answer = devmem__rtnl_ask_link(ifindex, &err);

	memset(facts, 0, sizeof(*facts));
	if (answer)
		err = parse(answer, facts);
	free(answer);
	return err;
}
