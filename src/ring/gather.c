// SPDX-License-Identifier: MIT
/*
 * Gathering copies a list of fragments into one range. Fragments that lie in one buffer go to its
 * backend together, which may answer later and from another thread. The fragments of the next
 * buffer do not wait for that answer. The last answer ends the gather, and the ring's thread then
 * releases the fragments.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"
#include "bind.h"
#include "memory/buffer.h"
#include "ring/fragment.h"
#include "ring/loop.h"

struct devmem__gather {
	struct devmem__gather *next;
	struct devmem_ring *ring;
	struct devmem_buffer *to; /* a reference */
	uint64_t cookie;
	int32_t bytes;
	atomic_uint parts; /* that are not over; the call itself is one */
	atomic_bool over;
	atomic_int result; /* the first failure */
	unsigned int n, room;
	struct devmem_range *ranges; /* where the fragments lie: scratch for the call */
	struct devmem_event event[]; /* the fragments */
};

void devmem__gathers_open(struct devmem__ring_gathers *gathers)
{
	pthread_mutex_init(&gathers->lock, NULL);
	pthread_cond_init(&gathers->ended, NULL);
}

/* ------------------------------------------------------------------------------------ fragments */

static int add_up(const struct devmem_event *events, unsigned int n, unsigned int *fragments,
		  uint64_t *bytes)
{
	*fragments = 0;
	*bytes = 0;
	for (unsigned int i = 0; i < n; i++) {
		if (!devmem__event_has_bytes(&events[i]))
			continue;
		++*fragments;
		*bytes += events[i].length;
	}
	return *bytes <= INT32_MAX ? 0
				   : devmem__fail(EMSGSIZE, "devmem_gather: 2 GiB or more at "
							    "once: split it into several calls");
}

static int check_fragment(const struct devmem_ring *ring, const struct devmem_event *ev,
			  struct devmem_buffer *to, uint64_t offset, uint64_t bytes)
{
	struct devmem_buffer *from;
	int err = devmem__fragment_buffer(ring, ev, &from);

	if (err || from != to || !ev->length || ev->offset >= offset + bytes ||
	    offset >= ev->offset + ev->length)
		return err;
	return devmem__fail(EINVAL,
			    "devmem_gather: a fragment at %llu overlaps the target, %llu bytes at "
			    "%llu",
			    (unsigned long long)ev->offset, (unsigned long long)bytes,
			    (unsigned long long)offset);
}

static int check(const struct devmem_ring *ring, const struct devmem_event *events, unsigned int n,
		 struct devmem_buffer *to, uint64_t offset, unsigned int *fragments,
		 uint64_t *bytes)
{
	const uint64_t size = devmem_buffer_size(to);
	int err = add_up(events, n, fragments, bytes);

	if (!err && (offset > size || *bytes > size - offset))
		err = devmem__fail(ERANGE,
				   "devmem_gather: %llu bytes at %llu do not lie in a buffer of "
				   "%llu",
				   (unsigned long long)*bytes, (unsigned long long)offset,
				   (unsigned long long)size);
	for (unsigned int i = 0; !err && i < n; i++)
		if (devmem__event_has_bytes(&events[i]))
			err = check_fragment(ring, &events[i], to, offset, *bytes);
	return err;
}

/* --------------------------------------------------------------------------- beginning and end */

/* Takes a spare gather if it is large enough: after a program's longest list nothing is allocated
 * any more. */
static struct devmem__gather *get(struct devmem_ring *ring, unsigned int n)
{
	struct devmem__gather *g = ring->gathers.spare;

	if (g)
		ring->gathers.spare = g->next;
	if (g && g->room >= n)
		return g;
	free(g);
	g = calloc(1, sizeof(*g) + n * (sizeof(g->event[0]) + sizeof(g->ranges[0])));
	if (!g) {
		devmem__fail(ENOMEM, "no memory to gather %u fragments", n);
		return NULL;
	}
	g->ring = ring;
	g->room = n;
	g->ranges = (struct devmem_range *)(g->event + n);
	return g;
}

static void put(struct devmem_ring *ring, struct devmem__gather *g)
{
	devmem__buffer_drop(g->to, &ring->bindings.ended_buffers);
	g->next = ring->gathers.spare;
	ring->gathers.spare = g;
}

/*
 * Once @g->over is set, @g belongs to the ring's thread, which may reuse or free it: it is not read
 * after that. The ring is woken before the lock is released, since the ring may be gone afterwards.
 */
static void over(struct devmem__gather *g)
{
	struct devmem_ring *ring = g->ring;
	struct devmem__ring_gathers *gathers = &ring->gathers;

	pthread_mutex_lock(&gathers->lock);
	gathers->under_way--;
	atomic_store(&g->over, true);
	atomic_store(&gathers->news, true);
	devmem__wake(ring);
	pthread_cond_signal(&gathers->ended);
	pthread_mutex_unlock(&gathers->lock);
}

/* Called from any thread. */
static void part_done(void *arg, int result)
{
	struct devmem__gather *g = arg;
	int none = 0;

	if (result)
		atomic_compare_exchange_strong(&g->result, &none, result);
	if (atomic_fetch_sub(&g->parts, 1) == 1)
		over(g);
}

/* ------------------------------------------------------------------------------------ under way */

/* The run of fragments, from @first on, that lie in one buffer. Returns how many; *ranges: how many
 * ranges they have from g->ranges[@first] on, since those of 0 bytes have none. */
static unsigned int run_of(const struct devmem__gather *g, unsigned int first,
			   struct devmem_buffer **from, unsigned int *ranges, uint64_t *bytes)
{
	struct devmem_buffer *other;
	unsigned int i = first;

	*bytes = *ranges = 0;
	devmem__fragment_buffer(g->ring, &g->event[first], from);
	for (; i < g->n; i++) {
		const struct devmem_event *ev = &g->event[i];

		devmem__fragment_buffer(g->ring, ev, &other);
		if (other != *from)
			break;
		if (!ev->length)
			continue;
		/* HOST: the address, which shares its place */
		g->ranges[first + (*ranges)++] = (struct devmem_range){ ev->offset, ev->length };
		*bytes += ev->length;
	}
	return i - first;
}

static int copy_host(struct devmem__gather *g, const struct devmem_range *ranges, unsigned int n,
		     uint64_t offset)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < n; i++) {
		err = devmem__buffer_write(g->to, offset, (const void *)(uintptr_t)ranges[i].offset,
					   ranges[i].length);
		offset += ranges[i].length;
	}
	if (!err)
		part_done(g, 0);
	return err;
}

static int start_run(struct devmem__gather *g, struct devmem_buffer *from, unsigned int first,
		     unsigned int n, uint64_t offset)
{
	int err;

	atomic_fetch_add(&g->parts, 1);
	if (from)
		err = devmem__memory_gather(devmem__buffer_memory(g->to), offset,
					    devmem__buffer_memory(from), g->ranges + first, n,
					    part_done, g);
	else
		err = copy_host(g, g->ranges + first, n, offset);
	if (err)
		atomic_fetch_sub(&g->parts, 1);
	return err;
}

/* Returns the first failure; *begun: a part was under way before it. */
static int start(struct devmem__gather *g, uint64_t offset, bool *begun)
{
	struct devmem_buffer *from;
	unsigned int ranges;
	uint64_t bytes;
	int err = 0;

	*begun = false;
	for (unsigned int first = 0, n; !err && first < g->n; first += n) {
		n = run_of(g, first, &from, &ranges, &bytes);
		if (!ranges)
			continue;
		err = start_run(g, from, first, ranges, offset);
		*begun |= !err;
		offset += bytes;
	}
	return err;
}

static void append(struct devmem_ring *ring, struct devmem__gather *g)
{
	struct devmem__ring_gathers *gathers = &ring->gathers;

	g->next = NULL;
	if (gathers->first)
		gathers->last->next = g;
	else
		gathers->first = g;
	gathers->last = g;
	ring->stats.gathers++;
	pthread_mutex_lock(&gathers->lock);
	gathers->under_way++;
	pthread_mutex_unlock(&gathers->lock);
}

static int gather(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n,
		  struct devmem_buffer *to, uint64_t offset, uint64_t cookie)
{
	struct devmem__gather *g;
	unsigned int fragments;
	uint64_t bytes;
	bool begun;
	int err;

	if (!ring || !to || (!events && n))
		return devmem__fail(EINVAL, "devmem_gather: no ring, no events, or no buffer");
	err = devmem__uring_check_thread(&ring->uring) ?: devmem__buffer_check(to);
	if (err)
		return err;
	err = check(ring, events, n, to, offset, &fragments, &bytes);
	if (err)
		return err;
	g = get(ring, fragments);
	if (!g)
		return -ENOMEM;
	g->n = 0;
	for (unsigned int i = 0; i < n; i++)
		if (devmem__event_has_bytes(&events[i]))
			g->event[g->n++] = events[i];
	g->to = to;
	g->cookie = cookie;
	g->bytes = (int32_t)bytes;
	devmem__buffer_ref(to);
	atomic_store(&g->parts, 1);
	atomic_store(&g->over, false);
	atomic_store(&g->result, 0);
	err = start(g, offset, &begun);
	if (err && !begun) {
		put(ring, g);
		return err;
	}
	/* parts that are under way still read the fragments, which the caller would take back on
	 * an error: so the failure is reported by the event, when all of them are over */
	append(ring, g);
	part_done(g, err);
	return 0;
}

int devmem_gather(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n,
		  struct devmem_buffer *to, uint64_t offset, uint64_t cookie)
{
	return devmem__result(gather(ring, events, n, to, offset, cookie));
}

/* ----------------------------------------------------------------------------------------- over */

static struct devmem__gather *next_over(struct devmem__ring_gathers *gathers)
{
	struct devmem__gather *g = gathers->first;

	if (!atomic_load_explicit(&gathers->news, memory_order_relaxed))
		return NULL;
	/* Pairs with the stores in over(): a gather that ends after this check sets news again. */
	atomic_store(&gathers->news, false);
	if (!g || !atomic_load(&g->over))
		return NULL;
	gathers->first = g->next;
	atomic_store(&gathers->news, true); /* the next gather may be over too */
	return g;
}

unsigned int devmem__gathers_event(struct devmem_ring *ring, struct devmem_event *event)
{
	struct devmem__gather *g = next_over(&ring->gathers);
	int err;

	if (!g)
		return 0;
	err = devmem__release_all(ring, g->event, g->n);
	*event = (struct devmem_event){
		.cookie = g->cookie,
		.result = atomic_load(&g->result) ?: err ?: g->bytes,
		.buffer = devmem_buffer_id(g->to),
		.type = DEVMEM_EVENT_GATHERED,
	};
	if (event->result >= 0)
		ring->stats.bytes_gathered += (uint32_t)event->result;
	ring->gathers.reported++;
	put(ring, g);
	return 1;
}

void devmem__gathers_await(struct devmem_ring *ring)
{
	struct devmem__ring_gathers *gathers = &ring->gathers;

	pthread_mutex_lock(&gathers->lock);
	while (gathers->under_way)
		pthread_cond_wait(&gathers->ended, &gathers->lock);
	pthread_mutex_unlock(&gathers->lock);
}

static void free_spare(struct devmem__ring_gathers *gathers)
{
	struct devmem__gather *g;

	while ((g = gathers->spare)) {
		gathers->spare = g->next;
		free(g);
	}
}

/* Nobody copies in a forked child: whatever thread or device copies, copies the parent's memory. */
void devmem__gathers_forget(struct devmem_ring *ring)
{
	struct devmem__gather *g;

	while ((g = ring->gathers.first)) {
		ring->gathers.first = g->next;
		put(ring, g);
	}
	free_spare(&ring->gathers);
}

void devmem__gathers_close(struct devmem_ring *ring)
{
	struct devmem__gather *g;

	while ((g = next_over(&ring->gathers)))
		put(ring, g);
	free_spare(&ring->gathers);
	pthread_cond_destroy(&ring->gathers.ended);
	pthread_mutex_destroy(&ring->gathers.lock);
}
