/* SPDX-License-Identifier: MIT */
/* N-tuple rules: build them from addresses, compare them, choose their location. No I/O. */
#ifndef DEVMEM__NETLINK_FLOW_RULE_H
#define DEVMEM__NETLINK_FLOW_RULE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/uapi.h"

struct devmem__rule {
	struct ethtool_rx_flow_spec fs;
	uint32_t context; /* an RSS context, if fs.flow_type has DEVMEM_FLOW_RSS */
};

/*
 * devmem__rule_flow() - fill in the match of a rule: TCP packets from @peer to @local. A NULL
 * @peer, an unspecified address and port 0 match any. IPv4-mapped IPv6 addresses count as IPv4.
 * -EAFNOSUPPORT: not IPv4 or IPv6; -EINVAL: @peer is of another family than @local.
 */
int devmem__rule_flow(struct devmem__rule *rule, const struct sockaddr *local,
		      const struct sockaddr *peer);

/*
 * devmem__rule_flows() - fill in all the matches that a flow needs. A rule covers one address
 * family, but a listener at "::" whose peers are unknown accepts both, and so needs two rules.
 * Returns how many rules there are, 1 or 2, or an errno as above.
 */
int devmem__rule_flows(struct devmem__rule rules[2], const struct sockaddr *local,
		       const struct sockaddr *peer);

/* devmem__rule_from_any() - the same match for any peer, without a destination queue. */
struct devmem__rule devmem__rule_from_any(const struct devmem__rule *rule);

void devmem__rule_to_queue(struct devmem__rule *rule, uint32_t queue);
void devmem__rule_to_context(struct devmem__rule *rule, uint32_t context);

/* Do both rules match the same packets by the same fields? Their destinations do not matter. */
bool devmem__rule_same_flow(const struct devmem__rule *a, const struct devmem__rule *b);

/* Do both rules match the same packets, and lead them to the same queue or context? */
bool devmem__rule_same(const struct devmem__rule *a, const struct devmem__rule *b);

/*
 * devmem__rule_location() - the highest location below @size that none of the rules in @taken has,
 * or -ENOSPC. Drivers that order rules by location give the highest one the lowest priority.
 */
int64_t devmem__rule_location(const struct devmem__rule *taken, uint32_t n, uint32_t size);

#endif
