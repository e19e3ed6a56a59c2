// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "base/engine_name.h"

static const char *const names[] = {
	[DEVMEM__ENGINE_ANY] = "any",	      [DEVMEM__ENGINE_DEVMEM] = "devmem",
	[DEVMEM__ENGINE_ZCRX] = "zcrx",	      [DEVMEM__ENGINE_COPY] = "copy",
	[DEVMEM__ENGINE_SYSCALL] = "syscall",
};

int devmem__engine_name_parse(const char *name, enum devmem__engine_id *engine)
{
	*engine = DEVMEM__ENGINE_ANY;
	if (!name)
		return 0;
	for (size_t i = DEVMEM__ENGINE_DEVMEM; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]))
			continue;
		*engine = (enum devmem__engine_id)i;
		return 0;
	}
	return devmem__fail(EINVAL, "no engine \"%s\": there are devmem, zcrx, copy and syscall",
			    name);
}

const char *devmem__engine_name(enum devmem__engine_id engine)
{
	return names[engine];
}
