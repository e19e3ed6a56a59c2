// SPDX-License-Identifier: MIT
/*
 * cuda: memory of an NVIDIA GPU, allocated by us or by the program and exported by the driver. All
 * calls run in the primary context of the GPU, which CUDA's runtime uses too, or in the context
 * that the program's memory was made in. They leave the caller's current context as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devmem/cuda.h"
#include "memory/backend.h"
#include "memory/buffer.h"
#include "backends/cuda_device.h"
#include "backends/cuda_gather.h"
#include "memory/host.h"

/* the smallest pages of memory that other devices can reach [nv-p2p.h] */
#define RDMA_PAGE  (64u << 10)
#define LARGE_PAGE (2u << 20)

enum kind {
	MAPPED, /* of cuMemCreate(), mapped at an address of our own */
	/* of cuMemAlloc(), if other devices cannot reach the first kind on this GPU */
	ALLOCATED,
	FOREIGN, /* the program's */
};

struct cuda_memory {
	const struct devmem__cuda *cu;
	struct devmem__cuda_device device;
	struct CUctx_st *context; /* that calls run in */
	enum kind kind;
	bool sync_memops; /* set_sync_memops() applies: it is of cuMemAlloc() */
	unsigned long long pointer;
	size_t reserved; /* bytes; MAPPED: whole pages of the GPU */
	struct CUstream_st *stream;
	struct devmem__cuda_gather *gather;
};

static size_t round_up(size_t bytes, size_t to)
{
	return (bytes + to - 1) / to * to;
}

/* --------------------------------------------------------------------------------------- memory */

static int map_handle(struct cuda_memory *m, unsigned long long handle)
{
	const struct devmem__cuda_access access = {
		.location = { .type = DEVMEM__CUDA_LOCATION_DEVICE, .id = m->device.ordinal },
		.flags = DEVMEM__CUDA_ACCESS_READWRITE,
	};
	int err = CUDA_CALL(m->cu, cuMemAddressReserve, &m->pointer, m->reserved, 0, 0, 0);

	if (err)
		return err;
	err = CUDA_CALL(m->cu, cuMemMap, m->pointer, m->reserved, 0, handle, 0);
	if (err)
		goto err_address;
	err = CUDA_CALL(m->cu, cuMemSetAccess, m->pointer, m->reserved, &access, 1);
	if (err)
		goto err_map;
	return 0;

err_map:
	m->cu->cuMemUnmap(m->pointer, m->reserved);
err_address:
	m->cu->cuMemAddressFree(m->pointer, m->reserved);
	return err;
}

static int allocate_mapped(struct cuda_memory *m, size_t bytes)
{
	const struct devmem__cuda_prop prop = {
		.type = DEVMEM__CUDA_ALLOCATION_PINNED,
		.location = { .type = DEVMEM__CUDA_LOCATION_DEVICE, .id = m->device.ordinal },
		.flags = { .rdma_capable = 1 },
	};
	unsigned long long handle;
	size_t granularity;
	int err = CUDA_CALL(m->cu, cuMemGetAllocationGranularity, &granularity, &prop,
			    DEVMEM__CUDA_GRANULARITY_MINIMUM);

	if (err)
		return err;
	m->reserved = round_up(bytes, granularity);
	err = CUDA_CALL(m->cu, cuMemCreate, &handle, m->reserved, &prop, 0);
	if (err)
		return err;
	err = map_handle(m, handle);
	m->cu->cuMemRelease(handle); /* the mapping keeps it */
	return err;
}

/* A small allocation would share a page of the GPU with others and begin in the middle of it. The
 * driver exports nothing from there. So we allocate whole large pages. */
static int allocate_by_memalloc(struct cuda_memory *m, size_t bytes)
{
	int err;

	m->reserved = round_up(bytes, LARGE_PAGE);
	err = CUDA_CALL(m->cu, cuMemAlloc, &m->pointer, m->reserved);
	if (err || m->pointer % devmem__host_page() == 0)
		return err;
	m->cu->cuMemFree(m->pointer);
	return devmem__fail(EIO,
			    "cuMemAlloc() gave %#llx, which is not aligned to the system's page",
			    m->pointer);
}

/* A NIC can reach memory of cuMemCreate() only with gpuDirectRDMACapable, which the GPU must
 * support (attribute 110). */
static int allocate(struct cuda_memory *m, size_t bytes)
{
	const bool mapped =
		devmem__cuda_attribute(m->cu, &m->device, DEVMEM__CUDA_VIRTUAL_MEMORY) &&
		devmem__cuda_attribute(m->cu, &m->device, DEVMEM__CUDA_RDMA_WITH_VIRTUAL_MEMORY);

	if (m->kind == FOREIGN)
		return 0;
	m->kind = mapped ? MAPPED : ALLOCATED;
	m->sync_memops = !mapped;
	return mapped ? allocate_mapped(m, bytes) : allocate_by_memalloc(m, bytes);
}

static void free_pointer(struct cuda_memory *m)
{
	switch (m->kind) {
	case MAPPED:
		m->cu->cuMemUnmap(m->pointer, m->reserved);
		m->cu->cuMemAddressFree(m->pointer, m->reserved);
		break;
	case ALLOCATED:
		m->cu->cuMemFree(m->pointer);
		break;
	case FOREIGN:
		break;
	}
}

/* --------------------------------------------------------------------------------------- export */

/*
 * Called when the driver refused to export the range: true if the range ends beyond its allocation.
 * This cannot be checked before asking the driver. Mapped memory has an allocation for each mapped
 * piece, and the driver may export several of them at once.
 */
static bool goes_beyond(const struct cuda_memory *m, uint64_t bytes, unsigned long long *base,
			size_t *all)
{
	if (m->kind != FOREIGN || m->cu->cuMemGetAddressRange(base, all, m->pointer))
		return false;
	return m->pointer - *base > *all || bytes > *all - (m->pointer - *base);
}

/*
 * Exports exactly the range, so the buffer's offset in its dma-buf is 0. Flags are 0. The flag of
 * CUDA 12.8 that forces the mapping over PCIe bypasses the IOMMU and is for coherent platforms.
 * [nv-dmabuf.c]
 */
static int export(struct cuda_memory *m, struct devmem_memory *mem)
{
	int err = CUDA_CALL(m->cu, cuMemGetHandleForAddressRange, &mem->fd, m->pointer, mem->bytes,
			    DEVMEM__CUDA_HANDLE_DMA_BUF_FD, 0);
	unsigned int reachable = 1;
	unsigned long long base;
	char why[256];
	size_t all;

	if (err != -EINVAL && err != -EOPNOTSUPP)
		return err;
	if (goes_beyond(m, mem->bytes, &base, &all))
		return devmem__fail(ERANGE,
				    "the driver does not export %llu bytes at %#llx: the "
				    "allocation there has %zu bytes from %#llx on",
				    (unsigned long long)mem->bytes, m->pointer, all, base);
	snprintf(why, sizeof(why), "%s", devmem_error());
	/* older drivers do not know this attribute; reachable then stays 1 */
	m->cu->cuPointerGetAttribute(&reachable, DEVMEM__CUDA_POINTER_RDMA, m->pointer);
	return devmem__fail(ENODEV, "GPU %s does not export this memory%s: %s", m->device.address,
			    reachable ? ""
				      : ", which other devices cannot reach (of cuMemCreate() "
					"without gpuDirectRDMACapable, or of cuMemAllocAsync())",
			    why);
}

/* A NIC writes to the memory without CUDA's knowledge, so synchronous copies must really wait until
 * they are done. The attribute is defined only for memory of cuMemAlloc(). */
static int set_sync_memops(struct cuda_memory *m)
{
	const unsigned int on = 1;

	if (!m->sync_memops)
		return 0;
	return CUDA_CALL(m->cu, cuPointerSetAttribute, &on, DEVMEM__CUDA_POINTER_SYNC_MEMOPS,
			 m->pointer);
}

/* The stream does not wait for the default stream, and has the highest priority: somebody waits for
 * the data that the NIC has delivered. */
static int make_stream(struct cuda_memory *m)
{
	int least, greatest, err = CUDA_CALL(m->cu, cuCtxGetStreamPriorityRange, &least, &greatest);

	if (err)
		return err;
	return CUDA_CALL(m->cu, cuStreamCreateWithPriority, &m->stream,
			 DEVMEM__CUDA_STREAM_NON_BLOCKING, greatest);
}

static void tear_down(struct cuda_memory *m)
{
	devmem__cuda_gather_free(m->gather);
	if (m->stream)
		m->cu->cuStreamDestroy(m->stream);
}

static int set_up(struct cuda_memory *m, struct devmem_memory *mem)
{
	int err = make_stream(m);

	if (!err)
		err = devmem__cuda_gather_new(m->cu, &m->device, m->stream, &m->gather);
	if (!err)
		err = export(m, mem);
	if (err)
		goto err_equipment;
	err = set_sync_memops(m); /* last, since it stays set: not on memory that we refuse */
	if (!err)
		return 0;
	close(mem->fd);
	mem->fd = -1;
err_equipment:
	tear_down(m);
	return err;
}

/* --------------------------------------------------------------------------- making and freeing */

static uint32_t block_of(const struct cuda_memory *m, uint64_t bytes)
{
	if (m->kind != FOREIGN && bytes % LARGE_PAGE == 0 && m->pointer % LARGE_PAGE == 0)
		return LARGE_PAGE;
	return bytes % RDMA_PAGE || m->pointer % RDMA_PAGE ? (uint32_t)devmem__host_page()
							   : RDMA_PAGE;
}

static void describe(const struct cuda_memory *m, const char *why, struct devmem_memory *mem)
{
	static const char *const kinds[] = {
		[MAPPED] = "memory of cuMemCreate()",
		[ALLOCATED] = "memory of cuMemAlloc()",
		[FOREIGN] = "the program's memory",
	};

	snprintf(mem->device, sizeof(mem->device), "%s", m->device.address);
	snprintf(mem->what, sizeof(mem->what), "GPU %d (%s, %.40s)%s%s, %s, gathered %.150s",
		 m->device.ordinal, m->device.address, m->device.name, *why ? ", " : "", why,
		 kinds[m->kind], devmem__cuda_gather_words(m->gather));
}

static int make_inside(struct cuda_memory *m, struct devmem_memory *mem)
{
	int err = allocate(m, mem->bytes);

	if (err)
		return err;
	err = set_up(m, mem);
	if (err)
		free_pointer(m);
	return err;
}

/* @context: the one that the program's memory was made in, or NULL for the primary one. We retain
 * the primary context in either case, since @context may be the same. */
static int make_in_context(struct cuda_memory *m, struct CUctx_st *context,
			   struct devmem_memory *mem)
{
	struct devmem__cuda_scope scope;
	int err = CUDA_CALL(m->cu, cuDevicePrimaryCtxRetain, &m->context, m->device.id);

	if (err)
		return err;
	if (context)
		m->context = context;
	err = devmem__cuda_enter(m->cu, m->context, &scope);
	if (!err) {
		err = make_inside(m, mem);
		devmem__cuda_leave(&scope);
	}
	if (err)
		m->cu->cuDevicePrimaryCtxRelease(m->device.id);
	return err;
}

static int make(const struct cuda_memory *template, struct CUctx_st *context, const char *why,
		struct devmem_memory *mem)
{
	struct cuda_memory *m = malloc(sizeof(*m));
	int err;

	if (!m)
		return devmem__fail(ENOMEM, "no memory for a buffer object");
	*m = *template;
	err = make_in_context(m, context, mem);
	if (err) {
		free(m);
		return err;
	}
	mem->priv = m;
	mem->block = block_of(m, mem->bytes);
	describe(m, why, mem);
	return 0;
}

static int cuda_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
		      struct devmem_memory *mem)
{
	struct cuda_memory m = { 0 };
	const char *why;
	int err = devmem__host_check(bytes, 0);

	if (err)
		return err;
	m.cu = devmem__cuda_load(&err);
	if (!err)
		err = devmem__cuda_choose(m.cu, opts, &m.device, &why);
	if (!err)
		err = devmem__cuda_exports(m.cu, &m.device);
	return err ? err : make(&m, NULL, why, mem);
}

static void cuda_free(struct devmem_memory *mem)
{
	struct cuda_memory *m = mem->priv;
	struct devmem__cuda_scope scope;
	const bool inside = !devmem__cuda_enter(m->cu, m->context, &scope);

	/* If the context could not be entered, we can wait for nothing, but try to free all the
	 * same. */
	tear_down(m);
	free_pointer(m);
	if (inside)
		devmem__cuda_leave(&scope);
	m->cu->cuDevicePrimaryCtxRelease(m->device.id);
	free(m);
}

/* ------------------------------------------------------------------------- the program's memory */

struct foreign {
	struct cuda_memory memory;
	struct CUctx_st *context;
};

static int ask_pointer(const struct cuda_memory *m, unsigned int attribute, void *value)
{
	const unsigned int result = m->cu->cuPointerGetAttribute(value, attribute, m->pointer);

	if (result == DEVMEM__CUDA_INVALID_VALUE)
		return devmem__fail(EINVAL, "%#llx is not CUDA memory", m->pointer);
	if (result == DEVMEM__CUDA_INVALID_CONTEXT)
		return devmem__fail(EINVAL,
				    "no CUDA context is current in this thread, and this driver "
				    "needs one to identify the memory at %#llx",
				    m->pointer);
	return devmem__cuda_fail(m->cu, result, "cuPointerGetAttribute");
}

/* Finds out which device and context the memory belongs to. Managed memory, which the driver moves
 * about, claims to be the device's, so that attribute is read first. */
static int look_at_pointer(struct foreign *f)
{
	unsigned int managed = 0, type = 0;
	int ordinal = 0, err = ask_pointer(&f->memory, DEVMEM__CUDA_POINTER_MANAGED, &managed);

	if (!err)
		err = ask_pointer(&f->memory, DEVMEM__CUDA_POINTER_TYPE, &type);
	if (!err && (managed || type != DEVMEM__CUDA_TYPE_DEVICE))
		return devmem__fail(EINVAL,
				    "%#llx is %s memory: only a device's own memory can be "
				    "exported",
				    f->memory.pointer, managed ? "managed" : "host");
	if (!err)
		err = ask_pointer(&f->memory, DEVMEM__CUDA_POINTER_ORDINAL, &ordinal);
	if (!err)
		err = ask_pointer(&f->memory, DEVMEM__CUDA_POINTER_CONTEXT, &f->context);
	if (!err)
		err = devmem__cuda_describe(f->memory.cu, ordinal, &f->memory.device);
	f->memory.sync_memops = f->context; /* mapped memory has no context */
	return err;
}

static int fill_foreign(void *arg, struct devmem_memory *mem)
{
	struct foreign *f = arg;
	int err;

	f->memory.cu = devmem__cuda_load(&err);
	if (!err)
		err = look_at_pointer(f);
	if (!err)
		err = devmem__cuda_exports(f->memory.cu, &f->memory.device);
	if (err)
		return err;
	mem->bytes = f->memory.reserved;
	return make(&f->memory, f->context, "", mem);
}

static int buffer_wrap_cuda(uint64_t pointer, size_t bytes, const struct devmem_buffer_opts *opts,
			    struct devmem_buffer **out)
{
	struct foreign f = { .memory = { .kind = FOREIGN, .pointer = pointer, .reserved = bytes } };
	const size_t page = devmem__host_page();
	struct devmem_buffer_opts o;
	int err = devmem__options(&o, sizeof(o), opts, "devmem_buffer_opts");

	if (err)
		return err;
	if (!out || o.reserved || o.page_size || o.device || o.near || o.offset || o.bytes)
		return devmem__fail(EINVAL, "devmem_buffer_wrap_cuda: no place for the result, or "
					    "an option is set: it takes none");
	if (!bytes || bytes % page || pointer % page)
		return devmem__fail(EINVAL,
				    "devmem_buffer_wrap_cuda: %zu bytes at %#llx: both must be "
				    "multiples of the system's page, %zu, and not 0",
				    bytes, (unsigned long long)pointer, page);
	return devmem__buffer_make(&devmem__backend_cuda, fill_foreign, &f, out);
}

int devmem_buffer_wrap_cuda(uint64_t pointer, size_t bytes, const struct devmem_buffer_opts *opts,
			    struct devmem_buffer **out)
{
	return devmem__result(buffer_wrap_cuda(pointer, bytes, opts, out));
}

/* --------------------------------------------------------------------------------------- copies */

static int copy_in_inside(struct cuda_memory *m, uint64_t offset, const void *from, size_t bytes)
{
	int err = CUDA_CALL(m->cu, cuMemcpyHtoDAsync, m->pointer + offset, from, bytes, m->stream);

	return err ? err : CUDA_CALL(m->cu, cuStreamSynchronize, m->stream);
}

static int cuda_copy_in(struct devmem_memory *mem, uint64_t offset, const void *from, size_t bytes)
{
	struct cuda_memory *m = mem->priv;
	struct devmem__cuda_scope scope;
	int err = devmem__cuda_enter(m->cu, m->context, &scope);

	if (err)
		return err;
	err = copy_in_inside(m, offset, from, bytes);
	devmem__cuda_leave(&scope);
	return err;
}

static int copy_out_inside(struct cuda_memory *m, uint64_t offset, void *to, size_t bytes)
{
	int err = CUDA_CALL(m->cu, cuMemcpyDtoHAsync, to, m->pointer + offset, bytes, m->stream);

	return err ? err : CUDA_CALL(m->cu, cuStreamSynchronize, m->stream);
}

static int cuda_copy_out(struct devmem_memory *mem, uint64_t offset, void *to, size_t bytes)
{
	struct cuda_memory *m = mem->priv;
	struct devmem__cuda_scope scope;
	int err = devmem__cuda_enter(m->cu, m->context, &scope);

	if (err)
		return err;
	err = copy_out_inside(m, offset, to, bytes);
	devmem__cuda_leave(&scope);
	return err;
}

/* A kernel may not reach memory of another GPU or of another context. The processor copies then. */
static int cuda_gather(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
		       const struct devmem_range *ranges, unsigned int n,
		       void (*done)(void *arg, int result), void *arg)
{
	struct cuda_memory *m = to->priv, *source = from->priv;
	struct devmem__cuda_scope scope;
	int err;

	if (from->backend->gather != cuda_gather || source->context != m->context)
		return -EOPNOTSUPP;
	err = devmem__cuda_enter(m->cu, m->context, &scope);
	if (err)
		return err;
	err = devmem__cuda_gather_run(m->gather, m->pointer + offset, source->pointer, ranges, n,
				      done, arg);
	devmem__cuda_leave(&scope);
	return err;
}

/* Nothing is asked of the driver: the pointer stays as long as the memory. */
static uint64_t cuda_address(const struct devmem_memory *mem, const char **reason)
{
	const struct cuda_memory *m = mem->priv;

	*reason = m->kind == FOREIGN ? "the CUdeviceptr that devmem_buffer_wrap_cuda() was given"
				     : "a CUdeviceptr, for the primary context of the GPU";
	return m->pointer;
}

/* ---------------------------------------------------------------------------------- the devices */

/* Adds a few words on one device. Returns 1 if it exports memory, 0 if not. */
static int list_device(const struct devmem__cuda *cu, int ordinal, char *text, size_t room)
{
	struct devmem__cuda_device device;
	const size_t used = strlen(text);
	int err = devmem__cuda_describe(cu, ordinal, &device);

	if (err)
		return err;
	err = devmem__cuda_exports(cu, &device);
	snprintf(text + used, room - used, "%s%d: %s, %s%s", ordinal ? "; " : "", ordinal,
		 device.address, device.name, err ? ", exports no memory" : "");
	return !err;
}

static int cuda_probe(void *arg, char *text, size_t room)
{
	int count = 0, n = 0, err;
	const struct devmem__cuda *cu = devmem__cuda_load(&err);

	(void)arg;
	if (!err)
		err = devmem__cuda_count(cu, &count);
	if (room)
		text[0] = '\0';
	for (int i = 0; err >= 0 && i < count; i++) {
		err = list_device(cu, i, text, room);
		n += err > 0;
	}
	return err < 0 ? err : n ? 0 : -ENODEV; /* with the last device's error message */
}

const struct devmem_backend devmem__backend_cuda = {
	.size = sizeof(struct devmem_backend),
	.name = "cuda",
	.what = "memory of an NVIDIA GPU",
	.flags = DEVMEM_BACKEND_DMABUF | DEVMEM_BACKEND_DEVICES,
	.probe = cuda_probe,
	.alloc = cuda_alloc,
	.free = cuda_free,
	.copy_in = cuda_copy_in,
	.copy_out = cuda_copy_out,
	.gather = cuda_gather,
	.device_address = cuda_address,
};
