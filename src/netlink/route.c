// SPDX-License-Identifier: MIT
/* Asks what "ip route get" asks, with everything that routing rules may match on.
 * [net/ipv4/route.c: inet_rtm_getroute()] */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/route.h"
#include "netlink/rtnl.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

/* One end of the connection. */
struct end {
	int family;
	socklen_t bytes;
	uint16_t port; /* network byte order */
	unsigned char address[16];
};

static uint32_t option(int fd, int name)
{
	uint32_t value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? 0 : value;
}

static bool same_net(int a, int b)
{
	uint64_t one = 0, other = 0;
	socklen_t len = sizeof(one);

	if (getsockopt(a, SOL_SOCKET, SO_NETNS_COOKIE, &one, &len) ||
	    getsockopt(b, SOL_SOCKET, SO_NETNS_COOKIE, &other, &len))
		return false;
	return one == other;
}

static bool get_end(int fd, int (*get)(int, struct sockaddr *, socklen_t *), struct end *end)
{
	struct sockaddr_storage any;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&any;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&any;
	socklen_t len = sizeof(any);
	bool mapped;

	if (get(fd, (struct sockaddr *)&any, &len) ||
	    (any.ss_family != AF_INET && any.ss_family != AF_INET6))
		return false;
	mapped = any.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
	*end = (struct end){
		.family = mapped ? AF_INET : any.ss_family,
		.port = any.ss_family == AF_INET ? v4->sin_port : v6->sin6_port,
	};
	end->bytes = end->family == AF_INET ? 4 : 16;
	if (any.ss_family == AF_INET)
		memcpy(end->address, &v4->sin_addr, 4);
	else
		memcpy(end->address, v6->sin6_addr.s6_addr + (mapped ? 12 : 0), end->bytes);
	return true;
}

static struct nl_msg *question(int fd, const struct end *here, const struct end *peer)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);
	struct rtmsg rt = {
		.rtm_family = (unsigned char)peer->family,
		.rtm_dst_len = (unsigned char)(peer->bytes * 8),
		.rtm_src_len = (unsigned char)(here->bytes * 8),
	};
	uint32_t mark = option(fd, SO_MARK), bound = option(fd, SO_BINDTOIFINDEX);
	int bad;

	if (!msg)
		return NULL;
	bad = nlmsg_append(msg, &rt, sizeof(rt), NLMSG_ALIGNTO);
	bad |= nla_put(msg, RTA_DST, (int)peer->bytes, peer->address);
	bad |= nla_put(msg, RTA_SRC, (int)here->bytes, here->address);
	bad |= nla_put_u8(msg, RTA_IP_PROTO, IPPROTO_TCP);
	bad |= nla_put_u16(msg, RTA_SPORT, here->port);
	bad |= nla_put_u16(msg, RTA_DPORT, peer->port);
	bad |= nla_put_u32(msg, RTA_UID, getuid());
	if (mark)
		bad |= nla_put_u32(msg, RTA_MARK, mark);
	if (bound)
		bad |= nla_put_u32(msg, RTA_OIF, bound);
	if (!bad)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

/* The interface in the answer, or 0. */
static unsigned int read_route(const struct nlmsghdr *h)
{
	size_t bytes;
	const void *oif = devmem__rtnl_attr(h, sizeof(struct rtmsg), RTA_OIF, &bytes);
	uint32_t ifindex = 0;

	if (h->nlmsg_type == RTM_NEWROUTE && oif && bytes == sizeof(ifindex))
		memcpy(&ifindex, oif, sizeof(ifindex));
	return ifindex;
}

static unsigned int ask(int nl, int fd)
{
	struct end here, peer;
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} answer;
	struct nl_msg *msg;
	unsigned int ifindex = 0;

	if (!same_net(nl, fd) || !get_end(fd, getsockname, &here) ||
	    !get_end(fd, getpeername, &peer))
		return 0;
	msg = question(fd, &here, &peer);
	if (!msg)
		return 0;
	if (devmem__rtnl_ask(nl, nlmsg_hdr(msg), &answer.header, sizeof(answer)) > 0)
		ifindex = read_route(&answer.header);
	nlmsg_free(msg);
	return ifindex;
}

unsigned int devmem__route_leaves_by(int fd)
{
	int nl = devmem__rtnl_open();
	unsigned int ifindex;

	if (nl < 0)
		return 0;
	ifindex = ask(nl, fd);
	close(nl);
	return ifindex;
}
