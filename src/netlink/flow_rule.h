/* SPDX-License-Identifier: MIT */
/* n-tuple rules: built from addresses, compared. Pure, no I/O. */
#ifndef DEVMEM__NETLINK_FLOW_RULE_H
#define DEVMEM__NETLINK_FLOW_RULE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/uapi.h"

struct devmem__rule {
	struct ethtool_rx_flow_spec fs;
	uint32_t context; /* where fs.flow_type has DEVMEM_FLOW_RSS */
};

/*
 * devmem__rule_flow() - the flow's part of a rule: TCP packets that come from @peer (or NULL) to
 * @local. The unspecified address and port 0 stand for any. IPv4-mapped IPv6 addresses are IPv4.
 * -EAFNOSUPPORT; -EINVAL: @peer is of another family.
 */
int devmem__rule_flow(struct devmem__rule *rule, const struct sockaddr *local,
		      const struct sockaddr *peer);

/*
 * devmem__rule_flows() - all that a flow takes: a NIC's rule is of one family, and a listener at
 * "::" has peers of both, if nothing is known of them. 1 or 2, how many there are; or as above.
 */
int devmem__rule_flows(struct devmem__rule rules[2], const struct sockaddr *local,
		       const struct sockaddr *peer);

/* devmem__rule_from_any() - the same flow from any peer, leading nowhere. */
struct devmem__rule devmem__rule_from_any(const struct devmem__rule *rule);

void devmem__rule_to_queue(struct devmem__rule *rule, uint32_t queue);
void devmem__rule_to_context(struct devmem__rule *rule, uint32_t context);

/* Do both match the same packets by the same fields? Where they lead to does not matter. */
bool devmem__rule_same_flow(const struct devmem__rule *a, const struct devmem__rule *b);

/* ... and lead to the same place. */
bool devmem__rule_same(const struct devmem__rule *a, const struct devmem__rule *b);

/*
 * devmem__rule_location() - the highest free location below @size that is not in @taken, or
 * -ENOSPC. The highest has the lowest priority, where a driver orders rules by it.
 */
int64_t devmem__rule_location(const struct devmem__rule *taken, uint32_t n, uint32_t size);

#endif
