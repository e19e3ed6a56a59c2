/* SPDX-License-Identifier: MIT */
/* What is known of drivers by name: which can bind, and what they want of whoever does. Data, no
 * I/O. */
#ifndef DEVMEM__NIC_QUIRKS_H
#define DEVMEM__NIC_QUIRKS_H

#include <stdbool.h>

struct devmem__quirks {
	const char *driver; /* as ETHTOOL_GDRVINFO names it; NULL: any other */
	/* the kernel from which on it can bind; NULL: it cannot, or nothing is known */
	const char *since;
	/* its queues take pages larger than the system's, from kernel 7.3 on */
	bool large_pages;
	/* as ethtool -k names it: header/data split needs it on; or NULL */
	const char *feature_first;
	/* tcp-data-split "off" is an error: it is left to the driver ("unknown") */
	bool refuses_split_off;
	bool keeps_queue_0; /* cannot restart queue 0, so it cannot be bound */
	/* a bind interrupts all queues, so bind all with one call */
	bool stops_all;
	/* its queues, but for queue 0, are a NIC's, whose settings cannot be seen from here */
	bool leased;
	/* most pieces of device memory in a packet that it sends. 0: not known */
	unsigned int tx_pieces;
	/* where it can bind, on what; or why it cannot: a part of a sentence; or NULL */
	const char *remark;
};

#define DEVMEM__ANY_PIECES 255u /* as many as the kernel puts into a packet */

/* devmem__quirks_of() - a driver's; the plain one if nothing is known about it. Never NULL. */
const struct devmem__quirks *devmem__quirks_of(const char *driver);

#endif
