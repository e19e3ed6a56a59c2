// SPDX-License-Identifier: MIT
/*
 * Every packet of the interface goes through this program: those of ordinary queues leave it after
 * a few instructions. A packet that it cannot judge passes. It reads the headers where the driver
 * put them, in the linear part of the packet, and tries to read the packet's last byte, which fails
 * in device memory. [net/core/filter.c: bpf_skb_load_bytes(), net/core/skbuff.c: skb_copy_bits()]
 *
 * So a packet in ordinary memory always passes: whatever is on the lists, nothing is lost that a
 * socket could have read.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "netlink/stray_program.h"

/* From the Ethernet header on; the program sees every packet with one. */
#define ETHERNET     14
#define IP4_HEADER   20
#define IP4_FRAGMENT (ETHERNET + 6)
#define IP4_PROTOCOL (ETHERNET + 9)
#define IP4_TO	     (ETHERNET + 16)
#define IP6_HEADER   40
#define IP6_NEXT     (ETHERNET + 6)
#define IP6_TO	     (ETHERNET + 24)
#define TCP_TO	     2
#define TCP_PORTS    4
#define OFFSET_MASK  0x1fff /* fragment offset */

#define ETHERTYPE_IP4 0x0800
#define ETHERTYPE_IP6 0x86dd

enum reg {
	RESULT = BPF_REG_0, /* also what is needed for a moment */
	ARG1 = BPF_REG_1,
	ARG2 = BPF_REG_2,
	ARG3 = BPF_REG_3,
	ARG4 = BPF_REG_4,
	DATA = BPF_REG_2, /* the packet's linear part */
	DATA_END = BPF_REG_3,
	SCRATCH = BPF_REG_4,
	CONTEXT = BPF_REG_6,
	ADDRESS = BPF_REG_7, /* IPv4 */
	TO_PORT = BPF_REG_8,
	STACK = BPF_REG_10,
};

#define NO_PORT	       (-1)
#define SKB(field)     ((int16_t)offsetof(struct __sk_buff, field))
#define SKB_LOAD_BYTES 26 /* BPF_FUNC_skb_load_bytes */

/* Jumps go to labels, whose places finish() fills in: until then their offset is negative. */
enum label { INSPECT, IP4, IP4_FLOWS, IP6, CAN_IT_BE_READ, PASS, LABELS };
#define TO(label)  ((int16_t)(-1 - (label)))
#define BLOCK_ENDS TO(LABELS)

struct program {
	struct bpf_insn *to;
	unsigned int n;
	unsigned int at[LABELS];
};

static void emit(struct program *p, int code, int dst, int src, int16_t off, uint32_t imm)
{
	if (p->n < DEVMEM__STRAY_MAX_STEPS)
		p->to[p->n] = (struct bpf_insn){
			.code = (uint8_t)code,
			.dst_reg = (uint8_t)dst & 15u,
			.src_reg = (uint8_t)src & 15u,
			.off = off,
			.imm = (int32_t)imm,
		};
	p->n++;
}

static void here(struct program *p, enum label label)
{
	p->at[label] = p->n;
}

static void load(struct program *p, int size, enum reg to, enum reg from, int16_t off)
{
	emit(p, BPF_LDX | BPF_MEM | size, to, from, off, 0);
}

static void copy(struct program *p, enum reg to, enum reg from)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

static void compute(struct program *p, int operation, enum reg reg, int value)
{
	emit(p, BPF_ALU64 | BPF_K | operation, reg, 0, 0, (uint32_t)value);
}

static void jump(struct program *p, int16_t to)
{
	emit(p, BPF_JMP | BPF_JA, 0, 0, to, 0);
}

/* Compares the lower half of the register. */
static void jump_if(struct program *p, int condition, enum reg reg, uint32_t value, int16_t to)
{
	emit(p, BPF_JMP32 | BPF_K | condition, reg, 0, to, value);
}

static void end(struct program *p, int verdict)
{
	compute(p, BPF_MOV, RESULT, verdict);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Packets of which less is in the linear part pass. Otherwise the verifier lets us read so many
 * bytes behind @base. */
static void need_bytes(struct program *p, enum reg base, int bytes)
{
	copy(p, SCRATCH, base);
	compute(p, BPF_ADD, SCRATCH, bytes);
	emit(p, BPF_JMP | BPF_JGT | BPF_X, SCRATCH, DATA_END, TO(PASS), 0);
}

/* Is the queue one of ours? The kernel stores its number plus 1. [skb_record_rx_queue()] */
static void test_queue(struct program *p, const struct devmem__queue_set *queues)
{
	copy(p, CONTEXT, ARG1);
	load(p, BPF_W, RESULT, CONTEXT, SKB(queue_mapping));
	for (unsigned int i = 0; i < queues->n; i++)
		jump_if(p, BPF_JEQ, RESULT, queues->queue[i] + 1, TO(INSPECT));
	end(p, DEVMEM__STRAY_NEXT);
}

static void test_family(struct program *p)
{
	here(p, INSPECT);
	load(p, BPF_W, DATA, CONTEXT, SKB(data));
	load(p, BPF_W, DATA_END, CONTEXT, SKB(data_end));
	load(p, BPF_W, RESULT, CONTEXT, SKB(protocol));
	jump_if(p, BPF_JEQ, RESULT, htons(ETHERTYPE_IP4), TO(IP4));
	jump_if(p, BPF_JEQ, RESULT, htons(ETHERTYPE_IP6), TO(IP6));
	end(p, DEVMEM__STRAY_NEXT);
}

/* A flow's tests jump to the end of its block. */
static void end_block(struct program *p, unsigned int begin)
{
	jump(p, TO(PASS));
	for (unsigned int i = begin; i < p->n && p->n <= DEVMEM__STRAY_MAX_STEPS; i++)
		if (p->to[i].off == BLOCK_ENDS)
			p->to[i].off = (int16_t)(p->n - i - 1);
}

static void flow4(struct program *p, const struct devmem__rule *flow)
{
	const struct ethtool_tcpip4_spec *key = &flow->fs.h_u.tcp_ip4_spec,
					 *mask = &flow->fs.m_u.tcp_ip4_spec;
	const unsigned int begin = p->n;

	if (mask->ip4dst)
		jump_if(p, BPF_JNE, ADDRESS, key->ip4dst, BLOCK_ENDS);
	if (mask->pdst)
		jump_if(p, BPF_JNE, TO_PORT, key->pdst, BLOCK_ENDS);
	end_block(p, begin);
}

static void flow6(struct program *p, const struct devmem__rule *flow)
{
	const struct ethtool_tcpip6_spec *key = &flow->fs.h_u.tcp_ip6_spec,
					 *mask = &flow->fs.m_u.tcp_ip6_spec;
	const unsigned int begin = p->n;

	for (int i = 0; i < 4; i++) {
		if (!mask->ip6dst[i])
			continue;
		load(p, BPF_W, RESULT, DATA, (int16_t)(IP6_TO + 4 * i));
		jump_if(p, BPF_JNE, RESULT, key->ip6dst[i], BLOCK_ENDS);
	}
	if (mask->pdst)
		jump_if(p, BPF_JNE, TO_PORT, key->pdst, BLOCK_ENDS);
	end_block(p, begin);
}

static bool is_v4(const struct devmem__rule *flow)
{
	return (flow->fs.flow_type & 0xff) == TCP_V4_FLOW;
}

/* Is it all of TCP? */
static bool is_any(const struct devmem__rule *flow)
{
	static const uint32_t none[4];

	return is_v4(flow) ? !flow->fs.m_u.tcp_ip4_spec.ip4dst && !flow->fs.m_u.tcp_ip4_spec.pdst
			   : !memcmp(flow->fs.m_u.tcp_ip6_spec.ip6dst, none, sizeof(none)) &&
				     !flow->fs.m_u.tcp_ip6_spec.pdst;
}

/* The kernel refuses instructions that are never reached, so nothing may follow a flow that
 * everything matches. */
static void test_flows(struct program *p, const struct devmem__rule *flows, unsigned int n, bool v4)
{
	for (unsigned int i = 0; i < n; i++)
		if (is_v4(&flows[i]) == v4 && is_any(&flows[i])) {
			jump(p, TO(PASS));
			return;
		}
	for (unsigned int i = 0; i < n; i++)
		if (is_v4(&flows[i]) == v4)
			(v4 ? flow4 : flow6)(p, &flows[i]);
	jump(p, TO(CAN_IT_BE_READ));
}

/* A later fragment has no ports: only flows to any port can be its own. */
static void inspect4(struct program *p, const struct devmem__rule *flows, unsigned int n)
{
	here(p, IP4);
	need_bytes(p, DATA, ETHERNET + IP4_HEADER);
	load(p, BPF_B, RESULT, DATA, IP4_PROTOCOL);
	jump_if(p, BPF_JNE, RESULT, IPPROTO_TCP, TO(CAN_IT_BE_READ));
	load(p, BPF_W, ADDRESS, DATA, IP4_TO);
	compute(p, BPF_MOV, TO_PORT, NO_PORT);
	load(p, BPF_H, RESULT, DATA, IP4_FRAGMENT);
	jump_if(p, BPF_JSET, RESULT, htons(OFFSET_MASK), TO(IP4_FLOWS));
	load(p, BPF_B, RESULT, DATA, ETHERNET);
	compute(p, BPF_AND, RESULT, 15);
	compute(p, BPF_LSH, RESULT, 2);
	emit(p, BPF_ALU64 | BPF_ADD | BPF_X, DATA, RESULT, 0, 0);
	need_bytes(p, DATA, ETHERNET + TCP_PORTS);
	load(p, BPF_H, TO_PORT, DATA, ETHERNET + TCP_TO);
	here(p, IP4_FLOWS);
	test_flows(p, flows, n, true);
}

/* Something else may be an extension header, behind which TCP of a steered flow may be: it
 * passes. */
static void inspect6(struct program *p, const struct devmem__rule *flows, unsigned int n)
{
	here(p, IP6);
	need_bytes(p, DATA, ETHERNET + IP6_HEADER);
	load(p, BPF_B, RESULT, DATA, IP6_NEXT);
	jump_if(p, BPF_JEQ, RESULT, IPPROTO_UDP, TO(CAN_IT_BE_READ));
	jump_if(p, BPF_JEQ, RESULT, IPPROTO_ICMPV6, TO(CAN_IT_BE_READ));
	jump_if(p, BPF_JNE, RESULT, IPPROTO_TCP, TO(PASS));
	need_bytes(p, DATA, ETHERNET + IP6_HEADER + TCP_PORTS);
	load(p, BPF_H, TO_PORT, DATA, ETHERNET + IP6_HEADER + TCP_TO);
	test_flows(p, flows, n, false);
}

static void judge(struct program *p)
{
	here(p, CAN_IT_BE_READ);
	load(p, BPF_W, ARG2, CONTEXT, SKB(len));
	compute(p, BPF_ADD, ARG2, -1);
	copy(p, ARG1, CONTEXT);
	copy(p, ARG3, STACK);
	compute(p, BPF_ADD, ARG3, -8); /* where to put the byte */
	compute(p, BPF_MOV, ARG4, 1);
	emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, SKB_LOAD_BYTES);
	jump_if(p, BPF_JEQ, RESULT, 0, TO(PASS));
	end(p, DEVMEM__STRAY_DROP);
	here(p, PASS);
	end(p, DEVMEM__STRAY_NEXT);
}

static unsigned int finish(struct program *p)
{
	if (p->n > DEVMEM__STRAY_MAX_STEPS)
		return 0;
	for (unsigned int i = 0; i < p->n; i++) {
		const int class = BPF_CLASS(p->to[i].code);

		if ((class == BPF_JMP || class == BPF_JMP32) && p->to[i].off < 0)
			p->to[i].off = (int16_t)(p->at[-1 - p->to[i].off] - i - 1);
	}
	return p->n;
}

unsigned int devmem__stray_program(const struct devmem__queue_set *queues,
				   const struct devmem__rule *flows, unsigned int nflows,
				   struct bpf_insn to[DEVMEM__STRAY_MAX_STEPS])
{
	struct program p = { .to = to };

	test_queue(&p, queues);
	test_family(&p);
	inspect4(&p, flows, nflows);
	inspect6(&p, flows, nflows);
	judge(&p);
	return finish(&p);
}
