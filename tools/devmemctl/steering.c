// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "steering.h"

/* One end of the flow, such as "192.0.2.1:80". A field is "*" if the rule does not match on all of
 * its bits. */
static const char *end(char *text, size_t room, int family, const void *address, const void *mask,
		       uint16_t port, uint16_t port_mask)
{
	static const uint8_t all[16] = { [0 ... 15] = 0xff };
	char host[INET6_ADDRSTRLEN] = "*", number[8] = "*";

	if (!memcmp(mask, all, family == AF_INET ? 4 : 16))
		inet_ntop(family, address, host, sizeof(host));
	if (port_mask == 0xffff)
		snprintf(number, sizeof(number), "%u", ntohs(port));
	snprintf(text, room, family == AF_INET6 && *host != '*' ? "[%s]:%s" : "%s:%s", host,
		 number);
	return text;
}

void steering_words(const struct devmem__rule *rule, char *text, size_t room)
{
	uint32_t type = rule->fs.flow_type & ~(DEVMEM_FLOW_RSS | FLOW_EXT | FLOW_MAC_EXT);
	const union ethtool_flow_union *h = &rule->fs.h_u, *m = &rule->fs.m_u;
	char to[64], from[64];

	switch (type) {
	case TCP_V4_FLOW:
		snprintf(text, room, "tcp4 to %s from %s",
			 end(to, sizeof(to), AF_INET, &h->tcp_ip4_spec.ip4dst,
			     &m->tcp_ip4_spec.ip4dst, h->tcp_ip4_spec.pdst, m->tcp_ip4_spec.pdst),
			 end(from, sizeof(from), AF_INET, &h->tcp_ip4_spec.ip4src,
			     &m->tcp_ip4_spec.ip4src, h->tcp_ip4_spec.psrc, m->tcp_ip4_spec.psrc));
		break;
	case TCP_V6_FLOW:
		snprintf(text, room, "tcp6 to %s from %s",
			 end(to, sizeof(to), AF_INET6, h->tcp_ip6_spec.ip6dst,
			     m->tcp_ip6_spec.ip6dst, h->tcp_ip6_spec.pdst, m->tcp_ip6_spec.pdst),
			 end(from, sizeof(from), AF_INET6, h->tcp_ip6_spec.ip6src,
			     m->tcp_ip6_spec.ip6src, h->tcp_ip6_spec.psrc, m->tcp_ip6_spec.psrc));
		break;
	default:
		snprintf(text, room, "flow type %u", type);
	}
}
