/* SPDX-License-Identifier: MIT */
/* The table of backends: the library's own, and those that the program has registered. */
#ifndef DEVMEM__MEMORY_BACKEND_H
#define DEVMEM__MEMORY_BACKEND_H

#include "devmem/backend.h"
#include "base/internal.h"

extern const struct devmem_backend devmem__backend_udmabuf;
extern const struct devmem_backend devmem__backend_dma_heap;
extern const struct devmem_backend devmem__backend_shm;
extern const struct devmem_backend devmem__backend_drm;
extern const struct devmem_backend devmem__backend_cuda;
extern const struct devmem_backend devmem__backend_import;

/* devmem__backend_find() - the backend of this name, or NULL. A backend stays for ever. */
const struct devmem_backend *devmem__backend_find(const char *name);

/* devmem__backend_try() - complete the backend (@ops) and probe whether it works here. Returns 0
 * and @text, or a negative errno with an error message. */
int devmem__backend_try(const struct devmem_backend *backend, struct devmem_backend *ops,
			char text[512]);

#endif
