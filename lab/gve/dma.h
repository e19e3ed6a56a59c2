/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory. Nothing in it is trusted: it changes at any moment, so whoever looks at a
 * value twice copies it first, and an address leads somewhere only if dma_at() says so.
 */
#ifndef GVE_DMA_H
#define GVE_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DMA_REGIONS 64u

struct dma_region {
	uint64_t address, bytes;
	unsigned char *memory;
	bool writable;
};

struct dma {
	struct dma_region region[DMA_REGIONS];
	unsigned int n, last;
};

/*
 * Maps @bytes of @fd from @offset on as the guest's memory at @address. Both begin with a page, as
 * QEMU's do, so that what the driver has to align is aligned here, too; and the file has so many
 * bytes, or touching them would kill us. Returns 0 or -errno.
 */
int dma_map(struct dma *dma, uint64_t address, uint64_t bytes, int fd, uint64_t offset,
	    bool writable);
/* A region that was not mapped is ignored: the guest's ROMs have no descriptor (server.c). */
void dma_unmap(struct dma *dma, uint64_t address, uint64_t bytes);
void dma_unmap_all(struct dma *dma);

/* Where these bytes are, or NULL: not all of them are in one region. */
void *dma_at(struct dma *dma, uint64_t address, uint64_t bytes, bool write);
bool dma_read(struct dma *dma, uint64_t address, void *to, size_t bytes);
bool dma_write(struct dma *dma, uint64_t address, const void *from, size_t bytes);

#endif
