// SPDX-License-Identifier: GPL-2.0-only
/* ethtool: rings, channels, link; the rest is in rss.c, rules.c and stats.c. */
#include <linux/ethtool_netlink.h>
#include <linux/moduleparam.h>

#include "labnic.h"

static void labnic_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct labnic *nic = netdev_priv(dev);

	strscpy(info->driver, labnic_quirks()->driver, sizeof(info->driver));
	strscpy(info->bus_info, dev_name(nic->dev), sizeof(info->bus_info));
}

static int labnic_get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *ks)
{
	ethtool_link_ksettings_zero_link_mode(ks, supported);
	ethtool_link_ksettings_zero_link_mode(ks, advertising);
	ks->base.speed = netif_carrier_ok(dev) ? SPEED_100000 : SPEED_UNKNOWN;
	ks->base.duplex = netif_carrier_ok(dev) ? DUPLEX_FULL : DUPLEX_UNKNOWN;
	ks->base.autoneg = AUTONEG_DISABLE;
	ks->base.port = PORT_OTHER;
	return 0;
}

static void labnic_get_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
				 struct kernel_ethtool_ringparam *kring,
				 struct netlink_ext_ack *extack)
{
	struct labnic *nic = netdev_priv(dev);

	ring->rx_max_pending = LABNIC_RING_MAX;
	ring->tx_max_pending = LABNIC_RING_MAX;
	ring->rx_pending = nic->rx_size;
	ring->tx_pending = nic->tx_size;
	if (!labnic_has_split())
		return;
	kring->tcp_data_split = labnic_mimic_get_split(nic);
	labnic_get_hds_thresh(nic, kring);
}

static void labnic_set_rings(struct labnic *nic, const struct ethtool_ringparam *ring,
			     const struct kernel_ethtool_ringparam *kring)
{
	nic->rx_size = ring->rx_pending;
	nic->tx_size = ring->tx_pending;
	labnic_mimic_set_split(nic, kring->tcp_data_split);
	labnic_set_hds_thresh(nic, kring);
}

/* Settings take effect with new rings. If those cannot be allocated, the old settings return. */
static int labnic_set_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
				struct kernel_ethtool_ringparam *kring,
				struct netlink_ext_ack *extack)
{
	struct kernel_ethtool_ringparam old_kring = {};
	struct labnic *nic = netdev_priv(dev);
	struct ethtool_ringparam old_ring = {};
	bool old_split = nic->split;
	int err;

	if (ring->rx_pending < LABNIC_RING_MIN || ring->tx_pending < LABNIC_RING_MIN) {
		NL_SET_ERR_MSG_MOD(extack, "a ring has at least 64 entries");
		return -EINVAL;
	}
	if (kring->tcp_data_split != nic->split_config) {
		err = labnic_mimic_check_split(nic, kring->tcp_data_split, extack);
		if (err)
			return err;
	}
	labnic_get_ringparam(dev, &old_ring, &old_kring, NULL);
	old_kring.tcp_data_split = nic->split_config;
	if (!netif_running(dev)) {
		labnic_set_rings(nic, ring, kring);
		return 0;
	}
	labnic_down(nic);
	labnic_set_rings(nic, ring, kring);
	err = labnic_up(nic);
	if (!err)
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "no memory for these rings");
	labnic_set_rings(nic, &old_ring, &old_kring);
	nic->split = old_split;
	if (labnic_up(nic))
		netdev_err(dev, "could not restore the rings: the interface is dead\n");
	return err;
}

static void labnic_get_channels(struct net_device *dev, struct ethtool_channels *ch)
{
	struct labnic *nic = netdev_priv(dev);

	if (labnic_quirks()->counts_rx_and_tx) {
		ch->max_rx = nic->max_channels;
		ch->max_tx = nic->max_channels;
		ch->rx_count = nic->channels;
		ch->tx_count = nic->channels;
		return;
	}
	ch->max_combined = nic->max_channels;
	ch->combined_count = nic->channels;
}

/* The requested number of queue pairs; 0 if the request uses counts that the driver does not have.
 * RX and TX queues come in pairs, so changing either count changes both. */
static u32 labnic_asked_channels(const struct labnic *nic, const struct ethtool_channels *ch)
{
	if (!labnic_quirks()->counts_rx_and_tx)
		return ch->rx_count || ch->tx_count ? 0 : ch->combined_count;
	if (ch->combined_count || !ch->tx_count)
		return 0;
	return ch->rx_count != nic->channels ? ch->rx_count : ch->tx_count;
}

static int labnic_set_channels(struct net_device *dev, struct ethtool_channels *ch)
{
	struct labnic *nic = netdev_priv(dev);
	u32 old = nic->channels, n = labnic_asked_channels(nic, ch), i;
	bool running = netif_running(dev);
	int err;

	if (!n || n > nic->max_channels)
		return -EINVAL;
	for (i = n; i < old; i++)
		if (labnic_rxq_bound(dev, i))
			return -EBUSY;
	if (labnic_rules_use_queue(nic, n))
		return -EINVAL;

	if (running)
		labnic_down(nic);
	nic->channels = n;
	err = netif_set_real_num_queues(dev, n, n);
	if (!err && running)
		err = labnic_up(nic);
	if (err) {
		nic->channels = old;
		netif_set_real_num_queues(dev, old, old);
		if (running && labnic_up(nic))
			netdev_err(dev, "could not restore the channels\n");
	}
	if (!netif_is_rxfh_configured(dev))
		labnic_rss_reset_indir(nic);
	return err;
}

static u32 __maybe_unused labnic_get_rx_ring_count(struct net_device *dev)
{
	struct labnic *nic = netdev_priv(dev);

	return nic->channels;
}

static const struct ethtool_ops labnic_ethtool_ops = {
	LABNIC_ETHTOOL_CAPS.rxfh_indir_space = LABNIC_INDIR,
	.rxfh_key_space = LABNIC_KEY_LEN,
	.rxfh_max_num_contexts = LABNIC_MAX_CTX,
	.get_drvinfo = labnic_get_drvinfo,
	.reset = labnic_ethtool_reset,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = labnic_get_link_ksettings,
	.get_ts_info = ethtool_op_get_ts_info,
	.get_ringparam = labnic_get_ringparam,
	.set_ringparam = labnic_set_ringparam,
	.get_channels = labnic_get_channels,
	.set_channels = labnic_set_channels,
	.get_strings = labnic_get_strings,
	.get_sset_count = labnic_get_sset_count,
	.get_ethtool_stats = labnic_get_ethtool_stats,
	.get_rxnfc = labnic_get_rxnfc,
	.set_rxnfc = labnic_set_rxnfc,
	.get_rxfh_key_size = labnic_get_rxfh_key_size,
	.get_rxfh_indir_size = labnic_get_rxfh_indir_size,
	.get_rxfh = labnic_get_rxfh,
	.set_rxfh = labnic_set_rxfh,
	.create_rxfh_context = labnic_create_rxfh_context,
	.modify_rxfh_context = labnic_modify_rxfh_context,
	.remove_rxfh_context = labnic_remove_rxfh_context,
};

static bool no_split;
module_param(no_split, bool, 0444);
MODULE_PARM_DESC(no_split, "a NIC that cannot split headers from data");

static bool no_contexts;
module_param(no_contexts, bool, 0444);
MODULE_PARM_DESC(no_contexts, "a NIC without RSS contexts");

static bool no_ntuple;
module_param(no_ntuple, bool, 0444);
MODULE_PARM_DESC(no_ntuple, "a NIC without flow rules");

/* NICs with fewer features: the core refuses whatever is missing from these operations. */
const struct ethtool_ops *labnic_choose_ethtool_ops(void)
{
	static struct ethtool_ops lesser;

	lesser = labnic_ethtool_ops;
	if (no_split)
		lesser.supported_ring_params = 0;
	if (!labnic_quirks()->hds_thresh_max)
		lesser.supported_ring_params &= ETHTOOL_RING_USE_TCP_DATA_SPLIT;
	if (no_contexts || labnic_quirks()->no_contexts) {
		lesser.create_rxfh_context = NULL;
		lesser.modify_rxfh_context = NULL;
		lesser.remove_rxfh_context = NULL;
		lesser.rxfh_max_num_contexts = 0;
	}
	if (no_ntuple)
		lesser.set_rxnfc = NULL;
	if (labnic_quirks()->fixed_hash_fields)
		labnic_no_hash_fields(&lesser);
	return &lesser;
}

bool labnic_has_split(void)
{
	return !no_split;
}

bool labnic_has_ntuple(void)
{
	return !no_ntuple;
}
