// SPDX-License-Identifier: MIT
/*
 * Placement copies host bytes into a spill buffer of the same backend, so that an application that
 * asked for it sees device memory only. The spill buffer is allocated in chunks, first fit. A run
 * that does not fit as a whole is placed in parts. If there is no room at all, the run is held, and
 * everything that was received after it waits behind it.
 */
#include <errno.h>
#include <string.h>

#include "bind.h"
#include "memory/buffer.h"
#include "recv/messages.h"

#define CHUNK	      4096u
#define DEFAULT_BYTES (4u << 20)
#define MAX_CHUNKS    UINT16_MAX /* of one event, which counts them as its tokens */

int devmem__spill_check(const struct devmem_ring_opts *o)
{
	if (o->spill_bytes % CHUNK || o->spill_bytes > 1u << 30)
		return devmem__fail(EINVAL,
				    "ring option spill_bytes: a multiple of %u, at most 1 GiB",
				    CHUNK);
	return 0;
}

/* Called when the first socket asks for placement. The spill buffer has the backend and the device
 * of that socket's binding. */
int devmem__spill_open(struct devmem_ring *ring, const struct devmem_binding *binding)
{
	struct devmem__ring_spill *spill = &ring->spill;
	size_t bytes = spill->bytes ? spill->bytes : DEFAULT_BYTES;
	int err;

	if (spill->buffer)
		return 0;
	err = devmem__buffer_like(devmem__binding_buffer(binding), bytes, &spill->buffer);
	if (err)
		return err;
	err = devmem__set_reserve(&spill->used, bytes / CHUNK);
	if (err) {
		devmem_buffer_close(spill->buffer);
		spill->buffer = NULL;
		return err;
	}
	spill->chunks = (unsigned int)(bytes / CHUNK);
	return 0;
}

void devmem__spill_close(struct devmem_ring *ring)
{
	devmem_buffer_close(ring->spill.buffer);
	devmem__set_free(&ring->spill.used);
}

bool devmem__spill_owns(const struct devmem_ring *ring, const struct devmem_event *ev)
{
	return ring->spill.buffer && ev->buffer == devmem_buffer_id(ring->spill.buffer);
}

int devmem__spill_put(struct devmem_ring *ring, uint32_t chunk, unsigned int chunks)
{
	if (devmem__set_take(&ring->spill.used, chunk, chunks))
		return devmem__fail(EINVAL, "a fragment in the spill buffer was released that is "
					    "not out");
	return 0;
}

/* The first free run of at most @want chunks. Returns its length, 0 if nothing is free. */
static unsigned int find_room(const struct devmem__ring_spill *spill, unsigned int want,
			      uint32_t *start)
{
	struct devmem__token_run used = { 0 };
	size_t at = 0;

	for (;;) {
		bool more = devmem__set_next_run(&spill->used, at, &used);
		size_t end = more ? used.start : spill->chunks;

		if (end > spill->chunks)
			end = spill->chunks;
		if (end > at) {
			*start = (uint32_t)at;
			return end - at < want ? (unsigned int)(end - at) : want;
		}
		if (!more || used.start >= spill->chunks)
			return 0;
		at = (size_t)used.start + used.count;
	}
}

/*
 * devmem__spill_held() - place the held run, or as much of it as there is room for, and describe it
 * in @event. Returns 1; or -ENOBUFS, or the exporter's error, and the run stays held.
 */
int devmem__spill_held(struct devmem_ring *ring, struct devmem_event *event)
{
	struct devmem__ring_spill *spill = &ring->spill;
	struct devmem_event *held = &spill->held;
	unsigned int want = (held->length + CHUNK - 1) / CHUNK, chunks;
	uint32_t start = 0, bytes;
	int err;

	chunks = find_room(spill, want < MAX_CHUNKS ? want : MAX_CHUNKS, &start);
	if (!chunks)
		return -ENOBUFS; /* an answer: without an error message */
	bytes = chunks * CHUNK < held->length ? chunks * CHUNK : held->length;
	err = devmem__buffer_write(spill->buffer, (uint64_t)start * CHUNK,
				   (const void *)(uintptr_t)held->address, bytes);
	if (!err)
		err = devmem__set_add(&spill->used, start, chunks);
	if (err)
		return err;
	*event = *held;
	event->type = DEVMEM_EVENT_DATA;
	event->buffer = devmem_buffer_id(spill->buffer);
	event->offset = (uint64_t)start * CHUNK;
	event->length = bytes;
	event->token = start;
	event->tokens = (uint16_t)chunks;
	if (!ring->stats.bytes_placed)
		devmem__log(DEVMEM_LOG_WARNING, "bytes come that the NIC did not write into device "
						"memory: they are copied into the spill buffer");
	ring->stats.bytes_placed += bytes;
	ring->spill.held_of->stats.bytes_placed += bytes;
	held->address += bytes;
	held->length -= bytes;
	if (!held->length)
		devmem__spill_drop(ring);
	return 1;
}

/* The held run is no longer needed: releases its receive buffer. */
void devmem__spill_drop(struct devmem_ring *ring)
{
	struct devmem_event held = ring->spill.held;

	ring->spill.held_of = NULL;
	devmem__messages_put_host(ring, held.token);
}
