/* SPDX-License-Identifier: MIT */
/*
 * Tokens of engine copy: one for each fragment that is out, by which its chunk is found. A token is
 * checked when it is released, so that a stale one does no harm. No I/O.
 */
#ifndef DEVMEM__ENGINES_COPY_TOKENS_H
#define DEVMEM__ENGINES_COPY_TOKENS_H

#include "base/internal.h"

struct devmem__copy_token {
	uint32_t chunk; /* while out; else the next free token */
	uint16_t sock;	/* slot of its socket */
	bool out;
};

struct devmem__copy_tokens {
	struct devmem__copy_token *token;
	uint32_t count, free; /* @free: the first free token; equal to @count: there is none */
};

/* devmem__copy_tokens_get() - a token for a fragment of @chunk, or -ENOMEM */
int64_t devmem__copy_tokens_get(struct devmem__copy_tokens *tokens, uint32_t chunk, uint16_t sock);

/* devmem__copy_tokens_put() - release a token. Returns its chunk, or -EINVAL: it is not out, or not
 * of @sock */
int64_t devmem__copy_tokens_put(struct devmem__copy_tokens *tokens, uint32_t token, uint16_t sock);

void devmem__copy_tokens_free(struct devmem__copy_tokens *tokens);

#endif
