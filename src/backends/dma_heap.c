// SPDX-License-Identifier: MIT
/*
 * dma-heap: memory of one of the kernel's heaps, which is a dma-buf from the start. The system heap
 * allocates blocks of 1 MiB, then of 64 KiB, then single pages. So large receive pages fit without
 * huge pages. [drivers/dma-buf/heaps/system_heap.c]
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-heap.h>

#include "memory/host.h"
#include "memory/limits.h"

#define HEAPS  "/dev/dma_heap"
#define SYSTEM "system"
#define BLOCK  (64u << 10)
#define REMEDY "the kernel needs CONFIG_DMABUF_HEAPS_SYSTEM"

/* What we know about a heap by its name. The kernel's bind finds out about other heaps. */
struct heap {
	const char *name;
	/* The heap allocates ordinary memory without a limit, until the kernel has to kill
	 * processes. */
	bool pages;
};

static const struct heap known[] = {
	{ SYSTEM, true },
	{ "system_cc_shared", true },
	/* CMA heaps, by all the names that they have had: each buffer is contiguous
	 * [drivers/dma-buf/heaps/cma_heap.c] */
	{ "default_cma_region", false },
	{ "linux,cma", false },
	{ "reserved", false },
};

static const struct heap *find_heap(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name))
			return &known[i];
	return NULL;
}

static bool is_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

/* Lists the names of the heaps. Returns how many there are. */
static unsigned int list_heaps(char *text, size_t room)
{
	struct dirent **entry;
	int n = scandir(HEAPS, &entry, NULL, alphasort);
	unsigned int found = 0;

	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		if (is_name(entry[i]->d_name)) {
			snprintf(text + strlen(text), room - strlen(text), "%s%.63s",
				 found ? ", " : "", entry[i]->d_name);
			found++;
		}
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return found;
}

static int no_such_heap(const char *name)
{
	char names[256];
	unsigned int n = list_heaps(names, sizeof(names));

	return devmem__fail(ENODEV, "no heap \"%s\" in " HEAPS ": there %s %s", name,
			    n == 1 ? "is" : "are", n ? names : "none");
}

/* A missing default heap is reported as a missing device, any other as an unknown name. */
static int open_heap(const char *asked, char path[128])
{
	const char *name = asked ? asked : SYSTEM;

	snprintf(path, 128, HEAPS "/%s", name);
	if (asked && (!is_name(asked) || strlen(asked) > 63 || access(path, F_OK)))
		return no_such_heap(asked);
	return devmem__host_open(path, REMEDY);
}

static int allocate(int device, const char *path, uint64_t bytes)
{
	struct dma_heap_allocation_data request = { .len = bytes, .fd_flags = O_RDWR | O_CLOEXEC };

	if (ioctl(device, DMA_HEAP_IOCTL_ALLOC, &request))
		return devmem__fail(errno, "%s refused a buffer of %llu bytes: %s", path,
				    (unsigned long long)bytes, strerror(errno));
	return (int)request.fd;
}

static void describe(struct devmem_memory *mem, const struct heap *heap, const char *path)
{
	size_t used = (size_t)snprintf(mem->what, sizeof(mem->what), "%s", path);

	if (heap)
		mem->block = mem->bytes % BLOCK ? (uint32_t)devmem__host_page() : BLOCK;
	if (mem->block)
		snprintf(mem->what + used, sizeof(mem->what) - used,
			 ", in blocks of %u KiB or more", mem->block >> 10);
	snprintf(mem->device, sizeof(mem->device), "%.63s", path + strlen(HEAPS "/"));
}

static int dma_heap_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
			  struct devmem_memory *mem)
{
	const struct heap *heap = find_heap(opts->device ? opts->device : SYSTEM);
	char path[128];
	int device, err;

	if (opts->near)
		return devmem__fail(EINVAL,
				    "near \"%s\" was requested, but no heap is nearer to an "
				    "interface than another: name a heap as the device",
				    opts->near);
	err = devmem__host_check(bytes, 0);
	if (!err && heap && heap->pages)
		err = devmem__limits_check(bytes, HEAPS);
	if (err)
		return err;
	device = open_heap(opts->device, path);
	if (device < 0)
		return device;
	mem->fd = allocate(device, path, bytes);
	close(device);
	if (mem->fd < 0)
		return mem->fd;
	describe(mem, heap, path);
	return 0;
}

/* The system heap is the default. Without it, the other heaps must be named. */
static int dma_heap_probe(void *arg, char *text, size_t room)
{
	char names[256];
	unsigned int n = list_heaps(names, sizeof(names));
	int device = devmem__host_open(HEAPS "/" SYSTEM, REMEDY);

	(void)arg;
	if (device >= 0)
		close(device);
	if (device < 0 && (device != -ENOENT || !n))
		return device;
	snprintf(text, room, "heaps: %s%s; %llu MiB are available", names,
		 device < 0 ? ", which must be named, since \"" SYSTEM "\" is not there" : "",
		 (unsigned long long)devmem__limits_available() >> 20);
	return 0;
}

const struct devmem_backend devmem__backend_dma_heap = {
	.size = sizeof(struct devmem_backend),
	.name = "dma-heap",
	.what = "host memory of a kernel heap, a dma-buf from the start",
	.flags = DEVMEM_BACKEND_DMABUF | DEVMEM_BACKEND_DEVICES,
	.probe = dma_heap_probe,
	.alloc = dma_heap_alloc,
	.map = devmem__host_map,
	.unmap = devmem__host_unmap,
	.device_address = devmem__host_no_address,
};
