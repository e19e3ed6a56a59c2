// SPDX-License-Identifier: MIT
/* The bytes of fragments: in which buffer they lie, and dividing them. */
#include <errno.h>

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
	    bytes >= event->length)
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
