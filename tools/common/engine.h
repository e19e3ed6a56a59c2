/* SPDX-License-Identifier: MIT */
/* Engines by their names on a command line. */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>

/* What a tool says if it is none. */
#define ENGINE_NAMES "devmem, zcrx, copy, syscall or auto"

/* engine_parse() - for devmem_bind_opts, which has NULL for "auto". false: there is no such. */
bool engine_parse(const char *text, const char **engine);

#endif
