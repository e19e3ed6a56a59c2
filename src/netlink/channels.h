/* SPDX-License-Identifier: MIT */
/* Advice on more RX queues: drivers count them as "rx" or as "combined", and refuse the other word.
 * No I/O. */
#ifndef DEVMEM__NETLINK_CHANNELS_H
#define DEVMEM__NETLINK_CHANNELS_H

#include <stddef.h>
#include <stdint.h>

struct ethtool_channels;

/*
 * devmem__channels_command() - the command that gives @ifname @queues RX queues, such as "ethtool
 * -L eth1 combined 4". "" if the driver cannot have as many. Returns @text.
 */
const char *devmem__channels_command(const struct ethtool_channels *ch, const char *ifname,
				     uint32_t queues, char *text, size_t room);

#endif
