// SPDX-License-Identifier: MIT
/* The lab's model of gve: sending. What the driver's comments say of the hardware is held to, and
 * what is sent arrives byte for byte. */
#include <endian.h>
#include <string.h>

#include "gve_pair.h"
#include "tx_packet.h"

#define PIECE 16383u /* the most bytes of a data descriptor */

static unsigned char frame[FRAME_ROOM];

static int set_up(void **state)
{
	(void)state;
	PAIR("rsc_limit=1");
	pair_queues(2048, 0);
	return 0;
}

static struct tx_completion completed(void)
{
	struct tx_completion c;

	assert_true(driver_completed(&pair.sender, 0, &c));
	return c;
}

static void nothing_completed(void)
{
	struct tx_completion c;

	assert_false(driver_completed(&pair.sender, 0, &c));
}

/* A frame whose checksum the device is to make. */
static struct driver_packet packet(const struct frame *f)
{
	const uint32_t bytes = frame_write(f, frame), l4 = frame_l4(f);

	put16(frame + l4 + (f->udp ? 6 : 16), 0x1234);
	return (struct driver_packet){ .data = frame, .bytes = bytes, .checksum = true };
}

/* The queue is broken: nothing comes of a packet in it, though nothing is wrong with that. */
static void expect_broken(void)
{
	pair_send(&pair_tcp, 1);
	nothing_completed();
	pair_expect_nothing();
	assert_int_equal(pair_complaints(), 1);
}

/* ------------------------------------------------------------------------------ whole packets */

static void packets_arrive_in_any_pieces(void **state)
{
	(void)state;
	driver_post(&pair.receiver, 0, RX_RING - 8);
	for (uint32_t pieces = 1; pieces <= 10; pieces++) {
		struct frame f = pair_tcp;
		struct driver_packet p;
		struct tx_completion c;

		f.ipv6 = pieces & 1;
		f.udp = pieces & 2;
		p = packet(&f);
		p.pieces = pieces;
		p.tag = (uint16_t)(100 + pieces);
		assert_true(driver_send(&pair.sender, 0, &p));
		pair_expect(&f);
		c = completed();
		assert_int_equal(c.type, COMPLETION_PKT);
		assert_int_equal(c.tag, 100 + pieces);
		assert_int_equal(c.id, 0);
	}
	nothing_completed();
	assert_int_equal(pair_counter(&pair.near, COUNT_TX_PACKETS), 10);
	pair_end(0);
}

static void a_checksum_is_made_only_if_it_is_asked_for(void **state)
{
	struct driver_packet p = packet(&pair_tcp);

	(void)state;
	driver_post(&pair.receiver, 0, 8);
	p.checksum = false;
	assert_true(driver_send(&pair.sender, 0, &p));
	assert_true(driver_received(&pair.receiver, 0, &pair.got));
	assert_memory_equal(pair.got.data, frame, p.bytes);
	assert_true(pair.got.first.csum_l4_err);
	pair_end(0);
}

static void the_ring_goes_round(void **state)
{
	struct frame f = pair_tcp;

	(void)state;
	f.payload = 100;
	for (unsigned int i = 0; i < 1000; i++) {
		struct driver_packet p;

		f.seq += f.payload;
		p = packet(&f);
		p.tag = (uint16_t)i;
		p.pieces = i % 5 + 1;
		if (i % 8 == 0)
			driver_post(&pair.receiver, 0, 8);
		assert_true(driver_send(&pair.sender, 0, &p));
		pair_expect(&f);
		assert_int_equal(completed().tag, i);
	}
	pair_end(0);
}

static void several_packets_with_one_doorbell(void **state)
{
	const struct driver_packet p = packet(&pair_tcp);

	(void)state;
	driver_post(&pair.receiver, 0, 16);
	for (unsigned int i = 0; i < 5; i++)
		assert_true(driver_put(&pair.sender, 0, &p));
	nothing_completed();
	driver_ring(&pair.sender, 0);
	for (unsigned int i = 0; i < 5; i++) {
		pair_expect(&pair_tcp);
		completed();
	}
	nothing_completed();
	pair_end(0);
}

/* "HW requires that the size of a non-TSO packet be within the range of [17, 9728]." */
static void sizes_of_packets(void **state)
{
	static const struct {
		uint32_t bytes;
		bool allowed;
	} all[] = { { 16, false }, { 17, true }, { 9728, true }, { 9729, false } };

	(void)state;
	pair_end(0);
	memset(frame, 0, sizeof(frame));
	for (unsigned int i = 0; i < COUNT(all); i++) {
		const struct driver_packet p = { .data = frame, .bytes = all[i].bytes };
		struct tx_completion c;

		set_up(NULL);
		assert_true(driver_send(&pair.sender, 0, &p));
		assert_int_equal(driver_completed(&pair.sender, 0, &c), all[i].allowed);
		pair_end(!all[i].allowed);
	}
}

/* "Maximum number of data descriptors allowed per packet": 10. */
static void eleven_pieces_are_refused(void **state)
{
	struct driver_packet p = packet(&pair_tcp);

	(void)state;
	driver_post(&pair.receiver, 0, 16);
	p.pieces = 11;
	assert_true(driver_send(&pair.sender, 0, &p));
	nothing_completed();
	expect_broken();
	pair_end(1);
}

/* A packet of another kind than IP is sent as it is, but nobody can make its checksum. */
static void a_checksum_of_what_has_none(void **state)
{
	struct driver_packet p = packet(&pair_tcp);

	(void)state;
	driver_post(&pair.receiver, 0, 8);
	frame[12] = 0x86;
	p.checksum = false;
	assert_true(driver_send(&pair.sender, 0, &p));
	assert_true(driver_received(&pair.receiver, 0, &pair.got));
	assert_int_equal(pair.got.bytes, p.bytes);
	assert_int_equal(pair_complaints(), 0);
	p.checksum = true;
	assert_true(driver_send(&pair.sender, 0, &p));
	assert_true(driver_received(&pair.receiver, 0, &pair.got));
	pair_end(1);
}

/* XDP sends without a general context, and AF_XDP asks for the checksum of anything. */
static void packets_of_xdp(void **state)
{
	struct driver_packet p = packet(&pair_tcp);

	(void)state;
	driver_post(&pair.receiver, 0, 8);
	p.no_context = true;
	assert_true(driver_send(&pair.sender, 0, &p));
	pair_expect(&pair_tcp);
	frame[12] = 0x86;
	assert_true(driver_send(&pair.sender, 0, &p));
	assert_true(driver_received(&pair.receiver, 0, &pair.got));
	assert_int_equal(pair_complaints(), 0);
	packet(&pair_tcp);
	p.mss = 500;
	p.header = frame_headers(&pair_tcp);
	assert_true(driver_send(&pair.sender, 0, &p));
	pair_end(1);
}

/* --------------------------------------------------------------------------------- descriptors */

/* Changes one of four descriptors: a general context and three pieces. */
struct change {
	const char *what;
	void (*change)(union tx_desc *desc[4]);
};

static void no_bytes(union tx_desc *desc[4])
{
	desc[2]->packet.bytes = 0;
}

static void reserved_byte(union tx_desc *desc[4])
{
	desc[2]->packet.reserved0 = 1;
}

static void reserved_word(union tx_desc *desc[4])
{
	desc[2]->packet.reserved1 = 0x100;
}

static void reserved_bits(union tx_desc *desc[4])
{
	desc[2]->packet.reserved2 = 2;
}

static void another_tag(union tx_desc *desc[4])
{
	desc[3]->packet.tag++;
}

static void a_tag_that_says_missed(union tx_desc *desc[4])
{
	for (unsigned int i = 1; i < 4; i++)
		desc[i]->packet.tag = htole16(0x8000);
}

static void another_checksum(union tx_desc *desc[4])
{
	desc[2]->packet.checksum = !desc[1]->packet.checksum;
}

static void early_event(union tx_desc *desc[4])
{
	desc[2]->packet.report_event = 1;
}

static void unknown_type(union tx_desc *desc[4])
{
	desc[1]->packet.dtype = 1;
}

static void second_general(union tx_desc *desc[4])
{
	desc[1]->packet.dtype = TX_DTYPE_GENERAL;
}

static void late_general(union tx_desc *desc[4])
{
	*desc[0] = *desc[1];
	desc[1]->packet.dtype = TX_DTYPE_GENERAL;
}

static void late_tso(union tx_desc *desc[4])
{
	desc[1]->tso = (struct tx_tso){ .dtype = TX_DTYPE_TSO, .tso = 1 };
}

static void outside(union tx_desc *desc[4])
{
	desc[3]->packet.address = htole64(GUEST + pair.guest.bytes - 10);
}

static void nowhere(union tx_desc *desc[4])
{
	desc[1]->packet.address = UINT64_MAX - 5;
}

static void no_end(union tx_desc *desc[4])
{
	desc[3]->packet.end_of_packet = 0;
}

static void descriptors_that_are_refused(void **state)
{
	static const struct change changes[] = {
		{ "no bytes", no_bytes },
		{ "a reserved byte", reserved_byte },
		{ "a reserved word", reserved_word },
		{ "reserved bits", reserved_bits },
		{ "another tag", another_tag },
		{ "a tag that says: missed", a_tag_that_says_missed },
		{ "another checksum", another_checksum },
		{ "an event before the end", early_event },
		{ "an unknown type", unknown_type },
		{ "a second general context", second_general },
		{ "a general context behind data", late_general },
		{ "a TSO context that is not first", late_tso },
		{ "memory that ends", outside },
		{ "memory that wraps", nowhere },
		{ "no end", no_end },
	};

	(void)state;
	pair_end(0);
	for (unsigned int i = 0; i < COUNT(changes); i++) {
		struct driver_packet p = packet(&pair_tcp);
		union tx_desc *desc[4];

		set_up(NULL);
		driver_post(&pair.receiver, 0, 16);
		p.pieces = 3;
		for (unsigned int n = 0; n < 4; n++)
			desc[n] = guest_at(&pair.guest,
					   pair.sender.tx[0].ring + n * sizeof(union tx_desc));
		assert_true(driver_put(&pair.sender, 0, &p));
		changes[i].change(desc);
		driver_ring(&pair.sender, 0);
		if (pair_complaints() != 1)
			fail_msg("%s: %u complaints", changes[i].what, pair_complaints());
		expect_broken();
		pair_end(1);
	}
}

/* The doorbell is in the middle of a packet, behind which there is a whole one, an old one. */
static void a_packet_ends_before_the_doorbell(void **state)
{
	struct driver_packet p = packet(&pair_tcp);

	(void)state;
	driver_post(&pair.receiver, 0, 16);
	p.pieces = 3;
	assert_true(driver_put(&pair.sender, 0, &p));
	pair.sender.tx[0].tail--;
	driver_ring(&pair.sender, 0);
	nothing_completed();
	pair_expect_nothing();
	pair.sender.tx[0].tail++;
	expect_broken();
	pair_end(1);
}

/* "they must be spaced apart with at least" 32 descriptors */
static void events_have_a_gap(void **state)
{
	struct driver_packet p = packet(&pair_tcp);
	struct tx_completion c;

	(void)state;
	p.event = true;
	p.pieces = 1;
	assert_true(driver_send(&pair.sender, 0, &p));
	c = completed();
	assert_int_equal(c.type, COMPLETION_DESC);
	assert_int_equal(c.tag, 2); /* behind the last descriptor that was read */
	assert_int_equal(completed().type, COMPLETION_PKT);
	p.event = false;
	for (unsigned int i = 0; i < 15; i++) { /* of two descriptors each */
		assert_true(driver_send(&pair.sender, 0, &p));
		assert_int_equal(completed().type, COMPLETION_PKT);
	}
	p.event = true;
	assert_true(driver_send(&pair.sender, 0, &p));
	assert_int_equal(completed().tag, 34);
	completed();
	p.event = false;
	for (unsigned int i = 0; i < 14; i++) {
		assert_true(driver_send(&pair.sender, 0, &p));
		completed();
	}
	assert_int_equal(pair_complaints(), 0);
	p.event = true;
	assert_true(driver_send(&pair.sender, 0, &p));
	nothing_completed();
	pair_end(1);
}

static void doorbells_that_are_refused(void **state)
{
	(void)state;
	driver_doorbell(&pair.sender, DB_TX, TX_RING);
	assert_int_equal(pair_complaints(), 1);
	driver_doorbell(&pair.sender, DB_TX + 1, 0);
	assert_int_equal(pair_complaints(), 2);
	pair_send(&pair_tcp, 1);
	completed(); /* neither broke the queue */
	pair_end(2);
}

/* "Min gap between tail and head to avoid cacheline overlap": 4 */
static void a_ring_is_not_filled_to_the_last(void **state)
{
	struct driver_packet p = packet(&pair_tcp);

	(void)state;
	pair_fault(&pair.near, FAULT_TX_STALL, 1);
	p.no_context = true; /* one descriptor each */
	for (uint32_t i = 0; i < TX_RING - 1 - 4; i++)
		assert_true(driver_put(&pair.sender, 0, &p));
	driver_ring(&pair.sender, 0);
	assert_int_equal(pair_complaints(), 0);
	assert_true(driver_send(&pair.sender, 0, &p));
	assert_int_equal(pair_complaints(), 1);
	pair_fault(&pair.near, FAULT_TX_STALL, 0);
	for (uint32_t i = 0; i < TX_RING - 4; i++)
		completed();
	nothing_completed();
	pair_end(1);
}

/* ---------------------------------------------------------------------------------------- TSO */

/* What TCP, or UDP, makes of @whole in segments of @mss bytes, and that it is what arrives. */
static void expect_segments(const struct frame *whole, uint32_t mss)
{
	for (uint32_t sent = 0, n = 0; sent < whole->payload; sent += mss, n++) {
		struct frame f = *whole;
		const bool last = whole->payload - sent <= mss;

		f.payload = last ? whole->payload - sent : mss;
		f.seq += sent;
		f.id = (uint16_t)(f.id + n);
		if (!last)
			f.flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
		if (sent)
			f.flags &= (uint8_t)~TCP_CWR;
		pair_expect(&f);
	}
	pair_expect_nothing();
}

static void tso(const struct frame *f, uint32_t mss, uint32_t pieces)
{
	struct driver_packet p = packet(f);

	/* lengths in the header are wrong, or those of all together */
	put16(frame + ETH_BYTES + (f->ipv6 ? 4 : 2), 0);
	p.mss = mss;
	p.header = frame_headers(f);
	p.pieces = pieces;
	assert_true(driver_send(&pair.sender, 0, &p));
}

static void segments_are_what_tcp_would_send(void **state)
{
	static const uint32_t mss[] = { 88, 1448, 8900 };

	(void)state;
	for (unsigned int kind = 0; kind < 4; kind++) {
		driver_post(&pair.receiver, 0, 24); /* 4, 4 and 16 */
		for (unsigned int i = 0; i < COUNT(mss); i++) {
			struct frame f = pair_tcp;

			f.ipv6 = kind & 1;
			f.udp = kind & 2;
			f.id = 0xfffe;
			f.flags = TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR;
			f.tcp_options = f.udp ? 0 : 12;
			f.ip_options = f.ipv6 ? 0 : 4 * (i == 1);
			f.payload = 3 * mss[i] + 17;
			tso(&f, mss[i], 3);
			expect_segments(&f, mss[i]);
			assert_int_equal(completed().type, COMPLETION_PKT);
			nothing_completed();
		}
	}
	pair_end(0);
}

static void the_last_segment_may_be_whole(void **state)
{
	struct frame f = pair_tcp;

	(void)state;
	driver_post(&pair.receiver, 0, 16);
	f.payload = 2 * 1448;
	tso(&f, 1448, 1);
	expect_segments(&f, 1448);
	assert_int_equal(pair_counter(&pair.near, COUNT_TX_PACKETS), 2);
	pair_end(0);
}

static void the_mss_has_limits(void **state)
{
	static const struct {
		uint32_t mss;
		bool allowed;
	} all[] = { { 87, false }, { 88, true }, { 9728, true }, { 9729, false } };

	(void)state;
	pair_end(0);
	for (unsigned int i = 0; i < COUNT(all); i++) {
		struct tx_completion c;

		set_up(NULL);
		tso(&pair_tcp, all[i].mss, 2);
		assert_int_equal(driver_completed(&pair.sender, 0, &c), all[i].allowed);
		pair_end(!all[i].allowed);
	}
}

/* A TSO packet of these pieces, from memory that is used again and again if they are many. */
static void tso_by_pieces(uint32_t mss, uint32_t total, const uint32_t *piece, unsigned int n)
{
	const uint32_t header = frame_headers(&pair_tcp);
	uint32_t at = 0;

	packet(&pair_tcp);
	memcpy(guest_at(&pair.guest, pair.sender.tx[0].data), frame, 1000);
	driver_desc(&pair.sender, 0)->tso = (struct tx_tso){ .total = total,
							     .mss = (uint16_t)mss,
							     .header = (uint8_t)header,
							     .dtype = TX_DTYPE_TSO,
							     .tso = 1 };
	driver_desc(&pair.sender, 0)->packet.dtype = TX_DTYPE_GENERAL;
	for (unsigned int i = 0; i < n; at = (at + piece[i++]) % (2 * PIECE))
		driver_desc(&pair.sender, 0)->packet =
			(struct tx_packet){ .address = htole64(pair.sender.tx[0].data + at),
					    .dtype = TX_DTYPE_PACKET,
					    .end_of_packet = i + 1 == n,
					    .checksum = 1,
					    .bytes = (uint16_t)piece[i] };
	driver_ring(&pair.sender, 0);
}

/* "HW requires the total length of the TSO to be <= 262143" */
static void the_total_has_a_limit(void **state)
{
	const uint32_t header = frame_headers(&pair_tcp), most = 262143;
	uint32_t piece[17];

	(void)state;
	for (unsigned int i = 0; i < 17; i++)
		piece[i] = PIECE;
	piece[16] = header + most - 16 * PIECE;
	tso_by_pieces(9000, most, piece, 17);
	completed();
	assert_int_equal(pair_complaints(), 0);
	assert_int_equal(pair_counter(&pair.near, COUNT_TX_PACKETS), 30);
	piece[16]++;
	tso_by_pieces(9000, most + 1, piece, 17);
	nothing_completed();
	pair_end(1);
}

/*
 * In gve_can_send_tso()'s words: "Each segment must not span more than" 10 "buffers. The header is
 * counted as one buffer for every single segment. A buffer which is split between two segments is
 * counted for both. If a buffer contains both header and payload, it is counted as two buffers."
 */
static void pieces_of_a_segment_are_counted(void **state)
{
	static const struct {
		uint32_t first, mss, piece, pieces;
		bool allowed;
	} all[] = {
		{ 54, 900, 100, 18, true },   /* nine in each segment, and the header */
		{ 54, 1000, 100, 20, false }, /* ten */
		{ 54, 850, 100, 17, true },   /* 8.5: 9 and 9 */
		{ 54, 900, 100, 27, true },
		{ 54 + 50, 900, 100, 18, false }, /* half, 8 and half: 10 */
		{ 54 + 50, 850, 100, 16, true },
		{ 54 + 50, 900, 100, 7, true }, /* less than a segment: half, 7 and 1 */
		{ 20, 900, 34, 1, true },	/* a header in two */
		{ 20, 1300, 134, 8, true },	/* ... the second with payload */
		{ 20, 1300, 134, 9, false },
	};

	(void)state;
	pair_end(0);
	for (unsigned int i = 0; i < COUNT(all); i++) {
		const uint32_t pieces = all[i].pieces;
		uint32_t piece[32] = { all[i].first }, total = all[i].first;
		struct tx_completion c;

		for (unsigned int n = 1; n <= pieces; n++)
			total += piece[n] = all[i].piece;
		set_up(NULL);
		/* there must be payload: one more piece, in the last segment */
		piece[pieces + 1] = 10;
		tso_by_pieces(all[i].mss, total + 10 - 54, piece, pieces + 2);
		if (driver_completed(&pair.sender, 0, &c) != all[i].allowed)
			fail_msg("case %u", i);
		pair_end(!all[i].allowed);
	}
}

static void header_and_total_are_checked(void **state)
{
	static const struct {
		uint32_t header, total;
	} all[] = { { 41, 1013 }, { 54, 999 }, { 54, 1001 }, { 54, 0 } };

	(void)state;
	pair_end(0);
	for (unsigned int i = 0; i < COUNT(all); i++) {
		struct driver_packet p = packet(&pair_tcp);
		struct tx_tso *context;

		set_up(NULL);
		p.mss = 500;
		p.header = all[i].header;
		context = guest_at(&pair.guest, pair.sender.tx[0].ring);
		assert_true(driver_put(&pair.sender, 0, &p));
		context->total = all[i].total;
		driver_ring(&pair.sender, 0);
		nothing_completed();
		pair_end(1);
	}
}

static void contexts_with_reserved_bits(void **state)
{
	(void)state;
	pair_end(0);
	for (unsigned int i = 0; i < 4; i++) {
		struct driver_packet p = packet(&pair_tcp);
		struct tx_tso *context;

		set_up(NULL);
		p.mss = 500;
		p.header = frame_headers(&pair_tcp);
		context = guest_at(&pair.guest, pair.sender.tx[0].ring);
		assert_true(driver_put(&pair.sender, 0, &p));
		context->tso = i != 0;
		context->reserved = i == 1;
		context->reserved1 = i == 2;
		context->reserved2 = i == 3;
		driver_ring(&pair.sender, 0);
		nothing_completed();
		pair_end(1);
	}
}

/* The context is not to be trusted about what is in the packet. */
static void segments_of_what_is_not_tcp(void **state)
{
	struct driver_packet p;
	struct frame f = pair_tcp;

	(void)state;
	driver_post(&pair.receiver, 0, 16);
	p = packet(&f);
	p.mss = 500;
	p.header = frame_headers(&f) + 4; /* not where the headers end */
	assert_true(driver_send(&pair.sender, 0, &p));
	assert_int_equal(pair_complaints(), 1);
	f.ip_options = 20;
	f.protocol = 47; /* GRE, behind a header of 54 bytes */
	p = packet(&f);
	p.mss = 500;
	p.header = frame_l4(&f);
	assert_true(driver_send(&pair.sender, 0, &p));
	pair_expect_nothing();
	pair_end(2);
}

/* ------------------------------------------------------------------------------------- faults */

static void a_stalled_queue_sends_nothing(void **state)
{
	(void)state;
	driver_post(&pair.receiver, 0, 16);
	pair_fault(&pair.near, FAULT_TX_STALL, 2);
	pair_send(&pair_tcp, 1);
	pair_expect(&pair_tcp); /* another queue was stalled */
	completed();
	pair_fault(&pair.near, FAULT_TX_STALL, 3);
	pair_send(&pair_tcp, 1);
	pair_send(&pair_tcp, 2);
	pair_expect_nothing();
	nothing_completed();
	pair_fault(&pair.near, FAULT_TX_STALL, 0);
	pair_expect(&pair_tcp);
	pair_expect(&pair_tcp);
	completed();
	completed();
	pair_fault(&pair.near, FAULT_TX_STALL, 1);
	device_reset(&pair.near);
	assert_int_equal(pair.near.faults.value[FAULT_TX_STALL], 0);
	pair_end(0);
}

/* --------------------------------------------------------------------------------- the command */

struct refusal {
	const char *what;
	void (*change)(struct cmd_create_tx *cmd);
};

static void high_id(struct cmd_create_tx *cmd)
{
	cmd->queue_id = htobe32(16);
}

static void very_high_id(struct cmd_create_tx *cmd)
{
	cmd->queue_id = htobe32(UINT32_MAX);
}

static void high_interrupt(struct cmd_create_tx *cmd)
{
	cmd->ntfy_id = htobe32(32);
}

static void odd_ring(struct cmd_create_tx *cmd)
{
	cmd->ring_size = htobe16(300);
}

static void small_ring(struct cmd_create_tx *cmd)
{
	cmd->ring_size = htobe16(TX_RING / 2);
}

static void large_ring(struct cmd_create_tx *cmd)
{
	cmd->ring_size = htobe16(8192);
}

static void empty_ring(struct cmd_create_tx *cmd)
{
	cmd->ring_size = 0;
}

static void large_completion_ring(struct cmd_create_tx *cmd)
{
	cmd->completion_ring_size = htobe16(0x8000);
}

static void odd_address(struct cmd_create_tx *cmd)
{
	cmd->ring = htobe64(be64toh(cmd->ring) + 8);
}

static void odd_completion_address(struct cmd_create_tx *cmd)
{
	cmd->completion_ring = htobe64(be64toh(cmd->completion_ring) + 4);
}

static void ring_outside(struct cmd_create_tx *cmd)
{
	cmd->ring = htobe64(GUEST + pair.guest.bytes - 16);
}

static void completions_outside(struct cmd_create_tx *cmd)
{
	cmd->completion_ring = htobe64(GUEST - 8);
}

static void resources_outside(struct cmd_create_tx *cmd)
{
	cmd->resources = 0;
}

static void a_page_list(struct cmd_create_tx *cmd)
{
	cmd->page_list = 0;
}

static void queues_that_are_refused(void **state)
{
	static const struct refusal all[] = {
		{ "a high number", high_id },
		{ "a very high number", very_high_id },
		{ "a high interrupt", high_interrupt },
		{ "a ring that is no power of two", odd_ring },
		{ "a small ring", small_ring },
		{ "a large ring", large_ring },
		{ "an empty ring", empty_ring },
		{ "a large ring of completions", large_completion_ring },
		{ "an odd address", odd_address },
		{ "an odd address of completions", odd_completion_address },
		{ "a ring outside", ring_outside },
		{ "completions outside", completions_outside },
		{ "resources outside", resources_outside },
		{ "a page list", a_page_list },
	};
	struct cmd_create_tx cmd, changed;

	(void)state;
	assert_true(driver_tx_command(&pair.sender, 1, TX_RING, &cmd));
	for (unsigned int i = 0; i < COUNT(all); i++) {
		changed = cmd;
		all[i].change(&changed);
		if (driver_command(&pair.sender, OP_CREATE_TX, &changed, sizeof(cmd)) !=
		    ST_INVALID_ARGUMENT)
			fail_msg("%s", all[i].what);
		assert_int_equal(pair_complaints(), i + 1);
	}
	assert_int_equal(driver_command(&pair.sender, OP_CREATE_TX, &cmd, sizeof(cmd)), ST_PASSED);
	assert_int_equal(driver_command(&pair.sender, OP_CREATE_TX, &cmd, sizeof(cmd)),
			 ST_INVALID_ARGUMENT);
	assert_true(driver_create_tx(&pair.sender, 2, 4096)); /* the largest */
	pair_end(COUNT(all) + 1);
}

static void queues_are_destroyed(void **state)
{
	const uint32_t id = 0, other = htobe32(40);

	(void)state;
	assert_int_equal(driver_command(&pair.sender, OP_DESTROY_TX, &id, 4), ST_PASSED);
	assert_int_equal(pair_complaints(), 0);
	assert_int_equal(driver_command(&pair.sender, OP_DESTROY_TX, &id, 4), ST_NOT_FOUND);
	assert_int_equal(driver_command(&pair.sender, OP_DESTROY_TX, &other, 4), ST_NOT_FOUND);
	pair_end(2);
}

static void doorbell_and_counter_are_told(void **state)
{
	struct queue_resources res;
	struct cmd_create_tx cmd;

	(void)state;
	assert_true(driver_tx_command(&pair.sender, 5, TX_RING, &cmd));
	assert_int_equal(driver_command(&pair.sender, OP_CREATE_TX, &cmd, sizeof(cmd)), ST_PASSED);
	memcpy(&res, guest_at(&pair.guest, pair.sender.page), sizeof(res));
	assert_int_equal(be32toh(res.db_index), DB_TX + 5);
	pair_end(0);
}

/* --------------------------------------------------------------------------- pages, DQO-QPL */

static uint32_t register_pages(uint32_t id, uint64_t at, uint32_t pages, uint64_t size)
{
	const struct cmd_register_pages cmd = { .id = htobe32(id),
						.num_pages = htobe32(pages),
						.list_address = htobe64(pair.sender.page),
						.page_size = htobe64(size) };
	uint64_t *const list = guest_at(&pair.guest, pair.sender.page);

	for (uint32_t i = 0; i < pages && i < 512; i++) /* the last page first */
		list[i] = htobe64(at + (pages - 1 - i) * 4096);
	return driver_command(&pair.sender, OP_REGISTER_PAGES, &cmd, sizeof(cmd));
}

static uint32_t unregister_pages(uint32_t id)
{
	id = htobe32(id);
	return driver_command(&pair.sender, OP_UNREGISTER_PAGES, &id, sizeof(id));
}

/* A TX queue of near, whose data is in pages 1 to 8 of its memory for data. */
static void start_qpl(void)
{
	struct cmd_create_tx cmd;

	PAIR("near.format=qpl", "rsc_limit=1");
	assert_true(driver_create_rx(&pair.receiver, 0, RX_RING, 2048, 0));
	driver_post(&pair.receiver, 0, 16);
	assert_true(driver_tx_command(&pair.sender, 0, TX_RING, &cmd));
	assert_int_equal(register_pages(7, pair.sender.tx[0].data + 4096, 8, 4096), ST_PASSED);
	cmd.page_list = htobe32(7);
	assert_int_equal(driver_command(&pair.sender, OP_CREATE_TX, &cmd, sizeof(cmd)), ST_PASSED);
}

static void send_at(uint64_t at, uint32_t bytes)
{
	packet(&pair_tcp);
	memcpy(guest_at(&pair.guest, at), frame, bytes);
	driver_desc(&pair.sender, 0)->packet.dtype = TX_DTYPE_GENERAL;
	driver_desc(&pair.sender, 0)->packet = (struct tx_packet){ .address = htole64(at),
								   .dtype = TX_DTYPE_PACKET,
								   .end_of_packet = 1,
								   .checksum = 1,
								   .bytes = (uint16_t)bytes };
	driver_ring(&pair.sender, 0);
}

static void data_is_in_the_page_list(void **state)
{
	static const struct {
		int64_t at;
		bool allowed;
	} all[] = { { 4096, true },	 { 9 * 4096 - 1054, true }, { 5 * 4096 + 7, true },
		    { 0, false },	 { 4095, false },	    { 9 * 4096 - 1053, false },
		    { 9 * 4096, false }, { 2 * 4096 - 1000, false } /* over the end of a page */ };

	(void)state;
	for (unsigned int i = 0; i < COUNT(all); i++) {
		struct tx_completion c;

		start_qpl();
		send_at(pair.sender.tx[0].data + (uint64_t)all[i].at, 1054);
		assert_int_equal(driver_completed(&pair.sender, 0, &c), all[i].allowed);
		if (all[i].allowed)
			pair_expect(&pair_tcp);
		pair_end(!all[i].allowed);
	}
}

static void page_lists_that_are_refused(void **state)
{
	uint64_t data;

	(void)state;
	start_qpl();
	data = pair.sender.tx[0].data;
	assert_int_equal(register_pages(8, data, 0, 4096), ST_INVALID_ARGUMENT);
	assert_int_equal(register_pages(8, data, 8193, 4096), ST_INVALID_ARGUMENT);
	assert_int_equal(register_pages(8, data, 4, 8192), ST_INVALID_ARGUMENT);
	assert_int_equal(register_pages(8, data + 1, 4, 4096), ST_INVALID_ARGUMENT);
	assert_int_equal(register_pages(8, GUEST - 4096, 2, 4096), ST_INVALID_ARGUMENT);
	assert_int_equal(pair_complaints(), 5);
	assert_int_equal(register_pages(7, data, 4, 4096), ST_ALREADY_EXISTS);
	assert_int_equal(unregister_pages(7), ST_FAILED_PRECONDITION); /* the queue uses it */
	assert_int_equal(unregister_pages(8), ST_NOT_FOUND);
	assert_int_equal(driver_command(&pair.sender, OP_DESTROY_TX, &(uint32_t){ 0 }, 4),
			 ST_PASSED);
	assert_int_equal(unregister_pages(7), ST_PASSED);
	assert_int_equal(unregister_pages(7), ST_NOT_FOUND);
	pair_end(9);
}

static void there_are_only_so_many_page_lists(void **state)
{
	(void)state;
	start_qpl();
	for (uint32_t i = 0; i < 2 * MAX_QUEUES - 1; i++)
		assert_int_equal(register_pages(100 + i, pair.sender.tx[0].data, 2, 4096),
				 ST_PASSED);
	assert_int_equal(register_pages(99, pair.sender.tx[0].data, 2, 4096),
			 ST_RESOURCE_EXHAUSTED);
	assert_int_equal(unregister_pages(100), ST_PASSED);
	assert_int_equal(register_pages(99, pair.sender.tx[0].data, 2, 4096), ST_PASSED);
	pair_end(1);
}

/* A queue without a list that exists. */
static void an_unknown_page_list(void **state)
{
	struct cmd_create_tx cmd;

	(void)state;
	start_qpl();
	assert_true(driver_tx_command(&pair.sender, 1, TX_RING, &cmd));
	assert_int_equal(driver_command(&pair.sender, OP_CREATE_TX, &cmd, sizeof(cmd)),
			 ST_INVALID_ARGUMENT);
	assert_int_equal(pair_complaints(), 1);
	cmd.page_list = htobe32(8);
	assert_int_equal(driver_command(&pair.sender, OP_CREATE_TX, &cmd, sizeof(cmd)),
			 ST_NOT_FOUND);
	pair_end(2);
}

static void without_pages_in_format_rda(void **state)
{
	(void)state;
	assert_int_equal(register_pages(7, pair.sender.tx[0].data, 8, 4096), ST_INVALID_ARGUMENT);
	pair_end(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(packets_arrive_in_any_pieces, set_up),
		cmocka_unit_test_setup(a_checksum_is_made_only_if_it_is_asked_for, set_up),
		cmocka_unit_test_setup(the_ring_goes_round, set_up),
		cmocka_unit_test_setup(several_packets_with_one_doorbell, set_up),
		cmocka_unit_test_setup(sizes_of_packets, set_up),
		cmocka_unit_test_setup(eleven_pieces_are_refused, set_up),
		cmocka_unit_test_setup(a_checksum_of_what_has_none, set_up),
		cmocka_unit_test_setup(packets_of_xdp, set_up),
		cmocka_unit_test_setup(descriptors_that_are_refused, set_up),
		cmocka_unit_test_setup(a_packet_ends_before_the_doorbell, set_up),
		cmocka_unit_test_setup(events_have_a_gap, set_up),
		cmocka_unit_test_setup(doorbells_that_are_refused, set_up),
		cmocka_unit_test_setup(a_ring_is_not_filled_to_the_last, set_up),
		cmocka_unit_test_setup(segments_are_what_tcp_would_send, set_up),
		cmocka_unit_test_setup(the_last_segment_may_be_whole, set_up),
		cmocka_unit_test_setup(the_mss_has_limits, set_up),
		cmocka_unit_test_setup(the_total_has_a_limit, set_up),
		cmocka_unit_test_setup(pieces_of_a_segment_are_counted, set_up),
		cmocka_unit_test_setup(header_and_total_are_checked, set_up),
		cmocka_unit_test_setup(contexts_with_reserved_bits, set_up),
		cmocka_unit_test_setup(segments_of_what_is_not_tcp, set_up),
		cmocka_unit_test_setup(a_stalled_queue_sends_nothing, set_up),
		cmocka_unit_test_setup(queues_that_are_refused, set_up),
		cmocka_unit_test_setup(queues_are_destroyed, set_up),
		cmocka_unit_test_setup(doorbell_and_counter_are_told, set_up),
		cmocka_unit_test(data_is_in_the_page_list),
		cmocka_unit_test(page_lists_that_are_refused),
		cmocka_unit_test(there_are_only_so_many_page_lists),
		cmocka_unit_test(an_unknown_page_list),
		cmocka_unit_test_setup(without_pages_in_format_rda, set_up),
	};

	return cmocka_run_group_tests_name("gve_tx", tests, NULL, NULL);
}
