// SPDX-License-Identifier: MIT
/*
 * udmabuf: ordinary memory (a memfd) exported as a dma-buf by /dev/udmabuf. The kernels of all
 * distributions have it, so this is the backend of the lab, of CI, and of machines without a GPU.
 * [drivers/dma-buf/udmabuf.c]
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "memory/host.h"
#include "memory/limits.h"

#define DEVICE	   "/dev/udmabuf"
#define PARAMETERS "/sys/module/udmabuf/parameters/"
#define REMEDY	   "load it with \"modprobe udmabuf\""

/* For a buffer over its limit the kernel only says EINVAL, so we read the limit. 0: it cannot be
 * read. */
static size_t size_limit(void)
{
	uint64_t mb;

	return devmem__limits_number(PARAMETERS "size_limit_mb", &mb) ? (size_t)mb << 20 : 0;
}

static int check_limit(size_t bytes)
{
	size_t limit = size_limit();

	if (!limit || bytes <= limit)
		return 0;
	return devmem__fail(EFBIG,
			    "a udmabuf may have %zu MiB here, but %zu were requested: "
			    "raise " PARAMETERS "size_limit_mb",
			    limit >> 20, bytes >> 20);
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
	return devmem__fail(errno, "udmabuf refused a buffer of %zu bytes: %s", bytes,
			    strerror(errno));
}

static int udmabuf_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
			 struct devmem_memory *mem)
{
	char pages[DEVMEM__HOST_WORDS];
	int device, memfd, fd;

	fd = devmem__host_check(bytes, opts->page_size);
	if (!fd)
		fd = check_limit(bytes);
	if (fd)
		return fd;
	device = devmem__host_open(DEVICE, REMEDY);
	if (device < 0)
		return device;
	memfd = devmem__host_memfd(bytes, opts->page_size, &mem->block, pages);
	if (memfd < 0) {
		fd = memfd;
		goto out_device;
	}
	fd = export_memfd(device, memfd, bytes);
	close(memfd); /* the dma-buf has pinned the pages */
out_device:
	close(device);
	if (fd < 0)
		return fd;
	snprintf(mem->what, sizeof(mem->what), DEVICE ", in %s", pages);
	mem->fd = fd;
	return 0;
}

/* Of the driver's limits only size_limit_mb applies to us. A buffer is one memory file, so
 * list_limit does not matter, and RLIMIT_MEMLOCK does not count it. */
static int udmabuf_probe(void *arg, char *text, size_t room)
{
	char huge[120], size[64] = "size_limit_mb cannot be read";
	uint64_t list = 0;
	int device = devmem__host_open(DEVICE, REMEDY);

	(void)arg;
	if (device < 0)
		return device;
	close(device);
	if (size_limit())
		snprintf(size, sizeof(size), "a buffer may have %zu MiB (size_limit_mb)",
			 size_limit() >> 20);
	devmem__limits_number(PARAMETERS "list_limit", &list);
	devmem__limits_huge_words(huge, sizeof(huge));
	snprintf(text, room,
		 "%s; %s; list_limit (%llu) and RLIMIT_MEMLOCK do not matter: a buffer is one "
		 "entry and not counted as locked",
		 size, huge, (unsigned long long)list);
	return 0;
}

const struct devmem_backend devmem__backend_udmabuf = {
	.size = sizeof(struct devmem_backend),
	.name = "udmabuf",
	.what = "host memory, exported by /dev/udmabuf",
	.flags = DEVMEM_BACKEND_DMABUF | DEVMEM_BACKEND_PAGES,
	.probe = udmabuf_probe,
	.alloc = udmabuf_alloc,
	.map = devmem__host_map,
	.unmap = devmem__host_unmap,
	.device_address = devmem__host_no_address,
};
