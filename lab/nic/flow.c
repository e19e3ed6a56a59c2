// SPDX-License-Identifier: GPL-2.0-only
/* The NIC's parser: what it can tell from the first bytes of a packet. */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>

#include "labnic.h"

static void labnic_parse_l4(struct labnic_flow *flow, u8 proto, const u8 *data, u32 len)
{
	const struct tcphdr *th = (const void *)(data + flow->l4_off);
	const struct udphdr *uh = (const void *)(data + flow->l4_off);
	u32 end = flow->l4_off;

	if (proto == IPPROTO_TCP && end + sizeof(*th) <= len && th->doff >= 5)
		end += th->doff * 4;
	else if (proto == IPPROTO_UDP)
		end += sizeof(*uh);
	else
		return;
	if (end > len)
		return;

	flow->l4 = proto;
	flow->hdr_len = end;
	flow->sport = uh->source;
	flow->dport = uh->dest;
}

static void labnic_parse_ip4(struct labnic_flow *flow, const u8 *data, u32 len)
{
	const struct iphdr *ih = (const void *)(data + ETH_HLEN);

	if (len < ETH_HLEN + sizeof(*ih) || ih->version != 4 || ih->ihl < 5 ||
	    len < ETH_HLEN + ih->ihl * 4)
		return;
	flow->l3 = ETH_P_IP;
	flow->src.s6_addr32[0] = ih->saddr;
	flow->dst.s6_addr32[0] = ih->daddr;
	flow->l4_off = ETH_HLEN + ih->ihl * 4;
	flow->hdr_len = flow->l4_off;
	if (!ip_is_fragment(ih))
		labnic_parse_l4(flow, ih->protocol, data, len);
}

static void labnic_parse_ip6(struct labnic_flow *flow, const u8 *data, u32 len)
{
	const struct ipv6hdr *ih = (const void *)(data + ETH_HLEN);

	if (len < ETH_HLEN + sizeof(*ih) || ih->version != 6)
		return;
	flow->l3 = ETH_P_IPV6;
	flow->src = ih->saddr;
	flow->dst = ih->daddr;
	flow->l4_off = ETH_HLEN + sizeof(*ih);
	flow->hdr_len = flow->l4_off;
	/* This NIC does not parse extension headers, so it does not split such packets. */
	labnic_parse_l4(flow, ih->nexthdr, data, len);
}

void labnic_flow_parse(struct labnic_flow *flow, const u8 *data, u32 len)
{
	const struct ethhdr *eh = (const void *)data;

	memset(flow, 0, sizeof(*flow));
	flow->l3_off = ETH_HLEN;
	if (len >= ETH_HLEN && eh->h_proto == htons(ETH_P_IP))
		labnic_parse_ip4(flow, data, len);
	else if (len >= ETH_HLEN && eh->h_proto == htons(ETH_P_IPV6))
		labnic_parse_ip6(flow, data, len);
	if (!flow->l3)
		flow->hdr_len = len;
}
