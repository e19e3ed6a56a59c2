// SPDX-License-Identifier: GPL-2.0-only
/* The module, its two platform devices, and the link between them. */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/workqueue.h>

#include "labnic.h"

static unsigned int queues = 4;
module_param(queues, uint, 0444);
MODULE_PARM_DESC(queues, "queue pairs in use at first (1-16)");

static unsigned int max_queues = LABNIC_MAX_QUEUES;
module_param(max_queues, uint, 0444);
MODULE_PARM_DESC(max_queues, "most queue pairs (1-16)");

static unsigned int ring_size = 1024;
module_param(ring_size, uint, 0444);
MODULE_PARM_DESC(ring_size, "entries of the rx and tx rings at first (64-8192)");

static bool gro_hw;
module_param(gro_hw, bool, 0444);
MODULE_PARM_DESC(gro_hw, "start with rx-gro-hw on: TSO frames arrive as one merged packet");

static bool pack;
module_param(pack, bool, 0444);
MODULE_PARM_DESC(pack, "start with 1 in the debugfs file pack");

static bool unsplit_pages;
module_param(unsplit_pages, bool, 0444);
MODULE_PARM_DESC(unsplit_pages, "start with 1 in the debugfs file unsplit_pages");

/* Guards the link: labnic_ends, and "up" of both ends. */
static DEFINE_MUTEX(labnic_link_lock);
static struct labnic *labnic_ends[2];
static struct platform_device *labnic_pdev[2];
static struct work_struct labnic_unplug_works[2];

/* Call under labnic_link_lock. The link is up when both ends are up and neither has cut it. */
static void labnic_link_refresh(void)
{
	struct labnic *a = labnic_ends[0], *b = labnic_ends[1];
	bool link = a && b && a->up && b->up && a->faults.link && b->faults.link;
	int i;

	for (i = 0; i < 2; i++) {
		if (!labnic_ends[i])
			continue;
		if (link)
			netif_carrier_on(labnic_ends[i]->netdev);
		else
			netif_carrier_off(labnic_ends[i]->netdev);
	}
}

void labnic_link_update(struct labnic *nic)
{
	mutex_lock(&labnic_link_lock);
	labnic_link_refresh();
	mutex_unlock(&labnic_link_lock);
}

void labnic_set_up(struct labnic *nic, bool up)
{
	mutex_lock(&labnic_link_lock);
	nic->up = up;
	labnic_link_refresh();
	mutex_unlock(&labnic_link_lock);
}

static void labnic_link_join(struct labnic *nic)
{
	struct labnic *peer;

	mutex_lock(&labnic_link_lock);
	labnic_ends[nic->id] = nic;
	peer = labnic_ends[!nic->id];
	if (peer) {
		rcu_assign_pointer(nic->peer, peer);
		rcu_assign_pointer(peer->peer, nic);
	}
	labnic_link_refresh();
	mutex_unlock(&labnic_link_lock);
}

/* When this returns, the peer no longer touches this NIC. */
static void labnic_link_leave(struct labnic *nic)
{
	struct labnic *peer;

	mutex_lock(&labnic_link_lock);
	peer = labnic_ends[!nic->id];
	netif_carrier_off(nic->netdev);
	labnic_ends[nic->id] = NULL;
	RCU_INIT_POINTER(nic->peer, NULL);
	if (peer)
		RCU_INIT_POINTER(peer->peer, NULL);
	labnic_link_refresh();
	mutex_unlock(&labnic_link_lock);
	synchronize_net();
}

/* Surprise removal. It is deferred, because it waits for the debugfs file that requested it. */
static void labnic_unplug_work(struct work_struct *work)
{
	device_release_driver(&labnic_pdev[work == &labnic_unplug_works[1]]->dev);
}

void labnic_unplug(struct labnic *nic)
{
	schedule_work(&labnic_unplug_works[nic->id]);
}

static void labnic_init_state(struct labnic *nic)
{
	u32 i;

	nic->max_channels = clamp_t(u32, max_queues, 1, LABNIC_MAX_QUEUES);
	nic->channels = clamp_t(u32, queues, 1, nic->max_channels);
	nic->rx_size = clamp_t(u32, ring_size, LABNIC_RING_MIN, LABNIC_RING_MAX);
	nic->tx_size = nic->rx_size;
	rwlock_init(&nic->steer_lock);
	nic->faults.link = true;
	nic->faults.nosplit_bytes = 128;
	nic->faults.delay_us = 1000;
	nic->faults.pack = pack;
	nic->faults.unsplit_pages = unsplit_pages;
	for (i = 0; i < LABNIC_MAX_QUEUES; i++) {
		labnic_rxq_init(nic, i);
		nic->txq[i].nic = nic;
		nic->txq[i].idx = i;
	}
	labnic_rss_init(nic);
}

static int labnic_probe(struct platform_device *pdev)
{
	struct net_device *dev;
	struct labnic *nic;
	int err;

	if (pdev->id < 0 || pdev->id > 1)
		return -ENODEV;
	err = labnic_dma_setup(&pdev->dev);
	if (err)
		return err;
	dev = alloc_etherdev_mqs(sizeof(*nic), LABNIC_MAX_QUEUES, LABNIC_MAX_QUEUES);
	if (!dev)
		return -ENOMEM;

	SET_NETDEV_DEV(dev, &pdev->dev);
	snprintf(dev->name, IFNAMSIZ, "lab%d", pdev->id);
	nic = netdev_priv(dev);
	nic->netdev = dev;
	nic->dev = &pdev->dev;
	nic->id = pdev->id;
	labnic_init_state(nic);
	labnic_netdev_setup(nic);
	if (gro_hw)
		dev->features |= NETIF_F_GRO_HW;
	platform_set_drvdata(pdev, nic);
	netif_carrier_off(dev);
	err = netif_set_real_num_queues(dev, nic->channels, nic->channels) ?: register_netdev(dev);
	if (err)
		goto err_free;
	labnic_faults_init(nic);
	labnic_link_join(nic);
	return 0;

err_free:
	free_netdev(dev);
	return err;
}

static void labnic_remove(struct platform_device *pdev)
{
	struct labnic *nic = platform_get_drvdata(pdev);

	labnic_faults_exit(nic);
	labnic_link_leave(nic);
	unregister_netdev(nic->netdev);
	free_netdev(nic->netdev);
	labnic_dma_check(&pdev->dev);
}

static struct platform_driver labnic_driver = {
	.probe = labnic_probe,
	.remove = labnic_remove,
	.driver.name = LABNIC_NAME,
};

static int __init labnic_init(void)
{
	int err, i;

	err = labnic_mimic_init();
	if (err)
		return err;
	labnic_faults_module_init();
	err = platform_driver_register(&labnic_driver);
	if (err)
		goto err_debugfs;
	for (i = 0; i < 2; i++) {
		INIT_WORK(&labnic_unplug_works[i], labnic_unplug_work);
		labnic_pdev[i] = platform_device_register_simple(LABNIC_NAME, i, NULL, 0);
		if (IS_ERR(labnic_pdev[i])) {
			err = PTR_ERR(labnic_pdev[i]);
			goto err_devices;
		}
	}
	return 0;

err_devices:
	platform_driver_unregister(&labnic_driver);
	while (i--) {
		flush_work(&labnic_unplug_works[i]);
		labnic_dma_exit(&labnic_pdev[i]->dev);
		platform_device_unregister(labnic_pdev[i]);
	}
err_debugfs:
	labnic_faults_module_exit();
	return err;
}

static void __exit labnic_exit(void)
{
	int i;

	/* Unregister the driver first: this removes the debugfs file that schedules the work. */
	platform_driver_unregister(&labnic_driver);
	for (i = 1; i >= 0; i--) {
		flush_work(&labnic_unplug_works[i]);
		labnic_dma_exit(&labnic_pdev[i]->dev);
		platform_device_unregister(labnic_pdev[i]);
	}
	labnic_faults_module_exit();
}

module_init(labnic_init);
module_exit(labnic_exit);
MODULE_DESCRIPTION("A pair of linked software NICs for device memory TCP");
MODULE_LICENSE("GPL");
