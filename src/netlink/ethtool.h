/* SPDX-License-Identifier: MIT */
/*
 * An interface's settings, read and written: rings through ethtool netlink, RSS and rules through
 * the ioctl, which does all of it on every kernel that has device memory. Policy is elsewhere.
 * Functions return 0 or the kernel's negative errno and, unless said otherwise, leave the sentence
 * to the caller; et->nl.why has the kernel's words after a netlink one.
 */
#ifndef DEVMEM__NETLINK_ETHTOOL_H
#define DEVMEM__NETLINK_ETHTOOL_H

#include <net/if.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "netlink/genl.h"
#include "netlink/flow_rule.h"

struct devmem__ethtool {
	/* for the ioctls; keeps the network namespace that it was opened in */
	int fd;
	struct devmem__nl nl; /* family "ethtool" */
	/* the same, for announcements: in the same namespace, whoever asks */
	struct devmem__nl monitor;
	atomic_uint ifindex; /* see devmem__ethtool_find() */
	char name[IFNAMSIZ]; /* when it was opened; it may have been renamed since */
};

/*
 * devmem__ethtool_open() - sets the sentence. -ENODEV: no such interface. Where netlink is refused,
 * what the ioctl does can be done. devmem__ethtool_connect() - can netlink be used, too? 0, or the
 * reason as devmem__nl_open() gives it.
 */
int devmem__ethtool_open(struct devmem__ethtool *et, const char *ifname);
int devmem__ethtool_connect(struct devmem__ethtool *et);
void devmem__ethtool_close(struct devmem__ethtool *et);

/*
 * devmem__ethtool_find() - is the interface still here? If it was moved to another namespace and is
 * back with another index, that is taken over: the one with this @driver and @bus, if not "".
 * -ENODEV: it is not here.
 */
int devmem__ethtool_find(struct devmem__ethtool *et, const char *driver, const char *bus);

/* devmem__ethtool_driver() - names of the driver and of the parent device on its bus; "" where
 * there are none. */
void devmem__ethtool_driver(struct devmem__ethtool *et, char driver[32], char bus[32]);

/* devmem__ethtool_rings() - number of RX rings, or a negative errno. */
int devmem__ethtool_rings(struct devmem__ethtool *et);

/* devmem__ethtool_more_queues() - devmem__channels_command() of it: "" if it has as many queues as
 * it can, or does not tell. */
const char *devmem__ethtool_more_queues(struct devmem__ethtool *et, uint32_t queues, char *text,
					size_t room);

/* devmem__ethtool_ring_entries() - of each RX ring. devmem__ethtool_mtu() - bytes. */
int devmem__ethtool_ring_entries(struct devmem__ethtool *et, uint32_t *entries);
bool devmem__ethtool_is_down(struct devmem__ethtool *et);
int devmem__ethtool_mtu(struct devmem__ethtool *et, uint32_t *mtu);

/* Header/data split, as reported: the driver's present state, which is not always what was
 * configured. */
struct devmem__split_state {
	uint8_t split; /* enum devmem__split */
	bool has_thresh;
	uint32_t thresh; /* bytes */
};

int devmem__ethtool_split(struct devmem__ethtool *et, struct devmem__split_state *state);

/*
 * devmem__ethtool_set_split() - set split, the threshold or both, as one change (many drivers
 * restart the NIC for each). @changed, unless NULL, tells whether it was a change: the kernel
 * compares with what is configured, which cannot be read, and announces only changes.
 */
int devmem__ethtool_set_split(struct devmem__ethtool *et, bool split, uint8_t to, bool thresh,
			      uint32_t bytes, bool *changed);

/* Indirection tables. @context 0 is the main one. The key, the hash function and its fields are
 * left alone. */
int devmem__ethtool_table(struct devmem__ethtool *et, uint32_t context, uint32_t **table,
			  uint32_t *size);
int devmem__ethtool_set_table(struct devmem__ethtool *et, const uint32_t *table, uint32_t size);
int devmem__ethtool_reset_table(struct devmem__ethtool *et);
int devmem__ethtool_new_context(struct devmem__ethtool *et, const uint32_t *table, uint32_t size,
				uint32_t *context);
int devmem__ethtool_delete_context(struct devmem__ethtool *et, uint32_t context);

/* How flows of a type (TCP_V4_FLOW, TCP_V6_FLOW) are hashed. */
struct devmem__toeplitz_config {
	uint8_t key[64];
	uint32_t key_bytes; /* 0: it cannot be read, or is longer */
	/* that function, of what is on the wire and nothing made of it */
	bool toeplitz;
	/* which ones: it can set them, too [ops->get_rxfh_fields] */
	bool tells_fields;
	bool four_tuple; /* addresses and ports, and nothing else */
};

int devmem__ethtool_hash(struct devmem__ethtool *et, uint32_t flow_type,
			 struct devmem__toeplitz_config *hash);

/* All rules. @rules is the caller's to free. @any: the driver chooses free locations; @room: else,
 * below what. */
struct devmem__rules {
	struct devmem__rule *rules;
	uint32_t count, room;
	bool any;
};

int devmem__ethtool_rules(struct devmem__ethtool *et, struct devmem__rules *all);
int devmem__ethtool_rule(struct devmem__ethtool *et, uint32_t location, struct devmem__rule *rule);
/* at rule->fs.location, which becomes the place it got */
int devmem__ethtool_add_rule(struct devmem__ethtool *et, struct devmem__rule *rule);
int devmem__ethtool_delete_rule(struct devmem__ethtool *et, uint32_t location);

/* A feature, as ethtool -k names it. */
struct devmem__feature {
	bool on;
	/* it is asked for; what it depends on, and the driver, have a say in @on too */
	bool wanted;
	bool switchable;
};

int devmem__ethtool_feature(struct devmem__ethtool *et, const char *name,
			    struct devmem__feature *feature);

/*
 * devmem__ethtool_set_feature() - turn it on or off. -EOPNOTSUPP: it cannot be switched. -EIO: the
 * kernel accepted it, but something keeps it as it was; what was asked for before is asked for
 * again.
 */
int devmem__ethtool_set_feature(struct devmem__ethtool *et, const char *name, bool on);

#endif
