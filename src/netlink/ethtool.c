// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/channels.h"
#include "netlink/ethtool.h"
#include "netlink/iface.h"
#include "netlink/rss.h"

#define MAX_RULES      (1u << 20) /* sanity limits: drivers have thousands at most */
#define MAX_STATISTICS (1u << 14)

int devmem__ethtool_open(struct devmem__ethtool *et, const char *ifname)
{
	struct devmem__iface iface;
	int err;

	memset(et, 0, sizeof(*et));
	et->fd = -1;
	err = devmem__iface_need(ifname, &iface);
	if (err)
		return err;
	et->fd = devmem__iface_socket();
	if (et->fd < 0)
		return devmem__fail(-et->fd, "%s: cannot open a socket: %s", iface.name,
				    strerror(-et->fd));
	et->ifindex = iface.index;
	memcpy(et->name, iface.name, sizeof(et->name));
	err = devmem__ethtool_connect(et);
	if (!err || err == -EOPNOTSUPP)
		return 0;
	devmem__ethtool_close(et);
	return err;
}

int devmem__ethtool_connect(struct devmem__ethtool *et)
{
	int err = et->nl.family ? 0 : devmem__nl_open(&et->nl, "ethtool");

	if (!err && !et->monitor.family)
		err = devmem__nl_open(&et->monitor, "ethtool");
	return err;
}

void devmem__ethtool_close(struct devmem__ethtool *et)
{
	devmem__nl_close(&et->nl);
	devmem__nl_close(&et->monitor);
	if (et->fd >= 0)
		close(et->fd);
	et->fd = -1;
}

/* ---------------------------------------------------------------------------------------- ioctl */

/* The ioctl takes a name, not an index. The name is looked up each time, since the interface may
 * have been renamed. */
static int do_ioctl(struct devmem__ethtool *et, void *data)
{
	struct ifreq ifr = { .ifr_ifindex = (int)et->ifindex };

	if (ioctl(et->fd, SIOCGIFNAME, &ifr) < 0)
		return -errno;
	ifr.ifr_data = data;
	return ioctl(et->fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

void devmem__ethtool_driver(struct devmem__ethtool *et, char driver[32], char bus[32])
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	driver[0] = bus[0] = '\0';
	if (do_ioctl(et, &info) < 0)
		return;
	snprintf(driver, 32, "%.31s", info.driver);
	/* drivers without a bus write "N/A" and the like */
	if (!strchr(info.bus_info, '/'))
		snprintf(bus, 32, "%.31s", info.bus_info);
}

static int as_count(uint64_t n)
{
	return n <= INT_MAX ? (int)n : -ERANGE;
}

int devmem__ethtool_rings(struct devmem__ethtool *et)
{
	struct ethtool_rxnfc info = { .cmd = ETHTOOL_GRXRINGS };
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };
	int err = do_ioctl(et, &info);

	if (!err)
		return as_count(info.data);
	if (err != -EOPNOTSUPP)
		return err;
	err = do_ioctl(et, &ch);
	return err ? err : as_count((uint64_t)ch.rx_count + ch.combined_count);
}

const char *devmem__ethtool_more_queues(struct devmem__ethtool *et, uint32_t queues, char *text,
					size_t room)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };

	if (do_ioctl(et, &ch))
		memset(&ch, 0, sizeof(ch));
	return devmem__channels_command(&ch, et->name, queues, text, room);
}

int devmem__ethtool_ring_entries(struct devmem__ethtool *et, uint32_t *entries)
{
	struct ethtool_ringparam ring = { .cmd = ETHTOOL_GRINGPARAM };
	int err = do_ioctl(et, &ring);

	if (!err)
		*entries = ring.rx_pending;
	return err;
}

bool devmem__ethtool_is_down(struct devmem__ethtool *et)
{
	struct ifreq ifr = { .ifr_ifindex = (int)et->ifindex };

	return !ioctl(et->fd, SIOCGIFNAME, &ifr) && !ioctl(et->fd, SIOCGIFFLAGS, &ifr) &&
	       !(ifr.ifr_flags & IFF_UP);
}

int devmem__ethtool_mtu(struct devmem__ethtool *et, uint32_t *mtu)
{
	struct ifreq ifr = { .ifr_ifindex = (int)et->ifindex };

	if (ioctl(et->fd, SIOCGIFNAME, &ifr) < 0 || ioctl(et->fd, SIOCGIFMTU, &ifr) < 0)
		return -errno;
	*mtu = (uint32_t)ifr.ifr_mtu;
	return 0;
}

/* ----------------------------------------------------------------------------------- data split */

static void begin(struct devmem__ethtool *et, uint8_t cmd, int header)
{
	struct nlattr *nest;

	devmem__nl_begin(&et->nl, cmd);
	nest = devmem__nl_nest(&et->nl, header);
	devmem__nl_put_u32(&et->nl, DEVMEM_ETHTOOL_A_HEADER_DEV_INDEX, et->ifindex);
	devmem__nl_nest_end(&et->nl, nest);
}

static int got_rings(struct nlattr **attrs, void *arg)
{
	struct nlattr *split = attrs[DEVMEM_ETHTOOL_A_RINGS_TCP_DATA_SPLIT];
	struct nlattr *thresh = attrs[DEVMEM_ETHTOOL_A_RINGS_HDS_THRESH];
	struct devmem__split_state *state = arg;

	state->split = split ? nla_get_u8(split) : DEVMEM_SPLIT_UNKNOWN;
	state->has_thresh = thresh;
	state->thresh = thresh ? nla_get_u32(thresh) : 0;
	return 0;
}

int devmem__ethtool_split(struct devmem__ethtool *et, struct devmem__split_state *state)
{
	memset(state, 0, sizeof(*state));
	begin(et, DEVMEM_ETHTOOL_MSG_RINGS_GET, DEVMEM_ETHTOOL_A_RINGS_HEADER);
	return devmem__nl_call(&et->nl, got_rings, state);
}

struct notification {
	uint32_t ifindex;
	bool seen;
};

static void got_notification(uint8_t cmd, struct nlattr **attrs, void *arg)
{
	struct nlattr *header[DEVMEM__NL_ATTRS + 1];
	struct notification *n = arg;

	if (cmd != DEVMEM_ETHTOOL_MSG_RINGS_NTF || !attrs[DEVMEM_ETHTOOL_A_RINGS_HEADER])
		return;
	if (!devmem__nl_nested(attrs[DEVMEM_ETHTOOL_A_RINGS_HEADER], header))
		return;
	if (header[DEVMEM_ETHTOOL_A_HEADER_DEV_INDEX] &&
	    nla_get_u32(header[DEVMEM_ETHTOOL_A_HEADER_DEV_INDEX]) == n->ifindex)
		n->seen = true;
}

static int set_split(struct devmem__ethtool *et, bool split, uint8_t to, bool thresh,
		     uint32_t bytes)
{
	begin(et, DEVMEM_ETHTOOL_MSG_RINGS_SET, DEVMEM_ETHTOOL_A_RINGS_HEADER);
	if (split)
		devmem__nl_put_u8(&et->nl, DEVMEM_ETHTOOL_A_RINGS_TCP_DATA_SPLIT, to);
	if (thresh)
		devmem__nl_put_u32(&et->nl, DEVMEM_ETHTOOL_A_RINGS_HDS_THRESH, bytes);
	return devmem__nl_call(&et->nl, NULL, NULL);
}

int devmem__ethtool_set_split(struct devmem__ethtool *et, bool split, uint8_t to, bool thresh,
			      uint32_t bytes, bool *changed)
{
	struct notification n = { .ifindex = et->ifindex };
	bool lost;
	uint32_t group;
	int err;

	if (!changed)
		return set_split(et, split, to, thresh, bytes);
	/* the notification is queued before the request returns
	 * [net/ethtool/netlink.c: ethnl_default_set_doit()] */
	err = devmem__nl_subscribe(&et->monitor, DEVMEM_ETHTOOL_MCGRP_MONITOR, &group);
	if (err)
		return err;
	err = set_split(et, split, to, thresh, bytes);
	devmem__nl_unsubscribe(&et->monitor, group);
	lost = devmem__nl_notices(&et->monitor, UINT_MAX, got_notification, &n) < 0;
	/* if notifications were lost or cannot be read, assume a change */
	if (!err)
		*changed = lost || n.seen;
	return err;
}

/* ---------------------------------------------------------------------------------- still here? */

struct wanted {
	const struct devmem__ethtool *et;
	const char *driver, *bus;
	unsigned int found; /* the interface's index, or 0 */
};

static bool is_at(const struct wanted *w, unsigned int ifindex)
{
	struct devmem__ethtool other = { .fd = w->et->fd, .ifindex = ifindex };
	struct ifreq ifr = { .ifr_ifindex = (int)ifindex };
	char driver[32], bus[32];

	if (ioctl(other.fd, SIOCGIFNAME, &ifr) < 0)
		return false;
	devmem__ethtool_driver(&other, driver, bus);
	return !strcmp(driver, w->driver) && !strcmp(bus, w->bus);
}

static int got_interface(struct nlattr **attrs, void *arg)
{
	struct nlattr *header[DEVMEM__NL_ATTRS + 1];
	struct wanted *w = arg;

	if (!attrs[DEVMEM_ETHTOOL_A_RINGS_HEADER] ||
	    !devmem__nl_nested(attrs[DEVMEM_ETHTOOL_A_RINGS_HEADER], header) ||
	    !header[DEVMEM_ETHTOOL_A_HEADER_DEV_INDEX])
		return 0;
	if (is_at(w, nla_get_u32(header[DEVMEM_ETHTOOL_A_HEADER_DEV_INDEX])))
		w->found = nla_get_u32(header[DEVMEM_ETHTOOL_A_HEADER_DEV_INDEX]);
	return 0;
}

/* A dump of rings lists every interface that has them, in the namespace of our socket. */
int devmem__ethtool_find(struct devmem__ethtool *et, const char *driver, const char *bus)
{
	struct wanted w = { .et = et, .driver = driver, .bus = bus };
	int err;

	if (is_at(&w, et->ifindex))
		return 0;
	if (!bus[0])
		return -ENODEV;
	devmem__nl_begin(&et->nl, DEVMEM_ETHTOOL_MSG_RINGS_GET);
	err = devmem__nl_dump(&et->nl, got_interface, &w);
	if (!w.found)
		return err ? err : -ENODEV;
	et->ifindex = w.found;
	return 0;
}

/* ------------------------------------------------------------------------------------------ RSS */

static struct devmem__rxfh *new_rxfh(uint32_t cmd, uint32_t context, uint32_t size)
{
	struct devmem__rxfh *rxfh = calloc(1, sizeof(*rxfh) + size * sizeof(uint32_t));

	if (!rxfh)
		return NULL;
	rxfh->cmd = cmd;
	rxfh->rss_context = context;
	rxfh->indir_size = size;
	return rxfh;
}

static int table_size(struct devmem__ethtool *et, uint32_t context, uint32_t *size)
{
	struct devmem__rxfh query = { .cmd = DEVMEM_GRSSH, .rss_context = context };
	int err = do_ioctl(et, &query);

	*size = query.indir_size;
	if (err)
		return err;
	if (*size > DEVMEM__RSS_MAX_ENTRIES)
		return -ERANGE;
	return *size ? 0 : -EOPNOTSUPP;
}

int devmem__ethtool_table(struct devmem__ethtool *et, uint32_t context, uint32_t **table,
			  uint32_t *size)
{
	struct devmem__rxfh *rxfh;
	uint32_t n;
	int err = table_size(et, context, &n);

	if (err)
		return err;
	rxfh = new_rxfh(DEVMEM_GRSSH, context, n);
	if (!rxfh)
		return -ENOMEM;
	err = do_ioctl(et, rxfh);
	if (!err) {
		/* hand out the same memory, without its header */
		memmove(rxfh, rxfh->rss_config, n * sizeof(uint32_t));
		*table = (uint32_t *)rxfh;
		*size = n;
		return 0;
	}
	free(rxfh);
	return err;
}

static void read_fields(struct devmem__ethtool *et, uint32_t flow_type,
			struct devmem__toeplitz_config *hash)
{
	struct ethtool_rxnfc info = { .cmd = ETHTOOL_GRXFH, .flow_type = flow_type };

	hash->tells_fields = !do_ioctl(et, &info);
	hash->four_tuple = hash->tells_fields &&
			   info.data == (RXH_IP_SRC | RXH_IP_DST | RXH_L4_B_0_1 | RXH_L4_B_2_3);
}

int devmem__ethtool_hash(struct devmem__ethtool *et, uint32_t flow_type,
			 struct devmem__toeplitz_config *hash)
{
	struct devmem__rxfh query = { .cmd = DEVMEM_GRSSH }, *rxfh;
	int err = do_ioctl(et, &query);

	memset(hash, 0, sizeof(*hash));
	if (!err && (query.indir_size > DEVMEM__RSS_MAX_ENTRIES ||
		     query.key_size > DEVMEM__RSS_MAX_ENTRIES))
		err = -ERANGE;
	if (err)
		return err;
	rxfh = new_rxfh(DEVMEM_GRSSH, 0, query.indir_size + (query.key_size + 3) / 4);
	if (!rxfh)
		return -ENOMEM;
	rxfh->indir_size = query.indir_size;
	rxfh->key_size = query.key_size;
	err = do_ioctl(et, rxfh);
	if (!err && rxfh->key_size <= sizeof(hash->key)) {
		hash->key_bytes = rxfh->key_size;
		memcpy(hash->key, rxfh->rss_config + rxfh->indir_size, rxfh->key_size);
	}
	hash->toeplitz = !err && rxfh->hfunc == DEVMEM_RSS_HFUNC_TOEPLITZ && !rxfh->input_xfrm;
	read_fields(et, flow_type, hash);
	free(rxfh);
	return err;
}

/* Sets the table alone: the request has no key, and asks for no change of function and input. */
static int set_rxfh(struct devmem__ethtool *et, const uint32_t *table, uint32_t size,
		    uint32_t *context)
{
	struct devmem__rxfh *rxfh = new_rxfh(DEVMEM_SRSSH, *context, size);
	int err;

	if (!rxfh)
		return -ENOMEM;
	rxfh->hfunc = DEVMEM_RSS_HFUNC_NO_CHANGE;
	rxfh->input_xfrm = DEVMEM_RSS_XFRM_NO_CHANGE;
	if (size)
		memcpy(rxfh->rss_config, table, size * sizeof(uint32_t));
	err = do_ioctl(et, rxfh);
	if (!err)
		*context = rxfh->rss_context;
	free(rxfh);
	return err;
}

int devmem__ethtool_set_table(struct devmem__ethtool *et, const uint32_t *table, uint32_t size)
{
	uint32_t context = 0;

	return set_rxfh(et, table, size, &context);
}

int devmem__ethtool_reset_table(struct devmem__ethtool *et)
{
	uint32_t context = 0;

	return set_rxfh(et, NULL, 0, &context);
}

int devmem__ethtool_new_context(struct devmem__ethtool *et, const uint32_t *table, uint32_t size,
				uint32_t *context)
{
	uint32_t id = DEVMEM_RSS_CONTEXT_ALLOC;
	int err = set_rxfh(et, table, size, &id);

	if (!err)
		*context = id;
	return err;
}

int devmem__ethtool_delete_context(struct devmem__ethtool *et, uint32_t context)
{
	/* a size of 0 deletes the context, but for context 0 it resets the main table */
	return context ? set_rxfh(et, NULL, 0, &context) : -EINVAL;
}

/* ---------------------------------------------------------------------------------------- rules */

int devmem__ethtool_rule(struct devmem__ethtool *et, uint32_t location, struct devmem__rule *rule)
{
	struct ethtool_rxnfc info = { .cmd = ETHTOOL_GRXCLSRULE, .fs.location = location };
	int err = do_ioctl(et, &info);

	if (err)
		return err;
	rule->fs = info.fs;
	rule->context = info.fs.flow_type & DEVMEM_FLOW_RSS ? info.rss_context : 0;
	return 0;
}

/* The locations of all rules. -EMSGSIZE: there are now more than @count. */
static int locations(struct devmem__ethtool *et, uint32_t *count, struct ethtool_rxnfc **out)
{
	struct ethtool_rxnfc *info = calloc(1, sizeof(*info) + *count * sizeof(uint32_t));
	int err;

	if (!info)
		return -ENOMEM;
	info->cmd = ETHTOOL_GRXCLSRLALL;
	info->rule_cnt = *count;
	err = do_ioctl(et, info);
	if (err) {
		free(info);
		return err;
	}
	if (info->rule_cnt < *count)
		*count = info->rule_cnt;
	*out = info;
	return 0;
}

static int read_rules(struct devmem__ethtool *et, const struct ethtool_rxnfc *info, uint32_t n,
		      struct devmem__rules *all)
{
	all->rules = calloc(n ? n : 1, sizeof(*all->rules));
	if (!all->rules)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		/* skip rules that were deleted meanwhile */
		if (!devmem__ethtool_rule(et, info->rule_locs[i], &all->rules[all->count]))
			all->count++;
	}
	return 0;
}

/* Count the rules, then list them. Start again if somebody added one in between. */
static int count_and_locate(struct devmem__ethtool *et, bool *any, uint32_t *n,
			    struct ethtool_rxnfc **info)
{
	int err = 0;

	for (int tries = 0; tries < 5; tries++) {
		struct ethtool_rxnfc count = { .cmd = ETHTOOL_GRXCLSRLCNT };

		err = do_ioctl(et, &count);
		if (err)
			return err;
		if (count.rule_cnt > MAX_RULES)
			return -ERANGE;
		*any = count.data & RX_CLS_LOC_SPECIAL;
		*n = count.rule_cnt;
		err = locations(et, n, info);
		if (err != -EMSGSIZE)
			break;
	}
	return err;
}

int devmem__ethtool_rules(struct devmem__ethtool *et, struct devmem__rules *all)
{
	struct ethtool_rxnfc *info = NULL;
	uint32_t n;
	int err;

	memset(all, 0, sizeof(*all));
	err = count_and_locate(et, &all->any, &n, &info);
	if (err)
		return err;
	all->room = (uint32_t)info->data;
	err = read_rules(et, info, n, all);
	free(info);
	return err;
}

int devmem__ethtool_add_rule(struct devmem__ethtool *et, struct devmem__rule *rule)
{
	struct ethtool_rxnfc info = { .cmd = ETHTOOL_SRXCLSRLINS };
	int err;

	info.fs = rule->fs;
	info.rss_context = rule->context;
	err = do_ioctl(et, &info);
	if (!err)
		rule->fs.location = info.fs.location;
	return err;
}

int devmem__ethtool_delete_rule(struct devmem__ethtool *et, uint32_t location)
{
	struct ethtool_rxnfc info = { .cmd = ETHTOOL_SRXCLSRLDEL, .fs.location = location };

	return do_ioctl(et, &info);
}

/* ----------------------------------------------------------------------------------- statistics */

static int count_statistics(struct devmem__ethtool *et, uint32_t *n)
{
	struct ethtool_sset_info *info = calloc(1, sizeof(*info) + sizeof(info->data[0]));
	int err;

	if (!info)
		return -ENOMEM;
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1u << ETH_SS_STATS;
	err = do_ioctl(et, info);
	*n = !err && info->sset_mask ? info->data[0] : 0;
	free(info);
	if (err)
		return err;
	return !*n ? -ENOENT : *n > MAX_STATISTICS ? -ERANGE : 0;
}

static int read_statistics(struct devmem__ethtool *et, struct ethtool_gstrings *names,
			   struct ethtool_stats *values)
{
	uint32_t n;
	int err = count_statistics(et, &n);

	if (err)
		return err;
	*names = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS,
					    .string_set = ETH_SS_STATS,
					    .len = n };
	*values = (struct ethtool_stats){ .cmd = ETHTOOL_GSTATS, .n_stats = n };
	err = do_ioctl(et, names);
	if (!err)
		err = do_ioctl(et, values);
	return err || (names->len == n && values->n_stats == n) ? err : -EAGAIN;
}

/*
 * Kernels older than 7.3 may ignore how many we ask for and write as many as there are, even if
 * their number has grown since they were counted. So there is room for more than can have come.
 * [net/ethtool/ioctl.c: ethtool_get_strings(), ethtool_get_stats()]
 */
int devmem__ethtool_statistic(struct devmem__ethtool *et, const char *name, uint64_t *value)
{
	struct ethtool_gstrings *names =
		calloc(1, sizeof(*names) + 4ul * MAX_STATISTICS * ETH_GSTRING_LEN);
	struct ethtool_stats *values =
		calloc(1, sizeof(*values) + 4ul * MAX_STATISTICS * sizeof(values->data[0]));
	int err = names && values ? read_statistics(et, names, values) : -ENOMEM;
	uint32_t i = 0;

	while (!err && i < names->len &&
	       strncmp((char *)names->data + (size_t)i * ETH_GSTRING_LEN, name, ETH_GSTRING_LEN))
		i++;
	if (!err && i == names->len)
		err = -ENOENT;
	if (!err)
		*value = values->data[i];
	free(names);
	free(values);
	return err;
}

/* ------------------------------------------------------------------------------------- features */

/* Without a mask, a bitset lists the bits that are set. With a mask, it lists the bits of the mask,
 * each with its value. */
static bool has_bit(struct nlattr *bitset, const char *name)
{
	struct nlattr *of[DEVMEM__NL_ATTRS + 1], *bit[DEVMEM__NL_ATTRS + 1], *at;
	int left;

	if (!bitset || !devmem__nl_nested(bitset, of) || !of[DEVMEM_ETHTOOL_A_BITSET_BITS])
		return false;
	nla_for_each_nested (at, of[DEVMEM_ETHTOOL_A_BITSET_BITS], left)
		if (devmem__nl_nested(at, bit) && bit[DEVMEM_ETHTOOL_A_BITSET_BIT_NAME] &&
		    !strcmp(nla_get_string(bit[DEVMEM_ETHTOOL_A_BITSET_BIT_NAME]), name))
			return of[DEVMEM_ETHTOOL_A_BITSET_NOMASK] ||
			       bit[DEVMEM_ETHTOOL_A_BITSET_BIT_VALUE];
	return false;
}

struct named_feature {
	const char *name;
	struct devmem__feature *feature;
};

static int got_features(struct nlattr **attrs, void *arg)
{
	const struct named_feature *f = arg;

	f->feature->on = has_bit(attrs[DEVMEM_ETHTOOL_A_FEATURES_ACTIVE], f->name);
	f->feature->wanted = has_bit(attrs[DEVMEM_ETHTOOL_A_FEATURES_WANTED], f->name);
	f->feature->switchable = has_bit(attrs[DEVMEM_ETHTOOL_A_FEATURES_HW], f->name);
	return 0;
}

int devmem__ethtool_feature(struct devmem__ethtool *et, const char *name,
			    struct devmem__feature *feature)
{
	struct named_feature f = { .name = name, .feature = feature };

	memset(feature, 0, sizeof(*feature));
	begin(et, DEVMEM_ETHTOOL_MSG_FEATURES_GET, DEVMEM_ETHTOOL_A_FEATURES_HEADER);
	return devmem__nl_call(&et->nl, got_features, &f);
}

static int ask_feature(struct devmem__ethtool *et, const char *name, bool on)
{
	struct nlattr *wanted, *bits, *bit;

	begin(et, DEVMEM_ETHTOOL_MSG_FEATURES_SET, DEVMEM_ETHTOOL_A_FEATURES_HEADER);
	wanted = devmem__nl_nest(&et->nl, DEVMEM_ETHTOOL_A_FEATURES_WANTED);
	bits = devmem__nl_nest(&et->nl, DEVMEM_ETHTOOL_A_BITSET_BITS);
	bit = devmem__nl_nest(&et->nl, DEVMEM_ETHTOOL_A_BITSET_BITS_BIT);
	devmem__nl_put_string(&et->nl, DEVMEM_ETHTOOL_A_BITSET_BIT_NAME, name);
	if (on)
		devmem__nl_put_flag(&et->nl, DEVMEM_ETHTOOL_A_BITSET_BIT_VALUE);
	devmem__nl_nest_end(&et->nl, bit);
	devmem__nl_nest_end(&et->nl, bits);
	devmem__nl_nest_end(&et->nl, wanted);
	return devmem__nl_call(&et->nl, NULL, NULL);
}

int devmem__ethtool_set_feature(struct devmem__ethtool *et, const char *name, bool on)
{
	struct devmem__feature before, now;
	int err = devmem__ethtool_feature(et, name, &before);

	if (err)
		return err;
	if (!before.switchable)
		return before.on == on ? 0 : -EOPNOTSUPP;
	/* the kernel recomputes the features only if the request differs from the previous one, so
	 * request the opposite first [net/ethtool/features.c: ethnl_set_features()] */
	if (before.wanted == on && before.on != on)
		err = ask_feature(et, name, !on);
	if (!err)
		err = ask_feature(et, name, on);
	if (!err)
		err = devmem__ethtool_feature(et, name, &now);
	if (err || now.on == on)
		return err;
	ask_feature(et, name, before.wanted);
	return -EIO;
}
