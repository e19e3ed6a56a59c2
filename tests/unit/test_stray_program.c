// SPDX-License-Identifier: MIT
/* What is kept out of bound queues, by the instructions themselves. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/stray_program.h"
#include "unit.h"

#define BOUND 3u /* a bound queue; 5 is another one */
#define PASS  DEVMEM__STRAY_NEXT
#define DROP  DEVMEM__STRAY_DROP

/* -------------------------------------------------------------------------------------- packets */

struct packet {
	struct __sk_buff skb;
	unsigned char b[160];
	unsigned int linear; /* bytes that are in the linear part */
	bool readable;	     /* what is behind it */
};

static struct packet from_queue(uint32_t queue, uint16_t type)
{
	return (struct packet){
		.skb = { .len = 1514, .queue_mapping = queue + 1, .protocol = htons(type) },
	};
}

static void put16(unsigned char *to, uint16_t value)
{
	to[0] = (unsigned char)(value >> 8);
	to[1] = (unsigned char)value;
}

/* Packets whose payload is in device memory. */
static struct packet packet4(const char *to, uint16_t port, unsigned int options)
{
	struct packet p = from_queue(BOUND, ETH_P_IP);
	unsigned char *ip = p.b + 14;

	ip[0] = (unsigned char)(0x45 + options / 4);
	ip[9] = IPPROTO_TCP;
	assert_int_equal(inet_pton(AF_INET, to, ip + 16), 1);
	put16(ip + 20 + options + 2, port);
	p.linear = 14 + 20 + options + 20;
	return p;
}

static struct packet packet6(const char *to, uint16_t port)
{
	struct packet p = from_queue(BOUND, ETH_P_IPV6);
	unsigned char *ip = p.b + 14;

	ip[0] = 0x60;
	ip[6] = IPPROTO_TCP;
	assert_int_equal(inet_pton(AF_INET6, to, ip + 24), 1);
	put16(ip + 40 + 2, port);
	p.linear = 14 + 40 + 20;
	return p;
}

/* -------------------------------------------------------------------------------- the processor */

struct processor {
	uint64_t reg[11];
	struct packet *packet;
	unsigned char stack[512];
};

static uint64_t load_context(const struct processor *cpu, size_t off)
{
	const struct packet *p = cpu->packet;
	uint32_t value;

	if (off == offsetof(struct __sk_buff, data))
		return (uintptr_t)p->b;
	if (off == offsetof(struct __sk_buff, data_end))
		return (uintptr_t)p->b + p->linear;
	memcpy(&value, (const char *)&p->skb + off, sizeof(value));
	return value;
}

static uint64_t load(const struct processor *cpu, const struct bpf_insn *f)
{
	const size_t n = BPF_SIZE(f->code) == BPF_B ? 1 : BPF_SIZE(f->code) == BPF_H ? 2 : 4;
	const uint64_t base = cpu->reg[f->src_reg];
	uint64_t value = 0, at = base + (uint64_t)f->off;

	if (base == (uintptr_t)&cpu->packet->skb) {
		assert_int_equal(n, 4);
		return load_context(cpu, (size_t)f->off);
	}
	assert_true(at >= (uintptr_t)cpu->packet->b);
	assert_true(at + n <= (uintptr_t)cpu->packet->b + cpu->packet->linear);
	memcpy(&value, (const void *)(uintptr_t)at, n);
	return value;
}

static void compute(struct processor *cpu, const struct bpf_insn *f)
{
	uint64_t *to = &cpu->reg[f->dst_reg];
	const uint64_t with =
		BPF_SRC(f->code) == BPF_X ? cpu->reg[f->src_reg] : (uint64_t)(int64_t)f->imm;

	switch (BPF_OP(f->code)) {
	case BPF_MOV:
		*to = with;
		break;
	case BPF_ADD:
		*to += with;
		break;
	case BPF_AND:
		*to &= with;
		break;
	case BPF_LSH:
		*to <<= with;
		break;
	default:
		fail();
	}
}

/* bpf_skb_load_bytes() of the packet's last byte */
static void call(struct processor *cpu, const struct bpf_insn *f)
{
	const struct packet *p = cpu->packet;

	assert_int_equal(f->imm, 26);
	assert_ptr_equal((void *)(uintptr_t)cpu->reg[1], &p->skb);
	assert_int_equal(cpu->reg[2], p->skb.len - 1);
	assert_ptr_equal((void *)(uintptr_t)cpu->reg[3], cpu->stack + sizeof(cpu->stack) - 8);
	assert_int_equal(cpu->reg[4], 1);
	memset(cpu->reg, 0x5a, 6 * sizeof(*cpu->reg));
	cpu->reg[0] = p->readable || p->skb.len == p->linear ? 0 : (uint64_t)-EFAULT;
}

static bool jumps(const struct processor *cpu, const struct bpf_insn *f)
{
	const uint64_t a = cpu->reg[f->dst_reg];

	if (BPF_CLASS(f->code) == BPF_JMP && BPF_OP(f->code) == BPF_JA)
		return true;
	if (f->code == (BPF_JMP | BPF_JGT | BPF_X))
		return a > cpu->reg[f->src_reg];
	assert_int_equal(BPF_CLASS(f->code), BPF_JMP32);
	assert_int_equal(BPF_SRC(f->code), BPF_K);
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return (uint32_t)a == (uint32_t)f->imm;
	case BPF_JNE:
		return (uint32_t)a != (uint32_t)f->imm;
	case BPF_JSET:
		return (uint32_t)a & (uint32_t)f->imm;
	}
	fail();
	return false;
}

static int execute(const struct bpf_insn *f, unsigned int n, struct packet *packet)
{
	struct processor cpu = { .packet = packet };

	cpu.reg[1] = (uintptr_t)&packet->skb;
	cpu.reg[10] = (uintptr_t)cpu.stack + sizeof(cpu.stack);
	for (unsigned int i = 0; i < n; i++) {
		if (f[i].code == (BPF_JMP | BPF_EXIT))
			return (int)cpu.reg[0];
		if (f[i].code == (BPF_JMP | BPF_CALL))
			call(&cpu, &f[i]);
		else if (BPF_CLASS(f[i].code) == BPF_LDX)
			cpu.reg[f[i].dst_reg] = load(&cpu, &f[i]);
		else if (BPF_CLASS(f[i].code) == BPF_ALU64)
			compute(&cpu, &f[i]);
		else if (jumps(&cpu, &f[i]))
			i += (unsigned int)f[i].off;
	}
	fail();
	return 0;
}

/* ---------------------------------------------------------------------------------------- cases */

struct steered {
	const char *local;
	uint16_t port;
};

static struct devmem__rule flow_of(const struct steered *s)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(s->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(s->port) };
	const bool is4 = inet_pton(AF_INET, s->local, &v4.sin_addr) == 1;
	struct devmem__rule rule;

	if (!is4)
		assert_int_equal(inet_pton(AF_INET6, s->local, &v6.sin6_addr), 1);
	assert_int_equal(devmem__rule_flow(&rule,
					   is4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
					   NULL),
			 0);
	return rule;
}

/* What becomes of the packet if these flows, up to one without an address, are steered to queues 2
 * and 3. */
static int with_flows(const struct steered *s, struct packet p)
{
	static struct bpf_insn program[DEVMEM__STRAY_MAX_STEPS];
	uint32_t queue[] = { 2, BOUND };
	const struct devmem__queue_set queues = { queue, 2 };
	struct devmem__rule flows[8];
	unsigned int n = 0, steps;

	for (; s->local; s++)
		flows[n++] = flow_of(s);
	steps = devmem__stray_program(&queues, flows, n, program);
	assert_in_range(steps, 1, DEVMEM__STRAY_MAX_STEPS);
	return execute(program, steps, &p);
}

static const struct steered some[] = {
	{ "192.0.2.1", 5300 }, { "0.0.0.0", 5301 },  { "192.0.2.7", 0 }, { "2001:db8::1", 5300 },
	{ "::", 5301 },	       { "2001:db8::7", 0 }, { NULL, 0 },
};

static int with_some(struct packet p)
{
	return with_flows(some, p);
}

static void what_is_steered_passes(void **state)
{
	(void)state;
	assert_int_equal(with_some(packet4("192.0.2.1", 5300, 0)), PASS);
	assert_int_equal(with_some(packet4("192.0.2.1", 5300, 40)), PASS);
	assert_int_equal(with_some(packet4("192.0.2.9", 5301, 0)), PASS);
	assert_int_equal(with_some(packet4("192.0.2.7", 22, 0)), PASS);
	assert_int_equal(with_some(packet6("2001:db8::1", 5300)), PASS);
	assert_int_equal(with_some(packet6("2001:db8::9", 5301)), PASS);
	assert_int_equal(with_some(packet6("2001:db8::7", 22)), PASS);
}

static void what_is_not_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(with_some(packet4("192.0.2.1", 22, 0)), DROP);
	assert_int_equal(with_some(packet4("192.0.2.1", 22, 40)), DROP);
	assert_int_equal(with_some(packet4("192.0.2.9", 5300, 0)), DROP);
	assert_int_equal(with_some(packet6("2001:db8::1", 22)), DROP);
	assert_int_equal(with_some(packet6("2001:db8::9", 5300)), DROP);
	assert_int_equal(with_some(packet6("2001:db9::1", 5300)), DROP);
}

static void what_can_be_read_passes(void **state)
{
	struct packet stray = packet4("192.0.2.1", 22, 0), no_payload = stray;

	(void)state;
	stray.readable = true;
	assert_int_equal(with_some(stray), PASS);
	no_payload.skb.len = no_payload.linear;
	assert_int_equal(with_some(no_payload), PASS);
}

static void other_queues_pass(void **state)
{
	struct packet p = packet4("192.0.2.1", 22, 0);

	(void)state;
	p.skb.queue_mapping = 5 + 1;
	assert_int_equal(with_some(p), PASS);
	p.skb.queue_mapping = BOUND; /* queue 2: bound, too */
	assert_int_equal(with_some(p), DROP);
	p.skb.queue_mapping = 0; /* the driver does not tell the queue */
	assert_int_equal(with_some(p), PASS);
}

static void one_family_alone(void **state)
{
	static const struct steered v4[] = { { "0.0.0.0", 5300 }, { NULL, 0 } },
				    v6[] = { { "::", 5300 }, { NULL, 0 } };

	(void)state;
	assert_int_equal(with_flows(v4, packet4("192.0.2.1", 5300, 0)), PASS);
	assert_int_equal(with_flows(v4, packet6("2001:db8::1", 5300)), DROP);
	assert_int_equal(with_flows(v6, packet6("2001:db8::1", 5300)), PASS);
	assert_int_equal(with_flows(v6, packet4("192.0.2.1", 5300, 0)), DROP);
}

/* Between connections that are steered one by one. */
static void nothing_is_steered(void **state)
{
	static const struct steered none[] = { { NULL, 0 } };
	struct packet readable = packet4("192.0.2.1", 5300, 0);

	(void)state;
	assert_int_equal(with_flows(none, packet4("192.0.2.1", 5300, 0)), DROP);
	assert_int_equal(with_flows(none, packet6("2001:db8::1", 5300)), DROP);
	readable.readable = true;
	assert_int_equal(with_flows(none, readable), PASS);
}

static void all_of_tcp(void **state)
{
	static const struct steered all[] = {
		{ "192.0.2.1", 5300 }, { "0.0.0.0", 0 }, { "::", 0 }, { NULL, 0 }
	};
	struct packet udp = packet4("192.0.2.1", 22, 0);

	(void)state;
	assert_int_equal(with_flows(all, packet4("192.0.2.1", 22, 0)), PASS);
	assert_int_equal(with_flows(all, packet6("2001:db8::1", 22)), PASS);
	udp.b[14 + 9] = IPPROTO_UDP;
	assert_int_equal(with_flows(all, udp), DROP);
}

/* A later fragment has no ports: what is in their place may look like those of a flow. */
static void fragments(void **state)
{
	struct packet by_port = packet4("192.0.2.1", 5300, 0),
		      by_address = packet4("192.0.2.7", 22, 0), first = by_port;

	(void)state;
	by_port.b[14 + 7] = by_address.b[14 + 7] = 1;
	assert_int_equal(with_some(by_port), DROP);
	assert_int_equal(with_some(by_address), PASS);
	first.b[14 + 6] = 0x20; /* more fragments follow */
	assert_int_equal(with_some(first), PASS);
}

static void other_protocols(void **state)
{
	struct packet udp4 = packet4("192.0.2.1", 5300, 0), udp6 = packet6("2001:db8::1", 5300),
		      icmp6 = udp6, options6 = udp6, arp = udp4;

	(void)state;
	udp4.b[14 + 9] = IPPROTO_UDP;
	assert_int_equal(with_some(udp4), DROP);
	udp6.b[14 + 6] = IPPROTO_UDP;
	assert_int_equal(with_some(udp6), DROP);
	icmp6.b[14 + 6] = IPPROTO_ICMPV6;
	assert_int_equal(with_some(icmp6), DROP);
	options6.b[14 + 6] = IPPROTO_DSTOPTS; /* a steered flow may be behind it */
	assert_int_equal(with_some(options6), PASS);
	arp.skb.protocol = htons(ETH_P_ARP);
	assert_int_equal(with_some(arp), PASS);
}

/* Headers that are not in the linear part are not looked for. */
static void short_linear_parts(void **state)
{
	(void)state;
	for (unsigned int linear = 0; linear < 14 + 40 + 4; linear++) {
		struct packet p4 = packet4("192.0.2.1", 22, 20), p6 = packet6("2001:db8::1", 22);

		p4.linear = p6.linear = linear;
		assert_int_equal(with_some(p4), PASS);
		assert_int_equal(with_some(p6), PASS);
	}
}

static unsigned int steps(unsigned int nqueues, unsigned int nflows)
{
	static struct bpf_insn program[DEVMEM__STRAY_MAX_STEPS];
	const struct devmem__queue_set queues = { calloc(nqueues, 4), nqueues };
	const struct steered s = { "2001:db8:1:2:3:4:5:6", 5300 };
	struct devmem__rule *flows = calloc(nflows, sizeof(*flows));
	unsigned int n;

	for (unsigned int i = 0; i < nflows; i++)
		flows[i] = flow_of(&s);
	n = devmem__stray_program(&queues, flows, nflows, program);
	free(flows);
	free(queues.queue);
	return n;
}

static void too_many(void **state)
{
	(void)state;
	assert_in_range(steps(1024, 64), 1, DEVMEM__STRAY_MAX_STEPS);
	assert_int_equal(steps(DEVMEM__STRAY_MAX_STEPS, 1), 0);
	assert_int_equal(steps(1, DEVMEM__STRAY_MAX_STEPS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_steered_passes),
		cmocka_unit_test(what_is_not_is_dropped),
		cmocka_unit_test(what_can_be_read_passes),
		cmocka_unit_test(other_queues_pass),
		cmocka_unit_test(one_family_alone),
		cmocka_unit_test(nothing_is_steered),
		cmocka_unit_test(all_of_tcp),
		cmocka_unit_test(fragments),
		cmocka_unit_test(other_protocols),
		cmocka_unit_test(short_linear_parts),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
