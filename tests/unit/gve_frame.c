// SPDX-License-Identifier: MIT
#include "gve_frame.h"

#include <string.h>

#define ETH 14u

static void be16(unsigned char *at, uint32_t value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static void be32(unsigned char *at, uint32_t value)
{
	be16(at, value >> 16);
	be16(at + 2, value);
}

uint32_t frame_l4(const struct frame *f)
{
	return ETH + (f->ipv6 ? 40 : 20 + f->ip_options);
}

uint32_t frame_headers(const struct frame *f)
{
	return frame_l4(f) + (f->udp ? 8 : 20 + f->tcp_options);
}

unsigned char frame_byte(uint32_t seq)
{
	return (unsigned char)(seq * 2654435761u >> 24);
}

static uint32_t add(const unsigned char *at, uint32_t bytes, uint32_t sum)
{
	for (uint32_t i = 0; i < bytes; i++) {
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

uint16_t frame_ip_sum(const unsigned char *frame, uint32_t l4)
{
	return (uint16_t)~add(frame + ETH, l4 - ETH, 0);
}

uint16_t frame_l4_sum(const unsigned char *frame, uint32_t l4, uint32_t bytes)
{
	const bool ipv6 = frame[ETH] >> 4 == 6;
	unsigned char rest[8] = { 0 };
	uint32_t sum;

	sum = ipv6 ? add(frame + ETH + 8, 32, 0) : add(frame + ETH + 12, 8, 0);
	be32(rest, bytes - l4);
	rest[7] = frame[ETH + (ipv6 ? 6 : 9)];
	return (uint16_t)~add(frame + l4, bytes - l4, add(rest, 8, sum));
}

static uint8_t protocol(const struct frame *f)
{
	if (f->protocol)
		return f->protocol;
	return f->udp ? 17 : 6;
}

static void write_ip(const struct frame *f, unsigned char *to, uint32_t bytes)
{
	unsigned char *const ip = to + ETH;

	memset(to, 0x22, 12);
	be16(to + 12, f->ipv6 ? 0x86dd : 0x0800);
	if (f->ipv6) {
		be32(ip, 6u << 28 | (uint32_t)f->tos << 20);
		be16(ip + 4, bytes - ETH - 40);
		ip[6] = protocol(f);
		ip[7] = 64;
		memcpy(ip + 8, f->source, 16);
		memcpy(ip + 24, f->destination, 16);
		return;
	}
	ip[0] = (unsigned char)(0x45 + f->ip_options / 4);
	ip[1] = f->tos;
	be16(ip + 2, bytes - ETH);
	be16(ip + 4, f->id);
	be16(ip + 6, f->fragment);
	ip[8] = 64;
	ip[9] = protocol(f);
	memcpy(ip + 12, f->source, 4);
	memcpy(ip + 16, f->destination, 4);
	memset(ip + 20, 1, f->ip_options);
	be16(ip + 10, frame_ip_sum(to, frame_l4(f)));
}

static void write_l4(const struct frame *f, unsigned char *to, uint32_t bytes)
{
	const uint32_t at = frame_l4(f), sum_at = at + (f->udp ? 6 : 16);
	unsigned char *const l4 = to + at;
	uint16_t sum;

	be16(l4, f->source_port);
	be16(l4 + 2, f->destination_port);
	if (f->udp) {
		be16(l4 + 4, bytes - at);
	} else {
		be32(l4 + 4, f->seq);
		be32(l4 + 8, f->ack);
		l4[12] = (unsigned char)((20 + f->tcp_options) / 4 << 4);
		l4[13] = f->flags;
		be16(l4 + 14, f->window);
		memset(l4 + 20, 1, f->tcp_options);
	}
	sum = frame_l4_sum(to, at, bytes);
	be16(to + sum_at, sum ? sum : 0xffff);
}

uint32_t frame_write(const struct frame *f, unsigned char *to)
{
	const uint32_t headers = frame_headers(f), bytes = headers + f->payload;

	memset(to, 0, headers);
	for (uint32_t i = 0; i < f->payload; i++)
		to[headers + i] = frame_byte(f->seq + i);
	write_ip(f, to, bytes);
	write_l4(f, to, bytes);
	return bytes;
}
