// SPDX-License-Identifier: MIT
/*
 * Without scatter-gather the kernel copies a packet into one piece, and without checksums in
 * hardware it adds up its bytes. It can do neither with device memory, and does not always notice.
 * What comes of it, seen on Linux 7.3.4: packets are dropped, and so is each retransmission;
 * packets are sent with a wrong checksum, after a WARNING; or, if both are off, the peer receives
 * zeros, with a checksum that is right. TSO may be off: the kernel segments without reading.
 * [net/core/dev.c: validate_xmit_skb(), skb_checksum_help(); net/core/skbuff.c: skb_segment(),
 * skb_copy_and_csum_bits()]
 */
#include <stddef.h>

#include "netlink/tx_offloads.h"

static bool is_on(struct devmem__ethtool *et, const char *name)
{
	struct devmem__feature f;

	return devmem__ethtool_feature(et, name, &f) || f.on;
}

/* A driver has one feature for all protocols, or one for each. */
const char *devmem__tx_offload_missing(struct devmem__ethtool *et)
{
	if (!is_on(et, "tx-scatter-gather"))
		return "scatter-gather";
	if (is_on(et, "tx-checksum-ip-generic"))
		return NULL;
	if (is_on(et, "tx-checksum-ipv4") && is_on(et, "tx-checksum-ipv6"))
		return NULL;
	return "TX checksumming";
}
