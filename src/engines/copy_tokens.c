// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engines/copy_tokens.h"

#define FIRST 256u

static int grow(struct devmem__pieces *pieces)
{
	uint32_t count = pieces->count ? pieces->count * 2 : FIRST;
	struct devmem__piece *piece = count > INT32_MAX ? NULL : realloc(pieces->piece, count * sizeof(*piece));

	if (!piece)
		return devmem__fail(ENOMEM, "no memory to account for %u fragments", count);
	for (uint32_t i = pieces->count; i < count; i++)
		piece[i] = (struct devmem__piece){ .chunk = i + 1 };
	pieces->piece = piece;
	pieces->count = count;
	return 0;
}

int64_t devmem__pieces_get(struct devmem__pieces *pieces, uint32_t chunk, uint16_t sock)
{
	uint32_t number = pieces->free;
	int err = number == pieces->count ? grow(pieces) : 0;

	if (err)
		return err;
	pieces->free = pieces->piece[number].chunk;
	pieces->piece[number] = (struct devmem__piece){ .chunk = chunk, .sock = sock, .out = true };
	return number;
}

int64_t devmem__pieces_put(struct devmem__pieces *pieces, uint32_t number, uint16_t sock)
{
	struct devmem__piece *piece;
	uint32_t chunk;

	if (number >= pieces->count)
		return -EINVAL;
	piece = &pieces->piece[number];
	if (!piece->out || piece->sock != sock)
		return -EINVAL;
	chunk = piece->chunk;
	*piece = (struct devmem__piece){ .chunk = pieces->free };
	pieces->free = number;
	return chunk;
}

void devmem__pieces_free(struct devmem__pieces *pieces)
{
	free(pieces->piece);
	memset(pieces, 0, sizeof(*pieces));
}
