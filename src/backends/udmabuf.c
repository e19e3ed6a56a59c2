// SPDX-License-Identifier: MIT
/*
 * udmabuf: ordinary memory (a memfd) exported as a dma-buf by /dev/udmabuf. Every kernel of a distribution has it,
 * so this is the backend of the lab, of CI, and of a machine without a GPU. [drivers/dma-buf/udmabuf.c]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "buffer.h"

#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

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

static int check_size(size_t bytes, size_t page)
{
	size_t limit = size_limit();

	if (page & (page - 1))
		return devmem__fail(EINVAL, "page size %zu is not a power of two", page);
	if (!bytes || bytes % page)
		return devmem__fail(EINVAL, "a buffer of %zu bytes: it must be a multiple of %zu and not 0", bytes, page);
	if (limit && bytes > limit)
		return devmem__fail(EFBIG, "a udmabuf may have %zu MiB here and %zu were asked for: raise "
				    "/sys/module/udmabuf/parameters/size_limit_mb", limit >> 20, bytes >> 20);
	return 0;
}

static int open_device(void)
{
	int fd = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == EACCES || errno == EPERM)
		return devmem__fail(EACCES, "/dev/udmabuf may not be opened: run as root, or add the user to the "
				    "group that owns it (often kvm)");
	return devmem__fail(ENOENT, "/dev/udmabuf is missing (%s): load it with \"modprobe udmabuf\"; in a "
			    "container, pass the device in", strerror(errno));
}

static int make_memfd(size_t bytes, size_t huge)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd;

	if (huge)
		flags |= MFD_HUGETLB | (unsigned int)__builtin_ctzll(huge) << MFD_HUGE_SHIFT;
	fd = memfd_create("libdevmem", flags);
	if (fd < 0)
		return devmem__fail(errno == ENODEV ? EINVAL : errno, "no memory file with pages of %zu bytes: %s",
				    huge ? huge : (size_t)sysconf(_SC_PAGESIZE), strerror(errno));
	/* allocated now, so that too little memory is an error here and not a signal later */
	if (ftruncate(fd, (off_t)bytes) || fallocate(fd, 0, 0, (off_t)bytes)) {
		int err = errno == ENOSPC || errno == EFBIG ? ENOMEM : errno;

		close(fd);
		return devmem__fail(err, "no %zu bytes of %smemory%s", bytes, huge ? "huge-page " : "",
				    huge ? ": reserve more in /proc/sys/vm/nr_hugepages" : "");
	}
	/* the driver wants a memfd that cannot shrink under it */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		int err = errno;

		close(fd);
		return devmem__fail(err, "cannot seal a memory file: %s", strerror(err));
	}
	return fd;
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

static int udmabuf_alloc(size_t bytes, const struct devmem_buffer_opts *opts, struct devmem__memory *mem)
{
	size_t small = (size_t)sysconf(_SC_PAGESIZE);
	size_t huge = opts->page_size > small ? opts->page_size : 0;
	int device, memfd, fd;

	fd = check_size(bytes, opts->page_size ? opts->page_size : small);
	if (fd)
		return fd;
	device = open_device();
	if (device < 0)
		return device;
	memfd = make_memfd(bytes, huge);
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
	mem->fd = fd;
	mem->bytes = bytes;
	return 0;
}

static int udmabuf_map(struct devmem__memory *mem)
{
	void *p = mmap(NULL, mem->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, mem->fd, 0);

	if (p == MAP_FAILED)
		return devmem__fail(errno, "cannot map %zu bytes of a udmabuf: %s", mem->bytes, strerror(errno));
	mem->map = p;
	return 0;
}

static void udmabuf_unmap(struct devmem__memory *mem)
{
	munmap(mem->map, mem->bytes);
	mem->map = NULL;
}

const struct devmem__backend devmem__backend_udmabuf = {
	.name = "udmabuf",
	.alloc = udmabuf_alloc,
	.map = udmabuf_map,
	.unmap = udmabuf_unmap,
};
