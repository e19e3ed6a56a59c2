// SPDX-License-Identifier: MIT
/*
 * Gathering is put on a stream and not waited for. What a launch reads from the host, its list of
 * pieces, lies in a slot; slots are taken in turn, and an event tells when the GPU is through with
 * one.
 *
 * That it is over is told by cuStreamAddCallback(). cuLaunchHostFunc() looks like it and is newer,
 * but is not called when the GPU has failed: whoever waits for the bytes would wait for ever.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda_gather.h"

#define SLOTS 8u
/* of a slot: 128 MiB in pages of 4 KiB, so that a launch costs little beside what it copies */
#define PIECES 32768u
/* of a gather's first launch, each next one twice that: the GPU begins while lists are made */
#define FIRST 2048u
/* bytes: longer ranges are cut, so that warps have about the same to do */
#define PIECE	16384u
#define THREADS 256u /* of a block: small ones find room beside other kernels */
#define WARPS	(THREADS / 32)
/* for each multiprocessor: half of its warps, at the registers that the kernel takes */
#define BLOCKS 4u
#define BATCH  1024u /* ranges of a cuMemcpyBatchAsync() */

/* As the kernel reads it. */
struct piece {
	uint64_t source;
	uint32_t target; /* from where the launch's first piece goes to */
	uint32_t bytes;
};

struct slot {
	struct devmem__cuda_gather *gather;
	struct piece *pieces;
	unsigned long long device; /* the GPU's address of them */
	struct CUevent_st *event;
	atomic_bool promised; /* done is to be called, once */
	void (*done)(void *arg, int result);
	void *arg;
};

enum way { BY_KERNEL, BY_BATCH, BY_COPIES };

/* What cuMemcpyBatchAsync() reads while it is called. */
struct batch {
	unsigned long long to[BATCH], from[BATCH];
	size_t bytes[BATCH];
};

struct devmem__cuda_gather {
	atomic_uint refs; /* the owner's, and one for each promise */
	const struct devmem__cuda *cu;
	struct CUstream_st *stream;
	enum way way;
	struct CUmod_st *module;
	struct CUfunc_st *kernel;
	unsigned int most_blocks;
	void *pinned;
	unsigned int next; /* the slot that was used longest ago */
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

/* ------------------------------------------------------------------------------ what goes where */

/* What is left to be copied. */
struct rest {
	const struct devmem_range *range;
	unsigned int n;
	uint64_t taken; /* of the first of them */
	unsigned long long source, target;
	unsigned int most; /* pieces that the next launch takes */
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

/* Call it while something is left. */
static struct part take(struct rest *rest, uint64_t most)
{
	const uint64_t left = rest->range->length - rest->taken;
	struct part part = {
		.source = rest->source + rest->range->offset + rest->taken,
		.target = rest->target,
		.bytes = left < most ? left : most,
	};

	rest->taken += part.bytes;
	rest->target += part.bytes;
	return part;
}

/* Nearly all of them are, in pages of 4 KiB: a third of the list's time is what taking those at
 * once saves. */
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

/* ----------------------------------------------------------------------------------------- ways */

static int launch(struct devmem__cuda_gather *g, struct slot *slot, unsigned long long target,
		  unsigned int n)
{
	const unsigned int wanted = n ? (n + WARPS - 1) / WARPS : 1;
	const unsigned int blocks = wanted < g->most_blocks ? wanted : g->most_blocks;
	unsigned long long pieces = slot->device;
	void *parameters[] = { &pieces, &target, &n };

	return CUDA_CALL(g->cu, cuLaunchKernel, g->kernel, blocks, 1, 1, THREADS, 1, 1, 0,
			 g->stream, parameters, NULL);
}

/*
 * A cut is where the target is aligned to 16: no unit is divided, and what agrees with its source
 * goes on agreeing. Making the list is most of what a long gather costs, and takes half as long
 * again when @all is written with each piece.
 */
static unsigned int list(struct piece *pieces, struct rest *all)
{
	struct rest rest = *all;
	unsigned int n = 0;

	while (n < all->most && is_left(&rest)) {
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

	rest->most = rest->most < PIECES / 2 ? rest->most * 2 : PIECES;
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

/* On a thread of the driver's. @result: of the GPU's, by then. */
static void over(struct CUstream_st *stream, unsigned int result, void *arg)
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
	err = CUDA_CALL(g->cu, cuStreamAddCallback, g->stream, over, slot, 0);
	if (!err)
		return 0;
	atomic_store(&slot->promised, false);
	unref(g);
	return err;
}

/* As much of it as one slot holds; the last one of a gather has its promise. */
static int run_slot(struct devmem__cuda_gather *g, struct rest *rest,
		    void (*done)(void *arg, int result), void *arg)
{
	struct slot *slot = &g->slot[g->next];
	int err = CUDA_CALL(g->cu, cuEventSynchronize, slot->event);

	if (err)
		return err;
	g->next = (g->next + 1) % SLOTS;
	if (g->way == BY_KERNEL)
		err = by_kernel(g, slot, rest);
	else
		err = g->way == BY_BATCH ? by_batch(g, rest) : by_copies(g, rest);
	if (!err && !is_left(rest))
		err = promise(g, slot, done, arg);
	/* Behind the callback, which reads the slot too. Without an event only the end of
	 * everything tells. */
	if (!err && g->cu->cuEventRecord(slot->event, g->stream) != DEVMEM__CUDA_SUCCESS)
		g->cu->cuStreamSynchronize(g->stream);
	return err;
}

int devmem__cuda_gather_run(struct devmem__cuda_gather *g, unsigned long long target,
			    unsigned long long source, const struct devmem_range *ranges,
			    unsigned int n, void (*done)(void *arg, int result), void *arg)
{
	struct rest rest = {
		.range = ranges, .n = n, .source = source, .target = target, .most = FIRST
	};
	int err = 0;

	if (!is_left(&rest)) {
		done(arg, 0);
		return 0;
	}
	while (!err && is_left(&rest))
		err = run_slot(g, &rest, done, arg);
	if (err) /* what is under way already must not write to what is the caller's again */
		g->cu->cuStreamSynchronize(g->stream);
	return err;
}

/* --------------------------------------------------------------------- from creation to the end */

/* The first launch loads what is loaded lazily, which waits for all that runs on the GPU: better
 * now. It copies nothing. */
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

/* The best way that works here. Only without memory is there none. */
static int choose_way(struct devmem__cuda_gather *g)
{
	int err = make_lists(g);

	if (!err)
		err = load_kernel(g);
	if (!err) {
		snprintf(g->words, sizeof(g->words), "by a kernel");
		return 0;
	}
	unload_kernel(g);
	g->way = g->cu->cuMemcpyBatchAsync ? BY_BATCH : BY_COPIES;
	snprintf(g->words, sizeof(g->words), "%s, since there is no kernel: %.120s",
		 g->way == BY_BATCH ? "by cuMemcpyBatchAsync()" : "by a copy for each range",
		 devmem_error());
	if (g->way == BY_BATCH)
		g->batch = malloc(sizeof(*g->batch));
	return g->way == BY_BATCH && !g->batch ? devmem__fail(ENOMEM, "no memory for lists of "
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

/* What a gather ends with, once, so that the driver has the thread for it and what else it
 * wants. */
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
	g->most_blocks = BLOCKS * (processors > 0 ? (unsigned int)processors : 1);
	err = make_events(g);
	if (!err)
		err = choose_way(g);
	if (!err)
		err = warm_up(g);
	if (err)
		devmem__cuda_gather_free(g);
	else
		*out = g;
	return err;
}

/*
 * A GPU that has failed may call back late, or never: what was promised is kept here then, and what
 * a late callback looks at goes with the last of them.
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
