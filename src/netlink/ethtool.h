/* SPDX-License-Identifier: MIT */
/*
 * Read and write an interface's settings: rings and features by ethtool netlink; RSS and rules by
 * the ioctl, which supports both on every kernel that has device memory. Policy is elsewhere.
 * Functions return 0 or the kernel's negative errno. Unless they say otherwise they leave the error
 * message to the caller; after those that use netlink, et->nl.why has the kernel's text.
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
	/* a socket for the ioctls; it stays in the network namespace that it was opened in */
	int fd;
	struct devmem__nl nl; /* family "ethtool" */
	/* for notifications. Opened together with nl, to be in the same namespace whichever thread
	 * calls later */
	struct devmem__nl monitor;
	atomic_uint ifindex; /* see devmem__ethtool_find() */
	char name[IFNAMSIZ]; /* at opening; the interface may have been renamed since */
};

/*
 * devmem__ethtool_open() - sets the error message. -ENODEV: no such interface. It succeeds where
 * netlink is refused; then only the functions that use the ioctl work.
 * devmem__ethtool_connect() - open the netlink sockets unless they are open. 0, or an errno and its
 * error message as from devmem__nl_open().
 */
int devmem__ethtool_open(struct devmem__ethtool *et, const char *ifname);
int devmem__ethtool_connect(struct devmem__ethtool *et);
void devmem__ethtool_close(struct devmem__ethtool *et);

/*
 * devmem__ethtool_find() - is the interface still in this namespace? It may have been moved away
 * and be back with another index: then the interface with this @driver and @bus is found, unless
 * @bus is "", and et->ifindex is updated. -ENODEV: it is not here.
 */
int devmem__ethtool_find(struct devmem__ethtool *et, const char *driver, const char *bus);

/* devmem__ethtool_driver() - the names of the driver and of the parent device on its bus, or "". */
void devmem__ethtool_driver(struct devmem__ethtool *et, char driver[32], char bus[32]);

/* devmem__ethtool_rings() - the number of RX rings, or a negative errno. */
int devmem__ethtool_rings(struct devmem__ethtool *et);

/* devmem__ethtool_more_queues() - devmem__channels_command() for this interface. "" if the driver
 * does not support that many queues, or does not report its channels. */
const char *devmem__ethtool_more_queues(struct devmem__ethtool *et, uint32_t queues, char *text,
					size_t room);

/* devmem__ethtool_ring_entries() - the entries of each RX ring. devmem__ethtool_mtu() - in
 * bytes. */
int devmem__ethtool_ring_entries(struct devmem__ethtool *et, uint32_t *entries);
bool devmem__ethtool_is_down(struct devmem__ethtool *et);
int devmem__ethtool_mtu(struct devmem__ethtool *et, uint32_t *mtu);

/* Header/data split as the driver reports it. This is its present state, which may differ from what
 * was configured. */
struct devmem__split_state {
	uint8_t split; /* enum devmem__split */
	bool has_thresh;
	uint32_t thresh; /* bytes */
};

int devmem__ethtool_split(struct devmem__ethtool *et, struct devmem__split_state *state);

/*
 * devmem__ethtool_set_split() - set header/data split if @split, and the threshold if @thresh, in
 * one request: many drivers restart the NIC for each. @changed, unless NULL, is set to whether this
 * changed anything. The kernel compares with its configured values, which cannot be read, but it
 * sends a notification only after a change.
 */
int devmem__ethtool_set_split(struct devmem__ethtool *et, bool split, uint8_t to, bool thresh,
			      uint32_t bytes, bool *changed);

/* RSS indirection tables. @context 0 is the main one. These functions leave the hash key, the hash
 * function and its fields alone. */
int devmem__ethtool_table(struct devmem__ethtool *et, uint32_t context, uint32_t **table,
			  uint32_t *size);
int devmem__ethtool_set_table(struct devmem__ethtool *et, const uint32_t *table, uint32_t size);
int devmem__ethtool_reset_table(struct devmem__ethtool *et);
int devmem__ethtool_new_context(struct devmem__ethtool *et, const uint32_t *table, uint32_t size,
				uint32_t *context);
int devmem__ethtool_delete_context(struct devmem__ethtool *et, uint32_t context);

/* How the NIC hashes flows of a type, TCP_V4_FLOW or TCP_V6_FLOW. */
struct devmem__toeplitz_config {
	uint8_t key[64];
	uint32_t key_bytes; /* 0: the key cannot be read, or is longer than this */
	/* the hash function is Toeplitz, without a transformation of its input (input_xfrm) */
	bool toeplitz;
	/* the driver reports which fields it hashes, and can set them [ops->get_rxfh_fields] */
	bool tells_fields;
	bool four_tuple; /* the fields are both addresses and both ports, and nothing else */
};

int devmem__ethtool_hash(struct devmem__ethtool *et, uint32_t flow_type,
			 struct devmem__toeplitz_config *hash);

/* All rules of an interface. The caller frees @rules. @any: the driver itself can choose a free
 * location; @room: otherwise, locations are below this. */
struct devmem__rules {
	struct devmem__rule *rules;
	uint32_t count, room;
	bool any;
};

int devmem__ethtool_rules(struct devmem__ethtool *et, struct devmem__rules *all);
int devmem__ethtool_rule(struct devmem__ethtool *et, uint32_t location, struct devmem__rule *rule);
/* Adds @rule at rule->fs.location, which is then set to the location that the driver chose. */
int devmem__ethtool_add_rule(struct devmem__ethtool *et, struct devmem__rule *rule);
int devmem__ethtool_delete_rule(struct devmem__ethtool *et, uint32_t location);

/* devmem__ethtool_statistic() - a driver's own counter, by its name in ethtool -S. Uses only et->fd
 * and et->ifindex. -ENOENT: the driver has no such counter. */
int devmem__ethtool_statistic(struct devmem__ethtool *et, const char *name, uint64_t *value);

/* A feature of the interface, by its name in ethtool -k. */
struct devmem__feature {
	bool on;
	/* it was requested. Other features and the driver also influence @on. */
	bool wanted;
	bool switchable;
};

int devmem__ethtool_feature(struct devmem__ethtool *et, const char *name,
			    struct devmem__feature *feature);

/*
 * devmem__ethtool_set_feature() - turn a feature on or off. -EOPNOTSUPP: it cannot be switched.
 * -EIO: the kernel accepted the request, but the feature stayed as it was; the previous request has
 * been restored.
 */
int devmem__ethtool_set_feature(struct devmem__ethtool *et, const char *name, bool on);

#endif
