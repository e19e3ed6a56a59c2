// SPDX-License-Identifier: MIT
/* DEVMEM_OPTS in C: what is given is there, the size too, and nothing else; and there may be
 * nothing. No library is needed. */
#include <devmem/devmem.h>

#include <stdio.h>
#include <string.h>

static const struct devmem_ring_opts *const at_file_scope =
	DEVMEM_OPTS(devmem_ring_opts, .buffers = 2, .entries = 1);

int main(void)
{
	static struct devmem_ring_opts expected; /* padding is compared, too */

	expected.size = sizeof(expected);
	if (memcmp(DEVMEM_OPTS(devmem_ring_opts), &expected, sizeof(expected)))
		return !!puts("options.c: without members");
	expected.entries = 1;
	expected.buffers = 2;
	if (memcmp(at_file_scope, &expected, sizeof(expected)) ||
	    memcmp(DEVMEM_OPTS(devmem_ring_opts, .buffers = 2,
			       .entries = DEVMEM_OPTS(devmem_ring_opts, .entries = 1)->entries),
		   &expected, sizeof(expected)))
		return !!puts("options.c: with members");
	return 0;
}
