// SPDX-License-Identifier: MIT
/* Memory of the fake. Behind all of it there is a memfd; device addresses are none that the
 * processor has. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "fake_memory.h"

#define MAX_COUNT   256
#define GRANULARITY (2ull << 20)
/* not canonical on x86-64: whoever follows it is stopped */
#define FIRST_ADDRESS 0x00ca000000000000ull

enum kind { NOTHING, ALLOCATION, RESERVATION, PINNED, MANAGED };

struct region {
	enum kind kind;
	unsigned long long address;
	size_t bytes;
	int fd; /* -1: nothing is mapped there */
	unsigned char *memory;
	bool accessible, sync_memops, out_of_reach;
	size_t offset; /* in @fd ... */
	/* ... which the region behind this one has the next bytes of */
	bool goes_on;
	struct CUctx_st *context; /* NULL: of none, as what is mapped */
	int device;
};

struct handle {
	int fd; /* + 1; 0: there is none */
	size_t bytes;
	int device;
	bool reachable;
};

static struct region regions[MAX_COUNT];
static struct handle handles[MAX_COUNT];
static unsigned long long next_address = FIRST_ADDRESS;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;

/* ------------------------------------------------------------------------------------ the table */

/* Kernels and copies hold it while they run, so that nothing goes away under them. */
void fake_memory_hold(void)
{
	pthread_rwlock_rdlock(&table);
}

void fake_memory_let_go(void)
{
	pthread_rwlock_unlock(&table);
}

static struct region *region_of(unsigned long long address)
{
	static _Thread_local unsigned int last;

	for (unsigned int n = 0; n < MAX_COUNT; n++) {
		struct region *r = &regions[(last + n) % MAX_COUNT];

		if (r->kind && address >= r->address && address - r->address < r->bytes) {
			last = (last + n) % MAX_COUNT;
			return r;
		}
	}
	return NULL;
}

/* Bytes from there on that are one behind the other, also for the processor. */
static size_t extent(const struct region *r, unsigned long long address)
{
	size_t bytes = r->bytes - (address - r->address);

	for (; r->goes_on; bytes += r->bytes)
		r = region_of(r->address + r->bytes);
	return bytes;
}

void *fake_memory_at(unsigned long long address, size_t bytes)
{
	struct region *r = region_of(address);

	if (!r || !r->memory || !r->accessible || bytes > extent(r, address))
		return NULL;
	return r->memory + (address - r->address);
}

void *fake_cuda_look(unsigned long long pointer, size_t bytes)
{
	void *at;

	fake_memory_hold();
	at = fake_memory_at(pointer, bytes);
	fake_memory_let_go();
	return at;
}

/* A place in the table with addresses of its own, behind which there are some that belong to
 * nobody. */
static struct region *new_region(enum kind kind, size_t bytes)
{
	struct region *r = NULL;

	for (unsigned int i = 0; i < MAX_COUNT && !r; i++)
		r = regions[i].kind ? NULL : &regions[i];
	if (!r) {
		fprintf(stderr, "fake CUDA: there are only %u pieces of memory\n", MAX_COUNT);
		abort();
	}
	*r = (struct region){ .kind = kind, .address = next_address, .bytes = bytes, .fd = -1 };
	next_address += (bytes + GRANULARITY - 1) / GRANULARITY * GRANULARITY + GRANULARITY;
	return r;
}

static int new_memfd(size_t bytes)
{
	int fd = memfd_create("fake CUDA", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		perror("fake CUDA: no memory");
		abort();
	}
	return fd;
}

static void back(struct region *r, int fd)
{
	void *p = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED) {
		perror("fake CUDA: mmap");
		abort();
	}
	r->memory = p;
	r->fd = fd;
}

static void unback(struct region *r)
{
	if (r->memory)
		munmap(r->memory, r->bytes);
	if (r->fd >= 0)
		close(r->fd);
	r->memory = NULL;
	r->fd = -1;
	r->accessible = false;
}

static unsigned long long make(enum kind kind, size_t bytes)
{
	struct region *r;

	pthread_rwlock_wrlock(&table);
	r = new_region(kind, bytes);
	back(r, new_memfd(bytes));
	r->accessible = true;
	r->context = fake_cuda_current();
	r->device = r->context ? fake_device_of(r->context) : 0;
	pthread_rwlock_unlock(&table);
	return r->address;
}

/* The one that begins there. */
static bool unmake(enum kind kind, unsigned long long address)
{
	struct region *r;
	bool found;

	pthread_rwlock_wrlock(&table);
	r = region_of(address);
	found = r && r->kind == kind && r->address == address;
	if (found) {
		unback(r);
		r->kind = NOTHING;
	}
	pthread_rwlock_unlock(&table);
	return found;
}

/* --------------------------------------------------------------------------------- of one piece */

unsigned int fake_cuMemAlloc(unsigned long long *pointer, size_t bytes)
{
	ENTER_CONTEXT(cuMemAlloc);
	*pointer = make(ALLOCATION, bytes);
	fake_count(&fake.out.allocations, 1);
	return 0;
}

unsigned int fake_cuMemFree(unsigned long long pointer)
{
	unsigned int injected = fake_enter("cuMemFree");

	if (!unmake(ALLOCATION, pointer))
		return FAKE_INVALID_VALUE;
	fake_count(&fake.out.allocations, -1);
	return injected;
}

unsigned long long fake_cuda_managed(size_t bytes)
{
	return make(MANAGED, bytes);
}

/* Two regions, one behind the other in every way. */
unsigned long long fake_cuda_pieces(size_t bytes)
{
	const int fd = new_memfd(2 * bytes);
	struct region *r, *next;

	pthread_rwlock_wrlock(&table);
	r = new_region(RESERVATION, 2 * bytes);
	back(r, fd);
	r->bytes = bytes;
	r->accessible = r->goes_on = true;
	next = new_region(RESERVATION, bytes);
	*next = *r;
	next->address += bytes;
	next->memory += bytes;
	next->offset = bytes;
	next->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	next->goes_on = false;
	pthread_rwlock_unlock(&table);
	return r->address;
}

void fake_cuda_pieces_free(unsigned long long pointer, size_t bytes)
{
	if (!unmake(RESERVATION, pointer + bytes) || !unmake(RESERVATION, pointer))
		abort();
}

unsigned int fake_cuMemHostAlloc(void **pointer, size_t bytes, unsigned int flags)
{
	unsigned long long device;

	ENTER_CONTEXT(cuMemHostAlloc);
	if (!(flags & DEVMEM__CUDA_HOST_DEVICEMAP))
		return FAKE_INVALID_VALUE;
	device = make(PINNED, bytes);
	*pointer = fake_cuda_look(device, bytes);
	fake_count(&fake.out.pinned, 1);
	return 0;
}

static unsigned long long device_pointer(const void *pointer)
{
	unsigned long long address = 0;

	fake_memory_hold();
	for (unsigned int i = 0; i < MAX_COUNT; i++)
		if (regions[i].kind == PINNED && regions[i].memory == pointer)
			address = regions[i].address;
	fake_memory_let_go();
	return address;
}

/* Another address than the processor's, so that nobody takes one for the other. */
unsigned int fake_cuMemHostGetDevicePointer(unsigned long long *device, void *pointer,
					    unsigned int flags)
{
	ENTER_CONTEXT(cuMemHostGetDevicePointer);
	*device = device_pointer(pointer);
	return *device && !flags ? 0 : FAKE_INVALID_VALUE;
}

unsigned int fake_cuMemFreeHost(void *pointer)
{
	unsigned int injected = fake_enter("cuMemFreeHost");

	if (!unmake(PINNED, device_pointer(pointer)))
		return FAKE_INVALID_VALUE;
	fake_count(&fake.out.pinned, -1);
	return injected;
}

/* --------------------------------------------------------------------------------------- mapped */

static bool is_right(const struct devmem__cuda_prop *prop)
{
	return prop->type == DEVMEM__CUDA_ALLOCATION_PINNED &&
	       prop->location.type == DEVMEM__CUDA_LOCATION_DEVICE && !prop->handle_types &&
	       !prop->reserved_for_windows;
}

unsigned int fake_cuMemGetAllocationGranularity(size_t *bytes, const struct devmem__cuda_prop *prop,
						unsigned int which)
{
	ENTER(cuMemGetAllocationGranularity);
	*bytes = GRANULARITY;
	return is_right(prop) && !which ? 0 : FAKE_INVALID_VALUE;
}

unsigned int fake_cuMemCreate(unsigned long long *handle, size_t bytes,
			      const struct devmem__cuda_prop *prop, unsigned long long flags)
{
	unsigned int i = 0;

	ENTER(cuMemCreate);
	if (!is_right(prop) || flags || !bytes || bytes % GRANULARITY)
		return FAKE_INVALID_VALUE;
	while (i < MAX_COUNT && handles[i].fd)
		i++;
	if (i == MAX_COUNT)
		return FAKE_NO_MEMORY;
	handles[i] = (struct handle){ new_memfd(bytes) + 1, bytes, prop->location.id,
				      prop->flags.rdma_capable };
	fake_count(&fake.out.handles, 1);
	*handle = i + 1;
	return 0;
}

unsigned int fake_cuMemRelease(unsigned long long handle)
{
	unsigned int injected = fake_enter("cuMemRelease");

	if (!handle || handle > MAX_COUNT || !handles[handle - 1].fd)
		return FAKE_INVALID_VALUE;
	close(handles[handle - 1].fd - 1);
	handles[handle - 1].fd = 0;
	fake_count(&fake.out.handles, -1);
	return injected;
}

unsigned int fake_cuMemAddressReserve(unsigned long long *pointer, size_t bytes, size_t alignment,
				      unsigned long long address, unsigned long long flags)
{
	ENTER(cuMemAddressReserve);
	if (!bytes || bytes % GRANULARITY || alignment || address || flags)
		return FAKE_INVALID_VALUE;
	pthread_rwlock_wrlock(&table);
	*pointer = new_region(RESERVATION, bytes)->address;
	pthread_rwlock_unlock(&table);
	fake_count(&fake.out.reservations, 1);
	return 0;
}

/* Whole reservations alone, which is all that the library does. */
static struct region *reservation(unsigned long long pointer, size_t bytes)
{
	struct region *r = region_of(pointer);

	return r && r->kind == RESERVATION && r->address == pointer && r->bytes == bytes ? r : NULL;
}

unsigned int fake_cuMemAddressFree(unsigned long long pointer, size_t bytes)
{
	unsigned int injected = fake_enter("cuMemAddressFree");
	struct region *r = reservation(pointer, bytes);

	if (!r || r->memory || !unmake(RESERVATION, pointer))
		return FAKE_INVALID_VALUE;
	fake_count(&fake.out.reservations, -1);
	return injected;
}

unsigned int fake_cuMemMap(unsigned long long pointer, size_t bytes, size_t offset,
			   unsigned long long handle, unsigned long long flags)
{
	struct region *r = reservation(pointer, bytes);

	ENTER(cuMemMap);
	if (!r || r->memory || offset || flags || !handle || handle > MAX_COUNT ||
	    handles[handle - 1].bytes != bytes)
		return FAKE_INVALID_VALUE;
	pthread_rwlock_wrlock(&table);
	back(r, fcntl(handles[handle - 1].fd - 1, F_DUPFD_CLOEXEC, 0));
	r->device = handles[handle - 1].device;
	r->out_of_reach = !handles[handle - 1].reachable;
	pthread_rwlock_unlock(&table);
	fake_count(&fake.out.mappings, 1);
	return 0;
}

unsigned int fake_cuMemUnmap(unsigned long long pointer, size_t bytes)
{
	unsigned int injected = fake_enter("cuMemUnmap");
	struct region *r = reservation(pointer, bytes);

	if (!r || !r->memory)
		return FAKE_INVALID_VALUE;
	pthread_rwlock_wrlock(&table);
	unback(r);
	pthread_rwlock_unlock(&table);
	fake_count(&fake.out.mappings, -1);
	return injected;
}

unsigned int fake_cuMemSetAccess(unsigned long long pointer, size_t bytes,
				 const struct devmem__cuda_access *access, size_t n)
{
	struct region *r = reservation(pointer, bytes);

	ENTER(cuMemSetAccess);
	if (!r || !r->memory || n != 1 || access->location.id != r->device ||
	    access->location.type != DEVMEM__CUDA_LOCATION_DEVICE ||
	    access->flags != DEVMEM__CUDA_ACCESS_READWRITE)
		return FAKE_INVALID_VALUE;
	r->accessible = true;
	return 0;
}

/* -------------------------------------------------------------------------------- what is there */

static bool reachable(const struct region *r)
{
	return r->kind == ALLOCATION || (r->kind == RESERVATION && r->memory && !r->out_of_reach);
}

static unsigned int ask(const struct region *r, void *value, unsigned int attribute)
{
	switch (attribute) {
	case DEVMEM__CUDA_POINTER_CONTEXT:
		*(struct CUctx_st **)value = r->context;
		return 0;
	case DEVMEM__CUDA_POINTER_TYPE:
		*(unsigned int *)value = r->kind == PINNED ? 1 : DEVMEM__CUDA_TYPE_DEVICE;
		return 0;
	case DEVMEM__CUDA_POINTER_MANAGED:
		*(unsigned int *)value = r->kind == MANAGED;
		return 0;
	case DEVMEM__CUDA_POINTER_ORDINAL:
		*(int *)value = r->device;
		return 0;
	case DEVMEM__CUDA_POINTER_RDMA:
		*(unsigned int *)value = reachable(r);
		return 0;
	default:
		return FAKE_INVALID_VALUE;
	}
}

unsigned int fake_cuPointerGetAttribute(void *value, unsigned int attribute,
					unsigned long long pointer)
{
	const struct region *r = region_of(pointer);

	ENTER(cuPointerGetAttribute);
	return r ? ask(r, value, attribute) : FAKE_INVALID_VALUE;
}

unsigned int fake_cuPointerSetAttribute(const void *value, unsigned int attribute,
					unsigned long long pointer)
{
	struct region *r = region_of(pointer);

	ENTER(cuPointerSetAttribute);
	if (!r || r->kind != ALLOCATION || attribute != DEVMEM__CUDA_POINTER_SYNC_MEMOPS)
		return FAKE_INVALID_VALUE;
	r->sync_memops = *(const unsigned int *)value;
	return 0;
}

bool fake_cuda_sync_memops(unsigned long long pointer)
{
	const struct region *r = region_of(pointer);

	return r && r->kind == ALLOCATION && r->sync_memops;
}

unsigned int fake_cuMemGetAddressRange(unsigned long long *base, size_t *bytes,
				       unsigned long long pointer)
{
	const struct region *r = region_of(pointer);

	ENTER_CONTEXT(cuMemGetAddressRange);
	if (!r)
		return FAKE_INVALID_VALUE;
	*base = r->address;
	*bytes = r->bytes;
	return 0;
}

/* --------------------------------------------------------------------------------------- export */

static int export(const struct region *r, uint64_t offset, uint64_t bytes)
{
	struct udmabuf_create create = {
		.memfd = (uint32_t)r->fd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = offset,
		.size = bytes,
	};
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	if (device < 0) /* nothing can be bound, but all else goes on */
		return fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
	fd = ioctl(device, UDMABUF_CREATE, &create);
	if (fd < 0)
		perror("fake CUDA: udmabuf");
	close(device);
	return fd;
}

unsigned int fake_cuMemGetHandleForAddressRange(void *handle, unsigned long long pointer,
						size_t bytes, unsigned int type,
						unsigned long long flags)
{
	const struct region *r = region_of(pointer);
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	ENTER_CONTEXT(cuMemGetHandleForAddressRange);
	if (!r || pointer % page || !bytes || bytes % page || bytes > extent(r, pointer) ||
	    type != DEVMEM__CUDA_HANDLE_DMA_BUF_FD || flags)
		return FAKE_INVALID_VALUE;
	if (!reachable(r) || !fake_attribute(r->device, DEVMEM__CUDA_DMA_BUF))
		return FAKE_NOT_SUPPORTED;
	*(int *)handle = export(r, r->offset + (pointer - r->address), bytes);
	return *(int *)handle < 0 ? FAKE_NOT_SUPPORTED : 0;
}
