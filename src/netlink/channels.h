/* SPDX-License-Identifier: MIT */
/* Advice on how to get more RX queues. Drivers count them either as "rx" or as "combined" channels
 * and refuse the other word. No I/O. */
#ifndef DEVMEM__NETLINK_CHANNELS_H
#define DEVMEM__NETLINK_CHANNELS_H

#include <stddef.h>
#include <stdint.h>

struct ethtool_channels;

/*
 * devmem__channels_command() - write the command that gives @ifname @queues RX queues to @text,
 * such as "ethtool -L eth1 combined 4", or "" if the driver does not support that many. Returns
 * @text.
 */
const char *devmem__channels_command(const struct ethtool_channels *ch, const char *ifname,
				     uint32_t queues, char *text, size_t room);

#endif
