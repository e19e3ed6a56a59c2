/* SPDX-License-Identifier: MIT */
/* The backends that there are: the library's own, and those that the program has registered. */
#ifndef DEVMEM__BACKEND_H
#define DEVMEM__BACKEND_H

#include "devmem/backend.h"
#include "internal.h"

extern const struct devmem_backend devmem__backend_udmabuf;
extern const struct devmem_backend devmem__backend_dma_heap;
extern const struct devmem_backend devmem__backend_shm;
extern const struct devmem_backend devmem__backend_drm;
extern const struct devmem_backend devmem__backend_cuda;
extern const struct devmem_backend devmem__backend_import;

#endif
