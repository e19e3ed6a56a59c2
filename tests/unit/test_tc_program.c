// SPDX-License-Identifier: MIT
/* What a guard at ingress drops, by the instructions themselves. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "netlink/tc_program.h"
#include "unit.h"

#define NET (-(int64_t)SKF_NET_OFF)

static uint32_t load(const unsigned char *p, uint16_t size, int64_t at)
{
	assert_true(at >= 0 && at < 120);
	return size == BPF_B   ? p[at]
	       : size == BPF_H ? (uint32_t)(p[at] << 8 | p[at + 1])
			       : (uint32_t)p[at] << 24 | (uint32_t)p[at + 1] << 16 |
					 (uint32_t)p[at + 2] << 8 | p[at + 3];
}

/* As much of classic BPF as these programs have; @ip: a packet from its IP header on. */
static uint32_t execute(const struct sock_filter *f, unsigned int n, const unsigned char *ip)
{
	uint32_t a = 0, x = 0;

	for (unsigned int i = 0; i < n; i++) {
		const int64_t k = (int32_t)f[i].k;

		switch (BPF_CLASS(f[i].code)) {
		case BPF_LD:
			a = load(ip, BPF_SIZE(f[i].code),
				 k + NET + (BPF_MODE(f[i].code) == BPF_IND ? x : 0));
			break;
		case BPF_LDX:
			x = (ip[k + NET] & 15u) * 4;
			break;
		case BPF_JMP:
			i += (BPF_OP(f[i].code) == BPF_JSET ? (a & f[i].k) != 0 : a == f[i].k)
				     ? f[i].jt
				     : f[i].jf;
			break;
		default:
			return f[i].k;
		}
	}
	fail();
	return 0;
}

struct packet {
	unsigned char b[128];
};

static struct packet packet4(unsigned int options, const char *to, uint16_t port, uint8_t flags)
{
	struct packet p = { .b = { 0x45 } };
	unsigned char *tcp = p.b + 20 + options;

	p.b[0] = (unsigned char)(0x45 + options / 4);
	p.b[9] = IPPROTO_TCP;
	assert_int_equal(inet_pton(AF_INET, to, p.b + 16), 1);
	tcp[2] = (unsigned char)(port >> 8);
	tcp[3] = (unsigned char)port;
	tcp[13] = flags;
	return p;
}

static struct packet packet6(const char *to, uint16_t port, uint8_t flags)
{
	struct packet p = { .b = { 0x60 } };

	p.b[6] = IPPROTO_TCP;
	assert_int_equal(inet_pton(AF_INET6, to, p.b + 24), 1);
	p.b[42] = (unsigned char)(port >> 8);
	p.b[43] = (unsigned char)port;
	p.b[53] = flags;
	return p;
}

static bool dropped(const char *local, uint16_t port, struct packet p)
{
	struct sock_filter f[DEVMEM__TC_MAX_STEPS];
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool is4 = inet_pton(AF_INET, local, &v4.sin_addr) == 1;
	struct devmem__rule rule;
	unsigned int n;
	uint32_t result;

	if (!is4)
		assert_int_equal(inet_pton(AF_INET6, local, &v6.sin6_addr), 1);
	assert_int_equal(devmem__rule_flow(&rule,
					   is4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
					   NULL),
			 0);
	n = devmem__tc_program(&rule, f);
	assert_true(n <= DEVMEM__TC_MAX_STEPS);
	result = execute(f, n, p.b);
	assert_true(!result || result == UINT32_MAX);
	return result;
}

#define ACK 0x10
#define URG 0x20

static void urgent_data_of_the_flow(void **state)
{
	(void)state;
	assert_true(dropped("0.0.0.0", 5201, packet4(0, "192.0.2.1", 5201, ACK | URG)));
	assert_true(dropped("192.0.2.1", 5201, packet4(0, "192.0.2.1", 5201, URG)));
	assert_true(dropped("192.0.2.1", 0, packet4(0, "192.0.2.1", 7, ACK | URG)));
	assert_true(dropped("192.0.2.1", 5201, packet4(40, "192.0.2.1", 5201, ACK | URG)));
	assert_true(dropped("::", 5201, packet6("2001:db8::1", 5201, ACK | URG)));
	assert_true(dropped("2001:db8::1", 5201, packet6("2001:db8::1", 5201, ACK | URG)));
	assert_true(dropped("::", 0, packet6("2001:db8::1", 5201, ACK | URG)));
}

static void nothing_else(void **state)
{
	struct packet udp = packet4(0, "192.0.2.1", 5201, ACK | URG), later = udp,
		      udp6 = packet6("2001:db8::1", 5201, URG);

	(void)state;
	assert_false(dropped("0.0.0.0", 5201, packet4(0, "192.0.2.1", 5201, ACK)));
	assert_false(dropped("0.0.0.0", 5201, packet4(0, "192.0.2.1", 5201, 0xff & ~URG)));
	assert_false(dropped("0.0.0.0", 5201, packet4(0, "192.0.2.1", 5202, ACK | URG)));
	assert_false(dropped("192.0.2.1", 5201, packet4(0, "192.0.2.2", 5201, ACK | URG)));
	assert_false(dropped("::", 5201, packet6("2001:db8::1", 5201, ACK)));
	assert_false(dropped("::", 5201, packet6("2001:db8::1", 5202, ACK | URG)));
	assert_false(dropped("2001:db8::1", 5201, packet6("2001:db8::2", 5201, ACK | URG)));
	assert_false(dropped("2001:db8::1", 5201, packet6("2001:db9::1", 5201, ACK | URG)));
	udp.b[9] = IPPROTO_UDP;
	assert_false(dropped("0.0.0.0", 5201, udp));
	udp6.b[6] = IPPROTO_UDP;
	assert_false(dropped("::", 5201, udp6));
	later.b[7] = 1; /* a fragment: there is no TCP header in it */
	assert_false(dropped("0.0.0.0", 5201, later));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urgent_data_of_the_flow),
		cmocka_unit_test(nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
