// SPDX-License-Identifier: GPL-2.0-only
/*
 * The NIC's receive side: takes posted buffers, splits and stores the packet, and reports
 * it in the completion queue. It knows buffers by DMA address only.
 */
#include <linux/if_vlan.h>

#include "labnic.h"

static u32 labnic_avail(struct labnic_ring *ring)
{
	/* Pairs with the release in labnic_ring_fill(). */
	return smp_load_acquire(&ring->prod) - ring->cons;
}

/* Stores len bytes at position pos of the run of buffers that starts at the ring's head. */
static int labnic_store_sram(struct labnic *nic, struct labnic_ring *ring, u32 pos, const u8 *sram,
			     u32 len)
{
	while (len) {
		u32 off = pos % ring->buf_len, n = min(len, ring->buf_len - off);
		dma_addr_t to = ring->desc[(ring->cons + pos / ring->buf_len) & ring->mask] + off;

		if (labnic_dma_write(nic, to, sram, n))
			return -EFAULT;
		pos += n;
		sram += n;
		len -= n;
	}
	return 0;
}

static int labnic_store_frame(struct labnic *nic, struct labnic_ring *ring, u32 pos,
			      const struct labnic_frame *frame, u32 from, u32 len)
{
	while (len) {
		u32 off = pos % ring->buf_len, n = min(len, ring->buf_len - off);
		dma_addr_t to = ring->desc[(ring->cons + pos / ring->buf_len) & ring->mask] + off;

		if (labnic_frame_move(frame, from, nic, to, n))
			return -EFAULT;
		pos += n;
		from += n;
		len -= n;
	}
	return 0;
}

static void labnic_cqe_post(struct labnic_rxq *rxq, const struct labnic_cqe *cqe)
{
	struct labnic_rxmem *mem = &rxq->mem;

	mem->cq[mem->cq_prod & mem->cq_mask] = *cqe;
	/* Pairs with the acquire in labnic_rx_poll(). */
	smp_store_release(&mem->cq_prod, mem->cq_prod + 1);
}

/* Completes the parked packets that are due, and starts the timer for the rest. */
static void labnic_unpark(struct labnic_rxq *rxq, bool followed)
{
	ktime_t now = ktime_get(), next = KTIME_MAX;
	struct labnic_parked *p;

	for (p = rxq->parked; p < rxq->parked + LABNIC_PARKED; p++) {
		if (!p->used)
			continue;
		if ((followed && p->after_next) || ktime_compare(p->due, now) <= 0) {
			labnic_cqe_post(rxq, &p->cqe);
			p->used = false;
			rxq->n_parked--;
		} else {
			next = min(next, p->due);
		}
	}
	if (rxq->n_parked)
		hrtimer_start(&rxq->park_timer, next, HRTIMER_MODE_ABS_SOFT);
}

enum hrtimer_restart labnic_park_expired(struct hrtimer *timer)
{
	struct labnic_rxq *rxq = container_of(timer, struct labnic_rxq, park_timer);

	spin_lock(&rxq->lock);
	if (rxq->enabled) {
		labnic_unpark(rxq, false);
		napi_schedule(&rxq->napi);
	}
	spin_unlock(&rxq->lock);
	return HRTIMER_NORESTART;
}

/* The buffers of parked packets are still in their ring slots, and are freed with the ring. */
void labnic_hw_flush_parked(struct labnic_rxq *rxq)
{
	memset(rxq->parked, 0, sizeof(rxq->parked));
	rxq->n_parked = 0;
}

static bool labnic_park(struct labnic_rxq *rxq, const struct labnic_cqe *cqe)
{
	struct labnic_faults *f = &rxq->nic->faults;
	struct labnic_parked *p;
	bool after_next;
	u32 us;

	if (likely(!READ_ONCE(f->reorder_every) && !READ_ONCE(f->delay_every)))
		return false;
	if (rxq->n_parked == LABNIC_PARKED)
		return false;
	if (labnic_fault(&f->reorder_every, &f->seen_reorder, &f->reordered)) {
		after_next = true;
		us = 2000;
	} else if (labnic_fault(&f->delay_every, &f->seen_delay, &f->delayed)) {
		after_next = false;
		us = READ_ONCE(f->delay_us);
	} else {
		return false;
	}
	for (p = rxq->parked; p->used; p++)
		;
	p->cqe = *cqe;
	p->due = ktime_add_us(ktime_get(), us);
	p->after_next = after_next;
	p->used = true;
	rxq->n_parked++;
	hrtimer_start(&rxq->park_timer, p->due, HRTIMER_MODE_ABS_SOFT);
	return true;
}

/* How many bytes go to the host buffers; the rest of the packet goes to payload buffers. */
static u32 labnic_split_at(struct labnic *nic, const struct labnic_pkt *pkt)
{
	struct labnic_faults *f = &nic->faults;
	u32 total = pkt->hdr_len + pkt->len, extra;

	if (!nic->split || pkt->frame->flow.l4 != IPPROTO_TCP || !pkt->len ||
	    total <= nic->hds_thresh)
		return total;
	if (likely(!labnic_fault(&f->nosplit_every, &f->seen_nosplit, &f->unsplit)))
		return pkt->hdr_len;
	extra = min3(READ_ONCE(f->nosplit_bytes), LABNIC_SRAM - pkt->hdr_len, pkt->len - 1);
	return extra ? pkt->hdr_len + extra : total;
}

static int labnic_store(struct labnic_rxq *rxq, const struct labnic_pkt *pkt,
			struct labnic_cqe *cqe)
{
	struct labnic_rxmem *mem = &rxq->mem;
	struct labnic *nic = rxq->nic;
	u32 in_host = cqe->host_len - pkt->hdr_len;

	return labnic_store_sram(nic, &mem->host, 0, pkt->hdr, pkt->hdr_len) ?:
	       labnic_store_frame(nic, &mem->host, pkt->hdr_len, pkt->frame, pkt->off, in_host) ?:
	       labnic_store_frame(nic, &mem->pay, cqe->pay_off, pkt->frame, pkt->off + in_host,
				  cqe->pay_len);
}

/*
 * Advances past a packet and consumes its buffers. With "pack" the last one stays if it has room:
 * the next packet then begins there, at the next cache line.
 */
static void labnic_pay_advance(struct labnic_rxq *rxq, struct labnic_cqe *cqe)
{
	struct labnic_ring *ring = &rxq->mem.pay;
	u32 end = ALIGN(cqe->pay_off + cqe->pay_len - (cqe->pay_n - 1) * ring->buf_len,
			SMP_CACHE_BYTES);
	u16 sharing = ring->sharing + 1;

	cqe->pay_open =
		READ_ONCE(rxq->nic->faults.pack) && end < ring->buf_len && sharing < U16_MAX;
	cqe->pay_sharing = cqe->pay_open && cqe->pay_n == 1 ? 0 : sharing;
	ring->off = cqe->pay_open ? end : 0;
	ring->sharing = !cqe->pay_open ? 0 : cqe->pay_n == 1 ? sharing : 1;
	WRITE_ONCE(ring->cons, ring->cons + cqe->pay_n - cqe->pay_open);
}

/* Inverts the last payload byte where it was stored. Returns whether it did. */
static bool labnic_corrupt(struct labnic_rxq *rxq, const struct labnic_pkt *pkt,
			   const struct labnic_cqe *cqe)
{
	struct labnic_faults *f = &rxq->nic->faults;
	struct labnic_ring *ring = cqe->pay_len ? &rxq->mem.pay : &rxq->mem.host;
	u32 last = (cqe->pay_len ? cqe->pay_off + cqe->pay_len : cqe->host_len) - 1;
	u8 byte;

	if (likely(!READ_ONCE(f->corrupt_every)) || !pkt->len ||
	    pkt->frame->flow.l4 != IPPROTO_TCP ||
	    !labnic_fault(&f->corrupt_every, &f->seen_corrupt, &f->corrupted) ||
	    labnic_frame_read(pkt->frame, pkt->off + pkt->len - 1, &byte, 1))
		return false;
	byte ^= 0xff;
	return !labnic_store_sram(rxq->nic, ring, last, &byte, 1);
}

static void labnic_receive_locked(struct labnic_rxq *rxq, const struct labnic_pkt *pkt)
{
	struct labnic_rxmem *mem = &rxq->mem;
	struct labnic_cqe cqe = {};
	bool parked, corrupt;

	cqe.host_len = labnic_split_at(rxq->nic, pkt);
	cqe.pay_len = pkt->hdr_len + pkt->len - cqe.host_len;
	cqe.host_n = DIV_ROUND_UP(cqe.host_len, mem->host.buf_len);
	if (cqe.pay_len) {
		cqe.pay_off = mem->pay.off;
		cqe.pay_n = DIV_ROUND_UP(cqe.pay_off + cqe.pay_len, mem->pay.buf_len);
	}
	if (labnic_avail(&mem->host) < cqe.host_n ||
	    (cqe.pay_n && labnic_avail(&mem->pay) < cqe.pay_n)) {
		rxq->stats.overruns++;
		return;
	}
	if (labnic_store(rxq, pkt, &cqe))
		return;
	corrupt = labnic_corrupt(rxq, pkt, &cqe);

	cqe.host_slot = mem->host.cons;
	cqe.pay_slot = mem->pay.cons;
	WRITE_ONCE(mem->host.cons, mem->host.cons + cqe.host_n);
	if (cqe.pay_len)
		labnic_pay_advance(rxq, &cqe);
	cqe.hash = pkt->hash;
	cqe.mss = pkt->mss;
	cqe.segs = pkt->segs;
	cqe.flags = (cqe.pay_len ? LABNIC_CQE_SPLIT : 0) |
		    (corrupt	    ? LABNIC_CQE_CORRUPT
		     : pkt->csum_ok ? LABNIC_CQE_CSUM_OK
				    : 0) |
		    (pkt->hash_l4 ? LABNIC_CQE_HASH_L4 : 0) |
		    (pkt->frame->flow.l4 == IPPROTO_TCP ? LABNIC_CQE_TCP : 0) |
		    (pkt->frame->flow.l3 == ETH_P_IPV6 ? LABNIC_CQE_IPV6 : 0);

	parked = labnic_park(rxq, &cqe);
	if (!parked)
		labnic_cqe_post(rxq, &cqe);
	if (unlikely(rxq->n_parked))
		labnic_unpark(rxq, !parked);
	napi_schedule(&rxq->napi);
}

void labnic_hw_receive(struct labnic *nic, const struct labnic_pkt *pkt, u32 queue)
{
	struct labnic_faults *f = &nic->faults;
	struct labnic_rxq *rxq;

	if (!pkt->segs && pkt->hdr_len + pkt->len > nic->netdev->mtu + VLAN_ETH_HLEN) {
		atomic64_inc(&nic->rx_too_long);
		return;
	}
	if (labnic_fault(&f->drop_every, &f->seen_drop, &f->dropped))
		return;
	if (labnic_fault(&f->misroute_every, &f->seen_misroute, &f->misrouted))
		queue = (queue + 1) % nic->channels;

	rxq = &nic->rxq[queue];
	spin_lock(&rxq->lock);
	if (likely(rxq->enabled))
		labnic_receive_locked(rxq, pkt);
	else
		atomic64_inc(&nic->rx_no_carrier);
	spin_unlock(&rxq->lock);
}
