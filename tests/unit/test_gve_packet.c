// SPDX-License-Identifier: MIT
/* The lab's model of gve: what it reads in a frame, good or damaged, and its checksums, compared
 * with plain ones. */
#include <stdlib.h>
#include <string.h>

#include "gve_frame.h"
#include "packet.h"
#include "unit.h"

#define ETH	 14u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static unsigned char data[FRAME_ROOM];

static const struct frame tcp4 = { .source = { 192, 0, 2, 1 },
				   .destination = { 192, 0, 2, 2 },
				   .source_port = 1000,
				   .destination_port = 5300,
				   .seq = 0xfffffff0u,
				   .flags = TCP_ACK,
				   .payload = 100 };

static struct packet parsed(uint32_t bytes)
{
	struct packet p;

	packet_parse(&p, data, bytes);
	return p;
}

/* Each combination of protocols, options and lengths: even, odd and large. */
static void each_frame(void (*check)(const struct frame *f, uint32_t bytes))
{
	static const uint32_t options[] = { 0, 4, 12, 40 },
			      payload[] = { 0, 1, 2, 3, 4, 1448, 9000 };

	for (unsigned int kind = 0; kind < 4; kind++)
		for (unsigned int o = 0; o < COUNT(options); o++)
			for (unsigned int n = 0; n < COUNT(payload); n++) {
				struct frame f = tcp4;

				f.ipv6 = kind & 1;
				f.udp = kind & 2;
				f.ip_options = f.ipv6 ? 0 : options[o];
				f.tcp_options = f.udp ? 0 : options[COUNT(options) - 1 - o];
				f.payload = payload[n];
				check(&f, frame_write(&f, data));
			}
}

static void check_headers(const struct frame *f, uint32_t bytes)
{
	const struct packet p = parsed(bytes);

	assert_ptr_equal(p.data, data);
	assert_int_equal(p.bytes, bytes);
	assert_int_equal(p.l3, f->ipv6 ? L3_IPV6 : L3_IPV4);
	assert_int_equal(p.l4, f->udp ? L4_UDP : L4_TCP);
	assert_int_equal(p.l3_at, ETH);
	assert_int_equal(p.l4_at, frame_l4(f));
	assert_int_equal(p.payload_at, frame_headers(f));
	assert_false(p.ip_options);
}

static void headers_are_found(void **state)
{
	(void)state;
	each_frame(check_headers);
}

/* A short frame is padded to 60 bytes: what is behind the length that IP gives is no payload. */
static void padding_is_cut_off(void **state)
{
	struct frame f = tcp4;
	struct packet p;

	(void)state;
	f.payload = 1;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		f.ipv6 = ipv6;
		const uint32_t bytes = frame_write(&f, data);

		memset(data + bytes, 0xee, 10);
		p = parsed(bytes + 10);
		assert_int_equal(p.bytes, bytes);
		assert_true(packet_l4_checksum_ok(&p));
	}
}

/* In memory of its own, so that a sanitizer sees its end. */
static void check_prefixes(const struct frame *f, uint32_t bytes)
{
	if (bytes > 200)
		return;
	for (uint32_t n = 0; n < bytes; n++) {
		unsigned char *const copy = malloc(n ? n : 1);
		struct packet p;

		assert_non_null(copy);
		memcpy(copy, data, n);
		packet_parse(&p, copy, n);
		assert_int_equal(p.l3, L3_UNKNOWN); /* IP says that there is more */
		assert_int_equal(p.l4, L4_UNKNOWN);
		assert_true(p.bytes <= n && p.payload_at <= n);
		assert_true(packet_ip_checksum_ok(&p) && packet_l4_checksum_ok(&p));
		packet_set_checksums(&p, true, true);
		assert_memory_equal(copy, data, n);
		free(copy);
	}
	(void)f;
}

static void a_frame_that_ends_early_is_no_ip(void **state)
{
	(void)state;
	each_frame(check_prefixes);
}

/* Whole IP, but not a whole header of TCP or UDP in it. */
static void a_header_that_is_not_whole_is_no_tcp(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 4; kind++) {
		struct frame f = tcp4;

		f.ipv6 = kind & 1;
		f.udp = kind & 2;
		f.payload = 0;
		frame_write(&f, data);
		for (uint32_t l4 = 0; l4 < (f.udp ? 8u : 20u); l4++) {
			const uint32_t bytes = frame_l4(&f) + l4;
			unsigned char *const copy = malloc(bytes);
			struct packet p;

			assert_non_null(copy);
			memcpy(copy, data, bytes);
			put16(copy + ETH + (f.ipv6 ? 4 : 2), (uint16_t)(f.ipv6 ? l4 : bytes - ETH));
			packet_parse(&p, copy, bytes);
			assert_int_equal(p.l3, f.ipv6 ? L3_IPV6 : L3_IPV4);
			assert_int_equal(p.l4, L4_OTHER);
			assert_int_equal(p.payload_at, frame_l4(&f));
			assert_true(packet_l4_checksum_ok(&p));
			free(copy);
		}
	}
}

static struct packet with_byte(const struct frame *f, uint32_t at, unsigned char value)
{
	const uint32_t bytes = frame_write(f, data);

	data[at] = value;
	return parsed(bytes);
}

static void wrong_ip_headers(void **state)
{
	struct frame six = tcp4;

	(void)state;
	six.ipv6 = true;
	assert_int_equal(with_byte(&tcp4, ETH, 0x44).l3, L3_UNKNOWN); /* a header of 16 bytes */
	assert_int_equal(with_byte(&tcp4, ETH, 0x65).l3, L3_UNKNOWN); /* the other version */
	assert_int_equal(with_byte(&six, ETH, 0x40).l3, L3_UNKNOWN);
	assert_int_equal(with_byte(&tcp4, ETH + 2, 0xff).l3,
			 L3_UNKNOWN); /* longer than the frame */
	assert_int_equal(with_byte(&six, ETH + 4, 0xff).l3, L3_UNKNOWN);
	assert_int_equal(with_byte(&tcp4, ETH + 3, 19).l3, L3_UNKNOWN); /* than its own header */
	assert_int_equal(with_byte(&tcp4, 12, 0x86).l3, L3_UNKNOWN);	/* no type that is known */
	/* options to the frame's end, and behind it */
	assert_int_equal(with_byte(&tcp4, ETH, 0x4f).l3, L3_IPV4);
	six = tcp4;
	six.payload = 0;
	assert_int_equal(with_byte(&six, ETH, 0x4f).l3, L3_UNKNOWN);
}

static void wrong_tcp_headers(void **state)
{
	const uint32_t offset = frame_l4(&tcp4) + 12;

	(void)state;
	assert_int_equal(with_byte(&tcp4, offset, 0x40).l4, L4_OTHER);
	assert_int_equal(with_byte(&tcp4, offset, 0xf0).payload_at, frame_l4(&tcp4) + 60);
	assert_int_equal(with_byte(&tcp4, offset, 0xf0).l4, L4_TCP);
}

static void a_fragment_has_no_ports(void **state)
{
	static const struct {
		uint16_t fragment;
		enum l4 l4;
	} all[] = { { 0x4000, L4_TCP },
		    { 0x2000, L4_OTHER },
		    { 0x0001, L4_OTHER },
		    { 0x1fff, L4_OTHER },
		    { 0x8000, L4_TCP } };

	(void)state;
	for (unsigned int i = 0; i < COUNT(all); i++) {
		struct frame f = tcp4;

		f.fragment = all[i].fragment;
		assert_int_equal(parsed(frame_write(&f, data)).l4, all[i].l4);
		assert_int_equal(parsed(frame_write(&f, data)).l3, L3_IPV4);
	}
}

static void other_protocols(void **state)
{
	static const struct {
		bool ipv6;
		uint8_t protocol;
		enum l4 l4;
		bool options;
	} all[] = { { false, 1, L4_ICMP, false },  { true, 58, L4_ICMP, false },
		    { true, 132, L4_SCTP, false }, { false, 47, L4_OTHER, false },
		    { true, 0, L4_OTHER, true },   { true, 43, L4_OTHER, true },
		    { true, 60, L4_OTHER, true },  { true, 44, L4_OTHER, false },
		    { false, 60, L4_OTHER, false } };

	uint8_t map[2 * PTYPES];

	(void)state;
	packet_type_map(map);
	for (unsigned int i = 0; i < COUNT(all); i++) {
		struct frame f = tcp4;
		struct packet p;

		f.ipv6 = all[i].ipv6;
		f.protocol = all[i].protocol;
		/* hop-by-hop options are 0, which the maker of frames takes for TCP */
		frame_write(&f, data);
		if (f.ipv6)
			data[ETH + 6] = all[i].protocol;
		p = parsed(frame_headers(&f) + f.payload);
		assert_int_equal(p.l4, all[i].l4);
		assert_int_equal(map[2 * packet_type(&p) + 1], all[i].l4);
		assert_int_equal(p.ip_options, all[i].options);
		assert_int_equal(p.payload_at, frame_l4(&f));
	}
}

/* The driver learns the meaning of a type from the map. */
static void check_type(const struct frame *f, uint32_t bytes)
{
	const struct packet p = parsed(bytes);
	uint8_t map[2 * PTYPES];

	packet_type_map(map);
	assert_int_equal(map[2 * packet_type(&p)], f->ipv6 ? 3 : 2);
	assert_int_equal(map[2 * packet_type(&p) + 1], f->udp ? 3 : 2);
}

static void types_are_in_the_map(void **state)
{
	uint8_t map[2 * PTYPES];
	struct packet p;

	(void)state;
	each_frame(check_type);
	packet_parse(&p, data, 0);
	packet_type_map(map);
	assert_int_equal(map[2 * packet_type(&p)], 0);
	assert_int_equal(map[2 * packet_type(&p) + 1], 0);
}

/* Right ones are, and any byte that is changed is seen: in IP's header by IP's, behind it by the
 * other. */
static void check_checksums(const struct frame *f, uint32_t bytes)
{
	struct packet p = parsed(bytes);

	assert_true(packet_ip_checksum_ok(&p));
	assert_true(packet_l4_checksum_ok(&p));
	for (uint32_t at = p.l4_at; at < bytes; at += at < p.payload_at ? 1 : 97) {
		data[at] ^= 0x10;
		assert_false(packet_l4_checksum_ok(&p));
		data[at] ^= 0x10;
	}
	for (uint32_t at = ETH; !f->ipv6 && at < p.l4_at; at++) {
		data[at] ^= 0x10;
		assert_false(packet_ip_checksum_ok(&p));
		data[at] ^= 0x10;
	}
	data[ETH + (f->ipv6 ? 8 : 12)] ^= 1; /* addresses belong to both */
	assert_false(packet_l4_checksum_ok(&p));
	assert_int_equal(packet_ip_checksum_ok(&p), f->ipv6);
}

static void checksums_are_checked(void **state)
{
	(void)state;
	each_frame(check_checksums);
}

static void check_set(const struct frame *f, uint32_t bytes)
{
	static unsigned char good[FRAME_ROOM];
	struct packet p = parsed(bytes);
	const uint32_t l4_sum = p.l4_at + (f->udp ? 6 : 16);

	memcpy(good, data, bytes);
	data[l4_sum] = 0xaa;
	if (!f->ipv6)
		data[ETH + 10] = 0xaa;
	packet_set_checksums(&p, false, false);
	assert_int_equal(data[l4_sum], 0xaa);
	packet_set_checksums(&p, true, false);
	assert_int_equal(data[l4_sum], 0xaa);
	packet_set_checksums(&p, false, true);
	assert_memory_equal(data, good, bytes);

	p.bytes = bytes - f->payload / 2; /* lengths follow the frame's */
	packet_set_lengths(&p);
	packet_set_checksums(&p, true, true);
	assert_int_equal(parsed(bytes).bytes, p.bytes);
	assert_int_equal(frame_l4_sum(data, p.l4_at, p.bytes), 0);
	assert_int_equal(f->ipv6 ? 0 : frame_ip_sum(data, p.l4_at), 0);
	if (f->udp)
		assert_int_equal(get16(data + p.l4_at + 4), p.bytes - p.l4_at);
}

static void checksums_and_lengths_are_set(void **state)
{
	(void)state;
	each_frame(check_set);
}

/* 0 says that there is none, so a sum of 0 is written as its other form. */
static void udp_without_a_checksum(void **state)
{
	struct frame f = tcp4;
	uint32_t bytes, at;
	struct packet p;

	(void)state;
	f.udp = true;
	f.payload = 2;
	bytes = frame_write(&f, data);
	at = frame_l4(&f);
	put16(data + at + 6, 0);
	data[at + 8] ^= 1;
	p = parsed(bytes);
	assert_true(packet_l4_checksum_ok(&p));

	put16(data + at + 8, 0);
	packet_set_checksums(&p, false, true);
	assert_int_not_equal(get16(data + at + 6), 0);
	put16(data + at + 8, get16(data + at + 6));
	packet_set_checksums(&p, false, true);
	assert_int_equal(get16(data + at + 6), 0xffff);
	assert_true(packet_l4_checksum_ok(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_found),
		cmocka_unit_test(padding_is_cut_off),
		cmocka_unit_test(a_frame_that_ends_early_is_no_ip),
		cmocka_unit_test(a_header_that_is_not_whole_is_no_tcp),
		cmocka_unit_test(wrong_ip_headers),
		cmocka_unit_test(wrong_tcp_headers),
		cmocka_unit_test(a_fragment_has_no_ports),
		cmocka_unit_test(other_protocols),
		cmocka_unit_test(types_are_in_the_map),
		cmocka_unit_test(checksums_are_checked),
		cmocka_unit_test(checksums_and_lengths_are_set),
		cmocka_unit_test(udp_without_a_checksum),
	};

	return cmocka_run_group_tests_name("gve_packet", tests, NULL, NULL);
}
