// SPDX-License-Identifier: MIT
/* Option structures that grow: the first member is the size that the caller knows. */
#include <errno.h>
#include <string.h>

#include "base/internal.h"

static bool all_zero(const unsigned char *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

int devmem__options(void *ours, size_t our_size, const void *theirs, const char *name)
{
	size_t size;

	memset(ours, 0, our_size);
	if (!theirs) {
		memcpy(ours, &our_size, sizeof(our_size));
		return 0;
	}
	memcpy(&size, theirs, sizeof(size));
	if (size < sizeof(size))
		return devmem__fail(EINVAL,
				    "struct %s: its first member must be its own size, not %zu",
				    name, size);
	if (size > our_size && !all_zero((const unsigned char *)theirs + our_size, size - our_size))
		return devmem__fail(E2BIG,
				    "struct %s asks for something that libdevmem %s does not know",
				    name, devmem_version());
	memcpy(ours, theirs, size < our_size ? size : our_size);
	memcpy(ours, &our_size, sizeof(our_size));
	return 0;
}
