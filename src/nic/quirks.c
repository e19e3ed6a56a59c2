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
 * fbnic_set_ringparam(), gve_rx_queue_stop(), gve_reset(), netkit_queue_create()]
 *
 * tx_pieces, the pieces of a sent packet beside its header. A driver copies a packet with more into
 * one piece, which fails with device memory.
 * - gve has 10 descriptors per packet, and for each that TSO cuts from a large one
 *   (GVE_TX_MAX_DATA_DESCS: gve_try_tx_skb(), gve_can_send_tso()).
 * - bnxt has 32 per packet before TSO, two of them for the header (TX_MAX_FRAGS:
 *   bnxt_start_xmit()).
 * - fbnic stops its queue until there is room for as many as the kernel allows
 *   (FBNIC_MAX_SKB_DESC: fbnic_xmit_frame_ring()).
 * - mlx5 has room for as many as the kernel allows in each work queue entry, or refuses to start
 *   (MLX5E_MAX_TX_WQEBBS: mlx5e_attach_netdev()).
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
		.tx_pieces = 30,
		.tx_pieces_before_tso = true,
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
		.stops_after_failed_reset = true,
		.keeps_queue_0 = true,
		.stops_all = true,
		.forgets_steering = true,
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
