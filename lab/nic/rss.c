// SPDX-License-Identifier: GPL-2.0-only
/* Receive side scaling: Toeplitz hash, indirection tables, contexts, hashed fields. */
#include "labnic.h"

#define LABNIC_RXH_IP (RXH_IP_SRC | RXH_IP_DST)
#define LABNIC_RXH_L4 (LABNIC_RXH_IP | RXH_L4_B_0_1 | RXH_L4_B_2_3)

/* The 32 bits of the key that begin at bit number bit. */
static u32 labnic_key_window(const u8 *key, u32 bit)
{
	u64 w = 0;
	u32 i;

	for (i = 0; i < 5; i++)
		w = w << 8 | (bit / 8 + i < LABNIC_KEY_LEN ? key[bit / 8 + i] : 0);
	return w >> (8 - bit % 8);
}

static void labnic_rss_set_key(struct labnic_rss *rss, const u8 *key)
{
	u32 pos, val, bit;

	memcpy(rss->key, key, LABNIC_KEY_LEN);
	for (pos = 0; pos < ARRAY_SIZE(rss->nibble); pos++) {
		for (val = 0; val < 16; val++) {
			u32 hash = 0;

			for (bit = 0; bit < 4; bit++)
				if (val & (8 >> bit))
					hash ^= labnic_key_window(key, pos * 4 + bit);
			rss->nibble[pos][val] = hash;
		}
	}
}

static void labnic_rss_default_indir(struct labnic *nic, struct labnic_rss *rss)
{
	u32 i;

	for (i = 0; i < LABNIC_INDIR; i++)
		rss->indir[i] = ethtool_rxfh_indir_default(i, nic->channels);
}

static void labnic_rss_default_fields(struct labnic_rss *rss)
{
	rss->tcp4 = LABNIC_RXH_L4;
	rss->tcp6 = LABNIC_RXH_L4;
	rss->udp4 = LABNIC_RXH_L4;
	rss->udp6 = LABNIC_RXH_L4;
	rss->ip4 = LABNIC_RXH_IP;
	rss->ip6 = LABNIC_RXH_IP;
}

void labnic_rss_init(struct labnic *nic)
{
	u8 key[LABNIC_KEY_LEN];

	netdev_rss_key_fill(key, sizeof(key));
	labnic_rss_set_key(&nic->rss[0], key);
	labnic_rss_default_indir(nic, &nic->rss[0]);
	labnic_rss_default_fields(&nic->rss[0]);
	nic->rss[0].used = true;
}

void labnic_rss_reset_indir(struct labnic *nic)
{
	write_lock_bh(&nic->steer_lock);
	labnic_rss_default_indir(nic, &nic->rss[0]);
	write_unlock_bh(&nic->steer_lock);
}

/* As after probe, except that the hash key stays. The core, which keeps a copy of each context, is
 * told that they are lost. */
void labnic_rss_forget(struct labnic *nic)
{
	u32 i;

	for (i = 1; i < LABNIC_MAX_CTX; i++) {
		bool lost = nic->rss[i].used;

		write_lock_bh(&nic->steer_lock);
		nic->rss[i].used = false;
		write_unlock_bh(&nic->steer_lock);
		if (!lost)
			continue;
		mutex_lock(&nic->netdev->ethtool->rss_lock);
		ethtool_rxfh_context_lost(nic->netdev, i);
		mutex_unlock(&nic->netdev->ethtool->rss_lock);
	}
	labnic_rss_reset_indir(nic);
	labnic_rss_default_fields(&nic->rss[0]);
}

static u32 *labnic_rss_fields(struct labnic_rss *rss, u32 flow_type)
{
	switch (flow_type & ~(FLOW_EXT | FLOW_MAC_EXT | FLOW_RSS)) {
	case TCP_V4_FLOW:
		return &rss->tcp4;
	case TCP_V6_FLOW:
		return &rss->tcp6;
	case UDP_V4_FLOW:
		return &rss->udp4;
	case UDP_V6_FLOW:
		return &rss->udp6;
	case IPV4_FLOW:
		return &rss->ip4;
	case IPV6_FLOW:
		return &rss->ip6;
	}
	return NULL;
}

static u32 labnic_flow_fields(const struct labnic_rss *rss, const struct labnic_flow *flow)
{
	bool v4 = flow->l3 == ETH_P_IP;

	switch (flow->l4) {
	case IPPROTO_TCP:
		return v4 ? rss->tcp4 : rss->tcp6;
	case IPPROTO_UDP:
		return v4 ? rss->udp4 : rss->udp6;
	}
	return v4 ? rss->ip4 : rss->ip6;
}

u32 labnic_rss_hash(const struct labnic_rss *rss, const struct labnic_flow *flow, bool *l4)
{
	u32 fields, alen = flow->l3 == ETH_P_IP ? 4 : 16, len = 0, hash = 0, i;
	u8 in[36];

	*l4 = false;
	if (!flow->l3)
		return 0;
	fields = labnic_flow_fields(rss, flow);
	if (fields & RXH_IP_SRC) {
		memcpy(in + len, &flow->src, alen);
		len += alen;
	}
	if (fields & RXH_IP_DST) {
		memcpy(in + len, &flow->dst, alen);
		len += alen;
	}
	if (fields & RXH_L4_B_0_1) {
		memcpy(in + len, &flow->sport, 2);
		len += 2;
	}
	if (fields & RXH_L4_B_2_3) {
		memcpy(in + len, &flow->dport, 2);
		len += 2;
	}
	*l4 = fields & (RXH_L4_B_0_1 | RXH_L4_B_2_3);
	for (i = 0; i < len; i++)
		hash ^= rss->nibble[2 * i][in[i] >> 4] ^ rss->nibble[2 * i + 1][in[i] & 15];
	return hash;
}

u32 labnic_get_rxfh_key_size(struct net_device *dev)
{
	return LABNIC_KEY_LEN;
}

u32 labnic_get_rxfh_indir_size(struct net_device *dev)
{
	return LABNIC_INDIR;
}

static struct labnic_rss *labnic_rss_get(struct labnic *nic, u32 id)
{
	/* Callers may ask for contexts that do not exist. */
	return id < LABNIC_MAX_CTX && nic->rss[id].used ? &nic->rss[id] : NULL;
}

int labnic_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *p)
{
	struct labnic *nic = netdev_priv(dev);
	struct labnic_rss *rss = labnic_rss_get(nic, p->rss_context);

	if (!rss)
		return -ENOENT;
	p->hfunc = ETH_RSS_HASH_TOP;
	if (p->indir)
		memcpy(p->indir, rss->indir, sizeof(rss->indir));
	if (p->key)
		memcpy(p->key, rss->key, sizeof(rss->key));
	return 0;
}

static int labnic_rss_check(struct labnic *nic, const struct ethtool_rxfh_param *p,
			    struct netlink_ext_ack *extack)
{
	if (p->hfunc != ETH_RSS_HASH_NO_CHANGE && p->hfunc != ETH_RSS_HASH_TOP) {
		NL_SET_ERR_MSG_MOD(extack, "only the Toeplitz hash is supported");
		return -EOPNOTSUPP;
	}
	if (p->input_xfrm != RXH_XFRM_NO_CHANGE && p->input_xfrm) {
		NL_SET_ERR_MSG_MOD(extack, "input transformation is not supported");
		return -EOPNOTSUPP;
	}
	if (p->indir && !labnic_rules_allow_indir(nic, p->rss_context, p->indir)) {
		NL_SET_ERR_MSG_MOD(extack, "the table, or a rule's offset into it, exceeds the "
					   "number of queues");
		return -EINVAL;
	}
	return 0;
}

static void labnic_rss_store(struct labnic *nic, struct labnic_rss *rss,
			     const struct ethtool_rxfh_param *p)
{
	write_lock_bh(&nic->steer_lock);
	if (p->indir)
		memcpy(rss->indir, p->indir, sizeof(rss->indir));
	if (p->key)
		labnic_rss_set_key(rss, p->key);
	rss->used = true;
	write_unlock_bh(&nic->steer_lock);
}

int labnic_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *p,
		    struct netlink_ext_ack *extack)
{
	struct labnic *nic = netdev_priv(dev);
	int err = labnic_rss_check(nic, p, extack);

	if (!err)
		labnic_rss_store(nic, &nic->rss[0], p);
	return err;
}

int labnic_create_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			       const struct ethtool_rxfh_param *p, struct netlink_ext_ack *extack)
{
	struct labnic *nic = netdev_priv(dev);
	struct labnic_rss *rss;
	int err = labnic_rss_check(nic, p, extack);

	if (err)
		return err;
	if (!p->rss_context || p->rss_context >= LABNIC_MAX_CTX)
		return -ERANGE;

	rss = &nic->rss[p->rss_context];
	labnic_rss_default_indir(nic, rss);
	labnic_rss_default_fields(rss);
	if (!p->key)
		labnic_rss_set_key(rss, nic->rss[0].key);
	labnic_rss_store(nic, rss, p);

	/* The core keeps a copy of the context. Fill in the values that it left to the driver. */
	if (!p->indir)
		memcpy(ethtool_rxfh_context_indir(ctx), rss->indir, sizeof(rss->indir));
	if (!p->key)
		memcpy(ethtool_rxfh_context_key(ctx), rss->key, sizeof(rss->key));
	if (p->hfunc == ETH_RSS_HASH_NO_CHANGE)
		ctx->hfunc = ETH_RSS_HASH_TOP;
	if (p->input_xfrm == RXH_XFRM_NO_CHANGE)
		ctx->input_xfrm = 0;
	return 0;
}

int labnic_modify_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			       const struct ethtool_rxfh_param *p, struct netlink_ext_ack *extack)
{
	struct labnic *nic = netdev_priv(dev);
	struct labnic_rss *rss = labnic_rss_get(nic, p->rss_context);
	int err = labnic_rss_check(nic, p, extack);

	if (err)
		return err;
	if (!rss)
		return -ENOENT;
	labnic_rss_store(nic, rss, p);
	return 0;
}

int labnic_remove_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx, u32 id,
			       struct netlink_ext_ack *extack)
{
	struct labnic *nic = netdev_priv(dev);
	struct labnic_rss *rss = labnic_rss_get(nic, id);

	if (!rss || !id)
		return -ENOENT;
	if (labnic_rules_use_ctx(nic, id)) {
		NL_SET_ERR_MSG_MOD(extack, "a flow rule uses this context");
		return -EBUSY;
	}
	write_lock_bh(&nic->steer_lock);
	rss->used = false;
	write_unlock_bh(&nic->steer_lock);
	return 0;
}

int labnic_get_rxfh_fields(struct net_device *dev, struct ethtool_rxfh_fields *f)
{
	struct labnic *nic = netdev_priv(dev);
	struct labnic_rss *rss = labnic_rss_get(nic, f->rss_context);
	u32 *fields;

	if (!rss)
		return -ENOENT;
	fields = labnic_rss_fields(rss, f->flow_type);
	if (!fields)
		return -EINVAL;
	f->data = *fields;
	return 0;
}

int labnic_set_rxfh_fields(struct net_device *dev, const struct ethtool_rxfh_fields *f,
			   struct netlink_ext_ack *extack)
{
	struct labnic *nic = netdev_priv(dev);
	struct labnic_rss *rss = labnic_rss_get(nic, f->rss_context);
	u32 *fields, able;

	if (!rss)
		return -ENOENT;
	fields = labnic_rss_fields(rss, f->flow_type);
	if (!fields)
		return -EINVAL;
	able = fields == &rss->ip4 || fields == &rss->ip6 ? LABNIC_RXH_IP : LABNIC_RXH_L4;
	if (f->data & ~able) {
		NL_SET_ERR_MSG_MOD(extack, "these fields cannot be hashed");
		return -EINVAL;
	}
	WRITE_ONCE(*fields, f->data);
	return 0;
}

#ifdef LABNIC_OLD
/* 6.12 has the hashed fields and the number of queues in get_rxnfc and set_rxnfc. */
int labnic_get_rxnfc_compat(struct net_device *dev, struct ethtool_rxnfc *cmd)
{
	struct labnic *nic = netdev_priv(dev);
	struct ethtool_rxfh_fields f = {
		.flow_type = cmd->flow_type,
		.rss_context = cmd->flow_type & FLOW_RSS ? cmd->rss_context : 0,
	};
	int err;

	if (cmd->cmd == ETHTOOL_GRXRINGS) {
		cmd->data = nic->channels;
		return 0;
	}
	if (cmd->cmd != ETHTOOL_GRXFH || labnic_quirks()->fixed_hash_fields)
		return -EOPNOTSUPP;
	err = labnic_get_rxfh_fields(dev, &f);
	cmd->data = f.data;
	return err;
}

int labnic_set_rxnfc_compat(struct net_device *dev, struct ethtool_rxnfc *cmd)
{
	struct ethtool_rxfh_fields f = {
		.data = cmd->data,
		.flow_type = cmd->flow_type,
		.rss_context = cmd->flow_type & FLOW_RSS ? cmd->rss_context : 0,
	};

	if (cmd->cmd != ETHTOOL_SRXFH || labnic_quirks()->fixed_hash_fields)
		return -EOPNOTSUPP;
	return labnic_set_rxfh_fields(dev, &f, NULL);
}
#endif
