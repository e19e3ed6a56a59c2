/* SPDX-License-Identifier: MIT */
/* The hash by which a NIC spreads flows over its queues (RSS). Pure arithmetic, no I/O. */
#ifndef DEVMEM__NIC_TOEPLITZ_H
#define DEVMEM__NIC_TOEPLITZ_H

#include <stddef.h>

#include "netlink/flow_rule.h"

#define DEVMEM__TOEPLITZ_KEY 40 /* key bytes for a TCP flow over IPv6 */

/* devmem__toeplitz_toeplitz() - the hash of @n bytes with a key of @n + 4 bytes. */
uint32_t devmem__toeplitz_toeplitz(const uint8_t *key, const uint8_t *in, size_t n);

/* devmem__toeplitz_flow() - the hash of a TCP flow. @flow gives both addresses and the destination
 * port; @source_port is in host byte order. */
uint32_t devmem__toeplitz_flow(const struct devmem__rule *flow, uint16_t source_port,
			       const uint8_t key[DEVMEM__TOEPLITZ_KEY]);

#endif
