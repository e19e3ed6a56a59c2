// SPDX-License-Identifier: GPL-2.0-only
/*
 * The NIC's transmit side. It reads the frames that the descriptors describe, cuts TSO
 * frames into packets, completes checksums, and hands packets to the peer's receive side.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>

#include "labnic.h"

/* Calls op for each piece of memory behind bytes off..off+len of the frame. */
#define labnic_frame_walk(frame, off, len, addr, n, op)                        \
	({                                                                     \
		const struct labnic_frame *_f = (frame);                       \
		u32 _i, _off = (off), _len = (len);                            \
		int _err = 0;                                                  \
                                                                               \
		for (_i = 0; _i < _f->n && _len && !_err; _i++) {              \
			const struct labnic_txd *_d;                           \
                                                                               \
			_d = &_f->txq->desc[(_f->first + _i) & _f->txq->mask]; \
			if (_off >= _d->len) {                                 \
				_off -= _d->len;                               \
				continue;                                      \
			}                                                      \
			dma_addr_t addr = _d->addr + _off;                     \
			u32 n = min(_len, _d->len - _off);                     \
			_err = (op);                                           \
			_len -= n;                                             \
			_off = 0;                                              \
		}                                                              \
		_err ?: (_len ? -EFAULT : 0);                                  \
	})

int labnic_frame_read(const struct labnic_frame *frame, u32 off, u8 *sram, u32 len)
{
	u8 *to = sram;

	return labnic_frame_walk(frame, off, len, addr, n, ({
					 int err = labnic_dma_read(frame->from, to, addr, n);

					 to += n;
					 err;
				 }));
}

int labnic_frame_move(const struct labnic_frame *frame, u32 off, struct labnic *to, dma_addr_t dst,
		      u32 len)
{
	return labnic_frame_walk(frame, off, len, addr, n, ({
					 int err = labnic_dma_move(to, dst, frame->from, addr, n);

					 dst += n;
					 err;
				 }));
}

static int labnic_frame_csum(const struct labnic_frame *frame, u32 off, u32 len, __wsum *sum)
{
	u8 part[LABNIC_SRAM];
	u32 pos, n;

	for (pos = 0; pos < len; pos += n) {
		n = min_t(u32, len - pos, sizeof(part));
		if (labnic_frame_read(frame, off + pos, part, n))
			return -EFAULT;
		*sum = csum_block_add(*sum, csum_partial(part, n, 0), pos);
	}
	return 0;
}

static __sum16 labnic_pseudo(const struct labnic_flow *flow, u32 len, __wsum sum)
{
	if (flow->l3 == ETH_P_IP)
		return csum_tcpudp_magic(flow->src.s6_addr32[0], flow->dst.s6_addr32[0], len,
					 flow->l4, sum);
	return csum_ipv6_magic(&flow->src, &flow->dst, len, flow->l4, sum);
}

/* Computes the L4 checksum over the packet as it is: 0 if the checksum in it is right. */
static int labnic_l4_csum(const struct labnic_pkt *pkt, __sum16 *result)
{
	const struct labnic_flow *flow = &pkt->frame->flow;
	u32 l4_len = pkt->hdr_len - flow->l4_off;
	__wsum payload = 0, sum;

	if (labnic_frame_csum(pkt->frame, pkt->off, pkt->len, &payload))
		return -EFAULT;
	sum = csum_partial(pkt->hdr + flow->l4_off, l4_len, 0);
	sum = csum_block_add(sum, payload, l4_len);
	*result = labnic_pseudo(flow, l4_len + pkt->len, sum);
	return 0;
}

static __sum16 *labnic_csum_field(const struct labnic_flow *flow, u8 *hdr)
{
	if (flow->l4 == IPPROTO_TCP)
		return &((struct tcphdr *)(hdr + flow->l4_off))->check;
	return &((struct udphdr *)(hdr + flow->l4_off))->check;
}

/*
 * Completes the checksum of an offloaded packet; verifies that of any other. If the peer
 * verifies checksums in hardware (rxcsum), an offloaded packet's is left incomplete:
 * nobody looks at it again, and only a packet dump would show it.
 */
static int labnic_seal(struct labnic_pkt *pkt, u8 *hdr, bool offloaded, bool rxcsum)
{
	const struct labnic_flow *flow = &pkt->frame->flow;
	const struct labnic_txd *d = pkt->frame->d;
	__sum16 *field, result;

	pkt->csum_ok = false;
	if (flow->l4) {
		if (offloaded && rxcsum) {
			pkt->csum_ok = true;
			return 0;
		}
		field = labnic_csum_field(flow, hdr);
		if (!offloaded && flow->l4 == IPPROTO_UDP && !*field)
			return 0;
		if (offloaded)
			*field = 0;
		if (labnic_l4_csum(pkt, &result))
			return -EFAULT;
		if (offloaded)
			*field = result ?: CSUM_MANGLED_0;
		pkt->csum_ok = offloaded || !result;
	} else if (offloaded && d->csum_start + d->csum_off + 2 <= pkt->hdr_len) {
		__wsum sum = csum_partial(hdr + d->csum_start, pkt->hdr_len - d->csum_start, 0);
		__wsum rest = 0;

		if (labnic_frame_csum(pkt->frame, pkt->off, pkt->len, &rest))
			return -EFAULT;
		sum = csum_block_add(sum, rest, pkt->hdr_len - d->csum_start);
		*(__sum16 *)(hdr + d->csum_start + d->csum_off) = csum_fold(sum) ?: CSUM_MANGLED_0;
	}
	return 0;
}

/* Writes the headers of packet number nr, at payload offset at, from those of the TSO frame. */
static void labnic_tso_header(const struct labnic_frame *frame, u8 *hdr, u32 nr, u32 at, u32 len,
			      bool last)
{
	const struct labnic_flow *flow = &frame->flow;
	struct tcphdr *th = (struct tcphdr *)(hdr + flow->l4_off);
	u32 l4_len = flow->hdr_len - flow->l4_off + len;

	memcpy(hdr, frame->sram, flow->hdr_len);
	if (flow->l3 == ETH_P_IP) {
		struct iphdr *ih = (struct iphdr *)(hdr + flow->l3_off);

		ih->tot_len = htons(ih->ihl * 4 + l4_len);
		ih->id = htons(ntohs(ih->id) + nr);
		ip_send_check(ih);
	} else {
		((struct ipv6hdr *)(hdr + flow->l3_off))->payload_len = htons(l4_len);
	}
	th->seq = htonl(ntohl(th->seq) + at);
	if (nr)
		th->cwr = 0;
	if (!last) {
		th->fin = 0;
		th->psh = 0;
	}
}

static void labnic_send_tso(const struct labnic_frame *frame, struct labnic *peer,
			    struct labnic_pkt *pkt, u32 queue)
{
	bool rxcsum = peer->netdev->features & NETIF_F_RXCSUM;
	bool merge = peer->netdev->features & NETIF_F_GRO_HW;
	u32 mss = frame->d->mss, payload = frame->len - frame->flow.hdr_len;
	u32 step = merge ? payload : mss, at, nr = 0;
	u8 hdr[LABNIC_SRAM];

	if (merge && payload > mss) {
		pkt->mss = mss;
		pkt->segs = DIV_ROUND_UP(payload, mss);
	}
	for (at = 0; at < payload; at += step, nr++) {
		pkt->hdr = hdr;
		pkt->hdr_len = frame->flow.hdr_len;
		pkt->off = frame->flow.hdr_len + at;
		pkt->len = min(step, payload - at);
		labnic_tso_header(frame, hdr, nr, at, pkt->len, at + step >= payload);
		if (!labnic_seal(pkt, hdr, true, rxcsum))
			labnic_hw_receive(peer, pkt, queue);
	}
}

static void labnic_send_one(struct labnic_frame *frame, struct labnic *peer, struct labnic_pkt *pkt,
			    u32 queue)
{
	pkt->hdr = frame->sram;
	pkt->hdr_len = frame->flow.l4 ? frame->flow.hdr_len : frame->sram_len;
	pkt->off = pkt->hdr_len;
	pkt->len = frame->len - pkt->hdr_len;
	if (!labnic_seal(pkt, frame->sram, frame->d->flags & LABNIC_TXD_CSUM,
			 peer->netdev->features & NETIF_F_RXCSUM))
		labnic_hw_receive(peer, pkt, queue);
}

/* Collects the descriptors of the next frame. */
static void labnic_frame_init(struct labnic_frame *frame, struct labnic_txq *txq)
{
	const struct labnic_txd *d;

	frame->from = txq->nic;
	frame->txq = txq;
	frame->first = txq->hw;
	frame->d = &txq->desc[txq->hw & txq->mask];
	frame->n = 0;
	frame->len = 0;
	do {
		d = &txq->desc[(txq->hw + frame->n++) & txq->mask];
		frame->len += d->len;
	} while (!(d->flags & LABNIC_TXD_LAST));
}

static void labnic_send_frame(struct labnic_txq *txq, struct labnic_frame *frame,
			      struct labnic *peer)
{
	struct labnic_pkt pkt = { .frame = frame };
	int queue;

	frame->sram_len = min_t(u32, frame->len, LABNIC_SRAM);
	if (labnic_frame_read(frame, 0, frame->sram, frame->sram_len))
		return;
	labnic_flow_parse(&frame->flow, frame->sram, frame->sram_len);
	queue = labnic_steer(peer, &frame->flow, &pkt.hash, &pkt.hash_l4);
	if (queue < 0)
		return;
	if (frame->d->flags & LABNIC_TXD_TSO && frame->flow.l4 == IPPROTO_TCP &&
	    frame->len > frame->flow.hdr_len) {
		u32 payload = frame->len - frame->flow.hdr_len;

		txq->stats.tso_frames++;
		txq->stats.tso_bytes += payload;
		txq->stats.wire_packets += DIV_ROUND_UP(payload, frame->d->mss);
		labnic_send_tso(frame, peer, &pkt, queue);
	} else {
		txq->stats.wire_packets++;
		labnic_send_one(frame, peer, &pkt, queue);
	}
}

/* Sends what has been posted. Runs in xmit, or in NAPI. */
void labnic_wire_run(struct labnic_txq *txq)
{
	struct labnic *nic = txq->nic;
	struct labnic *peer = rcu_dereference_bh(nic->peer);
	struct labnic_frame frame;

	spin_lock(&txq->wire);
	/* Pairs with the release in labnic_tx_doorbell(). */
	while (txq->hw != smp_load_acquire(&txq->tail)) {
		labnic_frame_init(&frame, txq);
		if (!peer || !READ_ONCE(nic->faults.link) || !READ_ONCE(peer->faults.link))
			txq->stats.dropped++;
		else
			labnic_send_frame(txq, &frame, peer);
		/* Pairs with the acquire in labnic_tx_reap(). */
		smp_store_release(&txq->hw, txq->hw + frame.n);
	}
	spin_unlock(&txq->wire);
	napi_schedule(&nic->rxq[txq->idx].napi);
}
