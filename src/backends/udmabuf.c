// SPDX-License-Identifier: MIT
/*
 * udmabuf: ordinary memory (a memfd) exported as a dma-buf by /dev/udmabuf. Every kernel of a distribution has it,
 * so this is the backend of the lab, of CI, and of a machine without a GPU. [drivers/dma-buf/udmabuf.c]
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "host.h"

/* The kernel says only EINVAL when a buffer is over its limit; the parameter tells. 0: cannot be read. */
static size_t size_limit(void)
{
	FILE *f = fopen("/sys/module/udmabuf/parameters/size_limit_mb", "re");
	unsigned int mb = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%u", &mb) != 1)
		mb = 0;
	fclose(f);
	return (size_t)mb << 20;
}

static int check_limit(size_t bytes)
{
	size_t limit = size_limit();

	if (!limit || bytes <= limit)
		return 0;
	return devmem__fail(EFBIG, "a udmabuf may have %zu MiB here and %zu were asked for: raise "
			    "/sys/module/udmabuf/parameters/size_limit_mb", limit >> 20, bytes >> 20);
}

static int export_memfd(int device, int memfd, size_t bytes)
{
	struct udmabuf_create create = {
		.memfd = (uint32_t)memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = bytes,
	};
	int fd = ioctl(device, UDMABUF_CREATE, &create);

	if (fd >= 0)
		return fd;
	return devmem__fail(errno, "udmabuf refused a buffer of %zu bytes: %s", bytes, strerror(errno));
}

static int udmabuf_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts, struct devmem_memory *mem)
{
	char pages[DEVMEM__HOST_WORDS];
	int device, memfd, fd;

	fd = devmem__host_check(bytes, opts->page_size);
	if (!fd)
		fd = check_limit(bytes);
	if (fd)
		return fd;
	device = devmem__host_open("/dev/udmabuf", "load it with \"modprobe udmabuf\"");
	if (device < 0)
		return device;
	memfd = devmem__host_memfd(bytes, opts->page_size, &mem->block, pages);
	if (memfd < 0) {
		fd = memfd;
		goto out_device;
	}
	fd = export_memfd(device, memfd, bytes);
	close(memfd);	/* the dma-buf has pinned the pages */
out_device:
	close(device);
	if (fd < 0)
		return fd;
	snprintf(mem->what, sizeof(mem->what), "/dev/udmabuf, in %s", pages);
	mem->fd = fd;
	return 0;
}

const struct devmem_backend devmem__backend_udmabuf = {
	.size = sizeof(struct devmem_backend),
	.name = "udmabuf",
	.what = "host memory, exported by /dev/udmabuf",
	.flags = DEVMEM_BACKEND_DMABUF | DEVMEM_BACKEND_PAGES,
	.alloc = udmabuf_alloc,
	.map = devmem__host_map,
	.unmap = devmem__host_unmap,
};
