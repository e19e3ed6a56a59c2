// SPDX-License-Identifier: MIT
#include "check.h"
#include "pattern.h"

/* Compares data in the buffer by copying it out piece by piece. */
static bool data_matches(struct devmem_buffer *buffer, uint64_t position,
			 const struct devmem_event *ev)
{
	static _Thread_local unsigned char piece[65536];
	bool good = true;

	for (uint32_t done = 0; good && done < ev->length; done += sizeof(piece)) {
		size_t bytes =
			ev->length - done < sizeof(piece) ? ev->length - done : sizeof(piece);

		good = !devmem_buffer_read(buffer, ev->offset + done, piece, bytes) &&
		       pattern_matches(position + done, piece, bytes);
	}
	return good;
}

bool check_event(struct devmem_buffer *buffer, uint64_t position, const struct devmem_event *ev)
{
	if (ev->type == DEVMEM_EVENT_HOST)
		return pattern_matches(position, (const void *)(uintptr_t)ev->address, ev->length);
	return data_matches(buffer, position, ev);
}
