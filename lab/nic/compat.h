/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that the module builds for. 7.2 and 7.3 need nothing;
 * 6.12 can only receive, and has no hds-thresh, no rx-page-size and no instance lock.
 */
#ifndef LABNIC_COMPAT_H
#define LABNIC_COMPAT_H

#include <linux/version.h>
#include <net/netdev_queues.h>
#include <net/netdev_rx_queue.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)

#include <net/netdev_lock.h>

#define labnic_lock(dev)   netdev_lock(dev)
#define labnic_unlock(dev) netdev_unlock(dev)

#define LABNIC_DMA_MAP_OPS .map_phys = labnic_map_phys, .unmap_phys = labnic_unmap_phys,

#define LABNIC_QCFG_ARG	      struct netdev_queue_config *qcfg,
#define labnic_qcfg_page_size (qcfg->rx_page_size)
#define LABNIC_HAVE_QCFG      1

#define labnic_set_rxnfc_compat(dev, cmd) (-EOPNOTSUPP)
#define labnic_get_rxnfc_compat(dev, cmd) (-EOPNOTSUPP)

#define labnic_get_hds_thresh(nic, kring)                                  \
	do {                                                               \
		(kring)->hds_thresh = (nic)->hds_thresh;                   \
		(kring)->hds_thresh_max = labnic_quirks()->hds_thresh_max; \
	} while (0)
#define labnic_set_hds_thresh(nic, kring) ((nic)->hds_thresh = (kring)->hds_thresh)

#define labnic_netdev_setup_compat(nic, dev, quirks)                                       \
	do {                                                                               \
		(dev)->netmem_tx = (quirks)->cannot_send ? NETMEM_TX_NONE : NETMEM_TX_DMA; \
		(nic)->hds_thresh = (quirks)->hds_thresh;                                  \
		(dev)->cfg->hds_config = (quirks)->split_config;                           \
		(dev)->cfg->hds_thresh = (quirks)->hds_thresh;                             \
	} while (0)

static inline bool labnic_rxq_bound(struct net_device *dev, unsigned int idx)
{
	return netif_rxq_has_unreadable_mp(dev, idx);
}

#define LABNIC_ETHTOOL_CAPS                                                                       \
	.rxfh_per_ctx_fields = 1, .rxfh_per_ctx_key = 1, .cap_rss_rxnfc_adds = 1,                 \
	.supported_ring_params = ETHTOOL_RING_USE_TCP_DATA_SPLIT | ETHTOOL_RING_USE_HDS_THRS,     \
	.get_rx_ring_count = labnic_get_rx_ring_count, .get_rxfh_fields = labnic_get_rxfh_fields, \
	.set_rxfh_fields = labnic_set_rxfh_fields, LABNIC_ETHTOOL_RTNL

static inline void labnic_no_hash_fields(struct ethtool_ops *ops)
{
	ops->get_rxfh_fields = NULL;
	ops->set_rxfh_fields = NULL;
}

/* Since 7.3 ethtool holds the instance lock only; set_channels and get_link need RTNL too. */
#ifdef ETHTOOL_OP_NEEDS_RTNL_SCHANNELS
#define LABNIC_ETHTOOL_RTNL \
	.op_needs_rtnl = ETHTOOL_OP_NEEDS_RTNL_SCHANNELS | ETHTOOL_OP_NEEDS_RTNL_GLINK,
#else
#define LABNIC_ETHTOOL_RTNL
#endif

#else /* 6.12 */

#define LABNIC_OLD	   1
#define labnic_lock(dev)   ASSERT_RTNL()
#define labnic_unlock(dev) ASSERT_RTNL()
#define LABNIC_DMA_MAP_OPS .map_page = labnic_map_page, .unmap_page = labnic_unmap_phys,

#define LABNIC_QCFG_ARG
#define labnic_qcfg_page_size ((u32)PAGE_SIZE)

#ifndef LABNIC_HAVE_ALLOC_NETMEMS
#define page_pool_alloc_netmems(pool, gfp) page_pool_alloc_netmem(pool, gfp)
#endif

/* Later stable kernels have some of these (6.12.117 does): these names clash with none. */
#define ethtool_rxfh_fields		  labnic_rxfh_fields
#define page_pool_dma_sync_netmem_for_cpu labnic_dma_sync_netmem_for_cpu

struct ethtool_rxfh_fields {
	u32 data;
	u32 flow_type;
	u32 rss_context;
};

#define napi_enable_locked(napi)			 napi_enable(napi)
#define napi_disable_locked(napi)			 napi_disable(napi)
#define netif_napi_del_locked(napi)			 netif_napi_del(napi)
#define netif_napi_add_config_locked(dev, napi, poll, i) netif_napi_add(dev, napi, poll)
#define page_pool_is_unreadable(pool)			 (!!(pool)->mp_priv)
#define page_pool_enable_direct_recycling(pool, napi) \
	do {                                          \
	} while (0)

/* A binding's device memory needs no sync. */
static inline void page_pool_dma_sync_netmem_for_cpu(struct page_pool *pool, netmem_ref netmem,
						     u32 off, u32 len)
{
	if (!netmem_is_net_iov(netmem))
		page_pool_dma_sync_for_cpu(pool, netmem_to_page(netmem), off, len);
}

static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *), clockid_t clock,
				 enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}

#define labnic_get_hds_thresh(nic, kring) \
	do {                              \
	} while (0)
#define labnic_set_hds_thresh(nic, kring) \
	do {                              \
	} while (0)
#define labnic_netdev_setup_compat(nic, dev, quirks) ((nic)->hds_thresh = 0)

int labnic_set_rxnfc_compat(struct net_device *dev, struct ethtool_rxnfc *cmd);
int labnic_get_rxnfc_compat(struct net_device *dev, struct ethtool_rxnfc *cmd);

static inline bool labnic_rxq_bound(struct net_device *dev, unsigned int idx)
{
	return __netif_get_rx_queue(dev, idx)->mp_params.mp_priv;
}

#define LABNIC_ETHTOOL_CAPS                                                         \
	.cap_rss_ctx_supported = 1, .rxfh_per_ctx_key = 1, .cap_rss_rxnfc_adds = 1, \
	.supported_ring_params = ETHTOOL_RING_USE_TCP_DATA_SPLIT,

/* 6.12 passes hash fields through get_rxnfc and set_rxnfc, whose _compat functions refuse them. */
static inline void labnic_no_hash_fields(struct ethtool_ops *ops)
{
}

#endif
#endif
