/* SPDX-License-Identifier: MIT */
/* The ways in which bytes get from the kernel to the program, by the names that the public header
 * gives them. */
#ifndef DEVMEM__BASE_ENGINE_NAME_H
#define DEVMEM__BASE_ENGINE_NAME_H

#include "base/internal.h"

enum devmem__engine_id {
	DEVMEM__ENGINE_ANY, /* the best that there is */
	DEVMEM__ENGINE_DEVMEM,
	DEVMEM__ENGINE_ZCRX,
	DEVMEM__ENGINE_COPY,
	DEVMEM__ENGINE_SYSCALL, /* of rings: any of the others that can do without io_uring */
};

/* devmem__engine_name_parse() - NULL is any. -EINVAL: no such engine. */
int devmem__engine_name_parse(const char *name, enum devmem__engine_id *way);
const char *devmem__engine_name(enum devmem__engine_id way);

#endif
