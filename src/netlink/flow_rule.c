// SPDX-License-Identifier: MIT
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "netlink/flow_rule.h"

#define FLAGS (FLOW_EXT | FLOW_MAC_EXT | DEVMEM_FLOW_RSS)

/* An address of either family in one form. */
struct end {
	bool v4;
	bool any;	      /* the unspecified address */
	uint16_t port;	      /* network order */
	struct in6_addr addr; /* an IPv4 address is in the last word */
};

static int read_end(const struct sockaddr *sa, struct end *e)
{
	memset(e, 0, sizeof(*e));
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		e->v4 = true;
		e->port = in->sin_port;
		e->addr.s6_addr32[3] = in->sin_addr.s_addr;
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

		e->v4 = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
		e->port = in6->sin6_port;
		e->addr = in6->sin6_addr;
		if (e->v4)
			e->addr.s6_addr32[2] = 0;
	} else {
		return -EAFNOSUPPORT;
	}
	e->any = IN6_IS_ADDR_UNSPECIFIED(&e->addr);
	return 0;
}

static void match4(struct devmem__rule *rule, const struct end *local, const struct end *peer)
{
	struct ethtool_tcpip4_spec *key = &rule->fs.h_u.tcp_ip4_spec;
	struct ethtool_tcpip4_spec *mask = &rule->fs.m_u.tcp_ip4_spec;

	rule->fs.flow_type = TCP_V4_FLOW;
	key->ip4dst = local->addr.s6_addr32[3];
	key->ip4src = peer->addr.s6_addr32[3];
	key->pdst = local->port;
	key->psrc = peer->port;
	mask->ip4dst = local->any ? 0 : 0xffffffff;
	mask->ip4src = peer->any ? 0 : 0xffffffff;
	mask->pdst = local->port ? 0xffff : 0;
	mask->psrc = peer->port ? 0xffff : 0;
}

static void match6(struct devmem__rule *rule, const struct end *local, const struct end *peer)
{
	struct ethtool_tcpip6_spec *key = &rule->fs.h_u.tcp_ip6_spec;
	struct ethtool_tcpip6_spec *mask = &rule->fs.m_u.tcp_ip6_spec;

	rule->fs.flow_type = TCP_V6_FLOW;
	memcpy(key->ip6dst, &local->addr, sizeof(key->ip6dst));
	memcpy(key->ip6src, &peer->addr, sizeof(key->ip6src));
	key->pdst = local->port;
	key->psrc = peer->port;
	memset(mask->ip6dst, local->any ? 0 : 0xff, sizeof(mask->ip6dst));
	memset(mask->ip6src, peer->any ? 0 : 0xff, sizeof(mask->ip6src));
	mask->pdst = local->port ? 0xffff : 0;
	mask->psrc = peer->port ? 0xffff : 0;
}

int devmem__rule_flow(struct devmem__rule *rule, const struct sockaddr *local,
		      const struct sockaddr *peer)
{
	struct end here, there = { .any = true };
	int err = read_end(local, &here);

	if (!err && peer)
		err = read_end(peer, &there);
	if (err)
		return err;
	memset(rule, 0, sizeof(*rule));
	/* "::" stands for any IPv4 address if the other end is IPv4 */
	if (peer && here.v4 != there.v4) {
		if (!(here.any && !here.v4) && !(there.any && !there.v4))
			return -EINVAL;
		here.v4 = true;
	}
	if (here.v4)
		match4(rule, &here, &there);
	else
		match6(rule, &here, &there);
	return 0;
}

static bool is_any6(const struct sockaddr *sa)
{
	return sa->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)sa)->sin6_addr);
}

int devmem__rule_flows(struct devmem__rule rules[2], const struct sockaddr *local,
		       const struct sockaddr *peer)
{
	int err = devmem__rule_flow(&rules[0], local, peer);
	struct end here, there = { .any = true };

	if (err || !is_any6(local) || (peer && !is_any6(peer)))
		return err ? err : 1;
	read_end(local, &here);
	if (peer)
		read_end(peer, &there);
	memset(&rules[1], 0, sizeof(rules[1]));
	match4(&rules[1], &here, &there);
	return 2;
}

struct devmem__rule devmem__rule_from_any(const struct devmem__rule *rule)
{
	struct devmem__rule flow = { .fs = { .flow_type = rule->fs.flow_type & ~FLAGS,
					     .h_u = rule->fs.h_u,
					     .m_u = rule->fs.m_u } };

	if (flow.fs.flow_type == TCP_V4_FLOW) {
		flow.fs.h_u.tcp_ip4_spec.ip4src = flow.fs.m_u.tcp_ip4_spec.ip4src = 0;
		flow.fs.h_u.tcp_ip4_spec.psrc = flow.fs.m_u.tcp_ip4_spec.psrc = 0;
	} else {
		memset(flow.fs.h_u.tcp_ip6_spec.ip6src, 0, sizeof(flow.fs.h_u.tcp_ip6_spec.ip6src));
		memset(flow.fs.m_u.tcp_ip6_spec.ip6src, 0, sizeof(flow.fs.m_u.tcp_ip6_spec.ip6src));
		flow.fs.h_u.tcp_ip6_spec.psrc = flow.fs.m_u.tcp_ip6_spec.psrc = 0;
	}
	return flow;
}

void devmem__rule_to_queue(struct devmem__rule *rule, uint32_t queue)
{
	rule->fs.flow_type &= ~DEVMEM_FLOW_RSS;
	rule->fs.ring_cookie = queue;
	rule->context = 0;
}

void devmem__rule_to_context(struct devmem__rule *rule, uint32_t context)
{
	rule->fs.flow_type |= DEVMEM_FLOW_RSS;
	rule->fs.ring_cookie = 0;
	rule->context = context;
}

static bool same_masked(const void *ka, const void *kb, const void *ma, const void *mb, size_t n)
{
	const unsigned char *a = ka, *b = kb, *x = ma, *y = mb;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i] || ((a[i] ^ b[i]) & x[i]))
			return false;
	return true;
}

/* The fields of a rule beyond the flow. They are valid only if their flag is set. */
static void extras(const struct devmem__rule *r, struct ethtool_flow_ext *key,
		   struct ethtool_flow_ext *mask)
{
	memset(key, 0, sizeof(*key));
	memset(mask, 0, sizeof(*mask));
	if (r->fs.flow_type & FLOW_EXT) {
		*key = r->fs.h_ext;
		*mask = r->fs.m_ext;
	}
	if (r->fs.flow_type & FLOW_MAC_EXT) {
		memcpy(key->h_dest, r->fs.h_ext.h_dest, sizeof(key->h_dest));
		memcpy(mask->h_dest, r->fs.m_ext.h_dest, sizeof(mask->h_dest));
	}
	memset(key->padding, 0, sizeof(key->padding));
	memset(mask->padding, 0, sizeof(mask->padding));
}

/* How many bytes of the union a flow type uses; the rest is undefined. */
static size_t flow_bytes(uint32_t type)
{
	switch (type & ~FLAGS) {
	case TCP_V4_FLOW:
		return sizeof(struct ethtool_tcpip4_spec);
	case TCP_V6_FLOW:
		return sizeof(struct ethtool_tcpip6_spec);
	default:
		return sizeof(union ethtool_flow_union);
	}
}

bool devmem__rule_same_flow(const struct devmem__rule *a, const struct devmem__rule *b)
{
	struct ethtool_flow_ext ka, kb, ma, mb;

	if ((a->fs.flow_type & ~FLAGS) != (b->fs.flow_type & ~FLAGS))
		return false;
	extras(a, &ka, &ma);
	extras(b, &kb, &mb);
	return same_masked(&ka, &kb, &ma, &mb, sizeof(ka)) &&
	       same_masked(&a->fs.h_u, &b->fs.h_u, &a->fs.m_u, &b->fs.m_u,
			   flow_bytes(a->fs.flow_type));
}

bool devmem__rule_same(const struct devmem__rule *a, const struct devmem__rule *b)
{
	if (!devmem__rule_same_flow(a, b) || a->fs.ring_cookie != b->fs.ring_cookie)
		return false;
	if ((a->fs.flow_type ^ b->fs.flow_type) & DEVMEM_FLOW_RSS)
		return false;
	return !(a->fs.flow_type & DEVMEM_FLOW_RSS) || a->context == b->context;
}

static bool is_taken(const struct devmem__rule *taken, uint32_t n, uint32_t location)
{
	for (uint32_t i = 0; i < n; i++)
		if (taken[i].fs.location == location)
			return true;
	return false;
}

int64_t devmem__rule_location(const struct devmem__rule *taken, uint32_t n, uint32_t size)
{
	/* among n + 1 locations at least one is free */
	for (uint32_t at = size; at-- > 0 && size - at <= n + 1;)
		if (!is_taken(taken, n, at))
			return at;
	return -ENOSPC;
}
