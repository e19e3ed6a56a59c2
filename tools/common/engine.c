// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <string.h>

#include "engine.h"

bool engine_parse(const char *text, const char **engine)
{
	static const char *const names[] = { "devmem", "zcrx", "copy", "syscall" };

	*engine = NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i]))
			*engine = names[i];
	return *engine || !strcmp(text, "auto");
}
