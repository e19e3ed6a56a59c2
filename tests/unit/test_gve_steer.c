// SPDX-License-Identifier: MIT
/* The lab's model of gve: which queue a packet comes through. */
#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

#include "gve_frame.h"
#include "steer.h"
#include "unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct params params = { .queues = 4, .max_queues = 8, .rules = 16 };
static unsigned char data[FRAME_ROOM];
static struct steer steer;

static int set_up(void **state)
{
	(void)state;
	steer_reset(&steer, params.queues);
	return 0;
}

static struct frame flow(const char *from, uint16_t from_port, const char *to, uint16_t to_port)
{
	struct frame f = { .ipv6 = strchr(from, ':') != NULL,
			   .source_port = from_port,
			   .destination_port = to_port,
			   .payload = 10 };
	const int family = f.ipv6 ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(family, from, f.source), 1);
	assert_int_equal(inet_pton(family, to, f.destination), 1);
	return f;
}

static struct packet packet_of(const struct frame *f)
{
	struct packet p;

	packet_parse(&p, data, frame_write(f, data));
	return p;
}

static uint32_t hash(struct frame f)
{
	const struct packet p = packet_of(&f);

	return steer_hash(&steer, &p);
}

static uint32_t queue(struct frame f)
{
	const struct packet p = packet_of(&f);

	return steer_queue(&steer, &p, steer_hash(&steer, &p));
}

/* ------------------------------------------------------------------------------------ RSS */

static const uint8_t published_key[RSS_KEY_BYTES] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* Microsoft, "Verifying the RSS Hash Calculation". */
static void published_vectors(void **state)
{
	struct frame f;

	(void)state;
	memcpy(steer.key, published_key, sizeof(published_key));
	assert_int_equal(hash(flow("66.9.149.187", 2794, "161.142.100.80", 1766)), 0x51ccc178);
	assert_int_equal(hash(flow("199.92.111.2", 14230, "65.69.140.83", 4739)), 0xc626b0ea);
	f = flow("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766);
	assert_int_equal(hash(f), 0x40207d3d);
	f.udp = true;
	assert_int_equal(hash(f), 0x40207d3d);
}

static void only_kinds_that_were_asked_for_are_hashed(void **state)
{
	static const uint16_t bits[2][2] = { { 1 << 1, 1 << 6 }, { 1 << 4, 1 << 7 } };

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++)
		for (int udp = 0; udp < 2; udp++) {
			struct frame f = ipv6 ? flow("2001:db8::1", 1, "2001:db8::2", 2)
					      : flow("192.0.2.1", 1, "192.0.2.2", 2);

			f.udp = udp;
			steer.hash_types = bits[ipv6][udp];
			assert_int_not_equal(hash(f), 0);
			steer.hash_types = (uint16_t)~bits[ipv6][udp];
			assert_int_equal(hash(f), 0);
			assert_int_equal(queue(f), 0);
			f.protocol = 47;
			steer.hash_types = 0xffff;
			assert_int_equal(hash(f), 0);
		}
}

static void the_table_has_the_queue(void **state)
{
	struct frame f = flow("192.0.2.1", 0, "192.0.2.2", 5300);
	bool seen[RSS_TABLE] = { false };
	unsigned int n = 0;

	(void)state;
	for (unsigned int i = 0; i < RSS_TABLE; i++)
		assert_int_equal(steer.table[i], i % params.queues);
	for (unsigned int i = 0; i < RSS_TABLE; i++)
		steer.table[i] = i; /* more than there are, to see them all */
	for (f.source_port = 1; f.source_port < 2000; f.source_port++) {
		assert_int_equal(queue(f), hash(f) % RSS_TABLE);
		n += !seen[queue(f)];
		seen[queue(f)] = true;
	}
	assert_int_equal(n, RSS_TABLE);
}

/* ---------------------------------------------------------------------------------- rules */

enum { ANY, PORTS, ALL };

/* A rule for this flow: all of it, only ports, or any of its kind. */
static struct flow_rule rule(const struct frame *f, int what, uint16_t to)
{
	const size_t address = f->ipv6 ? 16 : 4;
	struct flow_rule r = {
		.type = htobe16((uint16_t)(f->ipv6 ? (f->udp ? FLOW_UDPV6 : FLOW_TCPV6)
						   : (f->udp ? FLOW_UDPV4 : FLOW_TCPV4))),
		.queue = htobe16(to),
	};

	memcpy(r.key.src_ip, f->source, address);
	memcpy(r.key.dst_ip, f->destination, address);
	r.key.src_port = htobe16(f->source_port);
	r.key.dst_port = htobe16(f->destination_port);
	if (what == ALL) {
		memset(r.mask.src_ip, 0xff, address);
		memset(r.mask.dst_ip, 0xff, address);
	}
	if (what >= PORTS)
		r.mask.src_port = r.mask.dst_port = 0xffff;
	return r;
}

static uint32_t add(uint32_t location, struct flow_rule r)
{
	return steer_add(&steer, &params, location, &r);
}

static void a_rule_leads_its_flow(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RSS_TABLE; i++)
		steer.table[i] = 7;
	for (unsigned int kind = 0; kind < 4; kind++) {
		struct frame f = kind & 1 ? flow("2001:db8::1", 1000, "2001:db8::2", 5300)
					  : flow("192.0.2.1", 1000, "192.0.2.2", 5300);
		struct frame other;

		f.udp = kind & 2;
		assert_int_equal(add(kind, rule(&f, ALL, (uint16_t)(kind + 1))), ST_PASSED);
		assert_int_equal(queue(f), kind + 1);
		other = f;
		other.udp = !f.udp;
		assert_int_equal(queue(other), kind & 2 ? kind - 1 : 7);
		other = f;
		other.source_port++;
		assert_int_equal(queue(other), 7);
		other = f;
		other.destination_port--;
		assert_int_equal(queue(other), 7);
		other = f;
		other.source[f.ipv6 ? 15 : 3] ^= 1;
		assert_int_equal(queue(other), 7);
		other = f;
		other.destination[0] ^= 0x80;
		assert_int_equal(queue(other), 7);
	}
}

static void fields_without_a_mask_are_not_looked_at(void **state)
{
	struct frame f = flow("192.0.2.1", 1000, "192.0.2.2", 5300);

	(void)state;
	assert_int_equal(add(0, rule(&f, PORTS, 5)), ST_PASSED);
	f.source[0] = f.destination[3] = 77;
	assert_int_equal(queue(f), 5);
	f.source_port++;
	assert_int_not_equal(queue(f), 5);
	assert_int_equal(add(1, rule(&f, ANY, 6)), ST_PASSED);
	f.source_port += 9;
	assert_int_equal(queue(f), 6);
}

static void the_first_location_wins(void **state)
{
	const struct frame f = flow("192.0.2.1", 1000, "192.0.2.2", 5300);

	(void)state;
	assert_int_equal(add(9, rule(&f, ALL, 1)), ST_PASSED);
	assert_int_equal(add(15, rule(&f, ANY, 2)), ST_PASSED);
	assert_int_equal(queue(f), 1);
	assert_int_equal(add(3, rule(&f, ANY, 3)), ST_PASSED);
	assert_int_equal(queue(f), 3);
	assert_int_equal(steer_delete(&steer, 3), ST_PASSED);
	assert_int_equal(queue(f), 1);
	assert_int_equal(steer_delete(&steer, 9), ST_PASSED);
	assert_int_equal(queue(f), 2);
	steer_clear(&steer);
	assert_int_equal(queue(f), steer.table[hash(f) % RSS_TABLE]);
	assert_int_equal(steer.rules, 0);
}

static void rules_that_are_refused(void **state)
{
	const struct frame f = flow("192.0.2.1", 1000, "192.0.2.2", 5300);
	struct flow_rule r = rule(&f, ALL, 1);

	(void)state;
	assert_int_equal(add(params.rules, r), ST_OUT_OF_RANGE);
	assert_int_equal(add(UINT32_MAX, r), ST_OUT_OF_RANGE);
	assert_int_equal(add(params.rules - 1, r), ST_PASSED);
	assert_int_equal(add(params.rules - 1, r), ST_ALREADY_EXISTS);
	assert_int_equal(steer_delete(&steer, 0), ST_NOT_FOUND);
	assert_int_equal(steer_delete(&steer, MAX_RULES), ST_OUT_OF_RANGE);
	r.queue = htobe16(8); /* a queue that cannot be */
	assert_int_equal(add(0, r), ST_INVALID_ARGUMENT);
	r.queue = htobe16(7); /* one that can, and may not be yet */
	assert_int_equal(add(0, r), ST_PASSED);
	r.type = htobe16(2); /* SCTP */
	assert_int_equal(add(1, r), ST_UNIMPLEMENTED);
	r.type = htobe16(FLOW_TYPES);
	assert_int_equal(add(1, r), ST_INVALID_ARGUMENT);
	assert_int_equal(steer.rules, 2);
}

/* Each byte of the mask by itself: a field is asked for as a whole, or not at all. */
static void masks_are_of_whole_fields(void **state)
{
	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		const struct frame f = ipv6 ? flow("2001:db8::1", 1000, "2001:db8::2", 5300)
					    : flow("192.0.2.1", 1000, "192.0.2.2", 5300);

		for (size_t at = 0; at < sizeof(struct flow_spec); at++) {
			struct flow_rule r = rule(&f, ALL, 1);

			if (at == offsetof(struct flow_spec, padding))
				break;
			((unsigned char *)&r.mask)[at] ^= 0x0f;
			assert_int_equal(add(0, r), ST_UNIMPLEMENTED);
			((unsigned char *)&r.mask)[at] ^= 0xf0;
			assert_int_equal(add(0, r), ST_UNIMPLEMENTED);
		}
	}
}

static void a_prefix_is_no_whole_address(void **state)
{
	const struct frame four = flow("192.0.2.1", 1000, "192.0.2.2", 5300);
	const struct frame six = flow("2001:db8::1", 1000, "2001:db8::2", 5300);
	struct flow_rule r = rule(&six, PORTS, 1);

	(void)state;
	memset(r.mask.dst_ip, 0xff, 4);
	assert_int_equal(add(0, r), ST_UNIMPLEMENTED);
	r = rule(&six, PORTS, 1);
	memset(r.mask.src_ip + 4, 0xff, 12);
	assert_int_equal(add(0, r), ST_UNIMPLEMENTED);
	r = rule(&four, PORTS, 1);
	memset(r.mask.src_ip, 0xff, 16); /* IPv4's are of four bytes */
	assert_int_equal(add(0, r), ST_UNIMPLEMENTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(published_vectors, set_up),
		cmocka_unit_test_setup(only_kinds_that_were_asked_for_are_hashed, set_up),
		cmocka_unit_test_setup(the_table_has_the_queue, set_up),
		cmocka_unit_test_setup(a_rule_leads_its_flow, set_up),
		cmocka_unit_test_setup(fields_without_a_mask_are_not_looked_at, set_up),
		cmocka_unit_test_setup(the_first_location_wins, set_up),
		cmocka_unit_test_setup(rules_that_are_refused, set_up),
		cmocka_unit_test_setup(masks_are_of_whole_fields, set_up),
		cmocka_unit_test_setup(a_prefix_is_no_whole_address, set_up),
	};

	return cmocka_run_group_tests_name("gve_steer", tests, NULL, NULL);
}
