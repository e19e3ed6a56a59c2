// SPDX-License-Identifier: MIT
/*
 * The bytes of fragments: in which buffer they lie, dividing them, and copying some of them to the
 * program's memory. Bytes that the processor cannot map are copied by the buffer's backend.
 */
#include <errno.h>
#include <string.h>

#include "base/event.h"
#include "bind.h"
#include "memory/buffer.h"
#include "ring/fragment.h"
#include "ring/loop.h"

int devmem__fragment_buffer(const struct devmem_ring *ring, const struct devmem_event *ev,
			    struct devmem_buffer **buffer)
{
	const struct devmem_sock *sock =
		ev->sock < ring->socks.slots ? ring->socks.slot[ev->sock] : NULL;

	/* host bytes and the spill buffer belong to the ring: these fragments outlive a detached
	 * socket */
	*buffer = NULL;
	if (ev->type == DEVMEM_EVENT_HOST)
		return 0;
	*buffer = ring->spill.buffer;
	if (!devmem__spill_owns(ring, ev)) {
		if (!sock)
			return devmem__fail(EINVAL, "a fragment's socket is not on this ring");
		*buffer = devmem__binding_buffer(sock->binding);
	}
	if (ev->buffer != devmem_buffer_id(*buffer))
		return devmem__fail(EINVAL, "a fragment came through a queue of another binding: "
					    "the library does not know its buffer");
	if (ev->offset <= devmem_buffer_size(*buffer) &&
	    ev->length <= devmem_buffer_size(*buffer) - ev->offset)
		return 0;
	return devmem__fail(EINVAL, "a fragment does not lie in its buffer: was the event "
				    "changed?");
}

/* ---------------------------------------------------------------------------------------- split */

static int event_split(struct devmem_event *event, uint32_t bytes, struct devmem_event *rest)
{
	if (!event || !rest || event == rest || !devmem__event_has_bytes(event) || !bytes ||
	    bytes > event->length)
		return devmem__fail(EINVAL, "devmem_event_split: not a fragment, or not a part of "
					    "it");
	*rest = *event;
	event->flags |= DEVMEM_EVENT_F_PART;
	event->length = bytes;
	event->token = 0;
	event->tokens = 0;
	rest->offset += bytes; /* or its address: they share their place */
	rest->length -= bytes;
	return 0;
}

int devmem_event_split(struct devmem_event *event, uint32_t bytes, struct devmem_event *rest)
{
	return devmem__result(event_split(event, bytes, rest));
}

/* ----------------------------------------------------------------------------------------- read */

static uint64_t bytes_of(const struct devmem_event *ev)
{
	return devmem__event_has_bytes(ev) ? ev->length : 0;
}

/* Copies @bytes from @at on, which the fragment has. */
static int read_one(const struct devmem_ring *ring, const struct devmem_event *ev, uint64_t at,
		    void *dst, size_t bytes)
{
	struct devmem_buffer *buffer;
	int err = devmem__fragment_buffer(ring, ev, &buffer);

	if (err)
		return err;
	if (buffer)
		return devmem__buffer_read(buffer, ev->offset + at, dst, bytes);
	memcpy(dst, (const void *)(uintptr_t)(ev->address + at), bytes);
	return 0;
}

static int check_read(const struct devmem_ring *ring, const struct devmem_event *events,
		      unsigned int n, uint64_t at, const void *dst, size_t bytes)
{
	uint64_t has = 0;
	int err;

	if (!ring || (!events && n) || (!dst && bytes))
		return devmem__fail(EINVAL, "no ring, no events, or nowhere to read to");
	err = devmem__uring_check_thread(&ring->uring);
	if (err)
		return err;
	for (unsigned int i = 0; i < n && (has < at || has - at < bytes); i++)
		has += bytes_of(&events[i]);
	if (at <= has && bytes <= has - at)
		return 0;
	return devmem__fail(ERANGE, "%zu bytes from byte %llu on are more than the fragments' %llu",
			    bytes, (unsigned long long)at, (unsigned long long)has);
}

static int events_read(const struct devmem_ring *ring, const struct devmem_event *events,
		       unsigned int n, uint64_t at, void *dst, size_t bytes)
{
	unsigned char *to = dst;
	int err = check_read(ring, events, n, at, dst, bytes);

	for (unsigned int i = 0; !err && bytes && i < n; i++) {
		const uint64_t has = bytes_of(&events[i]);
		size_t some;

		if (at >= has) {
			at -= has;
			continue;
		}
		some = has - at < bytes ? (size_t)(has - at) : bytes;
		err = read_one(ring, &events[i], at, to, some);
		to += some;
		bytes -= some;
		at = 0;
	}
	return err;
}

int devmem_events_read(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n,
		       uint64_t at, void *dst, size_t bytes)
{
	return devmem__result(events_read(ring, events, n, at, dst, bytes));
}

static int event_read(const struct devmem_ring *ring, const struct devmem_event *event, uint64_t at,
		      void *dst, size_t bytes)
{
	int err = ring ? devmem__uring_check_thread(&ring->uring) : 0;

	if (err)
		return err;
	if (!event || !devmem__event_has_bytes(event))
		return devmem__fail(EINVAL, "devmem_event_read: not a fragment");
	return events_read(ring, event, 1, at, dst, bytes);
}

int devmem_event_read(struct devmem_ring *ring, const struct devmem_event *event, uint64_t at,
		      void *dst, size_t bytes)
{
	return devmem__result(event_read(ring, event, at, dst, bytes));
}
