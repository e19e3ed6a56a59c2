// SPDX-License-Identifier: GPL-2.0-only
/* Queue management: gives one queue new memory while the others carry traffic. */
#include "labnic.h"

static int labnic_queue_mem_alloc(struct net_device *dev, LABNIC_QCFG_ARG void *mem, int idx)
{
	struct labnic *nic = netdev_priv(dev);

	if (READ_ONCE(nic->faults.down_again) && !nic->up) /* as gve does */
		return -EAGAIN;
	/* A reset is going on. -ENETDOWN is the one error that the core takes without a WARNING
	 * when it unbinds. [net/core/netdev_rx_queue.c: __netif_mp_close_rxq()] */
	if (netif_running(dev) && !nic->up)
		return -ENETDOWN;
	return labnic_rxmem_alloc(nic, mem, idx, labnic_qcfg_page_size);
}

static void labnic_queue_mem_free(struct net_device *dev, void *mem)
{
	labnic_rxmem_free(mem);
}

static int labnic_queue_start(struct net_device *dev, LABNIC_QCFG_ARG void *mem, int idx)
{
	struct labnic *nic = netdev_priv(dev);
	struct labnic_rxq *rxq = &nic->rxq[idx];

	if (labnic_fail_next(&nic->faults.fail_queue_start))
		return -EIO;
	labnic_rxq_start(rxq, mem);
	napi_enable_locked(&rxq->napi);

	/* Packets that arrived while NAPI was off raised no interrupt. */
	local_bh_disable();
	napi_schedule(&rxq->napi);
	local_bh_enable();
	return 0;
}

static int labnic_queue_stop(struct net_device *dev, void *mem, int idx)
{
	struct labnic *nic = netdev_priv(dev);

	if (!idx && labnic_quirks()->keeps_queue_0)
		return -ERANGE;
	napi_disable_locked(&nic->rxq[idx].napi);
	labnic_rxq_stop(&nic->rxq[idx], mem);
	return 0;
}

#ifdef LABNIC_HAVE_QCFG
static void labnic_default_qcfg(struct net_device *dev, struct netdev_queue_config *qcfg)
{
	qcfg->rx_page_size = PAGE_SIZE;
}

static int labnic_validate_qcfg(struct net_device *dev, struct netdev_queue_config *qcfg,
				struct netlink_ext_ack *extack)
{
	u32 size = qcfg->rx_page_size;

	if (!is_power_of_2(size) || size < PAGE_SIZE || size > LABNIC_RX_PAGE_MAX) {
		NL_SET_ERR_MSG_MOD(extack, "rx-page-size must be a power of two up to 4 MiB");
		return -EINVAL;
	}
	return 0;
}

static struct device *labnic_queue_dma_dev(struct net_device *dev, int idx)
{
	struct labnic *nic = netdev_priv(dev);

	return nic->dev;
}

u32 labnic_queue_page_size(struct net_device *dev, u32 idx)
{
	struct netdev_queue_config qcfg;

	netdev_queue_config(dev, idx, &qcfg);
	return qcfg.rx_page_size;
}
#else
u32 labnic_queue_page_size(struct net_device *dev, u32 idx)
{
	return PAGE_SIZE;
}
#endif

static const struct netdev_queue_mgmt_ops labnic_queue_ops = {
	.ndo_queue_mem_size = sizeof(struct labnic_rxmem),
	.ndo_queue_mem_alloc = labnic_queue_mem_alloc,
	.ndo_queue_mem_free = labnic_queue_mem_free,
	.ndo_queue_start = labnic_queue_start,
	.ndo_queue_stop = labnic_queue_stop,
#ifdef LABNIC_HAVE_QCFG
	.ndo_default_qcfg = labnic_default_qcfg,
	.ndo_validate_qcfg = labnic_validate_qcfg,
	.ndo_queue_get_dma_dev = labnic_queue_dma_dev,
	.supported_params = QCFG_RX_PAGE_SIZE,
#endif
};

static bool no_page_sizes;
module_param(no_page_sizes, bool, 0444);
MODULE_PARM_DESC(no_page_sizes, "a NIC whose queues take small pages only");

const struct netdev_queue_mgmt_ops *labnic_choose_queue_ops(void)
{
	static struct netdev_queue_mgmt_ops lesser;

	lesser = labnic_queue_ops;
#ifdef LABNIC_HAVE_QCFG
	if (no_page_sizes)
		lesser.supported_params = 0;
#endif
	return &lesser;
}
