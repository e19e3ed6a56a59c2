// SPDX-License-Identifier: GPL-2.0-only
/* The drivers that labnic can imitate: what they refuse, and their initial settings. */
#include <linux/ethtool_netlink.h>
#include <linux/moduleparam.h>

#include "labnic.h"

static char *mimic;
module_param(mimic, charp, 0444);
MODULE_PARM_DESC(mimic, "imitate the name and the quirks of mlx5, bnxt, gve, gve-qpl, fbnic, or "
			"of an unknown driver (silent)");

static const struct labnic_quirks labnic_own = {
	.driver = LABNIC_NAME,
	.hds_thresh = LABNIC_HDS_THRESH,
	.hds_thresh_max = LABNIC_HDS_THRESH_MAX,
	.split_config = ETHTOOL_TCP_DATA_SPLIT_DISABLED,
};

static const struct labnic_quirks labnic_others[] = {
	{
		.name = "mlx5",
		.driver = "mlx5_core",
		.reports_config = true,
		.split_needs_gro_hw = true,
	},
	{
		.name = "bnxt",
		.driver = "bnxt_en",
		.hds_thresh = 256,
		.hds_thresh_max = 1023,
		.no_split_off = true,
	},
	{
		.name = "gve",
		.driver = "gve",
		.unknown_keeps_split = true,
		.no_contexts = true,
		.keeps_queue_0 = true,
		.counts_rx_and_tx = true,
		.fixed_hash_fields = true,
		.ntuple_off = true,
		.hides_tx_drops = true,
	},
	{
		/* queue format DQO-QPL: packets are copied to and from the driver's own pages */
		.name = "gve-qpl",
		.driver = "gve",
		.cannot_split = true,
		.cannot_send = true,
		.no_contexts = true,
		.keeps_queue_0 = true,
		.counts_rx_and_tx = true,
		.fixed_hash_fields = true,
		.ntuple_off = true,
	},
	{
		.name = "fbnic",
		.driver = "fbnic",
		.hds_thresh = 1536,
		.hds_thresh_max = 3648,
		.no_split_off = true,
		.always_splits = true,
	},
	{
		/* not a real driver: reports its split only while the split is on */
		.name = "silent",
		.driver = "silent",
		.split_config = ETHTOOL_TCP_DATA_SPLIT_UNKNOWN,
		.reports_only_split_on = true,
	},
};

static const struct labnic_quirks *labnic_chosen = &labnic_own;

int labnic_mimic_init(void)
{
	u32 i;

	if (!mimic)
		return 0;
	for (i = 0; i < ARRAY_SIZE(labnic_others); i++) {
		if (strcmp(labnic_others[i].name, mimic))
			continue;
		labnic_chosen = &labnic_others[i];
		return 0;
	}
	pr_err(LABNIC_NAME ": mimic must be mlx5, bnxt, gve, gve-qpl, fbnic or silent\n");
	return -EINVAL;
}

const struct labnic_quirks *labnic_quirks(void)
{
	return labnic_chosen;
}

/* The error messages are those of the real drivers. */
int labnic_mimic_check_split(struct labnic *nic, u8 asked, struct netlink_ext_ack *extack)
{
	if (labnic_chosen->cannot_split && asked != ETHTOOL_TCP_DATA_SPLIT_UNKNOWN)
		return -EOPNOTSUPP; /* gve gives no message */
	if (labnic_chosen->split_needs_gro_hw && asked == ETHTOOL_TCP_DATA_SPLIT_ENABLED &&
	    !(nic->netdev->features & NETIF_F_GRO_HW)) {
		NL_SET_ERR_MSG_MOD(extack, "TCP-data-split is not supported when GRO HW is "
					   "disabled");
		return -EINVAL;
	}
	if (labnic_chosen->no_split_off && asked == ETHTOOL_TCP_DATA_SPLIT_DISABLED) {
		NL_SET_ERR_MSG_MOD(extack, "Cannot disable TCP data split");
		return -EINVAL;
	}
	return 0;
}

void labnic_mimic_set_split(struct labnic *nic, u8 asked)
{
	nic->split_config = asked;
	if (asked != ETHTOOL_TCP_DATA_SPLIT_UNKNOWN || !labnic_chosen->unknown_keeps_split)
		nic->split =
			asked == ETHTOOL_TCP_DATA_SPLIT_ENABLED || labnic_chosen->always_splits;
}

u8 labnic_mimic_get_split(const struct labnic *nic)
{
	if (labnic_chosen->cannot_split)
		return ETHTOOL_TCP_DATA_SPLIT_UNKNOWN;
	if (labnic_chosen->reports_config)
		return nic->split_config;
	if (labnic_chosen->reports_only_split_on && !nic->split)
		return ETHTOOL_TCP_DATA_SPLIT_UNKNOWN;
	return nic->split ? ETHTOOL_TCP_DATA_SPLIT_ENABLED : ETHTOOL_TCP_DATA_SPLIT_DISABLED;
}

netdev_features_t labnic_mimic_fix_features(struct labnic *nic, netdev_features_t features)
{
	if (labnic_chosen->split_needs_gro_hw &&
	    nic->split_config == ETHTOOL_TCP_DATA_SPLIT_ENABLED)
		features |= NETIF_F_GRO_HW;
	return features;
}
