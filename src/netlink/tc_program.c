// SPDX-License-Identifier: MIT
/*
 * Every packet of the interface goes through this program, so packets that are not TCP or lack the
 * URG flag leave it after four or five instructions. It does not look behind IPv6 extension
 * headers.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "netlink/tc_program.h"

/* the packet's IP header, whatever precedes it */
#define NET	    ((uint32_t)SKF_NET_OFF)
#define IP6_HEADER  40u
#define TCP_DPORT   2u
#define TCP_FLAGS   13u
#define URG	    0x20u
#define OFFSET_MASK 0x1fffu /* fragment offset */

/* Tests that fail jump to the end of the program, whose place is not known until finish(). */
struct program {
	struct sock_filter *to;
	unsigned int n;
};

static void load(struct program *p, uint16_t how, uint32_t k)
{
	p->to[p->n++] = (struct sock_filter)BPF_STMT(how, k);
}

#define FAILS 0xffu /* a jump to the end, filled in by finish() */

static void test(struct program *p, uint16_t how, uint32_t k, bool if_true)
{
	p->to[p->n++] = (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | BPF_K) | how, k,
						     if_true ? 0 : FAILS, if_true ? FAILS : 0);
}

static void must_be(struct program *p, uint16_t how, uint32_t at, uint32_t value)
{
	load(p, how, at);
	test(p, BPF_JEQ, value, true);
}

static void finish(struct program *p)
{
	const unsigned int end = p->n + 1;

	load(p, BPF_RET | BPF_K, UINT32_MAX);
	load(p, BPF_RET | BPF_K, 0);
	for (unsigned int i = 0; i < end; i++) {
		struct sock_filter *f = &p->to[i];

		if (BPF_CLASS(f->code) != BPF_JMP)
			continue;
		f->jt = f->jt == FAILS ? (uint8_t)(end - i - 1) : f->jt;
		f->jf = f->jf == FAILS ? (uint8_t)(end - i - 1) : f->jf;
	}
}

static void match4(struct program *p, const struct devmem__rule *flow)
{
	const struct ethtool_tcpip4_spec *key = &flow->fs.h_u.tcp_ip4_spec,
					 *mask = &flow->fs.m_u.tcp_ip4_spec;

	must_be(p, BPF_LD | BPF_B | BPF_ABS, NET + 9, IPPROTO_TCP);
	load(p, BPF_LDX | BPF_B | BPF_MSH, NET);
	load(p, BPF_LD | BPF_B | BPF_IND, NET + TCP_FLAGS);
	test(p, BPF_JSET, URG, true);
	load(p, BPF_LD | BPF_H | BPF_ABS, NET + 6);
	test(p, BPF_JSET, OFFSET_MASK, false);
	if (mask->ip4dst)
		must_be(p, BPF_LD | BPF_W | BPF_ABS, NET + 16, ntohl(key->ip4dst));
	if (mask->pdst)
		must_be(p, BPF_LD | BPF_H | BPF_IND, NET + TCP_DPORT, ntohs(key->pdst));
}

static void match6(struct program *p, const struct devmem__rule *flow)
{
	const struct ethtool_tcpip6_spec *key = &flow->fs.h_u.tcp_ip6_spec,
					 *mask = &flow->fs.m_u.tcp_ip6_spec;

	must_be(p, BPF_LD | BPF_B | BPF_ABS, NET + 6, IPPROTO_TCP);
	load(p, BPF_LD | BPF_B | BPF_ABS, NET + IP6_HEADER + TCP_FLAGS);
	test(p, BPF_JSET, URG, true);
	for (unsigned int i = 0; i < 4; i++)
		if (mask->ip6dst[i])
			must_be(p, BPF_LD | BPF_W | BPF_ABS, NET + 24 + 4 * i,
				ntohl(key->ip6dst[i]));
	if (mask->pdst)
		must_be(p, BPF_LD | BPF_H | BPF_ABS, NET + IP6_HEADER + TCP_DPORT,
			ntohs(key->pdst));
}

unsigned int devmem__tc_program(const struct devmem__rule *flow,
				struct sock_filter to[DEVMEM__TC_MAX_STEPS])
{
	struct program p = { .to = to };

	if ((flow->fs.flow_type & 0xff) == TCP_V4_FLOW)
		match4(&p, flow);
	else
		match6(&p, flow);
	finish(&p);
	return p.n;
}
