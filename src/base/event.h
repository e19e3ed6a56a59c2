/* SPDX-License-Identifier: MIT */
/* The last 8 bytes of an event say what it belongs to. They are read and compared together. */
#ifndef DEVMEM__BASE_EVENT_H
#define DEVMEM__BASE_EVENT_H

#include <stddef.h>
#include <string.h>

#include "base/internal.h"

#define DEVMEM__EVENT_END offsetof(struct devmem_event, tokens)

/* tokens, sock, buffer, type and flags */
_Static_assert(sizeof(struct devmem_event) - DEVMEM__EVENT_END == sizeof(uint64_t), "last 8 bytes");

static inline uint64_t devmem__event_end(const struct devmem_event *ev)
{
	uint64_t end;

	memcpy(&end, &ev->tokens, sizeof(end));
	return end;
}

/* devmem__event_of() - the last 8 bytes without the token count: equal in all events of this type,
 * socket and buffer, unless their flags differ. */
static inline uint64_t devmem__event_of(const struct devmem_event *ev)
{
	const struct devmem_event tokens = { .tokens = UINT16_MAX };

	return devmem__event_end(ev) & ~devmem__event_end(&tokens);
}

/* devmem__event_has_bytes() - true for DATA and HOST, whole fragments or parts. */
static inline bool devmem__event_has_bytes(const struct devmem_event *ev)
{
	return ev->type == DEVMEM_EVENT_DATA || ev->type == DEVMEM_EVENT_HOST;
}

/* devmem__event_is_fragment() - true if releasing the event gives a fragment back: it is no part
 * of one. */
static inline bool devmem__event_is_fragment(const struct devmem_event *ev)
{
	return devmem__event_has_bytes(ev) && !(ev->flags & DEVMEM_EVENT_F_PART);
}

#endif
