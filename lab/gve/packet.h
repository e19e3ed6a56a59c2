/* SPDX-License-Identifier: MIT */
/* Ethernet frames: what is in them, and their checksums. */
#ifndef GVE_PACKET_H
#define GVE_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

#define ETH_BYTES 14u
#define MAX_FRAME (1u << 16) /* also of what RSC merges */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_CWR 0x80

/* A frame whose headers were read. Offsets are from its first byte. */
struct packet {
	unsigned char *data;
	uint32_t bytes;
	enum l3 l3;
	enum l4 l4;
	bool ip_options;		   /* IPv6: there are extension headers */
	uint32_t l3_at, l4_at, payload_at; /* payload_at: behind the last header that was read */
};

/* Reads the headers of @bytes at @data. It never looks behind them. */
void packet_parse(struct packet *p, unsigned char *data, uint32_t bytes);

/* The number by which completions name this kind of packet, and what each number means. */
uint16_t packet_type(const struct packet *p);
void packet_type_map(uint8_t map[2 * PTYPES]);

bool packet_ip_checksum_ok(const struct packet *p); /* true of IPv6 */
bool packet_l4_checksum_ok(const struct packet *p);

/* Writes lengths and checksums that follow from the frame's length and contents. */
void packet_set_lengths(struct packet *p);
void packet_set_checksums(struct packet *p, bool ip, bool l4);

uint16_t get16(const unsigned char *at);
uint32_t get32(const unsigned char *at);
void put16(unsigned char *at, uint16_t value);
void put32(unsigned char *at, uint32_t value);

#endif
