/* SPDX-License-Identifier: MIT */
/* What goes into an RSS indirection table. Pure arithmetic, no I/O. */
#ifndef DEVMEM__NETLINK_RSS_H
#define DEVMEM__NETLINK_RSS_H

#include <stdbool.h>
#include <stdint.h>

/* Entries of a table that is still read; drivers have thousands at most. */
#define DEVMEM__RSS_MAX_ENTRIES (64u << 10)

/* Is it the table that the kernel makes for @rings rings when it is reset?
 * [ethtool_rxfh_indir_default()] */
bool devmem__rss_is_default(const uint32_t *table, uint32_t size, uint32_t rings);

/* Does an entry name one of the queues? */
bool devmem__rss_uses(const uint32_t *table, uint32_t size, const uint32_t *queues, unsigned int n);

/*
 * devmem__rss_without() - @table as it is to be without @queues, in place: entries that name one of
 * them are shared out among the queues in the other entries in the proportion that those have; no
 * other entry changes. If there are none, the queues below @rings whose @spare is not 0 get them,
 * evenly. -EBUSY if there is none of those, or @spare is NULL.
 */
int devmem__rss_without(uint32_t *table, uint32_t size, const uint32_t *queues, unsigned int n,
			const uint8_t *spare, uint32_t rings);

/* devmem__rss_over() - a table over exactly these queues, evenly. */
void devmem__rss_over(uint32_t *table, uint32_t size, const uint32_t *queues, unsigned int n);

#endif
