// SPDX-License-Identifier: GPL-2.0-only
/* The network interface: up, down, and the operations of struct net_device_ops. */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>

#include "labnic.h"

static int labnic_poll(struct napi_struct *napi, int budget)
{
	struct labnic_rxq *rxq = container_of(napi, struct labnic_rxq, napi);
	struct labnic_txq *txq = &rxq->nic->txq[rxq->idx];
	int done;

	if (budget && READ_ONCE(rxq->nic->wire_apart) && txq->hw != READ_ONCE(txq->tail))
		labnic_wire_run(txq);
	labnic_tx_reap(txq, budget);
	if (!budget)
		return 0;
	done = labnic_rx_poll(rxq, budget);
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}

static void labnic_queue_down(struct labnic *nic, u32 i, struct labnic_rxmem *mem)
{
	struct net_device *dev = nic->netdev;

	netif_queue_set_napi(dev, i, NETDEV_QUEUE_TYPE_RX, NULL);
	netif_queue_set_napi(dev, i, NETDEV_QUEUE_TYPE_TX, NULL);
	napi_disable_locked(&nic->rxq[i].napi);
	/* The last poll may have woken the TX queue again. With NAPI off, nothing else will. */
	__netif_tx_lock_bh(netdev_get_tx_queue(dev, i));
	netif_tx_stop_queue(netdev_get_tx_queue(dev, i));
	__netif_tx_unlock_bh(netdev_get_tx_queue(dev, i));
	labnic_rxq_stop(&nic->rxq[i], mem);
	netif_napi_del_locked(&nic->rxq[i].napi);
	labnic_txq_free(&nic->txq[i]);
	netdev_tx_reset_queue(netdev_get_tx_queue(dev, i));
	labnic_rxmem_free(mem);
}

static int labnic_queue_up(struct labnic *nic, u32 i, struct labnic_rxmem *mem)
{
	struct net_device *dev = nic->netdev;
	int err;

	err = labnic_rxmem_alloc(nic, mem, i, labnic_queue_page_size(dev, i));
	if (err)
		return err;
	err = labnic_txq_alloc(nic, i);
	if (err) {
		labnic_rxmem_free(mem);
		return err;
	}
	netif_napi_add_config_locked(dev, &nic->rxq[i].napi, labnic_poll, i);
	labnic_rxq_start(&nic->rxq[i], mem);
	napi_enable_locked(&nic->rxq[i].napi);
	netif_queue_set_napi(dev, i, NETDEV_QUEUE_TYPE_RX, &nic->rxq[i].napi);
	netif_queue_set_napi(dev, i, NETDEV_QUEUE_TYPE_TX, &nic->rxq[i].napi);
	return 0;
}

/*
 * Call labnic_up() and labnic_down() under the instance lock. A running interface has no queues
 * during a reset and after one that failed. So each of the two may find its work already done.
 */
int labnic_up(struct labnic *nic)
{
	struct labnic_rxmem *mem;
	u32 i;
	int err = 0;

	if (nic->up)
		return 0;
	mem = kzalloc(sizeof(*mem), GFP_KERNEL);
	if (!mem)
		return -ENOMEM;
	for (i = 0; i < nic->channels && !err; i++)
		err = labnic_queue_up(nic, i, mem);
	if (err) {
		for (i--; i--;)
			labnic_queue_down(nic, i, mem);
	} else {
		netif_tx_start_all_queues(nic->netdev);
		labnic_set_up(nic, true);
	}
	kfree(mem);
	return err;
}

void labnic_down(struct labnic *nic)
{
	struct labnic_rxmem mem;
	u32 i;

	if (!nic->up)
		return;
	labnic_set_up(nic, false);
	netif_tx_disable(nic->netdev);
	for (i = 0; i < nic->channels; i++)
		labnic_queue_down(nic, i, &mem);
}

/* Announces the carrier at once: the core looks at it once a second, and would miss a shorter
 * loss. */
static void labnic_tell_carrier(struct net_device *dev)
{
	if (netif_running(dev))
		netdev_state_change(dev);
}

/*
 * Loses all steering: rules, contexts, the RSS table. Bindings belong to the core and stay, so a
 * bound queue then gets its share of all traffic.
 * [drivers/net/ethernet/google/gve/gve_main.c: gve_reset()]
 */
static void labnic_forget(struct labnic *nic)
{
	labnic_rules_forget(nic);
	labnic_rss_forget(nic);
}

/* ethtool --reset. It runs under ethtool's locks, and is over before anybody can look at the
 * carrier. */
int labnic_ethtool_reset(struct net_device *dev, u32 *flags)
{
	struct labnic *nic = netdev_priv(dev);
	int err = 0;

	if (*flags != ETH_RESET_ALL)
		return -EOPNOTSUPP;
	labnic_down(nic);
	labnic_forget(nic);
	if (netif_running(dev))
		err = labnic_up(nic);
	if (err)
		netdev_err(dev, "cannot come up after a reset: %d\n", err);
	else
		*flags = 0;
	return err;
}

/*
 * What a driver does when its firmware has died or a transmit has timed out. No lock is held while
 * the NIC restarts. An interface that cannot come up again is closed.
 * [drivers/net/ethernet/broadcom/bnxt/bnxt.c: bnxt_fw_reset_task()]
 */
void labnic_reset(struct labnic *nic, unsigned int ms, bool forgets)
{
	struct net_device *dev = nic->netdev;
	int err = 0;

	rtnl_lock();
	labnic_lock(dev);
	labnic_down(nic);
	if (forgets)
		labnic_forget(nic);
	labnic_unlock(dev);
	labnic_tell_carrier(dev);
	rtnl_unlock();

	msleep(ms);

	rtnl_lock();
	labnic_lock(dev);
	if (netif_running(dev))
		err = labnic_up(nic);
	labnic_unlock(dev);
	if (err) {
		netdev_err(dev, "cannot come up after a reset: %d\n", err);
		dev_close(dev);
	}
	labnic_tell_carrier(dev);
	rtnl_unlock();
}

static int labnic_open(struct net_device *dev)
{
	return labnic_up(netdev_priv(dev));
}

static int labnic_stop(struct net_device *dev)
{
	labnic_down(netdev_priv(dev));
	return 0;
}

static int labnic_change_mtu(struct net_device *dev, int mtu)
{
	/* Nothing to reconfigure: a packet spans as many buffers as it needs. */
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

static netdev_features_t labnic_fix_features(struct net_device *dev, netdev_features_t features)
{
	features = labnic_mimic_fix_features(netdev_priv(dev), features);
	if (!(features & NETIF_F_RXCSUM))
		features &= ~NETIF_F_GRO_HW;
	return features;
}

const struct net_device_ops labnic_netdev_ops = {
	.ndo_open = labnic_open,
	.ndo_stop = labnic_stop,
	.ndo_start_xmit = labnic_xmit,
	.ndo_features_check = labnic_features_check,
	.ndo_change_mtu = labnic_change_mtu,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_get_stats64 = labnic_get_stats64,
	.ndo_fix_features = labnic_fix_features,
};

void labnic_netdev_setup(struct labnic *nic)
{
	struct net_device *dev = nic->netdev;
	u8 mac[ETH_ALEN] = { 0x02, 0x4c, 0x41, 0x42, 0x00, nic->id + 1 };
	netdev_features_t csum = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_RXCSUM;
	netdev_features_t tso = NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN;

	dev->netdev_ops = &labnic_netdev_ops;
	dev->ethtool_ops = labnic_choose_ethtool_ops();
	dev->queue_mgmt_ops = labnic_choose_queue_ops();
	dev->stat_ops = &labnic_stat_ops;
	dev->features = csum | tso | NETIF_F_RXHASH | (labnic_has_ntuple() ? NETIF_F_NTUPLE : 0);
	dev->hw_features = dev->features | NETIF_F_GRO_HW;
	if (labnic_quirks()->ntuple_off)
		dev->features &= ~NETIF_F_NTUPLE;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = LABNIC_MAX_MTU;
	eth_hw_addr_set(dev, mac);

	labnic_mimic_set_split(nic, labnic_quirks()->split_config);
	labnic_netdev_setup_compat(nic, dev, labnic_quirks());
}
