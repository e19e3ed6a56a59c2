/* SPDX-License-Identifier: MIT */
/* What the backends of host memory have in common: sizes, devices, memory files, mappings. */
#ifndef DEVMEM__MEMORY_HOST_H
#define DEVMEM__MEMORY_HOST_H

#include "memory/backend.h"

#define DEVMEM__HUGE_PAGE  (2u << 20)
#define DEVMEM__HOST_WORDS 240

size_t devmem__host_page(void); /* the system's */

/* devmem__host_check() - is @bytes made of such pages? @page 0: the system's. -EINVAL */
int devmem__host_check(size_t bytes, size_t page);

/* devmem__host_open() - a device. -ENOENT, with @remedy in the sentence; -EACCES */
int devmem__host_open(const char *path, const char *remedy);

/*
 * devmem__host_memfd() - a memory file, its memory allocated, sealed so that it cannot shrink.
 * Returns its descriptor.
 * @page:	0: huge pages if they fit and are free, else the system's.
 * @taken:	the size of its pages; @words: and what there is to say about them.
 */
int devmem__host_memfd(size_t bytes, size_t page, uint32_t *taken, char words[DEVMEM__HOST_WORDS]);

int devmem__host_map(struct devmem_memory *mem);
void devmem__host_unmap(struct devmem_memory *mem);

#endif
