/* SPDX-License-Identifier: MIT */
/* Engine names on a command line. */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>

/* For the error message about an unknown name. */
#define ENGINE_NAMES "devmem, zcrx, copy, syscall or auto"

/* engine_parse() - sets @engine as devmem_bind_opts takes it: NULL for "auto". False: no such
 * engine. */
bool engine_parse(const char *text, const char **engine);

#endif
