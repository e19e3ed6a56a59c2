/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences between the kernels that the module builds on (6.12, 7.2, 7.3). */
#ifndef LABNIC_COMPAT_H
#define LABNIC_COMPAT_H

#include <linux/version.h>
#include <net/netdev_queues.h>
#include <net/netdev_lock.h>
#include <net/netdev_rx_queue.h>

#define LABNIC_DMA_MAP_OPS(map, unmap)		.map_phys = (map), .unmap_phys = (unmap),

#define labnic_set_rxnfc_compat(dev, cmd)	(-EOPNOTSUPP)
#define labnic_get_rxnfc_compat(dev, cmd)	(-EOPNOTSUPP)

#define labnic_get_hds_thresh(nic, kring)				\
do {									\
	(kring)->hds_thresh = (nic)->hds_thresh;			\
	(kring)->hds_thresh_max = LABNIC_HDS_THRESH_MAX;		\
} while (0)
#define labnic_set_hds_thresh(nic, kring)	((nic)->hds_thresh = (kring)->hds_thresh)

static inline bool labnic_rxq_bound(struct net_device *dev, unsigned int idx)
{
	return netif_rxq_has_unreadable_mp(dev, idx);
}

#define LABNIC_ETHTOOL_CAPS							\
	.rxfh_per_ctx_fields	= 1,						\
	.rxfh_per_ctx_key	= 1,						\
	.cap_rss_rxnfc_adds	= 1,						\
	.supported_ring_params	= ETHTOOL_RING_USE_TCP_DATA_SPLIT |		\
				  ETHTOOL_RING_USE_HDS_THRS,			\
	.op_needs_rtnl		= ETHTOOL_OP_NEEDS_RTNL_SCHANNELS,		\
	.get_rx_ring_count	= labnic_get_rx_ring_count,			\
	.get_rxfh_fields	= labnic_get_rxfh_fields,			\
	.set_rxfh_fields	= labnic_set_rxfh_fields,

#endif
