/* SPDX-License-Identifier: MIT */
/*
 * Pieces: what was copied into a chunk and handed out, by number. A number is an event's token; it
 * is checked when it comes back, so that a stale one does no harm. Pure bookkeeping.
 */
#ifndef DEVMEM__ENGINES_COPY_TOKENS_H
#define DEVMEM__ENGINES_COPY_TOKENS_H

#include "base/internal.h"

struct devmem__copy_token {
	uint32_t chunk; /* while out; else the next free number */
	uint16_t sock;	/* slot of its socket */
	bool out;
};

struct devmem__copy_tokens {
	struct devmem__copy_token *piece;
	uint32_t count, free; /* @free: the first free number; @count: none */
};

/* devmem__copy_tokens_get() - a number for a piece of @chunk, or -ENOMEM */
int64_t devmem__copy_tokens_get(struct devmem__copy_tokens *pieces, uint32_t chunk, uint16_t sock);

/* devmem__copy_tokens_put() - it comes back. Returns its chunk, or -EINVAL: it is not out, or not
 * of @sock */
int64_t devmem__copy_tokens_put(struct devmem__copy_tokens *pieces, uint32_t number, uint16_t sock);

void devmem__copy_tokens_free(struct devmem__copy_tokens *pieces);

#endif
