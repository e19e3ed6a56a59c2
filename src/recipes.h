/* SPDX-License-Identifier: MIT */
/* What each driver wants of whoever turns header/data split on and binds its queues. Data, no I/O. */
#ifndef DEVMEM_RECIPES_H
#define DEVMEM_RECIPES_H

#include <stdbool.h>

struct devmem__recipe {
	const char *driver;		/* as ETHTOOL_GDRVINFO names it; NULL: any other */
	const char *feature_first;	/* as ethtool -k names it: header/data split needs it on; or NULL */
	bool refuses_split_off;		/* tcp-data-split "off" is an error: it is left to the driver ("unknown") */
	bool keeps_queue_0;		/* cannot restart queue 0, so it cannot be bound */
	bool stops_all;			/* a bind interrupts all queues, so bind all with one call */
	const char *remark;		/* what may be the matter where it cannot bind: a part of a sentence; or NULL */
};

/* devmem__recipe_of() - a driver's; the plain one if nothing is known about it. Never NULL. */
const struct devmem__recipe *devmem__recipe_of(const char *driver);

#endif
