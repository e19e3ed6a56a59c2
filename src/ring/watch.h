/* SPDX-License-Identifier: MIT */
/* Other descriptors that a ring watches: watch.c. */
#ifndef DEVMEM__RING_WATCH_H
#define DEVMEM__RING_WATCH_H

#include "base/list.h"

struct devmem__ring_watches {
	struct devmem__list list; /* of struct devmem__watch */
	bool unarmed;		  /* a watch has no poll in the kernel */
};

#endif
