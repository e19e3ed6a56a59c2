/* SPDX-License-Identifier: MIT */
/* What the library knows about drivers by name: which can bind, and what each needs for that. Data,
 * no I/O. */
#ifndef DEVMEM__NIC_QUIRKS_H
#define DEVMEM__NIC_QUIRKS_H

#include <stdbool.h>

struct devmem__quirks {
	const char *driver; /* as ETHTOOL_GDRVINFO names it; NULL: any other */
	/* the first kernel in which it can bind; NULL: it cannot, or unknown */
	const char *since;
	/* its queues accept pages larger than the system's page size (kernel 7.3 or later) */
	bool large_pages;
	/* a feature, named as in ethtool -k, that must be on for header/data split; or NULL */
	const char *feature_first;
	/* rejects tcp-data-split "off": ask for "unknown" instead, which lets the driver choose */
	bool refuses_split_off;
	bool keeps_queue_0; /* cannot restart queue 0, so queue 0 cannot be bound */
	/* each bind interrupts all queues, so bind all of them with one call */
	bool stops_all;
	/* its queues except queue 0 are leased from a NIC whose settings are not visible here */
	bool leased;
	/* after a reset that failed, to ask it for its RSS table or its rules stops the machine */
	bool stops_after_failed_reset;
	/* each reset of the NIC undoes flow rules and the RSS table, so that the default table
	 * leads to bound queues */
	bool forgets_steering;
	/* maximum number of pieces of device memory in a packet that it sends; 0: unknown */
	unsigned int tx_pieces;
	/* that is the limit of a packet before TSO divides it, not of each packet on the wire */
	bool tx_pieces_before_tso;
	/* the name in "ethtool -S" of its count of packets that it dropped instead of sending them,
	 * if tx_dropped of "ip -s link" leaves these out; or NULL */
	const char *tx_dropped;
	/* on which hardware it can bind, or why it cannot: part of an error message; or NULL */
	const char *remark;
};

#define DEVMEM__ANY_PIECES 255u /* no limit of its own beside the kernel's */

/* devmem__quirks_of() - a driver's entry, or an empty one for an unknown driver. Never NULL. */
const struct devmem__quirks *devmem__quirks_of(const char *driver);

#endif
