// SPDX-License-Identifier: MIT
#include <linux/ethtool.h>
#include <stdbool.h>
#include <stdio.h>

#include "netlink/channels.h"

/* Of the drivers that support both kinds, bnxt and fbnic stay with the kind that is configured. */
static bool counts_combined(const struct ethtool_channels *ch)
{
	return ch->max_combined && (ch->combined_count || !ch->rx_count);
}

const char *devmem__channels_command(const struct ethtool_channels *ch, const char *ifname,
				     uint32_t queues, char *text, size_t room)
{
	const bool combined = counts_combined(ch);
	const uint32_t others = combined ? ch->rx_count : ch->combined_count;
	const uint32_t n = queues > others ? queues - others : 1,
		       most = combined ? ch->max_combined : ch->max_rx;

	text[0] = '\0';
	if (n <= most)
		snprintf(text, room, "ethtool -L %s %s %u", ifname, combined ? "combined" : "rx",
			 n);
	return text;
}
