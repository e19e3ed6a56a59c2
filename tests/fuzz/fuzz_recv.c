// SPDX-License-Identifier: MIT
/*
 * Whatever the kernel, or a bug in it, writes into a control buffer: reading it never goes outside,
 * never tells of more bytes than were counted, and every token that is handed out is on the books.
 *
 * The input: bytes counted, room for payload, events at a time, and then the control buffer.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "recv.h"

struct header {
	uint32_t bytes;
	uint16_t room;
	uint8_t events, merge;
};

static unsigned char payload[1 << 16];

static void check(const struct devmem_event *ev, size_t room, uint64_t *bytes, uint64_t *tokens)
{
	uintptr_t at = (uintptr_t)ev->address, base = (uintptr_t)payload;

	*bytes += ev->length;
	if (ev->type == DEVMEM_EVENT_DATA)
		*tokens += ev->tokens;
	else if (ev->type != DEVMEM_EVENT_HOST || at < base || at + ev->length > base + room)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct devmem__stream stream = { .dmabuf_id = 1, .buffer = 3, .slot = 2 };
	struct devmem__rx_count count = { 0 };
	uint64_t bytes = 0, tokens = 0;
	struct devmem_event ev[64];
	struct devmem__rx rx;
	struct header h;
	unsigned char *control;
	int got;

	if (size < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	size -= sizeof(h);
	control = malloc(size ? size : 1); /* of its own, so that the sanitizer sees its end */
	if (!control)
		return 0;
	memcpy(control, data + sizeof(h), size);
	stream.merge = h.merge ? h.merge : 1024;
	devmem__rx_start(&rx, control, size, payload, h.room, h.bytes, 7);
	while ((got = devmem__rx_next(&rx, &stream, &count, ev, h.events % 64 + 1u)) > 0)
		for (int i = 0; i < got; i++)
			check(&ev[i], h.room, &bytes, &tokens);
	if (got != 0 && got != -EBADMSG && got != -ENOMEM)
		abort();
	if (bytes > h.bytes && got == 0)
		abort();
	if (tokens != stream.out.count)
		abort();
	devmem__set_free(&stream.out);
	free(control);
	return 0;
}

/* What a kernel really writes: two fragments, a copied part, and something of somebody else's. */
size_t fuzz_seed(uint8_t *data, size_t room)
{
	const struct header h = { .bytes = 3 * 4096 + 100, .room = 4096, .events = 7 };
	const struct devmem__cmsg_frag frag[] = {
		{ .frag_offset = 0, .frag_size = 4096, .frag_token = 1, .dmabuf_id = 1 },
		{ .frag_offset = 4096, .frag_size = 4096, .frag_token = 2, .dmabuf_id = 1 },
		{ .frag_size = 100 },
		{ .frag_offset = 1 << 20, .frag_size = 4096, .frag_token = 9, .dmabuf_id = 1 },
	};
	const int type[] = { DEVMEM_SO_DMABUF, DEVMEM_SO_DMABUF, DEVMEM_SO_LINEAR,
			     DEVMEM_SO_DMABUF };
	size_t at = sizeof(h);

	if (room < sizeof(h) + 4 * CMSG_SPACE(sizeof(frag[0])))
		abort();
	memcpy(data, &h, sizeof(h));
	for (size_t i = 0; i < ARRAY_SIZE(frag); i++) {
		struct cmsghdr c = { .cmsg_len = CMSG_LEN(sizeof(frag[i])),
				     .cmsg_level = SOL_SOCKET,
				     .cmsg_type = type[i] };

		memcpy(data + at, &c, sizeof(c));
		memcpy(data + at + CMSG_LEN(0), &frag[i], sizeof(frag[i]));
		at += CMSG_SPACE(sizeof(frag[i]));
	}
	return at;
}
