// SPDX-License-Identifier: MIT
#include "packet.h"

#include <endian.h>
#include <string.h>

#define ETH_IPV4 0x0800
#define ETH_IPV6 0x86dd

#define PROTO_ICMP   1
#define PROTO_TCP    6
#define PROTO_UDP    17
#define PROTO_ICMPV6 58
#define PROTO_SCTP   132

uint16_t get16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t get32(const unsigned char *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

void put16(unsigned char *at, uint16_t value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

void put32(unsigned char *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

static enum l4 l4_of(unsigned int protocol)
{
	switch (protocol) {
	case PROTO_TCP:
		return L4_TCP;
	case PROTO_UDP:
		return L4_UDP;
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		return L4_ICMP;
	case PROTO_SCTP:
		return L4_SCTP;
	default:
		return L4_OTHER;
	}
}

/* Ports and checksum are read of whole headers alone, so TCP and UDP have one or are L4_OTHER. */
static void parse_l4(struct packet *p, unsigned int protocol)
{
	const unsigned char *const at = p->data + p->l4_at;
	const uint32_t left = p->bytes - p->l4_at;
	uint32_t header = 0;

	p->l4 = l4_of(protocol);
	if (p->l4 == L4_TCP)
		header = left >= 20 ? (uint32_t)(at[12] >> 4) * 4 : 0;
	else if (p->l4 == L4_UDP)
		header = 8;
	else
		return;
	if (header < (p->l4 == L4_TCP ? 20u : 8u) || header > left)
		p->l4 = L4_OTHER;
	else
		p->payload_at = p->l4_at + header;
}

/* Bytes behind the length that IP gives are padding of a short frame. */
static bool cut(struct packet *p, uint32_t ip_bytes)
{
	if (p->l3_at + ip_bytes > p->bytes)
		return false;
	p->bytes = p->l3_at + ip_bytes;
	return true;
}

static void parse_ipv4(struct packet *p)
{
	const unsigned char *const at = p->data + p->l3_at;
	const uint32_t left = p->bytes - p->l3_at;
	uint32_t header;

	if (left < 20)
		return;
	header = (at[0] & 15u) * 4;
	if (at[0] >> 4 != 4 || header < 20 || header > left || get16(at + 2) < header ||
	    !cut(p, get16(at + 2)))
		return;
	p->l3 = L3_IPV4;
	p->l4_at = p->payload_at = p->l3_at + header;
	p->l4 = L4_OTHER;
	if (!(get16(at + 6) & 0x3fff)) /* not a fragment */
		parse_l4(p, at[9]);
}

static void parse_ipv6(struct packet *p)
{
	const unsigned char *const at = p->data + p->l3_at;

	if (p->bytes - p->l3_at < 40 || at[0] >> 4 != 6 || !cut(p, 40u + get16(at + 4)))
		return;
	p->l3 = L3_IPV6;
	p->l4_at = p->payload_at = p->l3_at + 40;
	parse_l4(p, at[6]);
	p->ip_options = p->l4 == L4_OTHER && (at[6] == 0 || at[6] == 43 || at[6] == 60);
}

void packet_parse(struct packet *p, unsigned char *data, uint32_t bytes)
{
	*p = (struct packet){ .data = data, .bytes = bytes };
	if (bytes < ETH_BYTES)
		return;
	p->l3_at = p->l4_at = p->payload_at = ETH_BYTES;
	if (get16(data + 12) == ETH_IPV4)
		parse_ipv4(p);
	else if (get16(data + 12) == ETH_IPV6)
		parse_ipv6(p);
}

/* L3 in the third digit, L4 in the last one. The driver learns it from the map, whatever it is. */
uint16_t packet_type(const struct packet *p)
{
	return (uint16_t)(p->l3 << 4 | p->l4);
}

void packet_type_map(uint8_t map[2 * PTYPES])
{
	memset(map, 0, 2 * PTYPES);
	for (unsigned int l3 = L3_UNKNOWN; l3 <= L3_IPV6; l3++)
		for (unsigned int l4 = L4_UNKNOWN; l4 <= L4_SCTP; l4++) {
			const unsigned int type = l3 << 4 | l4;

			map[2 * type] = (uint8_t)l3;
			map[2 * type + 1] = (uint8_t)l4;
		}
}

/* ------------------------------------------------------------------------------- checksums */

/* The sum of 16-bit words in memory order; folded, it is the same in network order. */
static uint64_t sum(const unsigned char *at, uint32_t bytes, uint64_t total)
{
	uint32_t word;

	for (; bytes >= 4; at += 4, bytes -= 4) {
		memcpy(&word, at, 4);
		total += word;
	}
	if (bytes) {
		word = 0;
		memcpy(&word, at, bytes);
		total += word;
	}
	return total;
}

static uint16_t fold(uint64_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htobe16((uint16_t)total);
}

static uint16_t ip_sum(const struct packet *p)
{
	return fold(sum(p->data + p->l3_at, p->l4_at - p->l3_at, 0));
}

/* Pseudo header, header and payload. */
static uint16_t l4_sum(const struct packet *p)
{
	const unsigned char *const ip = p->data + p->l3_at;
	const uint32_t bytes = p->bytes - p->l4_at;
	unsigned char rest[8] = { 0 };
	uint64_t total;

	total = p->l3 == L3_IPV4 ? sum(ip + 12, 8, 0) : sum(ip + 8, 32, 0);
	put32(rest, bytes);
	rest[7] = p->l4 == L4_TCP ? PROTO_TCP : PROTO_UDP;
	return fold(sum(p->data + p->l4_at, bytes, sum(rest, 8, total)));
}

bool packet_ip_checksum_ok(const struct packet *p)
{
	return p->l3 != L3_IPV4 || ip_sum(p) == 0xffff;
}

static uint32_t checksum_at(const struct packet *p)
{
	return p->l4_at + (p->l4 == L4_TCP ? 16 : 6);
}

bool packet_l4_checksum_ok(const struct packet *p)
{
	if (p->l4 != L4_TCP && p->l4 != L4_UDP)
		return true;
	if (p->l4 == L4_UDP && !get16(p->data + checksum_at(p)))
		return true; /* the sender made none */
	return l4_sum(p) == 0xffff;
}

void packet_set_lengths(struct packet *p)
{
	unsigned char *const ip = p->data + p->l3_at;

	if (p->l3 == L3_IPV4)
		put16(ip + 2, (uint16_t)(p->bytes - p->l3_at));
	else if (p->l3 == L3_IPV6)
		put16(ip + 4, (uint16_t)(p->bytes - p->l3_at - 40));
	if (p->l4 == L4_UDP)
		put16(p->data + p->l4_at + 4, (uint16_t)(p->bytes - p->l4_at));
}

void packet_set_checksums(struct packet *p, bool ip, bool l4)
{
	unsigned char *at;
	uint16_t value;

	if (ip && p->l3 == L3_IPV4) {
		at = p->data + p->l3_at + 10;
		put16(at, 0);
		put16(at, (uint16_t)~ip_sum(p));
	}
	if (!l4 || (p->l4 != L4_TCP && p->l4 != L4_UDP))
		return;
	at = p->data + checksum_at(p);
	put16(at, 0);
	value = (uint16_t)~l4_sum(p);
	put16(at, value ? value : 0xffff); /* 0 would mean: none */
}
