/* SPDX-License-Identifier: MIT */
/* Tokens: which ones a socket has out, and how they go back in few, full operations. No I/O here. */
#ifndef DEVMEM_TOKENS_H
#define DEVMEM_TOKENS_H

#include <stddef.h>

#include "internal.h"
#include "uapi_sock.h"

/* What one SO_DEVMEM_DONTNEED carries. Neighbouring tokens share a run. */
struct devmem__token_batch {
	unsigned int runs;
	unsigned int frags;
	struct devmem__token_run run[DEVMEM__MAX_RUNS];
};

/* devmem__batch_add() - put @count tokens in; returns how many of the first fitted. */
unsigned int devmem__batch_add(struct devmem__token_batch *batch, uint32_t start, unsigned int count);

static inline bool devmem__batch_full(const struct devmem__token_batch *batch)
{
	return batch->runs == DEVMEM__MAX_RUNS || batch->frags == DEVMEM__MAX_FRAGS;
}

/*
 * The tokens that a socket has out, one bit each. The kernel hands out small, dense numbers and uses them again,
 * so a stale release would free somebody else's fragment: every release is checked against this set.
 */
struct devmem__token_set {
	uint64_t *bits;
	size_t words;
	size_t count;
};

/* devmem__set_reserve() - room for tokens below @tokens. -ENOMEM: the set is as it was. */
int devmem__set_reserve(struct devmem__token_set *set, size_t tokens);
void devmem__set_free(struct devmem__token_set *set);

/*
 * devmem__set_add() - a run is out. -ENOMEM; -EEXIST if one of it was out already, -ERANGE if no kernel gives out such
 * numbers: then nothing changed.
 */
int devmem__set_add(struct devmem__token_set *set, uint32_t start, unsigned int count);

/* devmem__set_take() - a run comes back, all of it or, with -EINVAL, none of it. */
int devmem__set_take(struct devmem__token_set *set, uint32_t start, unsigned int count);

/* devmem__set_next_run() - find the first run of tokens at or after @from; false if there is none. */
bool devmem__set_next_run(const struct devmem__token_set *set, size_t from, struct devmem__token_run *run);

#endif
