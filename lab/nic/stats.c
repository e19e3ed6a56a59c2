// SPDX-License-Identifier: GPL-2.0-only
/* Counters: of the device, of each queue (netlink), and for ethtool -S. */
#include "labnic.h"

static void labnic_queue_stats_rx(struct net_device *dev, int idx, struct netdev_queue_stats_rx *st)
{
	struct labnic *nic = netdev_priv(dev);
	const struct labnic_rx_stats *rx = &nic->rxq[idx].stats;

	st->packets = rx->packets;
	st->bytes = rx->bytes;
	st->alloc_fail = rx->alloc_fail;
	st->hw_drops = rx->overruns;
	st->hw_drop_overruns = rx->overruns;
	st->csum_unnecessary = rx->csum_ok;
	st->csum_none = rx->csum_none;
	st->csum_bad = rx->csum_bad;
	st->hw_gro_packets = rx->merged;
	st->hw_gro_bytes = rx->merged_bytes;
	st->hw_gro_wire_packets = rx->merged_wire;
}

static void labnic_queue_stats_tx(struct net_device *dev, int idx, struct netdev_queue_stats_tx *st)
{
	struct labnic *nic = netdev_priv(dev);
	const struct labnic_tx_stats *tx = &nic->txq[idx].stats;

	st->packets = tx->packets;
	st->bytes = tx->bytes;
	st->hw_drops = tx->dropped;
	st->needs_csum = tx->csum;
	st->hw_gso_packets = tx->tso_frames;
	st->hw_gso_bytes = tx->tso_bytes;
	st->stop = tx->stop;
	st->wake = tx->wake;
}

/* Counters of the queues that are not in use now: the device total must still include them. */
static void labnic_base_stats(struct net_device *dev, struct netdev_queue_stats_rx *rx,
			      struct netdev_queue_stats_tx *tx)
{
	struct labnic *nic = netdev_priv(dev);
	u32 i;

	memset(rx, 0xff, sizeof(*rx));
	memset(tx, 0xff, sizeof(*tx));
	rx->packets = rx->bytes = rx->alloc_fail = rx->hw_drops = rx->hw_drop_overruns = 0;
	rx->csum_unnecessary = rx->csum_none = rx->csum_bad = 0;
	rx->hw_gro_packets = rx->hw_gro_bytes = rx->hw_gro_wire_packets = 0;
	tx->packets = tx->bytes = tx->hw_drops = tx->needs_csum = 0;
	tx->hw_gso_packets = tx->hw_gso_bytes = tx->stop = tx->wake = 0;
	for (i = nic->channels; i < nic->max_channels; i++) {
		rx->packets += nic->rxq[i].stats.packets;
		rx->bytes += nic->rxq[i].stats.bytes;
		rx->hw_drop_overruns += nic->rxq[i].stats.overruns;
		tx->packets += nic->txq[i].stats.packets;
		tx->bytes += nic->txq[i].stats.bytes;
	}
	rx->hw_drops = rx->hw_drop_overruns;
}

const struct netdev_stat_ops labnic_stat_ops = {
	.get_queue_stats_rx = labnic_queue_stats_rx,
	.get_queue_stats_tx = labnic_queue_stats_tx,
	.get_base_stats = labnic_base_stats,
};

struct labnic_stat {
	const char *name;
	size_t at;
};

#define LABNIC_RX(field)                                        \
	{                                                       \
#field, offsetof(struct labnic_rx_stats, field) \
	}
#define LABNIC_TX(field)                                        \
	{                                                       \
#field, offsetof(struct labnic_tx_stats, field) \
	}
#define LABNIC_DEV(name, field)                      \
	{                                            \
		name, offsetof(struct labnic, field) \
	}

static const struct labnic_stat labnic_rx_names[] = {
	LABNIC_RX(packets),  LABNIC_RX(bytes),	    LABNIC_RX(split),	 LABNIC_RX(unsplit),
	LABNIC_RX(overruns), LABNIC_RX(alloc_fail), LABNIC_RX(csum_bad), LABNIC_RX(merged),
};

static const struct labnic_stat labnic_tx_names[] = {
	LABNIC_TX(packets),	 LABNIC_TX(bytes),	LABNIC_TX(dropped),
	LABNIC_TX(map_errors),	 LABNIC_TX(linearized), LABNIC_TX(too_many_pieces),
	LABNIC_TX(stop),	 LABNIC_TX(wake),	LABNIC_TX(tso_frames),
	LABNIC_TX(wire_packets),
};

static const struct labnic_stat labnic_dev_names[] = {
	LABNIC_DEV("dma_faults", dma_faults),
	LABNIC_DEV("rx_queue_off", rx_no_carrier),
	LABNIC_DEV("rx_too_long", rx_too_long),
	LABNIC_DEV("rx_rule_drops", rx_rule_drops),
	LABNIC_DEV("fault_dropped", faults.dropped),
	LABNIC_DEV("fault_reordered", faults.reordered),
	LABNIC_DEV("fault_delayed", faults.delayed),
	LABNIC_DEV("fault_unsplit", faults.unsplit),
	LABNIC_DEV("fault_misrouted", faults.misrouted),
	LABNIC_DEV("fault_corrupted", faults.corrupted),
};

int labnic_get_sset_count(struct net_device *dev, int sset)
{
	struct labnic *nic = netdev_priv(dev);

	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	/* Unused queues are included: the count must not change between two calls. */
	return ARRAY_SIZE(labnic_dev_names) + 1 +
	       nic->max_channels * (ARRAY_SIZE(labnic_rx_names) + ARRAY_SIZE(labnic_tx_names));
}

void labnic_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	struct labnic *nic = netdev_priv(dev);
	u32 i, s;

	if (sset != ETH_SS_STATS)
		return;
	for (s = 0; s < ARRAY_SIZE(labnic_dev_names); s++)
		ethtool_sprintf(&data, "%s", labnic_dev_names[s].name);
	ethtool_sprintf(&data, "tx_dropped");
	for (i = 0; i < nic->max_channels; i++) {
		for (s = 0; s < ARRAY_SIZE(labnic_rx_names); s++)
			ethtool_sprintf(&data, "rx%u_%s", i, labnic_rx_names[s].name);
		for (s = 0; s < ARRAY_SIZE(labnic_tx_names); s++)
			ethtool_sprintf(&data, "tx%u_%s", i, labnic_tx_names[s].name);
	}
}

void labnic_get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct labnic *nic = netdev_priv(dev);
	u32 i, s;

	for (s = 0; s < ARRAY_SIZE(labnic_dev_names); s++)
		*data++ = atomic64_read((void *)nic + labnic_dev_names[s].at);
	*data = 0;
	for (i = 0; i < nic->max_channels; i++)
		*data += nic->txq[i].stats.map_errors + nic->txq[i].stats.too_many_pieces;
	data++;
	for (i = 0; i < nic->max_channels; i++) {
		for (s = 0; s < ARRAY_SIZE(labnic_rx_names); s++)
			*data++ = *(u64 *)((void *)&nic->rxq[i].stats + labnic_rx_names[s].at);
		for (s = 0; s < ARRAY_SIZE(labnic_tx_names); s++)
			*data++ = *(u64 *)((void *)&nic->txq[i].stats + labnic_tx_names[s].at);
	}
}

void labnic_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *st)
{
	struct labnic *nic = netdev_priv(dev);
	u32 i;

	for (i = 0; i < nic->max_channels; i++) {
		const struct labnic_rx_stats *rx = &nic->rxq[i].stats;
		const struct labnic_tx_stats *tx = &nic->txq[i].stats;

		st->rx_packets += rx->packets;
		st->rx_bytes += rx->bytes;
		st->rx_missed_errors += rx->overruns;
		st->tx_packets += tx->packets;
		st->tx_bytes += tx->bytes;
		if (!labnic_quirks()->hides_tx_drops)
			st->tx_dropped += tx->map_errors + tx->too_many_pieces;
		st->tx_carrier_errors += tx->dropped;
	}
	st->rx_length_errors = atomic64_read(&nic->rx_too_long);
}
