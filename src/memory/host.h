/* SPDX-License-Identifier: MIT */
/* What the backends of host memory have in common: sizes, devices, memory files, mappings. */
#ifndef DEVMEM__MEMORY_HOST_H
#define DEVMEM__MEMORY_HOST_H

#include "memory/backend.h"

#define DEVMEM__HUGE_PAGE  (2u << 20)
#define DEVMEM__HOST_WORDS 240

size_t devmem__host_page(void); /* bytes of the system's pages */

/* devmem__host_check() - 0 if @page is a possible page size and @bytes a multiple of it. @page 0:
 * the system's page size. -EINVAL */
int devmem__host_check(size_t bytes, size_t page);

/* devmem__host_open() - open a device. -ENOENT, with @remedy in the error message; -EACCES */
int devmem__host_open(const char *path, const char *remedy);

/*
 * devmem__host_memfd() - make a memory file, allocate all its memory, and seal it so that it cannot
 * shrink. Returns its descriptor.
 * @page:	page size in bytes. 0: huge pages if they fit and are free, else the system's.
 * @taken:	returns the page size.
 * @words:	returns a description of the pages.
 */
int devmem__host_memfd(size_t bytes, size_t page, uint32_t *taken, char words[DEVMEM__HOST_WORDS]);

int devmem__host_map(struct devmem_memory *mem);
void devmem__host_unmap(struct devmem_memory *mem);
uint64_t devmem__host_no_address(const struct devmem_memory *mem, const char **reason); /* 0 */

#endif
