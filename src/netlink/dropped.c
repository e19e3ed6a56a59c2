// SPDX-License-Identifier: MIT
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netlink/dropped.h"
#include "netlink/ethtool.h"
#include "netlink/iface.h"
#include "netlink/rtnl.h"

#define LOWER_UP (1u << 16) /* IFF_LOWER_UP: there is a carrier */

/* Older kernels report fewer counters, in a shorter attribute. */
static bool read_link(const struct nlmsghdr *h, uint64_t *packets)
{
	const size_t at = offsetof(struct rtnl_link_stats64, tx_dropped);
	const unsigned char *stats;
	struct ifinfomsg info;
	size_t bytes;

	memcpy(&info, (const char *)h + NLMSG_HDRLEN, sizeof(info));
	if (!(info.ifi_flags & LOWER_UP))
		return false;
	stats = devmem__rtnl_attr(h, sizeof(info), IFLA_STATS64, &bytes);
	if (!stats || bytes < at + sizeof(*packets))
		return false;
	memcpy(packets, stats + at, sizeof(*packets));
	return true;
}

static bool add(unsigned int ifindex, const char *more, uint64_t *packets)
{
	struct devmem__ethtool et = { .fd = devmem__iface_socket(), .ifindex = ifindex };
	uint64_t value;
	int err;

	if (et.fd < 0)
		return false;
	err = devmem__ethtool_statistic(&et, more, &value);
	close(et.fd);
	*packets += err ? 0 : value;
	return !err;
}

bool devmem__tx_dropped(unsigned int ifindex, const char *more, uint64_t *packets)
{
	int err;
	struct nlmsghdr *answer = devmem__rtnl_ask_link(ifindex, &err);
	bool told = answer && read_link(answer, packets);

	free(answer);
	return told && (!more || add(ifindex, more, packets));
}
