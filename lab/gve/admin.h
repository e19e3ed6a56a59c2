/* SPDX-License-Identifier: MIT */
/* Commands of the admin queue. Each is given its payload, a copy, and returns its status. */
#ifndef GVE_ADMIN_H
#define GVE_ADMIN_H

#include <stdint.h>

struct device;

/* describe.c: what the device is */
uint32_t cmd_verify_driver(struct device *d, const void *payload);
uint32_t cmd_describe(struct device *d, const void *payload);
uint32_t cmd_ptype_map(struct device *d, const void *payload);
uint32_t cmd_link_speed(struct device *d, const void *payload);

/* resources.c: what the driver gives to it */
uint32_t cmd_configure(struct device *d, const void *payload);
uint32_t cmd_deconfigure(struct device *d, const void *payload);
uint32_t cmd_report_stats(struct device *d, const void *payload);
void stats_write(struct device *d);

/* pages.c: the pages that a queue may lead to */
uint32_t cmd_register_pages(struct device *d, const void *payload);
uint32_t cmd_unregister_pages(struct device *d, const void *payload);

/* steering.c: flow rules and RSS */
uint32_t cmd_extended(struct device *d, const void *payload);
uint32_t cmd_query_rules(struct device *d, const void *payload);
uint32_t cmd_configure_rss(struct device *d, const void *payload);
uint32_t cmd_query_rss(struct device *d, const void *payload);

#endif
