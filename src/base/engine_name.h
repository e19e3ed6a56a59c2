/* SPDX-License-Identifier: MIT */
/* Engines: the ways in which bytes get from the kernel to the program. Their names are those of the
 * public header. */
#ifndef DEVMEM__BASE_ENGINE_NAME_H
#define DEVMEM__BASE_ENGINE_NAME_H

#include "base/internal.h"

enum devmem__engine_id {
	DEVMEM__ENGINE_ANY, /* the best one available */
	DEVMEM__ENGINE_DEVMEM,
	DEVMEM__ENGINE_ZCRX,
	DEVMEM__ENGINE_COPY,
	DEVMEM__ENGINE_SYSCALL, /* for rings: whichever other engine works without io_uring */
};

/* devmem__engine_name_parse() - NULL means any engine. -EINVAL: no such engine. */
int devmem__engine_name_parse(const char *name, enum devmem__engine_id *engine);
const char *devmem__engine_name(enum devmem__engine_id engine);

#endif
