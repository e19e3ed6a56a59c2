/* SPDX-License-Identifier: MIT */
/*
 * Pieces: what was copied into a chunk and handed out, by number. A number is an event's token; it is checked when it
 * comes back, so that a stale one does no harm. Pure bookkeeping.
 */
#ifndef DEVMEM_PIECES_H
#define DEVMEM_PIECES_H

#include "base/internal.h"

struct devmem__piece {
	uint32_t chunk;			/* while out; else the next free number */
	uint16_t sock;			/* slot of its socket */
	bool out;
};

struct devmem__pieces {
	struct devmem__piece *piece;
	uint32_t count, free;		/* @free: the first free number; @count: none */
};

/* devmem__pieces_get() - a number for a piece of @chunk, or -ENOMEM */
int64_t devmem__pieces_get(struct devmem__pieces *pieces, uint32_t chunk, uint16_t sock);

/* devmem__pieces_put() - it comes back. Returns its chunk, or -EINVAL: it is not out, or not of @sock */
int64_t devmem__pieces_put(struct devmem__pieces *pieces, uint32_t number, uint16_t sock);

void devmem__pieces_free(struct devmem__pieces *pieces);

#endif
