// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <string.h>

#include "internal.h"
#include "recipes.h"

#define NO_QUEUE_OPS	"up to kernel 7.3 this driver does not manage its queues one by one"

static const struct devmem__recipe plain;

/*
 * [drivers/net of 7.3: mlx5e_ethtool_set_tcp_data_split(), bnxt_set_ringparam(), fbnic_set_ringparam(),
 *  gve_rx_queue_stop()]
 */
static const struct devmem__recipe recipes[] = {
	{
		.driver = "mlx5_core",
		.feature_first = "rx-gro-hw",
		.stops_all = true,
		.remark = "this driver does it on ConnectX-7 or later, from kernel 6.17 on",
	},
	{
		.driver = "bnxt_en",
		.refuses_split_off = true,
		.remark = "this driver does it on chips of P5 or later, from kernel 6.16 on, and with firmware that has "
			  "NTUPLE_VNIC and VNIC_RE_FLUSH",
	},
	{
		/* its hds-thresh is 1536 at first, and its split is on by itself but must be asked for */
		.driver = "fbnic",
		.refuses_split_off = true,
		.remark = "this driver does it from kernel 6.18 on",
	},
	{
		.driver = "gve",
		.keeps_queue_0 = true,
		.stops_all = true,
		.remark = "this driver does it in queue format DQO-RDA, from kernel 6.15 on",
	},
	{
		.driver = "netkit",
		.remark = "a netkit has no memory of its own and receives through a queue that a NIC leases to it, from "
			  "kernel 7.1 on",
	},
	{ .driver = "netdevsim", .remark = "a simulated device has no payload to write anywhere" },
	{ .driver = "bnge", .remark = "up to kernel 7.3 this driver cannot bind" },
	{ .driver = "idpf", .remark = NO_QUEUE_OPS },
	{ .driver = "ice", .remark = NO_QUEUE_OPS },
	{ .driver = "ena", .remark = NO_QUEUE_OPS },
	{ .driver = "ionic", .remark = NO_QUEUE_OPS },
	{ .driver = "mana", .remark = NO_QUEUE_OPS },
	{ .driver = "virtio_net", .remark = NO_QUEUE_OPS },
};

const struct devmem__recipe *devmem__recipe_of(const char *driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(recipes); i++)
		if (!strcmp(recipes[i].driver, driver))
			return &recipes[i];
	return &plain;
}
