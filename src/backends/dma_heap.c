// SPDX-License-Identifier: MIT
/*
 * dma-heap: memory of the kernel's system heap, a dma-buf from the start. The heap takes blocks of 1 MiB, then 64 KiB,
 * then single pages, so that large receive pages fit without huge pages. [drivers/dma-buf/heaps/system_heap.c]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-heap.h>

#include "host.h"
#include "limits.h"

#define DEVICE	"/dev/dma_heap/system"
#define BLOCK	(64u << 10)

/* The heap refuses nothing: it goes on until the kernel kills processes for their memory. */
static int check(size_t bytes)
{
	int err = devmem__host_check(bytes, 0);

	return err ? err : devmem__limits_check(bytes, DEVICE);
}

static int dma_heap_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts, struct devmem_memory *mem)
{
	struct dma_heap_allocation_data request = { .len = bytes, .fd_flags = O_RDWR | O_CLOEXEC };
	int device, err;

	(void)opts;
	err = check(bytes);
	if (err)
		return err;
	device = devmem__host_open(DEVICE, "the kernel needs CONFIG_DMABUF_HEAPS_SYSTEM");
	if (device < 0)
		return device;
	if (ioctl(device, DMA_HEAP_IOCTL_ALLOC, &request))
		err = devmem__fail(errno, DEVICE " refused a buffer of %zu bytes: %s", bytes, strerror(errno));
	close(device);
	if (err)
		return err;
	mem->fd = (int)request.fd;
	mem->block = bytes % BLOCK ? (uint32_t)devmem__host_page() : BLOCK;
	snprintf(mem->what, sizeof(mem->what), DEVICE ", in blocks of %u KiB or more", mem->block >> 10);
	return 0;
}

const struct devmem_backend devmem__backend_dma_heap = {
	.size = sizeof(struct devmem_backend),
	.name = "dma-heap",
	.what = "host memory of a kernel heap, a dma-buf from the start",
	.flags = DEVMEM_BACKEND_DMABUF | DEVMEM_BACKEND_DEVICES,
	.alloc = dma_heap_alloc,
	.map = devmem__host_map,
	.unmap = devmem__host_unmap,
};
