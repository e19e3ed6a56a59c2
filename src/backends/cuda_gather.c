// SPDX-License-Identifier: MIT
/*
 * A gather is queued on a stream and not waited for. Each launch reads its list of pieces from a
 * slot in host memory. Slots are used in turn; an event says when the GPU has finished with a slot.
 *
 * cuStreamAddCallback() reports the end of a gather. cuLaunchHostFunc() is similar and newer, but
 * its function is not called when the GPU has failed, and whoever waits for the bytes would wait
 * for ever.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda_gather.h"

#define SLOTS 8u
/* pieces of a slot: 128 MiB in pages of 4 KiB, so that a launch costs little beside its copying */
#define PIECES 32768u
/* pieces of a gather's first launch. Each next launch has twice as many: the GPU starts early and
 * copies while we make the next list. */
#define FIRST 2048u
/* bytes: longer ranges are cut, so that all warps have about the same work */
#define PIECE	16384u
#define THREADS 256u /* of a block: small blocks find room beside other kernels */
#define WARPS	(THREADS / 32)
/* for each multiprocessor: half of its warps, given the registers that the kernel uses */
#define BLOCKS 4u
#define BATCH  1024u /* ranges of a cuMemcpyBatchAsync() */

/* Read by the kernel (cuda_gather.ptx). */
struct piece {
	uint64_t source;
	uint32_t target; /* offset from the target of the launch's first piece */
	uint32_t bytes;
};

struct slot {
	struct devmem__cuda_gather *gather;
	struct piece *pieces;
	unsigned long long device; /* the GPU's address of pieces */
	struct CUevent_st *event;
	atomic_bool promised; /* done is still to be called, once */
	void (*done)(void *arg, int result);
	void *arg;
};

enum method { BY_KERNEL, BY_BATCH, BY_COPIES };

/* The arguments of cuMemcpyBatchAsync(), which reads them before it returns. */
struct batch {
	unsigned long long to[BATCH], from[BATCH];
	size_t bytes[BATCH];
};

struct devmem__cuda_gather {
	atomic_uint refs; /* the owner's, and one for each callback to come */
	const struct devmem__cuda *cu;
	struct CUstream_st *stream;
	enum method method;
	struct CUmod_st *module;
	struct CUfunc_st *kernel;
	unsigned int max_blocks;
	void *pinned;
	unsigned int next; /* the least recently used slot */
	struct slot slot[SLOTS];
	struct batch *batch;
	char words[200];
};

static void unref(struct devmem__cuda_gather *g)
{
	if (atomic_fetch_sub(&g->refs, 1) != 1)
		return;
	free(g->batch);
	free(g);
}

/* ----------------------------------------------------------------------------------- the pieces */

/* The ranges that remain to be copied. */
struct rest {
	const struct devmem_range *range;
	unsigned int n;
	uint64_t taken; /* bytes of the first range that are taken already */
	unsigned long long source, target;
	unsigned int max; /* pieces of the next launch */
};

struct part {
	unsigned long long source, target;
	uint64_t bytes;
};

static bool is_left(struct rest *rest)
{
	while (rest->n && rest->taken == rest->range->length) {
		rest->range++;
		rest->n--;
		rest->taken = 0;
	}
	return rest->n;
}

/* The next part, at most @max bytes. Call it only while something is left. */
static struct part take(struct rest *rest, uint64_t max)
{
	const uint64_t left = rest->range->length - rest->taken;
	struct part part = {
		.source = rest->source + rest->range->offset + rest->taken,
		.target = rest->target,
		.bytes = left < max ? left : max,
	};

	rest->taken += part.bytes;
	rest->target += part.bytes;
	return part;
}

/* True if the next range makes one piece. Nearly all ranges do with pages of 4 KiB; handling them
 * apart saves a third of the time that making the list takes. */
static bool is_whole(const struct rest *rest)
{
	return !rest->taken && rest->range->length <= PIECE - 15;
}

static struct part take_whole(struct rest *rest)
{
	struct part part = {
		.source = rest->source + rest->range->offset,
		.target = rest->target,
		.bytes = rest->range->length,
	};

	rest->range++;
	rest->n--;
	rest->target += part.bytes;
	return part;
}

/* -------------------------------------------------------------------------------------- methods */

static int launch(struct devmem__cuda_gather *g, struct slot *slot, unsigned long long target,
		  unsigned int n)
{
	const unsigned int wanted = n ? (n + WARPS - 1) / WARPS : 1;
	const unsigned int blocks = wanted < g->max_blocks ? wanted : g->max_blocks;
	unsigned long long pieces = slot->device;
	void *parameters[] = { &pieces, &target, &n };

	return CUDA_CALL(g->cu, cuLaunchKernel, g->kernel, blocks, 1, 1, THREADS, 1, 1, 0,
			 g->stream, parameters, NULL);
}

/*
 * Long ranges are cut where the target is aligned to 16 bytes. So no unit of the kernel is divided,
 * and a piece whose source has the same alignment keeps it. Making the list is most of the cost of
 * a long gather; writing to @all for each piece would make it take half as long again.
 */
static unsigned int list(struct piece *pieces, struct rest *all)
{
	struct rest rest = *all;
	unsigned int n = 0;

	while (n < all->max && is_left(&rest)) {
		const struct part part =
			is_whole(&rest) ? take_whole(&rest) : take(&rest, PIECE - rest.target % 16);

		pieces[n++] = (struct piece){
			.source = part.source,
			.target = (uint32_t)(part.target - all->target),
			.bytes = (uint32_t)part.bytes,
		};
	}
	*all = rest;
	return n;
}

static int by_kernel(struct devmem__cuda_gather *g, struct slot *slot, struct rest *rest)
{
	const unsigned long long first = rest->target;
	const unsigned int n = list(slot->pieces, rest);

	rest->max = rest->max < PIECES / 2 ? rest->max * 2 : PIECES;
	return launch(g, slot, first, n);
}

static int by_batch(struct devmem__cuda_gather *g, struct rest *rest)
{
	struct devmem__cuda_copy how = { .order = DEVMEM__CUDA_ORDER_STREAM };
	struct batch *batch = g->batch;
	size_t n = 0, first = 0, failed;

	while (n < BATCH && is_left(rest)) {
		const struct part part = take(rest, UINT64_MAX);

		batch->to[n] = part.target;
		batch->from[n] = part.source;
		batch->bytes[n++] = part.bytes;
	}
	return CUDA_CALL(g->cu, cuMemcpyBatchAsync, batch->to, batch->from, batch->bytes, n, &how,
			 &first, 1, &failed, g->stream);
}

static int by_copies(struct devmem__cuda_gather *g, struct rest *rest)
{
	int err = 0;

	while (!err && is_left(rest)) {
		const struct part part = take(rest, UINT64_MAX);

		err = CUDA_CALL(g->cu, cuMemcpyDtoDAsync, part.target, part.source, part.bytes,
				g->stream);
	}
	return err;
}

/* -------------------------------------------------------------------------------------- running */

/* Runs on a thread of the driver. @result: the GPU's state by then. */
static void gather_over(struct CUstream_st *stream, unsigned int result, void *arg)
{
	struct slot *slot = arg;

	(void)stream;
	if (atomic_exchange(&slot->promised, false))
		slot->done(slot->arg, result == DEVMEM__CUDA_SUCCESS ? 0 : -EIO);
	unref(slot->gather);
}

static int promise(struct devmem__cuda_gather *g, struct slot *slot,
		   void (*done)(void *arg, int result), void *arg)
{
	int err;

	slot->done = done;
	slot->arg = arg;
	atomic_store(&slot->promised, true);
	atomic_fetch_add(&g->refs, 1);
	err = CUDA_CALL(g->cu, cuStreamAddCallback, g->stream, gather_over, slot, 0);
	if (!err)
		return 0;
	atomic_store(&slot->promised, false);
	unref(g);
	return err;
}

/* Queues as much as one slot holds. The last slot of a gather gets the callback. */
static int run_slot(struct devmem__cuda_gather *g, struct rest *rest,
		    void (*done)(void *arg, int result), void *arg)
{
	struct slot *slot = &g->slot[g->next];
	int err = CUDA_CALL(g->cu, cuEventSynchronize, slot->event);

	if (err)
		return err;
	g->next = (g->next + 1) % SLOTS;
	if (g->method == BY_KERNEL)
		err = by_kernel(g, slot, rest);
	else
		err = g->method == BY_BATCH ? by_batch(g, rest) : by_copies(g, rest);
	if (!err && !is_left(rest))
		err = promise(g, slot, done, arg);
	/* The event comes after the callback, which reads the slot too. Without an event, only the
	 * end of all work on the stream says that the slot is free. */
	if (!err && g->cu->cuEventRecord(slot->event, g->stream) != DEVMEM__CUDA_SUCCESS)
		g->cu->cuStreamSynchronize(g->stream);
	return err;
}

int devmem__cuda_gather_run(struct devmem__cuda_gather *g, unsigned long long target,
			    unsigned long long source, const struct devmem_range *ranges,
			    unsigned int n, void (*done)(void *arg, int result), void *arg)
{
	struct rest rest = {
		.range = ranges, .n = n, .source = source, .target = target, .max = FIRST
	};
	int err = 0;

	if (!is_left(&rest)) {
		done(arg, 0);
		return 0;
	}
	while (!err && is_left(&rest))
		err = run_slot(g, &rest, done, arg);
	if (err) /* queued copies must not write to memory that is the caller's again */
		g->cu->cuStreamSynchronize(g->stream);
	return err;
}

/* --------------------------------------------------------------------- from creation to the end */

/* The first launch loads what the driver loads lazily. That waits for everything that runs on the
 * GPU, so we do it now, with a launch that copies nothing. */
static int load_kernel(struct devmem__cuda_gather *g)
{
	int err = CUDA_CALL(g->cu, cuModuleLoadData, &g->module, devmem__cuda_gather_ptx);

	if (!err)
		err = CUDA_CALL(g->cu, cuModuleGetFunction, &g->kernel, g->module, "devmem_gather");
	if (!err)
		err = launch(g, &g->slot[0], g->slot[0].device, 0);
	if (!err)
		err = CUDA_CALL(g->cu, cuStreamSynchronize, g->stream);
	return err;
}

static void unload_kernel(struct devmem__cuda_gather *g)
{
	if (g->module)
		g->cu->cuModuleUnload(g->module);
	if (g->pinned)
		g->cu->cuMemFreeHost(g->pinned);
	g->module = NULL;
	g->pinned = NULL;
}

static int make_lists(struct devmem__cuda_gather *g)
{
	const size_t bytes = PIECES * sizeof(struct piece);
	unsigned long long device;
	int err = CUDA_CALL(g->cu, cuMemHostAlloc, &g->pinned, SLOTS * bytes,
			    DEVMEM__CUDA_HOST_DEVICEMAP);

	if (!err)
		err = CUDA_CALL(g->cu, cuMemHostGetDevicePointer, &device, g->pinned, 0);
	for (unsigned int i = 0; !err && i < SLOTS; i++) {
		g->slot[i].pieces = (struct piece *)((char *)g->pinned + i * bytes);
		g->slot[i].device = device + i * bytes;
	}
	return err;
}

/* Chooses the best method that works here. Fails only for lack of memory. */
static int choose_method(struct devmem__cuda_gather *g)
{
	int err = make_lists(g);

	if (!err)
		err = load_kernel(g);
	if (!err) {
		snprintf(g->words, sizeof(g->words), "by a kernel");
		return 0;
	}
	unload_kernel(g);
	g->method = g->cu->cuMemcpyBatchAsync ? BY_BATCH : BY_COPIES;
	snprintf(g->words, sizeof(g->words), "%s, since the kernel does not work: %.120s",
		 g->method == BY_BATCH ? "by cuMemcpyBatchAsync()" : "by a copy for each range",
		 devmem_error());
	if (g->method == BY_BATCH)
		g->batch = malloc(sizeof(*g->batch));
	return g->method == BY_BATCH && !g->batch ? devmem__fail(ENOMEM, "no memory for lists of "
									 "copies")
						  : 0;
}

static int make_events(struct devmem__cuda_gather *g)
{
	const unsigned int flags =
		DEVMEM__CUDA_EVENT_BLOCKING_SYNC | DEVMEM__CUDA_EVENT_DISABLE_TIMING;
	int err = 0;

	for (unsigned int i = 0; !err && i < SLOTS; i++) {
		g->slot[i].gather = g;
		err = CUDA_CALL(g->cu, cuEventCreate, &g->slot[i].event, flags);
	}
	return err;
}

static void called(struct CUstream_st *stream, unsigned int result, void *arg)
{
	(void)stream, (void)result, (void)arg;
}

/* Runs the calls that a gather ends with once, so that the driver sets up its callback thread and
 * whatever else they need. */
static int warm_up(struct devmem__cuda_gather *g)
{
	int err = CUDA_CALL(g->cu, cuStreamAddCallback, g->stream, called, NULL, 0);

	if (!err)
		err = CUDA_CALL(g->cu, cuEventRecord, g->slot[0].event, g->stream);
	return err ? err : CUDA_CALL(g->cu, cuStreamSynchronize, g->stream);
}

int devmem__cuda_gather_new(const struct devmem__cuda *cu, const struct devmem__cuda_device *device,
			    struct CUstream_st *stream, struct devmem__cuda_gather **out)
{
	struct devmem__cuda_gather *g = calloc(1, sizeof(*g));
	const int processors = devmem__cuda_attribute(cu, device, DEVMEM__CUDA_MULTIPROCESSORS);
	int err;

	if (!g)
		return devmem__fail(ENOMEM, "no memory for gathering");
	atomic_init(&g->refs, 1);
	g->cu = cu;
	g->stream = stream;
	g->max_blocks = BLOCKS * (processors > 0 ? (unsigned int)processors : 1);
	err = make_events(g);
	if (!err)
		err = choose_method(g);
	if (!err)
		err = warm_up(g);
	if (err)
		devmem__cuda_gather_free(g);
	else
		*out = g;
	return err;
}

/*
 * A GPU that has failed may call back late or never. So done() is called here instead. The memory
 * that late callbacks read is freed with the last of them (unref()).
 */
static void keep_promises(struct devmem__cuda_gather *g)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (atomic_exchange(&g->slot[i].promised, false))
			g->slot[i].done(g->slot[i].arg, -EIO);
}

void devmem__cuda_gather_free(struct devmem__cuda_gather *g)
{
	if (!g)
		return;
	if (g->cu->cuStreamSynchronize(g->stream) != DEVMEM__CUDA_SUCCESS)
		keep_promises(g);
	unload_kernel(g);
	for (unsigned int i = 0; i < SLOTS; i++)
		if (g->slot[i].event)
			g->cu->cuEventDestroy(g->slot[i].event);
	unref(g);
}

const char *devmem__cuda_gather_words(const struct devmem__cuda_gather *g)
{
	return g->words;
}
