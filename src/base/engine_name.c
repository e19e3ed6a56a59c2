// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "base/engine_name.h"

static const char *const names[] = {
	[DEVMEM__WAY_ANY] = "any",
	[DEVMEM__WAY_DEVMEM] = "devmem",
	[DEVMEM__WAY_ZCRX] = "zcrx",
	[DEVMEM__WAY_COPY] = "copy",
	[DEVMEM__WAY_SYSCALL] = "syscall",
};

int devmem__way_parse(const char *name, enum devmem__way *way)
{
	*way = DEVMEM__WAY_ANY;
	if (!name)
		return 0;
	for (size_t i = DEVMEM__WAY_DEVMEM; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]))
			continue;
		*way = (enum devmem__way)i;
		return 0;
	}
	return devmem__fail(EINVAL, "no engine \"%s\": there are devmem, zcrx, copy and syscall", name);
}

const char *devmem__way_name(enum devmem__way way)
{
	return names[way];
}
