/* SPDX-License-Identifier: MIT */
/*
 * Where a graphics card's memory lies once a NIC has bound it. The kernel attaches a dma-buf for
 * device memory as an importer that cannot reach other devices' memory, and some drivers then move
 * the buffer to host memory: the binding works, but no byte reaches the card. DRM's fdinfo shows
 * it. [net/core/devmem.c: dma_buf_attach(); Documentation/gpu/drm-usage-stats.rst]
 */
#ifndef DEVMEM__MEMORY_PLACEMENT_H
#define DEVMEM__MEMORY_PLACEMENT_H

#include "base/internal.h"

#define DEVMEM__DRM_CLIENTS 8u /* at most so many are looked at */

/* What one open DRM device, a "client", has allocated. Bytes. */
struct devmem__drm_usage {
	char driver[32], client[48];
	uint64_t device_bytes, host_bytes;
};

/* devmem__drm_usage_parse() - parse the text of an fdinfo file. False: it is not of a DRM
 * device. */
bool devmem__drm_usage_parse(const char *text, struct devmem__drm_usage *usage);

struct devmem__placement {
	unsigned int clients;
	struct devmem__drm_usage client[DEVMEM__DRM_CLIENTS];
};

/* devmem__placement_read() - read all clients of this process. @fdinfo: "/proc/self/fdinfo". */
void devmem__placement_read(const char *fdinfo, struct devmem__placement *placement);

/* devmem__placement_moves() - true if a DRM driver moves what a NIC binds to host memory. */
bool devmem__placement_moves(const char *driver);

/*
 * devmem__placement_explain() - say that a buffer of @bytes is in host memory. @before, @after:
 * what was read around the bind. @driver: the buffer's, if it is known; or "". False: there is
 * nothing to say, and @text is "".
 */
bool devmem__placement_explain(const struct devmem__placement *before,
			       const struct devmem__placement *after, const char *driver,
			       uint64_t bytes, char *text, size_t room);

/* devmem__placement_begin(), devmem__placement_end() - the same for a buffer: call them before and
 * after it is bound. Memory of other exporters than DRM's costs nothing. */
void devmem__placement_begin(struct devmem_buffer *buffer, struct devmem__placement *before);
bool devmem__placement_end(struct devmem_buffer *buffer, const struct devmem__placement *before,
			   char *text, size_t room);

#endif
