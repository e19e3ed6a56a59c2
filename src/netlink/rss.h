/* SPDX-License-Identifier: MIT */
/* Computes RSS indirection tables. No I/O. */
#ifndef DEVMEM__NETLINK_RSS_H
#define DEVMEM__NETLINK_RSS_H

#include <stdbool.h>
#include <stdint.h>

/* The most entries that a table may have. A sanity limit: drivers have thousands at most. */
#define DEVMEM__RSS_MAX_ENTRIES (64u << 10)

/* Is it the table that the kernel resets to, for @rings rings? [include/linux/ethtool.h:
 * ethtool_rxfh_indir_default()] */
bool devmem__rss_is_default(const uint32_t *table, uint32_t size, uint32_t rings);

/* Does any entry lead to one of the queues? */
bool devmem__rss_uses(const uint32_t *table, uint32_t size, const uint32_t *queues, unsigned int n);

/*
 * devmem__rss_without() - take @queues out of @table, in place. Their entries are divided among the
 * queues of the other entries, in proportion to the shares that those have; no other entry changes.
 * If there are no other entries, all are divided evenly among the queues below @rings whose @spare
 * is not 0. -EBUSY: there are no such queues either, or @spare is NULL. -ENOMEM
 */
int devmem__rss_without(uint32_t *table, uint32_t size, const uint32_t *queues, unsigned int n,
			const uint8_t *spare, uint32_t rings);

/* devmem__rss_over() - fill the table evenly with exactly these queues. */
void devmem__rss_over(uint32_t *table, uint32_t size, const uint32_t *queues, unsigned int n);

#endif
