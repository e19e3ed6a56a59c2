// SPDX-License-Identifier: GPL-2.0-only
/* The driver's side of sending: turns skbs into descriptors, and frees them when they are sent. */
#include <linux/dma-mapping.h>
#include <linux/tcp.h>

#include "labnic.h"

#define LABNIC_TX_STOP (MAX_SKB_FRAGS + 2)

int labnic_txq_alloc(struct labnic *nic, u32 idx)
{
	struct labnic_txq *txq = &nic->txq[idx];
	u32 slots = roundup_pow_of_two(nic->tx_size);

	txq->nic = nic;
	txq->idx = idx;
	spin_lock_init(&txq->wire);
	txq->size = nic->tx_size;
	txq->mask = slots - 1;
	txq->prod = 0;
	txq->tail = 0;
	txq->hw = 0;
	txq->clean = 0;
	txq->desc = kvcalloc(slots, sizeof(*txq->desc), GFP_KERNEL);
	txq->buf = kvcalloc(slots, sizeof(*txq->buf), GFP_KERNEL);
	if (txq->desc && txq->buf)
		return 0;
	labnic_txq_free(txq);
	return -ENOMEM;
}

static void labnic_tx_unmap(struct labnic_txq *txq, u32 i)
{
	struct labnic_txbuf *buf = &txq->buf[i & txq->mask];

	if (!buf->unmap)
		return;
	if (buf->single)
		dma_unmap_single(txq->nic->dev, buf->unmap, buf->len, DMA_TO_DEVICE);
	else
		dma_unmap_page(txq->nic->dev, buf->unmap, buf->len, DMA_TO_DEVICE);
	buf->unmap = 0;
}

/* Call when the stack has stopped sending and NAPI is off. */
void labnic_txq_free(struct labnic_txq *txq)
{
	for (; txq->clean != txq->prod; txq->clean++) {
		struct labnic_txbuf *buf = &txq->buf[txq->clean & txq->mask];

		labnic_tx_unmap(txq, txq->clean);
		dev_kfree_skb_any(buf->skb);
		buf->skb = NULL;
	}
	kvfree(txq->desc);
	kvfree(txq->buf);
	txq->desc = NULL;
	txq->buf = NULL;
}

static u32 labnic_tx_free(struct labnic_txq *txq)
{
	return txq->size - (txq->prod - READ_ONCE(txq->clean));
}

static void labnic_tx_put(struct labnic_txq *txq, u32 i, dma_addr_t addr, u32 len, bool single,
			  bool unmap)
{
	struct labnic_txd *d = &txq->desc[i & txq->mask];
	struct labnic_txbuf *buf = &txq->buf[i & txq->mask];

	memset(d, 0, sizeof(*d));
	d->addr = addr;
	d->len = len;
	buf->skb = NULL;
	buf->unmap = unmap ? addr : 0;
	buf->len = len;
	buf->single = single;
}

/* Maps head and fragments into descriptors from prod on; returns how many, or an error. */
static int labnic_tx_map(struct labnic_txq *txq, struct sk_buff *skb)
{
	struct device *dev = txq->nic->dev;
	u32 start = txq->prod, i = start;
	dma_addr_t addr;
	int f;

	addr = dma_map_single(dev, skb->data, skb_headlen(skb), DMA_TO_DEVICE);
	if (dma_mapping_error(dev, addr))
		return -ENOMEM;
	labnic_tx_put(txq, i++, addr, skb_headlen(skb), true, true);

	for (f = 0; f < skb_shinfo(skb)->nr_frags; f++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[f];

		addr = skb_frag_dma_map(dev, frag, 0, skb_frag_size(frag), DMA_TO_DEVICE);
		if (dma_mapping_error(dev, addr))
			goto err_unmap;
		labnic_tx_put(txq, i++, addr, skb_frag_size(frag), false,
			      !skb_frag_is_net_iov(frag));
	}
	return i - start;

err_unmap:
	while (i != start)
		labnic_tx_unmap(txq, --i);
	return -ENOMEM;
}

static void labnic_tx_offloads(struct labnic_txq *txq, struct sk_buff *skb, struct labnic_txd *d)
{
	d->flags |= LABNIC_TXD_FIRST;
	if (skb_is_gso(skb)) {
		d->flags |= LABNIC_TXD_TSO | LABNIC_TXD_CSUM;
		d->mss = skb_shinfo(skb)->gso_size;
		d->hdr_len = skb_tcp_all_headers(skb);
	} else if (skb->ip_summed == CHECKSUM_PARTIAL) {
		d->flags |= LABNIC_TXD_CSUM;
		d->csum_start = skb_checksum_start_offset(skb);
		d->csum_off = skb->csum_offset;
	}
	if (d->flags & LABNIC_TXD_CSUM)
		txq->stats.csum++;
}

/*
 * Starts the NIC's transmit side: here and now, or in NAPI with wire_apart, so that the work of
 * hardware is not counted as work of the processor that sends.
 */
static void labnic_tx_doorbell(struct labnic_txq *txq)
{
	/* Pairs with the acquire in labnic_wire_run(). */
	smp_store_release(&txq->tail, txq->prod);
	if (READ_ONCE(txq->nic->wire_apart))
		napi_schedule(&txq->nic->rxq[txq->idx].napi);
	else
		labnic_wire_run(txq);
}

/*
 * True if each packet that the NIC would cut from this one has at most @most fragments. A fragment
 * that spans two packets counts in both.
 * [drivers/net/ethernet/google/gve/gve_tx_dqo.c: gve_can_send_tso()]
 */
static bool labnic_tso_fits(const struct sk_buff *skb, u32 most)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	u32 in_packet = skb_headlen(skb) - skb_tcp_all_headers(skb), n = in_packet > 0, f;

	for (f = 0; f < shinfo->nr_frags; f++) {
		if (in_packet >= shinfo->gso_size) {
			in_packet %= shinfo->gso_size;
			n = in_packet > 0;
		}
		if (++n > most)
			return false;
		in_packet += skb_frag_size(&shinfo->frags[f]);
	}
	return true;
}

/* If TSO would make packets with too many fragments, the stack segments in software instead. This
 * does not reduce their fragments. */
netdev_features_t labnic_features_check(struct sk_buff *skb, struct net_device *dev,
					netdev_features_t features)
{
	struct labnic *nic = netdev_priv(dev);
	u32 most = READ_ONCE(nic->faults.tx_pieces);

	if (most && skb_is_gso(skb) && !labnic_tso_fits(skb, most))
		features &= ~NETIF_F_GSO_MASK;
	return features;
}

/* A packet with more fragments than descriptors allow is copied to one, as by gve. Returns false if
 * that fails: the processor cannot read device memory. */
static bool labnic_tx_linear(struct labnic_txq *txq, struct sk_buff *skb)
{
	u32 most = READ_ONCE(txq->nic->faults.tx_pieces);

	if (likely(!most) || skb_is_gso(skb) || skb_shinfo(skb)->nr_frags <= most)
		return true;
	if (skb_linearize(skb)) {
		txq->stats.too_many_pieces++;
		return false;
	}
	txq->stats.linearized++;
	return true;
}

netdev_tx_t labnic_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct labnic *nic = netdev_priv(dev);
	u16 idx = skb_get_queue_mapping(skb);
	struct netdev_queue *nq = netdev_get_tx_queue(dev, idx);
	struct labnic_txq *txq = &nic->txq[idx];
	u32 bytes = skb->len;
	int n;

	if (unlikely(!labnic_tx_linear(txq, skb))) {
		dev_kfree_skb_any(skb);
		goto out_doorbell;
	}
	if (unlikely(labnic_tx_free(txq) < 1 + skb_shinfo(skb)->nr_frags)) {
		netif_tx_stop_queue(nq);
		return NETDEV_TX_BUSY;
	}
	n = labnic_tx_map(txq, skb);
	if (unlikely(n < 0)) {
		txq->stats.map_errors++;
		dev_kfree_skb_any(skb);
		goto out_doorbell;
	}
	labnic_tx_offloads(txq, skb, &txq->desc[txq->prod & txq->mask]);
	txq->desc[(txq->prod + n - 1) & txq->mask].flags |= LABNIC_TXD_LAST;
	txq->buf[(txq->prod + n - 1) & txq->mask].skb = skb;
	txq->stats.packets += skb_is_gso(skb) ? skb_shinfo(skb)->gso_segs : 1;
	txq->stats.bytes += bytes;
	skb_tx_timestamp(skb);
	txq->prod += n;

	if (!netif_txq_maybe_stop(nq, labnic_tx_free(txq), LABNIC_TX_STOP, 2 * LABNIC_TX_STOP))
		txq->stats.stop++;
	if (__netdev_tx_sent_queue(nq, bytes, netdev_xmit_more()))
	out_doorbell:
		labnic_tx_doorbell(txq);
	return NETDEV_TX_OK;
}

void labnic_tx_reap(struct labnic_txq *txq, int budget)
{
	struct netdev_queue *nq = netdev_get_tx_queue(txq->nic->netdev, txq->idx);
	u32 hw = smp_load_acquire(&txq->hw), clean = txq->clean;
	u32 packets = 0, bytes = 0;

	for (; clean != hw; clean++) {
		struct labnic_txbuf *buf = &txq->buf[clean & txq->mask];

		labnic_tx_unmap(txq, clean);
		if (!buf->skb)
			continue;
		packets++;
		bytes += buf->skb->len;
		napi_consume_skb(buf->skb, budget);
		buf->skb = NULL;
	}
	WRITE_ONCE(txq->clean, clean);
	if (!netif_txq_completed_wake(nq, packets, bytes, labnic_tx_free(txq), 2 * LABNIC_TX_STOP))
		txq->stats.wake++;
}
