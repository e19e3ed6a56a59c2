// SPDX-License-Identifier: GPL-2.0-only
/* The driver's side of receiving: buffers to the NIC, completions to skbs. */
#include <linux/etherdevice.h>

#include "labnic.h"

/* With fewer posted buffers than this, a large packet may not fit. The NIC then drops packets, and
 * completes none that would trigger a poll. */
#define LABNIC_RX_LOW	 20
#define LABNIC_REFILL_MS 2

static struct page_pool *labnic_pool_create(struct labnic *nic, u32 idx, u32 buf_len,
					    bool unreadable)
{
	struct page_pool_params pp = {
		.order = get_order(buf_len),
		.pool_size = nic->rx_size,
		.nid = NUMA_NO_NODE,
		.dev = nic->dev,
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = buf_len,
		.netdev = nic->netdev,
		.queue_idx = idx,
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
	};

	if (unreadable)
		pp.flags |= PP_FLAG_ALLOW_UNREADABLE_NETMEM;
	return page_pool_create(&pp);
}

int labnic_rxmem_alloc(struct labnic *nic, struct labnic_rxmem *mem, u32 idx, u32 page_size)
{
	int err;

	memset(mem, 0, sizeof(*mem));
	if (labnic_fail_next(&nic->faults.fail_queue_alloc))
		return -ENOMEM;
	err = labnic_ring_alloc(&mem->host, nic->rx_size, PAGE_SIZE)
		      ?: labnic_ring_alloc(&mem->pay, nic->rx_size, page_size);
	if (err)
		goto err_free;

	/* One entry for each host slot is enough: a packet occupies one until its completion is
	 * consumed. */
	mem->cq_mask = mem->host.mask;
	mem->cq = kvcalloc(mem->cq_mask + 1, sizeof(*mem->cq), GFP_KERNEL);
	err = -ENOMEM;
	if (!mem->cq)
		goto err_free;

	mem->host_pool = labnic_pool_create(nic, idx, PAGE_SIZE, false);
	if (IS_ERR(mem->host_pool)) {
		err = PTR_ERR(mem->host_pool);
		mem->host_pool = NULL;
		goto err_free;
	}
	mem->pay_pool = labnic_pool_create(nic, idx, page_size, true);
	if (IS_ERR(mem->pay_pool)) {
		err = PTR_ERR(mem->pay_pool);
		mem->pay_pool = NULL;
		goto err_free;
	}
	mem->unreadable = page_pool_is_unreadable(mem->pay_pool);
	return 0;

err_free:
	labnic_rxmem_free(mem);
	return err;
}

void labnic_rxmem_free(struct labnic_rxmem *mem)
{
	labnic_ring_free(&mem->pay, mem->pay_pool);
	labnic_ring_free(&mem->host, mem->host_pool);
	if (mem->pay_pool)
		page_pool_destroy(mem->pay_pool);
	if (mem->host_pool)
		page_pool_destroy(mem->host_pool);
	kvfree(mem->cq);
	memset(mem, 0, sizeof(*mem));
}

/* Without free buffers the NIC completes nothing, so only this timer triggers a poll. */
static void labnic_refill_expired(struct timer_list *timer)
{
	struct labnic_rxq *rxq = container_of(timer, struct labnic_rxq, refill_timer);

	napi_schedule(&rxq->napi);
}

static void labnic_refill(struct labnic_rxq *rxq)
{
	struct labnic_rxmem *mem = &rxq->mem;
	u32 host, pay;

	if (unlikely(READ_ONCE(rxq->nic->faults.starve) & BIT(rxq->idx))) {
		host = labnic_ring_posted(&mem->host);
		pay = labnic_ring_posted(&mem->pay);
	} else {
		host = labnic_ring_fill(&mem->host, mem->host_pool);
		pay = rxq->nic->split ? labnic_ring_fill(&mem->pay, mem->pay_pool) : U32_MAX;
	}
	if (unlikely(min(host, pay) < LABNIC_RX_LOW)) {
		rxq->stats.alloc_fail++;
		mod_timer(&rxq->refill_timer, jiffies + msecs_to_jiffies(LABNIC_REFILL_MS));
	}
}

void labnic_rxq_init(struct labnic *nic, u32 idx)
{
	struct labnic_rxq *rxq = &nic->rxq[idx];

	rxq->nic = nic;
	rxq->idx = idx;
	spin_lock_init(&rxq->lock);
	timer_setup(&rxq->refill_timer, labnic_refill_expired, 0);
	hrtimer_setup(&rxq->park_timer, labnic_park_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_SOFT);
}

/* Call with NAPI off: nobody else then touches the rings. */
void labnic_rxq_start(struct labnic_rxq *rxq, struct labnic_rxmem *mem)
{
	rxq->mem = *mem;
	memset(mem, 0, sizeof(*mem));
	page_pool_enable_direct_recycling(rxq->mem.pay_pool, &rxq->napi);
	page_pool_enable_direct_recycling(rxq->mem.host_pool, &rxq->napi);
	labnic_refill(rxq);

	spin_lock_bh(&rxq->lock);
	rxq->enabled = true;
	spin_unlock_bh(&rxq->lock);
}

/* Call with NAPI off. Once the lock is released, the peer has nothing in flight to these rings. */
void labnic_rxq_stop(struct labnic_rxq *rxq, struct labnic_rxmem *mem)
{
	spin_lock_bh(&rxq->lock);
	rxq->enabled = false;
	labnic_hw_flush_parked(rxq);
	spin_unlock_bh(&rxq->lock);
	hrtimer_cancel(&rxq->park_timer);
	timer_delete_sync(&rxq->refill_timer);

	page_pool_disable_direct_recycling(rxq->mem.pay_pool);
	page_pool_disable_direct_recycling(rxq->mem.host_pool);
	*mem = rxq->mem;
	memset(&rxq->mem, 0, sizeof(rxq->mem));
}

static netmem_ref labnic_take(struct labnic_ring *ring, u32 slot)
{
	netmem_ref netmem = ring->buf[slot & ring->mask];

	ring->buf[slot & ring->mask] = 0;
	return netmem;
}

static void labnic_give_back(struct labnic_ring *ring, struct page_pool *pool, u32 slot, u32 n)
{
	for (; n; n--)
		page_pool_put_full_netmem(pool, labnic_take(ring, slot++), true);
}

static void *labnic_host_va(struct labnic_rxmem *mem, u32 slot, u32 len)
{
	netmem_ref netmem = mem->host.buf[slot & mem->host.mask];

	page_pool_dma_sync_for_cpu(mem->host_pool, netmem_to_page(netmem), 0, len);
	return page_address(netmem_to_page(netmem));
}

/* Copies the host buffers into the skb's head and recycles them. */
static struct sk_buff *labnic_skb_copy(struct labnic_rxq *rxq, const struct labnic_cqe *cqe)
{
	struct labnic_rxmem *mem = &rxq->mem;
	struct sk_buff *skb = napi_alloc_skb(&rxq->napi, cqe->host_len);
	u32 i, len, left = cqe->host_len;

	if (!skb)
		return NULL;
	for (i = 0; left; i++, left -= len) {
		len = min(left, mem->host.buf_len);
		skb_put_data(skb, labnic_host_va(mem, cqe->host_slot + i, len), len);
	}
	labnic_give_back(&mem->host, mem->host_pool, cqe->host_slot, cqe->host_n);
	return skb;
}

/*
 * Returns a buffer that a packet has a part of, with a reference for this packet. The packet that
 * is processed last gets the ring's own reference. It need not be the last one in the buffer,
 * because parked packets are processed later.
 */
static netmem_ref labnic_take_shared(struct labnic_ring *ring, u32 slot, u16 total)
{
	netmem_ref netmem = ring->buf[slot & ring->mask];
	u32 i = slot & ring->mask;

	if (total)
		ring->total[i] = total;
	if (++ring->seen[i] == ring->total[i])
		return labnic_take(ring, slot);
	page_pool_ref_netmem(netmem);
	return netmem;
}

/* How many packets share buffer number @i of this packet; 0 if not known yet. */
static u16 labnic_sharing(const struct labnic_cqe *cqe, u32 i)
{
	if (!i)
		return cqe->pay_sharing;
	return cqe->pay_open && i == cqe->pay_n - 1U ? 0 : 1;
}

static void labnic_drop_pay(struct labnic_rxmem *mem, const struct labnic_cqe *cqe)
{
	u32 i;

	for (i = 0; i < cqe->pay_n; i++)
		page_pool_put_full_netmem(mem->pay_pool,
					  labnic_take_shared(&mem->pay, cqe->pay_slot + i,
							     labnic_sharing(cqe, i)),
					  true);
}

static void labnic_add_pay(struct sk_buff *skb, struct labnic_ring *ring,
			   const struct labnic_cqe *cqe)
{
	u32 i, n, off = cqe->pay_off, left = cqe->pay_len;

	for (i = 0; left; i++, left -= n, off = 0) {
		n = min(left, ring->buf_len - off);
		skb_add_rx_frag_netmem(skb, skb_shinfo(skb)->nr_frags,
				       labnic_take_shared(ring, cqe->pay_slot + i,
							  labnic_sharing(cqe, i)),
				       off, n,
				       cqe->pay_off || cqe->pay_open ? ALIGN(n, SMP_CACHE_BYTES)
								     : ring->buf_len);
	}
	skb_mark_for_recycle(skb);
}

static void labnic_add_frags(struct sk_buff *skb, struct labnic_ring *ring, u32 slot, u32 off,
			     u32 len)
{
	int nr = skb_shinfo(skb)->nr_frags;

	for (; len; nr++, slot++, off = 0) {
		u32 n = min(len, ring->buf_len - off);

		skb_add_rx_frag_netmem(skb, nr, labnic_take(ring, slot), off, n, ring->buf_len);
		len -= n;
	}
	skb_mark_for_recycle(skb);
}

/* A packet in host buffers only: copies the headers and attaches the rest. */
static struct sk_buff *labnic_skb_attach(struct labnic_rxq *rxq, const struct labnic_cqe *cqe)
{
	struct labnic_rxmem *mem = &rxq->mem;
	u32 first = min(cqe->host_len, mem->host.buf_len);
	void *va = labnic_host_va(mem, cqe->host_slot, first);
	u32 i, hlen = eth_get_headlen(rxq->nic->netdev, va, min_t(u32, first, LABNIC_SRAM));
	struct sk_buff *skb = napi_alloc_skb(&rxq->napi, LABNIC_SRAM);

	if (!skb)
		return NULL;
	for (i = 1; i < cqe->host_n; i++)
		labnic_host_va(mem, cqe->host_slot + i, mem->host.buf_len);
	skb_put_data(skb, va, hlen);
	if (cqe->host_len == hlen)
		labnic_give_back(&mem->host, mem->host_pool, cqe->host_slot, cqe->host_n);
	else
		labnic_add_frags(skb, &mem->host, cqe->host_slot, hlen, cqe->host_len - hlen);
	return skb;
}

static struct sk_buff *labnic_skb_split(struct labnic_rxq *rxq, const struct labnic_cqe *cqe)
{
	struct labnic_rxmem *mem = &rxq->mem;
	struct sk_buff *skb = labnic_skb_copy(rxq, cqe);
	u32 i, len, off = cqe->pay_off, left = cqe->pay_len;

	if (!skb)
		return NULL;
	for (i = 0; left; i++, left -= len, off = 0) {
		len = min(left, mem->pay.buf_len - off);
		page_pool_dma_sync_netmem_for_cpu(mem->pay_pool,
						  mem->pay.buf[(cqe->pay_slot + i) & mem->pay.mask],
						  off, len);
	}
	labnic_add_pay(skb, &mem->pay, cqe);
	return skb;
}

/*
 * Beside device memory, heads stay small (LABNIC_SRAM): GRO or TCP would merge a
 * page-backed head into a device skb, and the reader would get -ENODEV. For the same
 * reason an unsplit packet on a device memory queue becomes one linear skb without page
 * pool pages, which the stack never merges with its neighbours. With unsplit_pages it is
 * page-backed, as with other drivers.
 */
static struct sk_buff *labnic_skb_build(struct labnic_rxq *rxq, const struct labnic_cqe *cqe)
{
	if (cqe->flags & LABNIC_CQE_SPLIT)
		return labnic_skb_split(rxq, cqe);
	if (READ_ONCE(rxq->nic->faults.unsplit_pages) && cqe->flags & LABNIC_CQE_TCP)
		return labnic_skb_attach(rxq, cqe);
	if (cqe->host_len <= LABNIC_SRAM || rxq->mem.unreadable)
		return labnic_skb_copy(rxq, cqe);
	return labnic_skb_attach(rxq, cqe);
}

static void labnic_skb_merged(struct labnic_rxq *rxq, struct sk_buff *skb,
			      const struct labnic_cqe *cqe)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);

	shinfo->gso_size = cqe->mss;
	shinfo->gso_segs = cqe->segs;
	shinfo->gso_type = cqe->flags & LABNIC_CQE_IPV6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4;
	rxq->stats.merged++;
	rxq->stats.merged_bytes += skb->len;
	rxq->stats.merged_wire += cqe->segs;
}

static void labnic_rx_one(struct labnic_rxq *rxq, const struct labnic_cqe *cqe)
{
	struct net_device *dev = rxq->nic->netdev;
	struct labnic_rxmem *mem = &rxq->mem;
	struct sk_buff *skb = NULL;

	/* Bad checksum: the stack would want to verify it itself, and cannot read the payload. */
	if (unlikely(mem->unreadable && cqe->flags & LABNIC_CQE_SPLIT &&
		     !(cqe->flags & (LABNIC_CQE_CSUM_OK | LABNIC_CQE_CORRUPT))))
		rxq->stats.csum_bad++;
	else if (!(skb = labnic_skb_build(rxq, cqe)))
		rxq->stats.alloc_fail++;
	if (unlikely(!skb)) {
		labnic_give_back(&mem->host, mem->host_pool, cqe->host_slot, cqe->host_n);
		labnic_drop_pay(mem, cqe);
		return;
	}

	rxq->stats.packets++;
	rxq->stats.bytes += skb->len;
	if (cqe->flags & LABNIC_CQE_SPLIT)
		rxq->stats.split++;
	else
		rxq->stats.unsplit++;
	if (cqe->segs)
		labnic_skb_merged(rxq, skb, cqe);
	if (cqe->flags & LABNIC_CQE_CSUM_OK && dev->features & NETIF_F_RXCSUM) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		rxq->stats.csum_ok++;
	} else {
		rxq->stats.csum_none++;
	}
	if (cqe->hash && dev->features & NETIF_F_RXHASH)
		skb_set_hash(skb, cqe->hash,
			     cqe->flags & LABNIC_CQE_HASH_L4 ? PKT_HASH_TYPE_L4 : PKT_HASH_TYPE_L3);
	skb_record_rx_queue(skb, rxq->idx);
	skb->protocol = eth_type_trans(skb, dev);
	napi_gro_receive(&rxq->napi, skb);
}

int labnic_rx_poll(struct labnic_rxq *rxq, int budget)
{
	struct labnic_rxmem *mem = &rxq->mem;
	int done = 0;

	/* Pairs with the release in labnic_cqe_post(). */
	while (done < budget && mem->cq_cons != smp_load_acquire(&mem->cq_prod)) {
		labnic_rx_one(rxq, &mem->cq[mem->cq_cons & mem->cq_mask]);
		mem->cq_cons++;
		done++;
	}
	labnic_refill(rxq);
	return done;
}
