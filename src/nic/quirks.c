// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <string.h>

#include "base/internal.h"
#include "nic/quirks.h"

#define NO_QUEUE_OPS "up to kernel 7.3 this driver does not manage its queues one by one"
#define NO_HARDWARE  "it is no hardware, and the NIC behind it would have to be asked"

static const struct devmem__quirks plain;

/*
 * [drivers/net of 7.3: mlx5e_ethtool_set_tcp_data_split(), bnxt_set_ringparam(),
 * fbnic_set_ringparam(), gve_rx_queue_stop(), netkit_queue_create()]
 *
 * tx_pieces, the pieces of a sent packet beside its header: gve has 10 descriptors per packet
 * (GVE_TX_MAX_DATA_DESCS, also for each segment that it cuts from a large packet), bnxt 32
 * (TX_MAX_FRAGS), fbnic ten more than the kernel's 17 (FBNIC_MAX_SKB_DESC). mlx5 has no limit of
 * its own beside the 64 data segments of a work queue entry (mlx5e_sq_calc_wqe_attr()).
 */
static const struct devmem__quirks quirks[] = {
	{
		.driver = "mlx5_core",
		.since = "6.17",
		.large_pages = true,
		.feature_first = "rx-gro-hw",
		.stops_all = true,
		.tx_pieces = DEVMEM__ANY_PIECES,
		.remark = "on ConnectX-7 or later",
	},
	{
		.driver = "bnxt_en",
		.since = "6.16",
		.large_pages = true,
		.refuses_split_off = true,
		.tx_pieces = DEVMEM__ANY_PIECES,
		.remark = "on chips of P5 or later, with firmware that has NTUPLE_VNIC and "
			  "VNIC_RE_FLUSH",
	},
	{
		/* hds-thresh is 1536 by default; the split is on by default, but the bind requires
		 * that it was configured */
		.driver = "fbnic",
		.since = "6.18",
		.refuses_split_off = true,
		.tx_pieces = DEVMEM__ANY_PIECES,
	},
	{
		.driver = "gve",
		.since = "6.15",
		.keeps_queue_0 = true,
		.stops_all = true,
		.tx_pieces = 9,
		.tx_dropped = "tx_dropped", /* gve_get_stats() has only what was sent */
		.remark = "in queue format DQO-RDA",
	},
	{
		.driver = "netkit",
		.since = "7.1",
		.large_pages = true,
		.leased = true,
		.remark = "through a queue that a NIC leases to it",
	},
	/* gve's limit, so that packets sent in the lab respect one (lab/README.md: tx_pieces) */
	{ .driver = "labnic",
	  .since = "6.12",
	  .large_pages = true,
	  .tx_pieces = 9,
	  .remark = "in the lab" },

	{ .driver = "bnge", .remark = "up to kernel 7.3 this driver cannot bind" },
	{ .driver = "idpf", .remark = NO_QUEUE_OPS },
	{ .driver = "ice", .remark = NO_QUEUE_OPS },
	{ .driver = "ena", .remark = NO_QUEUE_OPS },
	{ .driver = "ionic", .remark = NO_QUEUE_OPS },
	{ .driver = "mana", .remark = NO_QUEUE_OPS },
	{ .driver = "virtio_net", .remark = NO_QUEUE_OPS },
	{ .driver = "netdevsim", .remark = "a simulated device has no payload to write anywhere" },
	{ .driver = "bonding", .remark = NO_HARDWARE },
	{ .driver = "bridge", .remark = NO_HARDWARE },
	{ .driver = "802.1Q VLAN Support", .remark = NO_HARDWARE },
	{ .driver = "macvlan", .remark = NO_HARDWARE },
	{ .driver = "team", .remark = NO_HARDWARE },
	{ .driver = "tun", .remark = NO_HARDWARE },
	{ .driver = "veth", .remark = NO_HARDWARE },
};

const struct devmem__quirks *devmem__quirks_of(const char *driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(quirks); i++)
		if (!strcmp(quirks[i].driver, driver))
			return &quirks[i];
	return &plain;
}
