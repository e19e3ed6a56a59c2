/* SPDX-License-Identifier: MIT */
/* What is known of drivers by name, as of Linux 7.3. */
#ifndef DRIVERS_H
#define DRIVERS_H

#include <stdbool.h>

struct driver_facts {
	const char *name;	/* as "ethtool -i" shows it */
	const char *since;	/* the kernel in which it could first bind; NULL: it cannot */
	bool large_pages;	/* it takes pages of more than the system's (7.3) */
	const char *note;	/* why it cannot, or what to know; or NULL */
};

/* NULL: nothing is known. */
const struct driver_facts *driver_facts(const char *name);

#endif
