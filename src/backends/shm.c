// SPDX-License-Identifier: MIT
/* shm: just a memory file. No NIC can write to it, and it needs no device. */
#include <stdio.h>

#include "memory/host.h"
#include "memory/limits.h"

static int shm_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
		     struct devmem_memory *mem)
{
	char pages[DEVMEM__HOST_WORDS];
	int fd = devmem__host_check(bytes, opts->page_size);

	if (!fd)
		fd = devmem__host_memfd(bytes, opts->page_size, &mem->block, pages);
	if (fd < 0)
		return fd;
	snprintf(mem->what, sizeof(mem->what),
		 "plain shared memory, which no NIC can write to, in %s", pages);
	mem->fd = fd;
	return 0;
}

static int shm_probe(void *arg, char *text, size_t room)
{
	uint64_t available = devmem__limits_available();
	char huge[120];

	(void)arg;
	devmem__limits_huge_words(huge, sizeof(huge));
	snprintf(text, room, "%llu MiB are available; %s", (unsigned long long)available >> 20,
		 huge);
	return 0;
}

const struct devmem_backend devmem__backend_shm = {
	.size = sizeof(struct devmem_backend),
	.name = "shm",
	.what = "plain shared memory, which no NIC can write to: bytes are copied into it",
	.flags = DEVMEM_BACKEND_PAGES,
	.probe = shm_probe,
	.alloc = shm_alloc,
	.map = devmem__host_map,
	.unmap = devmem__host_unmap,
	.device_address = devmem__host_no_address,
};
