/* SPDX-License-Identifier: MIT */
/* Offloads that an interface must have on to send memory that the processor cannot read. */
#ifndef DEVMEM__NETLINK_TX_OFFLOADS_H
#define DEVMEM__NETLINK_TX_OFFLOADS_H

#include "netlink/ethtool.h"

/*
 * devmem__tx_offload_missing() - what is off, as part of an error message, or NULL if all that is
 * needed is on. If the features cannot be read, assume that they are on. "ethtool -K IFACE tx on sg
 * on" turns them on.
 */
const char *devmem__tx_offload_missing(struct devmem__ethtool *et);

#endif
