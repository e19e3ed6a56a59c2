// SPDX-License-Identifier: MIT
/* Structures that grow: options, whose first member is the size that the caller knows, and items of
 * lists, whose size the caller passes. */
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

int devmem__array_check(const struct devmem__array *list, size_t least, const char *call)
{
	if (!list->n || (list->items && list->size >= least))
		return 0;
	return devmem__fail(EINVAL,
			    "%s: no list, or items of %zu bytes, which are at least %zu: pass how "
			    "many items there is room for, and sizeof of one",
			    call, list->size, least);
}

void devmem__array_put(const struct devmem__array *list, unsigned int i, const void *ours,
		       size_t our_size)
{
	unsigned char *item = list->items;

	if (i >= list->n)
		return;
	item += i * list->size;
	memset(item, 0, list->size);
	memcpy(item, ours, list->size < our_size ? list->size : our_size);
}
