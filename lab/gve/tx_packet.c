// SPDX-License-Identifier: MIT
#include "tx_packet.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "device.h"

/* Breaks the queue and says why, in words that have one number. Always false. */
static bool bad(struct device *d, struct tx_queue *q, const char *what, uint64_t number)
{
	complain(d, "TX queue %u: %s (%llu)", q->index, what, (unsigned long long)number);
	q->broken = true;
	return false;
}

/* ---------------------------------------------------------------------------- descriptors */

static bool read_desc(struct device *d, struct tx_queue *q, uint32_t index, union tx_desc *desc)
{
	if (dma_read(&d->dma, q->ring + index * sizeof(*desc), desc, sizeof(*desc)))
		return true;
	return bad(d, q, "the ring is no memory", q->ring);
}

static bool read_tso(struct device *d, struct tx_queue *q, struct tx_whole *w,
		     const struct tx_tso *desc)
{
	if (w->tso || w->descriptors)
		return bad(d, q, "a TSO context that is not first", w->descriptors);
	if (!desc->tso || desc->reserved || desc->reserved1 || desc->reserved2)
		return bad(d, q, "a TSO context whose reserved bits are not 0", desc->mss);
	w->tso = true;
	w->mss = desc->mss;
	w->header = desc->header;
	w->total = desc->total;
	return true;
}

static bool read_part(struct device *d, struct tx_queue *q, struct tx_whole *w,
		      const struct tx_packet *desc)
{
	struct tx_part *const part = &w->part[w->parts];

	if (!desc->bytes || desc->reserved0 || desc->reserved1 || desc->reserved2)
		return bad(d, q, "a data descriptor without bytes, or with reserved bits",
			   desc->bytes);
	if (w->parts && (w->tag != desc->tag || w->checksum != desc->checksum))
		return bad(d, q, "data descriptors of one packet differ", desc->tag);
	if (desc->report_event && !desc->end_of_packet)
		return bad(d, q, "an event is asked for before the end of a packet", desc->tag);
	if (le16toh(desc->tag) & TX_MISS_BIT)
		return bad(d, q, "a tag with the bit that says in a completion: missed", desc->tag);
	part->at = dma_at(&d->dma, le64toh(desc->address), desc->bytes, false);
	part->bytes = desc->bytes;
	if (!part->at || (q->pages && !pages_have(q->pages, le64toh(desc->address), desc->bytes)))
		return bad(d, q, "data that is no memory, or not in the page list",
			   le64toh(desc->address));
	w->tag = desc->tag;
	w->checksum = desc->checksum;
	w->event = desc->report_event;
	w->parts++;
	w->bytes += desc->bytes;
	return true;
}

/* A packet: at most one TSO context, one general context, then its data. What XDP sends has none
 * of both. [gve_xdp_xmit_one_dqo(), gve_xsk_tx_dqo()] */
static bool read_all(struct device *d, struct tx_queue *q, struct tx_whole *w)
{
	union tx_desc desc;
	bool end = false;

	for (uint32_t at = q->head; !end; at = (at + 1) & q->mask) {
		if (at == q->tail || w->parts == TX_MAX_PARTS)
			return bad(d, q, "a packet without an end: descriptors", w->descriptors);
		if (!read_desc(d, q, at, &desc))
			return false;
		switch (desc.packet.dtype) { /* in the same place in each type */
		case TX_DTYPE_TSO:
			if (!read_tso(d, q, w, &desc.tso))
				return false;
			break;
		case TX_DTYPE_GENERAL:
			if (w->general || w->parts)
				return bad(d, q, "a second general context", at);
			w->general = true;
			break;
		case TX_DTYPE_PACKET:
			if (!read_part(d, q, w, &desc.packet))
				return false;
			end = desc.packet.end_of_packet;
			break;
		default:
			return bad(d, q, "a descriptor of an unknown type", at);
		}
		w->descriptors++;
		w->last = at;
	}
	return w->general || !w->tso || bad(d, q, "TSO without a general context", w->tag);
}

/* ------------------------------------------------------------------------ what is allowed */

/*
 * Does no segment have more than ten pieces? Its header counts as one, and a piece that is divided
 * between two segments, or between header and payload, counts for both.
 */
static bool segments_fit(const struct tx_whole *w)
{
	uint32_t at = 0, left = w->header, pieces;

	for (uint32_t i = 0; i < w->parts && left; i++) { /* over the header */
		at = left < w->part[i].bytes ? left : 0;
		left -= left < w->part[i].bytes ? left : w->part[i].bytes;
		if (left)
			continue;
		for (uint32_t n = at ? i : i + 1, sent = 0; sent < w->total;) {
			uint32_t segment = w->mss;

			for (pieces = 1; segment && n < w->parts; pieces++) {
				const uint32_t rest = w->part[n].bytes - at;

				if (segment < rest) {
					at += segment;
					segment = 0;
				} else {
					segment -= rest;
					at = 0;
					n++;
				}
			}
			if (pieces > TX_MAX_DATA)
				return false;
			sent += w->mss;
		}
	}
	return true;
}

static bool tso_allowed(struct device *d, struct tx_queue *q, const struct tx_whole *w)
{
	if (w->mss < TX_MIN_MSS || w->mss > TX_MAX_MSS)
		return bad(d, q, "TSO with a wrong segment size", w->mss);
	if (w->header < ETH_BYTES + 28 || w->header >= w->bytes || w->total != w->bytes - w->header)
		return bad(d, q, "TSO whose header and total are not its bytes", w->bytes);
	if (w->total > TX_MAX_TSO)
		return bad(d, q, "TSO of too many bytes", w->total);
	if (!segments_fit(w))
		return bad(d, q, "a TSO segment in more than 10 pieces, of all", w->parts);
	return true;
}

static bool allowed(struct device *d, struct tx_queue *q, const struct tx_whole *w)
{
	if (w->event && q->since_event + w->descriptors < TX_EVENT_GAP)
		return bad(d, q, "events too near to each other: descriptors",
			   q->since_event + w->descriptors);
	if (w->tso)
		return tso_allowed(d, q, w);
	if (w->parts > TX_MAX_DATA)
		return bad(d, q, "a packet with too many data descriptors", w->parts);
	if (w->bytes < TX_MIN_BYTES || w->bytes > TX_MAX_BYTES)
		return bad(d, q, "a packet of a wrong size", w->bytes);
	return true;
}

bool tx_packet_read(struct device *d, struct tx_queue *q, struct tx_whole *w)
{
	/* the parts are not cleared: there may be thousands */
	w->parts = w->bytes = w->descriptors = 0;
	w->tso = w->general = w->event = false;
	if (!read_all(d, q, w) || !allowed(d, q, w))
		return false;
	q->since_event = w->event ? 0 : q->since_event + w->descriptors;
	return true;
}

/* ---------------------------------------------------------------------------- to the wire */

/* The place in the parts up to which they were copied. */
struct cursor {
	const struct tx_whole *w;
	uint32_t part, at;
};

static void copy(struct cursor *c, unsigned char *to, uint32_t bytes)
{
	while (bytes) {
		const struct tx_part *const part = &c->w->part[c->part];
		const uint32_t rest = part->bytes - c->at, n = bytes < rest ? bytes : rest;

		memcpy(to, part->at + c->at, n);
		to += n;
		bytes -= n;
		c->at += n;
		if (c->at == part->bytes) {
			c->part++;
			c->at = 0;
		}
	}
}

static void send_frame(struct device *d, unsigned char *frame, uint32_t bytes)
{
	d->counters[COUNT_TX_PACKETS]++;
	d->counters[COUNT_TX_BYTES] += bytes;
	wire_send(d, frame, bytes);
}

static void send_single(struct device *d, const struct tx_whole *w)
{
	unsigned char frame[TX_MAX_BYTES];
	struct cursor c = { .w = w };
	struct packet p;

	copy(&c, frame, w->bytes);
	packet_parse(&p, frame, w->bytes);
	/* AF_XDP asks for a checksum in whatever it sends */
	if (w->checksum && w->general && p.l4 != L4_TCP && p.l4 != L4_UDP)
		complain(d, "a checksum is asked for in a packet that is neither TCP nor UDP");
	if (w->checksum)
		packet_set_checksums(&p, false, true);
	send_frame(d, frame, w->bytes);
}

/* What differs from segment to segment of TCP: numbers and, but in the last one, flags. */
static void set_tcp(struct packet *p, uint32_t sent, bool first, bool last)
{
	unsigned char *const tcp = p->data + p->l4_at;

	put32(tcp + 4, get32(tcp + 4) + sent);
	if (!last)
		tcp[13] &= (unsigned char)~(TCP_FIN | TCP_PSH);
	if (!first)
		tcp[13] &= (unsigned char)~TCP_CWR;
}

static void send_segments(struct device *d, const struct tx_whole *w)
{
	unsigned char frame[TX_MAX_HEADER + TX_MAX_MSS], header[TX_MAX_HEADER];
	struct cursor c = { .w = w };
	uint16_t number = 0;
	uint32_t bytes;

	copy(&c, header, w->header);
	for (uint32_t sent = 0; sent < w->total; sent += bytes, number++) {
		struct packet p;

		bytes = w->total - sent < w->mss ? w->total - sent : w->mss;
		memcpy(frame, header, w->header);
		copy(&c, frame + w->header, bytes);
		/* the lengths in the header are those of all segments together, or none */
		if (get16(frame + 12) == 0x0800 && w->header >= ETH_BYTES + 20)
			put16(frame + ETH_BYTES + 2, (uint16_t)(w->header + bytes - ETH_BYTES));
		else if (w->header >= ETH_BYTES + 40)
			put16(frame + ETH_BYTES + 4,
			      (uint16_t)(w->header + bytes - ETH_BYTES - 40));
		packet_parse(&p, frame, w->header + bytes);
		if (p.payload_at != w->header || (p.l4 != L4_TCP && p.l4 != L4_UDP)) {
			complain(d, "TSO of what is neither TCP nor UDP with %u bytes of headers",
				 w->header);
			return;
		}
		if (p.l3 == L3_IPV4)
			put16(frame + p.l3_at + 4, (uint16_t)(get16(frame + p.l3_at + 4) + number));
		if (p.l4 == L4_TCP)
			set_tcp(&p, sent, !sent, sent + bytes == w->total);
		packet_set_lengths(&p);
		packet_set_checksums(&p, true, true);
		send_frame(d, frame, w->header + bytes);
	}
}

void tx_packet_send(struct device *d, const struct tx_whole *w)
{
	if (w->tso)
		send_segments(d, w);
	else
		send_single(d, w);
}
