// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/host.h"
#include "memory/limits.h"
#include "base/nosignal.h"

#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

size_t devmem__host_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int devmem__host_check(size_t bytes, size_t page)
{
	size_t least = devmem__host_page();

	page = page ? page : least;
	if (page & (page - 1))
		return devmem__fail(EINVAL, "page size %zu is not a power of two", page);
	if (page < least)
		return devmem__fail(EINVAL, "page size %zu is less than the system's, %zu", page,
				    least);
	if (!bytes || bytes % page)
		return devmem__fail(EINVAL,
				    "a buffer of %zu bytes: it must be a multiple of %zu and not 0",
				    bytes, page);
	return 0;
}

int devmem__host_open(const char *path, const char *remedy)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case EACCES:
	case EPERM:
		return devmem__fail(EACCES,
				    "%s cannot be opened by this user: run as root, or add the "
				    "user to the group that owns it",
				    path);
	case ENOENT:
	case ENOTDIR:
	case ENODEV:
	case ENXIO:
		return devmem__fail(ENOENT,
				    "%s is missing (%s): %s; in a container, pass the device in",
				    path, strerror(errno), remedy);
	default:
		return devmem__fail(errno, "cannot open %s: %s", path, strerror(errno));
	}
}

/*
 * Allocate now, so that a lack of memory is an error here and not a signal later. For huge pages,
 * reserve them first by a mapping. That fails at once if there are too few; fallocate() would clear
 * every free one before it fails.
 */
static int allocate(int fd, size_t bytes, bool huge)
{
	void *reserved = NULL;
	int err = 0;

	if (ftruncate(fd, (off_t)bytes))
		return -errno;
	if (huge)
		reserved = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (reserved == MAP_FAILED)
		return -ENOMEM;
	if (fallocate(fd, 0, 0, (off_t)bytes))
		err = errno == ENOSPC || errno == EFBIG ? -ENOMEM : -errno;
	if (reserved)
		munmap(reserved, bytes);
	return err;
}

/* Linux 6.3 wants the flag for a file that nobody executes, and may be set to refuse other files
 * (vm.memfd_noexec). Older kernels do not know the flag. */
static int new_memfd(unsigned int flags)
{
	int fd = memfd_create("libdevmem", flags | MFD_NOEXEC_SEAL);

	return fd < 0 && errno == EINVAL ? memfd_create("libdevmem", flags) : fd;
}

static int no_such_pages(int err, size_t page)
{
	char there[160];

	if (err != ENODEV && err != EINVAL)
		return devmem__fail(err, "cannot create a memory file with pages of %zu bytes: %s",
				    page, strerror(err));
	devmem__limits_huge_words(there, sizeof(there));
	return devmem__fail(EINVAL, "this machine has no pages of %zu bytes (%s)", page, there);
}

static int no_memory(int err, size_t bytes, size_t page)
{
	uint64_t unused, all;

	if (err == EFBIG)
		return devmem__fail(EFBIG,
				    "RLIMIT_FSIZE does not allow a file of %zu bytes, not even in "
				    "memory: run \"ulimit -f unlimited\"",
				    bytes);
	if (!devmem__limits_huge(page, &unused, &all))
		return devmem__fail(err,
				    "cannot allocate %zu bytes: make the buffer smaller, or free "
				    "memory",
				    bytes);
	return devmem__fail(err,
			    "cannot allocate %zu bytes of huge pages: %" PRIu64 " of %" PRIu64
			    " pages are free; reserve more in "
			    "/sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages",
			    bytes, unused, all, page >> 10);
}

static int make_memfd(size_t bytes, size_t page)
{
	bool huge = page > devmem__host_page();
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	struct devmem__nosignal nosignal;
	int fd, err = huge ? 0 : devmem__limits_check(bytes, "a memory file");

	if (err)
		return err;
	if (huge)
		flags |= MFD_HUGETLB | (unsigned int)__builtin_ctzll(page) << MFD_HUGE_SHIFT;
	fd = new_memfd(flags);
	if (fd < 0)
		return no_such_pages(errno, page);
	devmem__nosignal_begin(&nosignal); /* RLIMIT_FSIZE applies to memory files too */
	err = allocate(fd, bytes, huge);
	devmem__nosignal_end(&nosignal);
	if (err) {
		close(fd);
		return no_memory(-err, bytes, page);
	}
	/* udmabuf requires a file that cannot shrink, and refuses one that is sealed against
	 * writing */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		err = errno;
		close(fd);
		return devmem__fail(err, "cannot seal a memory file: %s", strerror(err));
	}
	return fd;
}

static int memfd_of(size_t bytes, size_t page, uint32_t *taken, char words[DEVMEM__HOST_WORDS])
{
	int fd = make_memfd(bytes, page);

	if (fd < 0)
		return fd;
	*taken = (uint32_t)page;
	snprintf(words, DEVMEM__HOST_WORDS, "%spages of %zu KiB",
		 page > devmem__host_page() ? "huge " : "", page >> 10);
	return fd;
}

int devmem__host_memfd(size_t bytes, size_t page, uint32_t *taken, char words[DEVMEM__HOST_WORDS])
{
	size_t small = devmem__host_page();
	char why[160] = "not a multiple of huge pages";
	int fd;

	if (page)
		return memfd_of(bytes, page, taken, words);
	if (bytes % DEVMEM__HUGE_PAGE == 0) {
		fd = memfd_of(bytes, DEVMEM__HUGE_PAGE, taken, words);
		if (fd >= 0)
			return fd;
		snprintf(why, sizeof(why), "%s", devmem_error());
	}
	fd = memfd_of(bytes, small, taken, words);
	if (fd >= 0)
		snprintf(words, DEVMEM__HOST_WORDS, "pages of %zu KiB (%s)", small >> 10, why);
	return fd;
}

/*
 * Maps the dma-buf from its beginning, even if the memory begins further in. Exporters that use the
 * kernel's helper for GEM objects map their first page whatever offset is requested
 * [drm_gem_shmem_any_fault(): "page offset within VMA"]. This costs nothing but addresses.
 */
int devmem__host_map(struct devmem_memory *mem)
{
	char *p = mmap(NULL, mem->offset + mem->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, mem->fd,
		       0);

	if (p == MAP_FAILED)
		return devmem__fail(errno, "cannot map a buffer of %llu bytes: %s",
				    (unsigned long long)mem->bytes, strerror(errno));
	mem->map = p + mem->offset;
	return 0;
}

void devmem__host_unmap(struct devmem_memory *mem)
{
	munmap((char *)mem->map - mem->offset, mem->offset + mem->bytes);
	mem->map = NULL;
}

uint64_t devmem__host_no_address(const struct devmem_memory *mem, const char **reason)
{
	(void)mem;
	*reason = "it is host memory, and no device's: devmem_buffer_map() gives its address in "
		  "this process";
	return 0;
}
