// SPDX-License-Identifier: MIT
#include "dma.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_bytes(int fd, uint64_t bytes)
{
	struct stat st;

	return fstat(fd, &st) || !S_ISREG(st.st_mode) || bytes <= (uint64_t)st.st_size;
}

int dma_map(struct dma *dma, uint64_t address, uint64_t bytes, int fd, uint64_t offset,
	    bool writable)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct dma_region *r;
	void *memory;

	if (!bytes || address + bytes < address || offset + bytes < offset ||
	    (address | offset) % page || !has_bytes(fd, offset + bytes))
		return -EINVAL;
	if (dma->n == DMA_REGIONS)
		return -ENOSPC;
	memory = mmap(NULL, bytes, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd,
		      (off_t)offset);
	if (memory == MAP_FAILED)
		return -errno;
	r = &dma->region[dma->n++];
	r->memory = memory;
	r->address = address;
	r->bytes = bytes;
	r->writable = writable;
	return 0;
}

void dma_unmap(struct dma *dma, uint64_t address, uint64_t bytes)
{
	for (unsigned int i = 0; i < dma->n; i++) {
		struct dma_region *r = &dma->region[i];

		if (r->address != address || r->bytes != bytes)
			continue;
		munmap(r->memory, r->bytes);
		*r = dma->region[--dma->n];
		dma->last = 0;
		return;
	}
}

void dma_unmap_all(struct dma *dma)
{
	for (unsigned int i = 0; i < dma->n; i++)
		munmap(dma->region[i].memory, dma->region[i].bytes);
	dma->n = dma->last = 0;
}

static void *within(const struct dma_region *r, uint64_t address, uint64_t bytes, bool write)
{
	if (address < r->address || bytes > r->bytes || address - r->address > r->bytes - bytes)
		return NULL;
	return write && !r->writable ? NULL : r->memory + (address - r->address);
}

void *dma_at(struct dma *dma, uint64_t address, uint64_t bytes, bool write)
{
	void *found = dma->n ? within(&dma->region[dma->last], address, bytes, write) : NULL;

	for (unsigned int i = 0; !found && i < dma->n; i++) {
		found = within(&dma->region[i], address, bytes, write);
		if (found)
			dma->last = i;
	}
	return found;
}

bool dma_read(struct dma *dma, uint64_t address, void *to, size_t bytes)
{
	const void *from = dma_at(dma, address, bytes, false);

	if (from)
		memcpy(to, from, bytes);
	return from;
}

bool dma_write(struct dma *dma, uint64_t address, const void *from, size_t bytes)
{
	void *to = dma_at(dma, address, bytes, true);

	if (to)
		memcpy(to, from, bytes);
	return to;
}
