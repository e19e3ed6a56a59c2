// SPDX-License-Identifier: GPL-2.0-only
/* n-tuple rules, and the choice of a packet's queue: by the rules first, then by RSS. */
#include <net/ipv6.h>

#include "labnic.h"

static int labnic_rule_ip4(struct labnic_rule *rule, const struct ethtool_rx_flow_spec *fs)
{
	const struct ethtool_tcpip4_spec *h = &fs->h_u.tcp_ip4_spec, *m = &fs->m_u.tcp_ip4_spec;

	if (m->tos)
		return -EOPNOTSUPP;
	rule->l3 = ETH_P_IP;
	rule->src_mask.s6_addr32[0] = m->ip4src;
	rule->dst_mask.s6_addr32[0] = m->ip4dst;
	rule->src.s6_addr32[0] = h->ip4src & m->ip4src;
	rule->dst.s6_addr32[0] = h->ip4dst & m->ip4dst;
	if (!rule->l4)
		return 0;
	rule->sport_mask = m->psrc;
	rule->dport_mask = m->pdst;
	rule->sport = h->psrc & m->psrc;
	rule->dport = h->pdst & m->pdst;
	return 0;
}

static int labnic_rule_ip6(struct labnic_rule *rule, const struct ethtool_rx_flow_spec *fs)
{
	const struct ethtool_tcpip6_spec *h = &fs->h_u.tcp_ip6_spec, *m = &fs->m_u.tcp_ip6_spec;
	int i;

	if (m->tclass)
		return -EOPNOTSUPP;
	rule->l3 = ETH_P_IPV6;
	for (i = 0; i < 4; i++) {
		rule->src_mask.s6_addr32[i] = m->ip6src[i];
		rule->dst_mask.s6_addr32[i] = m->ip6dst[i];
		rule->src.s6_addr32[i] = h->ip6src[i] & m->ip6src[i];
		rule->dst.s6_addr32[i] = h->ip6dst[i] & m->ip6dst[i];
	}
	if (!rule->l4)
		return 0;
	rule->sport_mask = m->psrc;
	rule->dport_mask = m->pdst;
	rule->sport = h->psrc & m->psrc;
	rule->dport = h->pdst & m->pdst;
	return 0;
}

static int labnic_rule_user(u8 proto, u8 mask)
{
	if (!mask)
		return 0;
	if (mask == 0xff && (proto == IPPROTO_TCP || proto == IPPROTO_UDP))
		return proto;
	return -EOPNOTSUPP;
}

/* Converts the match part of a rule from ethtool's form. */
static int labnic_rule_match(struct labnic_rule *rule, const struct ethtool_rx_flow_spec *fs)
{
	int proto = 0;

	switch (fs->flow_type & ~FLOW_RSS) {
	case TCP_V4_FLOW:
	case UDP_V4_FLOW:
		rule->l4 = (fs->flow_type & ~FLOW_RSS) == TCP_V4_FLOW ? IPPROTO_TCP : IPPROTO_UDP;
		return labnic_rule_ip4(rule, fs);
	case TCP_V6_FLOW:
	case UDP_V6_FLOW:
		rule->l4 = (fs->flow_type & ~FLOW_RSS) == TCP_V6_FLOW ? IPPROTO_TCP : IPPROTO_UDP;
		return labnic_rule_ip6(rule, fs);
	case IPV4_USER_FLOW:
		proto = labnic_rule_user(fs->h_u.usr_ip4_spec.proto, fs->m_u.usr_ip4_spec.proto);
		if (proto < 0 || fs->m_u.usr_ip4_spec.l4_4_bytes || fs->m_u.usr_ip4_spec.tos)
			return -EOPNOTSUPP;
		proto = labnic_rule_ip4(rule, fs) ?: proto;
		break;
	case IPV6_USER_FLOW:
		proto = labnic_rule_user(fs->h_u.usr_ip6_spec.l4_proto,
					 fs->m_u.usr_ip6_spec.l4_proto);
		if (proto < 0 || fs->m_u.usr_ip6_spec.l4_4_bytes || fs->m_u.usr_ip6_spec.tclass)
			return -EOPNOTSUPP;
		proto = labnic_rule_ip6(rule, fs) ?: proto;
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (proto < 0)
		return proto;
	rule->l4 = proto;
	return 0;
}

static u32 labnic_indir_max(const u32 *indir)
{
	u32 i, max = 0;

	for (i = 0; i < LABNIC_INDIR; i++)
		max = max(max, indir[i]);
	return max;
}

static int labnic_rule_action(struct labnic *nic, const struct ethtool_rxnfc *cmd)
{
	u64 cookie = cmd->fs.ring_cookie;
	u32 queue = ethtool_get_flow_spec_ring(cookie);

	if (cookie == RX_CLS_FLOW_DISC)
		return cmd->fs.flow_type & FLOW_RSS ? -EINVAL : 0;
	if (cmd->fs.flow_type & FLOW_RSS) {
		if (cmd->rss_context >= LABNIC_MAX_CTX || !nic->rss[cmd->rss_context].used)
			return -EINVAL;
		queue += labnic_indir_max(nic->rss[cmd->rss_context].indir);
	}
	return ethtool_get_flow_spec_ring_vf(cookie) || queue >= nic->channels ? -EINVAL : 0;
}

static bool labnic_rule_same(const struct labnic_rule *a, const struct labnic_rule *b)
{
	return a->l3 == b->l3 && a->l4 == b->l4 && ipv6_addr_equal(&a->src, &b->src) &&
	       ipv6_addr_equal(&a->dst, &b->dst) && ipv6_addr_equal(&a->src_mask, &b->src_mask) &&
	       ipv6_addr_equal(&a->dst_mask, &b->dst_mask) && a->sport == b->sport &&
	       a->dport == b->dport && a->sport_mask == b->sport_mask &&
	       a->dport_mask == b->dport_mask;
}

/* The new rule's location. Unless the caller names one, the rule replaces one with the same match,
 * or else takes the last free location (with RX_CLS_LOC_FIRST, the first). */
static int labnic_rule_place(struct labnic *nic, const struct labnic_rule *rule, u32 wanted)
{
	u32 i;

	if (wanted < LABNIC_MAX_RULES)
		return wanted;
	if (!(wanted & RX_CLS_LOC_SPECIAL))
		return -EINVAL;
	for_each_set_bit (i, nic->rule_map, LABNIC_MAX_RULES)
		if (labnic_rule_same(&nic->rules[i], rule))
			return i;
	if (wanted == RX_CLS_LOC_FIRST) {
		i = find_first_zero_bit(nic->rule_map, LABNIC_MAX_RULES);
		return i < LABNIC_MAX_RULES ? i : -ENOSPC;
	}
	for (i = LABNIC_MAX_RULES; i--;)
		if (!test_bit(i, nic->rule_map))
			return i;
	return -ENOSPC;
}

static int labnic_rule_insert(struct labnic *nic, struct ethtool_rxnfc *cmd)
{
	struct labnic_rule rule = { .fs = cmd->fs };
	int err, at;

	if (!(nic->netdev->features & NETIF_F_NTUPLE))
		return -EOPNOTSUPP;
	err = labnic_rule_match(&rule, &cmd->fs) ?: labnic_rule_action(nic, cmd);
	if (err)
		return err;
	if (cmd->fs.flow_type & FLOW_RSS)
		rule.ctx = cmd->rss_context;
	at = labnic_rule_place(nic, &rule, cmd->fs.location);
	if (at < 0)
		return at;

	rule.fs.location = at;
	cmd->fs.location = at;
	write_lock_bh(&nic->steer_lock);
	nic->rules[at] = rule;
	__set_bit(at, nic->rule_map);
	write_unlock_bh(&nic->steer_lock);
	return 0;
}

static int labnic_rule_delete(struct labnic *nic, u32 at)
{
	if (at >= LABNIC_MAX_RULES || !test_bit(at, nic->rule_map))
		return -ENOENT;
	write_lock_bh(&nic->steer_lock);
	__clear_bit(at, nic->rule_map);
	write_unlock_bh(&nic->steer_lock);
	return 0;
}

int labnic_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd)
{
	struct labnic *nic = netdev_priv(dev);

	switch (cmd->cmd) {
	case ETHTOOL_SRXCLSRLINS:
		return labnic_rule_insert(nic, cmd);
	case ETHTOOL_SRXCLSRLDEL:
		return labnic_rule_delete(nic, cmd->fs.location);
	}
	return labnic_set_rxnfc_compat(dev, cmd);
}

static int labnic_rule_get(struct labnic *nic, struct ethtool_rxnfc *cmd)
{
	u32 at = cmd->fs.location;

	if (at >= LABNIC_MAX_RULES || !test_bit(at, nic->rule_map))
		return -ENOENT;
	cmd->fs = nic->rules[at].fs;
	cmd->rss_context = nic->rules[at].ctx;
	cmd->data = LABNIC_MAX_RULES;
	return 0;
}

static int labnic_rule_list(struct labnic *nic, struct ethtool_rxnfc *cmd, u32 *locs)
{
	u32 i, n = 0;

	for_each_set_bit (i, nic->rule_map, LABNIC_MAX_RULES) {
		if (n == cmd->rule_cnt)
			return -EMSGSIZE;
		locs[n++] = i;
	}
	cmd->rule_cnt = n;
	cmd->data = LABNIC_MAX_RULES;
	return 0;
}

int labnic_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd, u32 *locs)
{
	struct labnic *nic = netdev_priv(dev);

	switch (cmd->cmd) {
	case ETHTOOL_GRXCLSRLCNT:
		cmd->rule_cnt = bitmap_weight(nic->rule_map, LABNIC_MAX_RULES);
		cmd->data = LABNIC_MAX_RULES | RX_CLS_LOC_SPECIAL;
		return 0;
	case ETHTOOL_GRXCLSRULE:
		return labnic_rule_get(nic, cmd);
	case ETHTOOL_GRXCLSRLALL:
		return labnic_rule_list(nic, cmd, locs);
	}
	return labnic_get_rxnfc_compat(dev, cmd);
}

void labnic_rules_forget(struct labnic *nic)
{
	write_lock_bh(&nic->steer_lock);
	bitmap_zero(nic->rule_map, LABNIC_MAX_RULES);
	write_unlock_bh(&nic->steer_lock);
}

bool labnic_rules_use_queue(struct labnic *nic, u32 from)
{
	u32 i;

	for_each_set_bit (i, nic->rule_map, LABNIC_MAX_RULES) {
		u64 cookie = nic->rules[i].fs.ring_cookie;

		if (cookie != RX_CLS_FLOW_DISC && ethtool_get_flow_spec_ring(cookie) >= from)
			return true;
	}
	return false;
}

bool labnic_rules_use_ctx(struct labnic *nic, u32 ctx)
{
	u32 i;

	for_each_set_bit (i, nic->rule_map, LABNIC_MAX_RULES)
		if (nic->rules[i].fs.flow_type & FLOW_RSS && nic->rules[i].ctx == ctx)
			return true;
	return false;
}

/* True if context ctx may have this table. Its rules can add an offset to the table's queues. */
bool labnic_rules_allow_indir(struct labnic *nic, u32 ctx, const u32 *indir)
{
	u32 i, max = labnic_indir_max(indir);

	if (max >= nic->channels)
		return false;
	for_each_set_bit (i, nic->rule_map, LABNIC_MAX_RULES) {
		const struct labnic_rule *rule = &nic->rules[i];

		if (rule->fs.flow_type & FLOW_RSS && rule->ctx == ctx &&
		    max + ethtool_get_flow_spec_ring(rule->fs.ring_cookie) >= nic->channels)
			return false;
	}
	return true;
}

static bool labnic_rule_hits(const struct labnic_rule *rule, const struct labnic_flow *flow)
{
	if (rule->l3 != flow->l3 || (rule->l4 && rule->l4 != flow->l4))
		return false;
	if ((flow->sport & rule->sport_mask) != rule->sport ||
	    (flow->dport & rule->dport_mask) != rule->dport)
		return false;
	return !ipv6_masked_addr_cmp(&flow->src, &rule->src_mask, &rule->src) &&
	       !ipv6_masked_addr_cmp(&flow->dst, &rule->dst_mask, &rule->dst);
}

static const struct labnic_rule *labnic_rule_find(struct labnic *nic,
						  const struct labnic_flow *flow)
{
	u32 i;

	if (!flow->l3 || !(nic->netdev->features & NETIF_F_NTUPLE))
		return NULL;
	for_each_set_bit (i, nic->rule_map, LABNIC_MAX_RULES)
		if (labnic_rule_hits(&nic->rules[i], flow))
			return &nic->rules[i];
	return NULL;
}

/* Returns the queue that a packet goes to, or -1 if a rule drops it. */
int labnic_steer(struct labnic *nic, const struct labnic_flow *flow, u32 *hash, bool *l4)
{
	const struct labnic_rule *rule;
	const struct labnic_rss *rss = &nic->rss[0];
	u32 queue, add = 0;

	read_lock(&nic->steer_lock);
	rule = labnic_rule_find(nic, flow);
	if (rule && rule->fs.flow_type & FLOW_RSS)
		rss = &nic->rss[rule->ctx];
	*hash = labnic_rss_hash(rss, flow, l4);
	queue = rss->indir[*hash % LABNIC_INDIR];
	if (rule && rule->fs.ring_cookie == RX_CLS_FLOW_DISC) {
		read_unlock(&nic->steer_lock);
		atomic64_inc(&nic->rx_rule_drops);
		return -1;
	}
	if (rule)
		add = ethtool_get_flow_spec_ring(rule->fs.ring_cookie);
	if (rule && !(rule->fs.flow_type & FLOW_RSS))
		queue = 0;
	read_unlock(&nic->steer_lock);
	return (queue + add) % nic->channels;
}
