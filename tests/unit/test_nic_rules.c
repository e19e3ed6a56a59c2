// SPDX-License-Identifier: MIT
/* n-tuple rules from addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "unit.h"

#include "netlink/flow_rule.h"

static struct sockaddr *addr(struct sockaddr_storage *ss, const char *ip, uint16_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (strchr(ip, ':')) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, ip, &in6->sin6_addr), 1);
	} else {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		assert_int_equal(inet_pton(AF_INET, ip, &in->sin_addr), 1);
	}
	return (struct sockaddr *)ss;
}

/* A rule for local and, unless NULL, peer. */
static struct devmem__rule rule(const char *local, uint16_t lport, const char *peer, uint16_t pport)
{
	struct sockaddr_storage l, p;
	struct devmem__rule r;

	assert_int_equal(devmem__rule_flow(&r, addr(&l, local, lport),
					   peer ? addr(&p, peer, pport) : NULL),
			 0);
	return r;
}

static int refused(const char *local, const char *peer)
{
	struct sockaddr_storage l, p;
	struct devmem__rule r;

	return devmem__rule_flow(&r, addr(&l, local, 1), addr(&p, peer, 2));
}

static void ipv4_exact(void **state)
{
	struct devmem__rule r = rule("192.0.2.1", 5000, "192.0.2.2", 6000);

	(void)state;
	assert_int_equal(r.fs.flow_type, TCP_V4_FLOW);
	assert_int_equal(r.fs.h_u.tcp_ip4_spec.ip4dst, htonl(0xc0000201));
	assert_int_equal(r.fs.h_u.tcp_ip4_spec.ip4src, htonl(0xc0000202));
	assert_int_equal(r.fs.h_u.tcp_ip4_spec.pdst, htons(5000));
	assert_int_equal(r.fs.h_u.tcp_ip4_spec.psrc, htons(6000));
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.ip4dst, 0xffffffff);
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.ip4src, 0xffffffff);
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.pdst, 0xffff);
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.psrc, 0xffff);
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.tos, 0);
}

static void ipv4_any(void **state)
{
	struct devmem__rule r = rule("0.0.0.0", 5000, NULL, 0);

	(void)state;
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.ip4dst, 0);
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.ip4src, 0);
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.pdst, 0xffff);
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.psrc, 0);
	r = rule("192.0.2.1", 0, "0.0.0.0", 0);
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.ip4dst, 0xffffffff);
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.ip4src, 0);
	assert_int_equal(r.fs.m_u.tcp_ip4_spec.pdst, 0);
}

static void ipv6(void **state)
{
	struct devmem__rule r = rule("2001:db8::1", 5000, "2001:db8::2", 0);
	struct in6_addr want;

	(void)state;
	assert_int_equal(r.fs.flow_type, TCP_V6_FLOW);
	inet_pton(AF_INET6, "2001:db8::1", &want);
	assert_memory_equal(r.fs.h_u.tcp_ip6_spec.ip6dst, &want, 16);
	inet_pton(AF_INET6, "2001:db8::2", &want);
	assert_memory_equal(r.fs.h_u.tcp_ip6_spec.ip6src, &want, 16);
	assert_int_equal(r.fs.m_u.tcp_ip6_spec.ip6dst[3], 0xffffffff);
	assert_int_equal(r.fs.m_u.tcp_ip6_spec.pdst, 0xffff);
	assert_int_equal(r.fs.m_u.tcp_ip6_spec.psrc, 0);
	r = rule("::", 5000, NULL, 0);
	assert_int_equal(r.fs.flow_type, TCP_V6_FLOW);
	assert_int_equal(r.fs.m_u.tcp_ip6_spec.ip6dst[0], 0);
}

static void mapped_is_ipv4(void **state)
{
	struct devmem__rule a = rule("::ffff:192.0.2.1", 5000, "::ffff:192.0.2.2", 6000);
	struct devmem__rule b = rule("192.0.2.1", 5000, "192.0.2.2", 6000);
	struct devmem__rule c = rule("::ffff:192.0.2.1", 5000, "192.0.2.2", 6000);
	struct devmem__rule d = rule("::", 5000, "::ffff:192.0.2.2", 6000);
	struct devmem__rule e = rule("0.0.0.0", 5000, "192.0.2.2", 6000);

	(void)state;
	assert_true(devmem__rule_same_flow(&a, &b));
	assert_true(devmem__rule_same_flow(&a, &c));
	assert_true(devmem__rule_same_flow(&d, &e));
	a = rule("::ffff:0.0.0.0", 1, NULL, 0);
	b = rule("0.0.0.0", 1, NULL, 0);
	assert_true(devmem__rule_same_flow(&a, &b));
}

/* How many rules; the second of them. */
static int flows(const char *local, const char *peer, struct devmem__rule rules[2])
{
	struct sockaddr_storage l, p;

	return devmem__rule_flows(rules, addr(&l, local, 5000), peer ? addr(&p, peer, 6000) : NULL);
}

/* A listener at "::" has peers of both families, unless the peer is known. */
static void any_of_both_families(void **state)
{
	struct devmem__rule r[2], four = rule("0.0.0.0", 5000, NULL, 0),
				  six = rule("::", 5000, NULL, 0);

	(void)state;
	assert_int_equal(flows("::", NULL, r), 2);
	assert_true(devmem__rule_same_flow(&r[0], &six));
	assert_true(devmem__rule_same_flow(&r[1], &four));
	four = rule("0.0.0.0", 5000, "0.0.0.0", 6000);
	assert_int_equal(flows("::", "::", r), 2);
	assert_true(devmem__rule_same_flow(&r[1], &four));
	assert_int_equal(flows("0.0.0.0", NULL, r), 1);
	assert_int_equal(flows("::ffff:0.0.0.0", NULL, r), 1);
	assert_int_equal(flows("2001:db8::1", NULL, r), 1);
	assert_int_equal(flows("::", "2001:db8::2", r), 1);
	assert_int_equal(flows("::", "192.0.2.2", r), 1);
	assert_int_equal(flows("2001:db8::1", "::", r), 1);
	assert_int_equal(flows("2001:db8::1", "192.0.2.2", r), -EINVAL);
}

static void refusals(void **state)
{
	struct sockaddr unix_one = { .sa_family = AF_UNIX };
	struct sockaddr_storage ss;
	struct devmem__rule r;

	(void)state;
	assert_int_equal(devmem__rule_flow(&r, &unix_one, NULL), -EAFNOSUPPORT);
	assert_int_equal(devmem__rule_flow(&r, addr(&ss, "192.0.2.1", 1), &unix_one),
			 -EAFNOSUPPORT);
	assert_int_equal(refused("192.0.2.1", "2001:db8::1"), -EINVAL);
	assert_int_equal(refused("2001:db8::1", "192.0.2.1"), -EINVAL);
	assert_int_equal(refused("0.0.0.0", "2001:db8::1"), -EINVAL);
}

static void same_flow_or_not(void **state)
{
	struct devmem__rule a = rule("192.0.2.1", 5000, NULL, 0), b = a;

	(void)state;
	assert_true(devmem__rule_same_flow(&a, &b));
	/* bits that the mask leaves out do not count */
	b.fs.h_u.tcp_ip4_spec.psrc = 7;
	b.fs.h_u.tcp_ip4_spec.tos = 7;
	assert_true(devmem__rule_same_flow(&a, &b));
	/* nor does what is behind the fields of the type */
	b.fs.h_u.hdata[40] = b.fs.m_u.hdata[40] = 1;
	assert_true(devmem__rule_same_flow(&a, &b));
	b.fs.location = 9;
	b.fs.ring_cookie = 3;
	assert_true(devmem__rule_same_flow(&a, &b));
	b.fs.m_u.tcp_ip4_spec.tos = 0xff;
	assert_false(devmem__rule_same_flow(&a, &b));
	b = rule("192.0.2.1", 5001, NULL, 0);
	assert_false(devmem__rule_same_flow(&a, &b));
	b = rule("0.0.0.0", 5000, NULL, 0);
	assert_false(devmem__rule_same_flow(&a, &b));
	b = rule("2001:db8::1", 5000, NULL, 0);
	assert_false(devmem__rule_same_flow(&a, &b));
	b = a;
	b.fs.flow_type = UDP_V4_FLOW;
	assert_false(devmem__rule_same_flow(&a, &b));
}

static void further_fields_make_another_flow(void **state)
{
	struct devmem__rule a = rule("192.0.2.1", 5000, NULL, 0), b = a;

	(void)state;
	b.fs.h_ext.vlan_tci = htons(5);
	b.fs.m_ext.vlan_tci = 0xffff;
	/* the flag is missing: the fields are not there */
	assert_true(devmem__rule_same_flow(&a, &b));
	b.fs.flow_type |= FLOW_EXT;
	assert_false(devmem__rule_same_flow(&a, &b));
	b.fs.m_ext.vlan_tci = 0;
	assert_true(devmem__rule_same_flow(&a, &b));
	b = a;
	b.fs.flow_type |= FLOW_MAC_EXT;
	b.fs.m_ext.h_dest[5] = 0xff;
	assert_false(devmem__rule_same_flow(&a, &b));
}

static void where_it_leads(void **state)
{
	struct devmem__rule a = rule("192.0.2.1", 5000, NULL, 0), b = a;

	(void)state;
	devmem__rule_to_queue(&a, 3);
	devmem__rule_to_queue(&b, 3);
	assert_true(devmem__rule_same(&a, &b));
	devmem__rule_to_queue(&b, 2);
	assert_false(devmem__rule_same(&a, &b));
	devmem__rule_to_queue(&a, 0);
	devmem__rule_to_context(&b, 1);
	assert_true(devmem__rule_same_flow(&a, &b));
	assert_false(devmem__rule_same(&a, &b));
	devmem__rule_to_context(&a, 2);
	assert_false(devmem__rule_same(&a, &b));
	devmem__rule_to_context(&a, 1);
	assert_true(devmem__rule_same(&a, &b));
}

static void locations(void **state)
{
	struct devmem__rule taken[4] = { 0 };

	(void)state;
	assert_int_equal(devmem__rule_location(taken, 0, 0), -ENOSPC);
	assert_int_equal(devmem__rule_location(taken, 0, 1024), 1023);
	taken[0].fs.location = 1023;
	taken[1].fs.location = 1021;
	assert_int_equal(devmem__rule_location(taken, 2, 1024), 1022);
	for (uint32_t i = 0; i < 4; i++)
		taken[i].fs.location = i;
	assert_int_equal(devmem__rule_location(taken, 4, 4), -ENOSPC);
	assert_int_equal(devmem__rule_location(taken, 4, 5), 4);
}

/* What a guard is for: where a flow goes to, whoever it comes from. */
static void from_any_peer(void **state)
{
	struct sockaddr_in here4 = { .sin_family = AF_INET,
				     .sin_port = htons(5201),
				     .sin_addr.s_addr = htonl(0xc0000201) };
	struct sockaddr_in there4 = { .sin_family = AF_INET,
				      .sin_port = htons(40000),
				      .sin_addr.s_addr = htonl(0xc0000202) };
	struct sockaddr_in6 here6 = { .sin6_family = AF_INET6,
				      .sin6_port = htons(5201),
				      .sin6_addr.s6_addr = { 0x20, [15] = 1 } };
	struct sockaddr_in6 there6 = { .sin6_family = AF_INET6,
				       .sin6_port = htons(4),
				       .sin6_addr.s6_addr = { 0x20, [15] = 2 } };
	const struct sockaddr *const here[] = { (struct sockaddr *)&here4,
						(struct sockaddr *)&here6 };
	const struct sockaddr *const there[] = { (struct sockaddr *)&there4,
						 (struct sockaddr *)&there6 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct devmem__rule one, any, flow;

		assert_int_equal(devmem__rule_flow(&one, here[i], there[i]), 0);
		assert_int_equal(devmem__rule_flow(&any, here[i], NULL), 0);
		devmem__rule_to_context(&one, 3);
		assert_false(devmem__rule_same_flow(&one, &any));
		flow = devmem__rule_from_any(&one);
		assert_true(devmem__rule_same_flow(&flow, &any));
		assert_int_equal(flow.context, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_any_peer),
		cmocka_unit_test(ipv4_exact),
		cmocka_unit_test(ipv4_any),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(mapped_is_ipv4),
		cmocka_unit_test(any_of_both_families),
		cmocka_unit_test(refusals),
		cmocka_unit_test(same_flow_or_not),
		cmocka_unit_test(where_it_leads),
		cmocka_unit_test(further_fields_make_another_flow),
		cmocka_unit_test(locations),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
