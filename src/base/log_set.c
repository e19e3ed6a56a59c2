// SPDX-License-Identifier: MIT
/* devmem_log_set() sets error messages, so it stands above both error.c and log.c. */
#include <errno.h>

#include "base/internal.h"

static int log_set(int level, void (*fn)(void *arg, int level, const char *text), void *arg)
{
	int err = devmem__log_to(level, fn, arg);

	if (err == -EINVAL)
		return devmem__fail(EINVAL, "devmem_log_set: there is no level %d", level);
	if (err == -EBUSY)
		return devmem__fail(EBUSY, "devmem_log_set: called from the log function "
					   "itself: call it after that has returned");
	return err;
}

int devmem_log_set(int level, void (*fn)(void *arg, int level, const char *text), void *arg)
{
	return devmem__result(log_set(level, fn, arg));
}
