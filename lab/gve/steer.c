// SPDX-License-Identifier: MIT
#include "steer.h"

#include <endian.h>
#include <string.h>

/* bits of hash_types */
#define HASH_TCPV4 (1u << 1)
#define HASH_TCPV6 (1u << 4)
#define HASH_UDPV4 (1u << 6)
#define HASH_UDPV6 (1u << 7)

/* The device has a key and a table of its own until the driver gives others. */
void steer_reset(struct steer *s, uint32_t queues)
{
	memset(s, 0, sizeof(*s));
	s->hash_types = HASH_TCPV4 | HASH_TCPV6 | HASH_UDPV4 | HASH_UDPV6;
	for (unsigned int i = 0; i < RSS_KEY_BYTES; i++)
		s->key[i] = (uint8_t)(i * 151 + 109);
	for (unsigned int i = 0; i < RSS_TABLE; i++)
		s->table[i] = i % queues;
}

/* ---------------------------------------------------------------------------------- rules */

/*
 * What masks the real device takes is not known. This one takes whole fields only, which is what
 * ethtool makes of "src-port 5" and what the library asks for.
 */
static bool whole(const void *field, size_t bytes)
{
	const unsigned char *at = field;

	if (at[0] != 0 && at[0] != 0xff)
		return false;
	return bytes == 1 || !memcmp(at, at + 1, bytes - 1);
}

static bool is_ipv6(uint16_t type)
{
	return type == FLOW_TCPV6 || type == FLOW_UDPV6;
}

/* An address of IPv4 is in the first four bytes, and the others are not used: 0. */
static bool address_is_whole(const uint8_t address[16], bool ipv6)
{
	return ipv6 ? whole(address, 16)
		    : whole(address, 4) && whole(address + 4, 12) && !address[4];
}

static bool masks_are_whole(const struct flow_spec *mask, bool ipv6)
{
	return address_is_whole(mask->src_ip, ipv6) && address_is_whole(mask->dst_ip, ipv6) &&
	       whole(&mask->src_port, 2) && whole(&mask->dst_port, 2) && !mask->tos;
}

uint32_t steer_add(struct steer *s, const struct params *p, uint32_t location,
		   const struct flow_rule *flow)
{
	const uint16_t type = be16toh(flow->type);

	if (location >= p->rules)
		return ST_OUT_OF_RANGE;
	if (s->rule[location].used)
		return ST_ALREADY_EXISTS;
	if (be16toh(flow->queue) >= p->max_queues || type >= FLOW_TYPES)
		return ST_INVALID_ARGUMENT;
	if (type != FLOW_TCPV4 && type != FLOW_UDPV4 && !is_ipv6(type))
		return ST_UNIMPLEMENTED;
	if (!masks_are_whole(&flow->mask, is_ipv6(type)))
		return ST_UNIMPLEMENTED;
	s->rule[location] = (struct rule){ .used = true, .flow = *flow };
	s->rules++;
	return ST_PASSED;
}

uint32_t steer_delete(struct steer *s, uint32_t location)
{
	if (location >= MAX_RULES)
		return ST_OUT_OF_RANGE;
	if (!s->rule[location].used)
		return ST_NOT_FOUND;
	s->rule[location].used = false;
	s->rules--;
	return ST_PASSED;
}

void steer_clear(struct steer *s)
{
	memset(s->rule, 0, sizeof(s->rule));
	s->rules = 0;
}

static bool field_matches(const void *value, const void *key, const void *mask, size_t bytes)
{
	const unsigned char *v = value, *k = key, *m = mask;

	for (size_t i = 0; i < bytes; i++)
		if ((v[i] ^ k[i]) & m[i])
			return false;
	return true;
}

static bool matches(const struct flow_rule *flow, const struct packet *p)
{
	static const enum flow_type types[2][2] = { { FLOW_TCPV4, FLOW_UDPV4 },
						    { FLOW_TCPV6, FLOW_UDPV6 } };
	const bool ipv6 = p->l3 == L3_IPV6, udp = p->l4 == L4_UDP;
	const unsigned char *const ip = p->data + p->l3_at, *const l4 = p->data + p->l4_at;
	const size_t address = ipv6 ? 16 : 4;
	const unsigned char *const src = ip + (ipv6 ? 8 : 12);

	return be16toh(flow->type) == types[ipv6][udp] &&
	       field_matches(src, flow->key.src_ip, flow->mask.src_ip, address) &&
	       field_matches(src + address, flow->key.dst_ip, flow->mask.dst_ip, address) &&
	       field_matches(l4, &flow->key.src_port, &flow->mask.src_port, 2) &&
	       field_matches(l4 + 2, &flow->key.dst_port, &flow->mask.dst_port, 2);
}

/* ------------------------------------------------------------------------------------ RSS */

static uint32_t toeplitz(const uint8_t *key, const unsigned char *input, unsigned int bytes)
{
	uint32_t window = get32(key), hash = 0;

	for (unsigned int i = 0; i < bytes; i++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			const unsigned int next = 32 + 8 * i + bit;

			if (input[i] & 0x80u >> bit)
				hash ^= window;
			window = window << 1 | (key[next / 8] >> (7 - next % 8) & 1);
		}
	return hash;
}

static bool is_hashed(const struct steer *s, const struct packet *p)
{
	static const uint16_t types[2][2] = { { HASH_TCPV4, HASH_UDPV4 },
					      { HASH_TCPV6, HASH_UDPV6 } };

	if ((p->l3 != L3_IPV4 && p->l3 != L3_IPV6) || (p->l4 != L4_TCP && p->l4 != L4_UDP))
		return false;
	return s->hash_types & types[p->l3 == L3_IPV6][p->l4 == L4_UDP];
}

/* Over addresses and ports: at most 36 bytes, and so 40 of the key. */
uint32_t steer_hash(const struct steer *s, const struct packet *p)
{
	const bool ipv6 = p->l3 == L3_IPV6;
	const unsigned int addresses = ipv6 ? 32 : 8;
	unsigned char input[36];

	if (!is_hashed(s, p))
		return 0;
	memcpy(input, p->data + p->l3_at + (ipv6 ? 8 : 12), addresses);
	memcpy(input + addresses, p->data + p->l4_at, 4);
	return toeplitz(s->key, input, addresses + 4);
}

uint32_t steer_queue(const struct steer *s, const struct packet *p, uint32_t hash)
{
	if (p->l4 == L4_TCP || p->l4 == L4_UDP)
		for (unsigned int i = 0, left = s->rules; left && i < MAX_RULES; i++) {
			if (!s->rule[i].used)
				continue;
			left--;
			if (matches(&s->rule[i].flow, p))
				return be16toh(s->rule[i].flow.queue);
		}
	return is_hashed(s, p) ? s->table[hash % RSS_TABLE] : 0;
}
