/* SPDX-License-Identifier: MIT */
/* Frames for tests of the lab's model of gve, made by other code than the model's. */
#ifndef GVE_FRAME_H
#define GVE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_ROOM (1u << 17)

/* What is in a frame; 0 is a frame of TCP over IPv4 without payload, from port 0 to port 0. */
struct frame {
	bool ipv6, udp;
	uint8_t protocol;     /* instead of TCP's or UDP's */
	uint32_t ip_options;  /* bytes */
	uint32_t tcp_options; /* bytes, of no operations (1) */
	uint8_t source[16], destination[16];
	uint16_t source_port, destination_port;
	uint32_t seq, ack;
	uint16_t id, window, fragment;
	uint8_t flags, tos;
	uint32_t payload; /* bytes, which follow from seq and their place */
};

/* Where things are in it. */
uint32_t frame_l4(const struct frame *f);
uint32_t frame_headers(const struct frame *f);

/* Writes it, with right checksums. Returns its bytes. */
uint32_t frame_write(const struct frame *f, unsigned char *to);

/* The byte of payload that has this sequence number. */
unsigned char frame_byte(uint32_t seq);

/* Sums as RFC 1071 has them, word by word: 0 if the sum that is inside is right. */
uint16_t frame_ip_sum(const unsigned char *frame, uint32_t l4);
uint16_t frame_l4_sum(const unsigned char *frame, uint32_t l4, uint32_t bytes);

#endif
