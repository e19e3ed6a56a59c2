// SPDX-License-Identifier: MIT
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dropped.h"

#define LOWER_UP (1u << 16)	/* IFF_LOWER_UP: there is a carrier */
#define ANSWER 16384u	/* bytes: more than what a link with all its attributes has */

static bool answer(int nl, uint64_t *packets)
{
	union {
		struct nlmsghdr header;
		char bytes[ANSWER];
	} buf;
	ssize_t got = recv(nl, &buf, sizeof(buf), MSG_DONTWAIT);	/* it is there already, or lost for want of memory */
	struct rtnl_link_stats64 stats;
	const struct ifinfomsg *info;
	struct nlattr *attr;

	if (got < (ssize_t)sizeof(buf.header) || !nlmsg_ok(&buf.header, (int)got) || buf.header.nlmsg_type != RTM_NEWLINK)
		return false;
	info = nlmsg_data(&buf.header);
	if (buf.header.nlmsg_len < NLMSG_LENGTH(sizeof(*info)) || !(info->ifi_flags & LOWER_UP))
		return false;
	attr = nlmsg_find_attr(&buf.header, sizeof(struct ifinfomsg), IFLA_STATS64);
	if (!attr || nla_len(attr) < (int)(offsetof(struct rtnl_link_stats64, tx_dropped) + sizeof(stats.tx_dropped)))
		return false;
	memcpy(&stats, nla_data(attr), offsetof(struct rtnl_link_stats64, tx_dropped) + sizeof(stats.tx_dropped));
	*packets = stats.tx_dropped;
	return true;
}

bool devmem__tx_dropped(unsigned int ifindex, uint64_t *packets)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} question = {
		.header = { .nlmsg_len = sizeof(question), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST },
		.info.ifi_index = (int)ifindex,
	};
	int nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	bool told = false;

	if (nl < 0)
		return false;
	/* connected: no other process can answer in the kernel's place */
	if (!connect(nl, (const struct sockaddr *)&kernel, sizeof(kernel)) &&
	    send(nl, &question, sizeof(question), 0) == (ssize_t)sizeof(question))
		told = answer(nl, packets);
	close(nl);
	return told;
}
