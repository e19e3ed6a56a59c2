/* SPDX-License-Identifier: MIT */
/* The ways in which bytes get from the kernel to the program, by the names that the public header gives them. */
#ifndef DEVMEM_WAY_H
#define DEVMEM_WAY_H

#include "base/internal.h"

enum devmem__way {
	DEVMEM__WAY_ANY,	/* the best that there is */
	DEVMEM__WAY_DEVMEM,
	DEVMEM__WAY_ZCRX,
	DEVMEM__WAY_COPY,
	DEVMEM__WAY_SYSCALL,	/* of rings: any of the others that can do without io_uring */
};

/* devmem__way_parse() - NULL is any. -EINVAL: no such engine. */
int devmem__way_parse(const char *name, enum devmem__way *way);
const char *devmem__way_name(enum devmem__way way);

#endif
