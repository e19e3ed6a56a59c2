// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engines/copy_tokens.h"

#define FIRST 256u

static int grow(struct devmem__copy_tokens *pieces)
{
	uint32_t count = pieces->count ? pieces->count * 2 : FIRST;
	struct devmem__copy_token *piece =
		count > INT32_MAX ? NULL : realloc(pieces->piece, count * sizeof(*piece));

	if (!piece)
		return devmem__fail(ENOMEM, "no memory to account for %u fragments", count);
	for (uint32_t i = pieces->count; i < count; i++)
		piece[i] = (struct devmem__copy_token){ .chunk = i + 1 };
	pieces->piece = piece;
	pieces->count = count;
	return 0;
}

int64_t devmem__copy_tokens_get(struct devmem__copy_tokens *pieces, uint32_t chunk, uint16_t sock)
{
	uint32_t number = pieces->free;
	int err = number == pieces->count ? grow(pieces) : 0;

	if (err)
		return err;
	pieces->free = pieces->piece[number].chunk;
	pieces->piece[number] =
		(struct devmem__copy_token){ .chunk = chunk, .sock = sock, .out = true };
	return number;
}

int64_t devmem__copy_tokens_put(struct devmem__copy_tokens *pieces, uint32_t number, uint16_t sock)
{
	struct devmem__copy_token *piece;
	uint32_t chunk;

	if (number >= pieces->count)
		return -EINVAL;
	piece = &pieces->piece[number];
	if (!piece->out || piece->sock != sock)
		return -EINVAL;
	chunk = piece->chunk;
	*piece = (struct devmem__copy_token){ .chunk = pieces->free };
	pieces->free = number;
	return chunk;
}

void devmem__copy_tokens_free(struct devmem__copy_tokens *pieces)
{
	free(pieces->piece);
	memset(pieces, 0, sizeof(*pieces));
}
