// SPDX-License-Identifier: MIT
#include "rsc.h"

#include <stdlib.h>
#include <string.h>

#include "device.h"

#define MAX_IP_BYTES 65535u

static uint32_t payload_of(const struct packet *p)
{
	return p->bytes - p->payload_at;
}

static bool mergeable(const struct packet *p, const struct rx_info *info)
{
	const unsigned int flags = p->l4 == L4_TCP ? p->data[p->l4_at + 13] : 0;

	return p->l4 == L4_TCP && !info->unmergeable && !info->ip_wrong && !info->l4_wrong &&
	       (flags & ~(unsigned int)TCP_PSH) == TCP_ACK && payload_of(p) && !info->overflow;
}

static bool is_timestamp(const unsigned char *options)
{
	return !memcmp(options, "\1\1\10\12", 4); /* two no-operations before it, as all do */
}

/* The same options; of time stamps, if those are all, the values may differ. */
static bool same_options(const unsigned char *a, const unsigned char *b, uint32_t bytes)
{
	return !memcmp(a, b, bytes) || (bytes == 12 && is_timestamp(a) && is_timestamp(b));
}

/*
 * The same headers but for lengths, checksums, identification, the sequence and acknowledgement
 * numbers, flags, the window and time stamps: a merged packet carries the last ones.
 */
static bool same_flow(const struct rsc *rsc, const struct packet *p)
{
	const unsigned char *const a = rsc->frame, *const b = p->data;
	const uint32_t ip = p->l3_at, tcp = p->l4_at;
	const uint32_t tos = p->l3 == L3_IPV4 ? 2 : 4; /* bytes before the length */

	if (rsc->headers != p->payload_at || memcmp(a, b, ip + tos))
		return false;
	if (p->l3 == L3_IPV4 ? memcmp(a + ip + 6, b + ip + 6, 4) ||
				       memcmp(a + ip + 12, b + ip + 12, tcp - ip - 12)
			     : memcmp(a + ip + 6, b + ip + 6, 34))
		return false;
	return !memcmp(a + tcp, b + tcp, 4) && a[tcp + 12] == b[tcp + 12] &&
	       same_options(a + tcp + 20, b + tcp + 20, rsc->headers - tcp - 20);
}

/*
 * A packet that needs more buffers than the driver expects of one could wait for ever: with 32 of
 * them posted it polls no more, and posts others only when it was interrupted.
 */
static bool has_room(const struct device *d, const struct rx_queue *q, const struct packet *p)
{
	const uint32_t bytes = q->rsc.bytes + payload_of(p);

	return q->rsc.segments < d->faults.value[FAULT_RSC_LIMIT] &&
	       bytes - p->l3_at <= MAX_IP_BYTES &&
	       bytes - q->rsc.info.header <= RX_MAX_BUFFERS * q->packet_buffer;
}

static bool continues(const struct device *d, const struct rx_queue *q, const struct packet *p)
{
	const struct rsc *const rsc = &q->rsc;

	return rsc->bytes && same_flow(rsc, p) && get32(p->data + p->l4_at + 4) == rsc->next_seq &&
	       payload_of(p) <= rsc->segment && has_room(d, q, p);
}

static bool begin(struct rsc *rsc, const struct packet *p, const struct rx_info *info)
{
	if (!rsc->frame)
		rsc->frame = malloc(MAX_FRAME + ETH_BYTES);
	if (!rsc->frame)
		return false;
	memcpy(rsc->frame, p->data, p->bytes);
	rsc->bytes = p->bytes;
	rsc->headers = p->payload_at;
	rsc->segments = 1;
	rsc->segment = payload_of(p);
	rsc->next_seq = get32(p->data + p->l4_at + 4) + payload_of(p);
	rsc->info = (struct rsc_saved){ info->type, info->hash, info->header };
	return true;
}

/* The merged packet acknowledges, and has time stamps, as the last segment does. */
static void append(struct device *d, struct rsc *rsc, const struct packet *p)
{
	unsigned char *const tcp = rsc->frame + p->l4_at;
	const unsigned char *const from = p->data + p->l4_at;

	memcpy(rsc->frame + rsc->bytes, p->data + p->payload_at, payload_of(p));
	memcpy(tcp + 8, from + 8, 4);
	memcpy(tcp + 14, from + 14, 2);
	memcpy(tcp + 20, from + 20, p->payload_at - p->l4_at - 20);
	tcp[13] |= from[13];
	rsc->bytes += payload_of(p);
	rsc->next_seq += payload_of(p);
	rsc->segments++;
	d->counters[COUNT_MERGED]++;
}

bool rsc_take(struct device *d, struct rx_queue *q, const struct packet *p,
	      const struct rx_info *info)
{
	struct rsc *const rsc = &q->rsc;
	bool last;

	if (!q->rsc_on || d->faults.value[FAULT_RSC_LIMIT] <= 1 || !mergeable(p, info)) {
		rsc_flush(d, q);
		return false;
	}
	last = p->data[p->l4_at + 13] & TCP_PSH;
	if (continues(d, q, p)) {
		last |= payload_of(p) < rsc->segment;
		append(d, rsc, p);
	} else {
		rsc_flush(d, q);
		if (!begin(rsc, p, info))
			return false;
	}
	if (last)
		rsc_flush(d, q);
	return true;
}

void rsc_flush(struct device *d, struct rx_queue *q)
{
	struct rsc *const rsc = &q->rsc;
	struct rx_info info = { 0 };
	struct packet p;

	if (!rsc->bytes)
		return;
	info.type = rsc->info.type;
	info.hash = rsc->info.hash;
	info.header = rsc->info.header;
	if (rsc->segments > 1) {
		/* read with the length that its headers have still: that of the first segment */
		packet_parse(&p, rsc->frame, rsc->bytes);
		p.bytes = rsc->bytes;
		packet_set_lengths(&p);
		packet_set_checksums(&p, true, false);
		info.segment = (uint16_t)rsc->segment;
		info.segments = rsc->segments;
	} else {
		packet_parse(&p, rsc->frame, rsc->bytes);
	}
	rsc->bytes = 0;
	rx_deliver(d, q, &p, &info);
}

void rsc_free(struct rsc *rsc)
{
	free(rsc->frame);
	memset(rsc, 0, sizeof(*rsc));
}
