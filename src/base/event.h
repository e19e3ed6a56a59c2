/* SPDX-License-Identifier: MIT */
/* The end of an event says what it is of, in 8 bytes: they are read and compared together. */
#ifndef DEVMEM__BASE_EVENT_H
#define DEVMEM__BASE_EVENT_H

#include <stddef.h>
#include <string.h>

#include "base/internal.h"

#define DEVMEM__EVENT_END offsetof(struct devmem_event, tokens)

_Static_assert(sizeof(struct devmem_event) - DEVMEM__EVENT_END == sizeof(uint64_t), "tokens, sock, "
										    "buffer and "
										    "type lie "
										    "together, at "
										    "the end");

static inline uint64_t devmem__event_end(const struct devmem_event *ev)
{
	uint64_t end;

	memcpy(&end, &ev->tokens, sizeof(end));
	return end;
}

/* devmem__event_of() - what is alike in all events of this kind, socket and buffer: all but how
 * many tokens they have. */
static inline uint64_t devmem__event_of(const struct devmem_event *ev)
{
	const struct devmem_event tokens = { .tokens = UINT16_MAX };

	return devmem__event_end(ev) & ~devmem__event_end(&tokens);
}

#endif
