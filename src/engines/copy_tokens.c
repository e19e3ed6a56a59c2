// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engines/copy_tokens.h"

#define FIRST 256u

static int grow(struct devmem__copy_tokens *tokens)
{
	uint32_t count = tokens->count ? tokens->count * 2 : FIRST;
	struct devmem__copy_token *entry =
		count > INT32_MAX ? NULL : realloc(tokens->token, count * sizeof(*entry));

	if (!entry)
		return devmem__fail(ENOMEM, "no memory to account for %u fragments", count);
	for (uint32_t i = tokens->count; i < count; i++)
		entry[i] = (struct devmem__copy_token){ .chunk = i + 1 };
	tokens->token = entry;
	tokens->count = count;
	return 0;
}

int64_t devmem__copy_tokens_get(struct devmem__copy_tokens *tokens, uint32_t chunk, uint16_t sock)
{
	uint32_t token = tokens->free;
	int err = token == tokens->count ? grow(tokens) : 0;

	if (err)
		return err;
	tokens->free = tokens->token[token].chunk;
	tokens->token[token] =
		(struct devmem__copy_token){ .chunk = chunk, .sock = sock, .out = true };
	return token;
}

int64_t devmem__copy_tokens_put(struct devmem__copy_tokens *tokens, uint32_t token, uint16_t sock)
{
	struct devmem__copy_token *entry;
	uint32_t chunk;

	if (token >= tokens->count)
		return -EINVAL;
	entry = &tokens->token[token];
	if (!entry->out || entry->sock != sock)
		return -EINVAL;
	chunk = entry->chunk;
	*entry = (struct devmem__copy_token){ .chunk = tokens->free };
	tokens->free = token;
	return chunk;
}

void devmem__copy_tokens_free(struct devmem__copy_tokens *tokens)
{
	free(tokens->token);
	memset(tokens, 0, sizeof(*tokens));
}
