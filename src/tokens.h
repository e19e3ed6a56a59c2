/* SPDX-License-Identifier: MIT */
/*
 * Tokens: which ones a socket has outstanding, and how to return them to the kernel in few, full
 * operations. No I/O. This file and tokens.c are a room of their own, which may include base.
 */
#ifndef DEVMEM__TOKENS_H
#define DEVMEM__TOKENS_H

#include <errno.h>
#include <stddef.h>

#include "base/internal.h"
#include "base/uapi_sock.h"

/* The runs of tokens that one SO_DEVMEM_DONTNEED returns. Consecutive tokens share a run. */
struct devmem__token_batch {
	unsigned int runs;
	unsigned int frags;
	struct devmem__token_run run[DEVMEM__MAX_RUNS];
};

/* devmem__batch_add() - add the @count tokens from @start on. Returns how many of them fitted. */
unsigned int devmem__batch_add(struct devmem__token_batch *batch, uint32_t start,
			       unsigned int count);

static inline bool devmem__batch_full(const struct devmem__token_batch *batch)
{
	return batch->runs == DEVMEM__MAX_RUNS || batch->frags == DEVMEM__MAX_FRAGS;
}

/*
 * The outstanding tokens of a socket, one bit each. The kernel hands out small, dense numbers and
 * reuses them, so a second release of the same token could free a later fragment. Therefore every
 * release is checked against this set.
 */
struct devmem__token_set {
	uint64_t *bits;
	size_t words;
	size_t count;
};

/* devmem__set_reserve() - make room for tokens below @tokens. -ENOMEM: the set is unchanged. */
int devmem__set_reserve(struct devmem__token_set *set, size_t tokens);
void devmem__set_free(struct devmem__token_set *set);

/*
 * The rare cases of the inline functions below. devmem__set_make_room() - grow the set to hold a
 * run. -ENOMEM; -ERANGE: no kernel hands out such numbers.
 * devmem__set_move_long() - devmem__set_move() for a run that spans several words.
 */
int devmem__set_make_room(struct devmem__token_set *set, uint32_t start, unsigned int count);
bool devmem__set_move_long(struct devmem__token_set *set, uint32_t start, unsigned int count,
			   bool out);

#define DEVMEM__WORD_BITS 64u

/* A mask of @n bits of a word from bit @shift on. @n is at least 1. */
static inline uint64_t devmem__run_mask(unsigned int shift, unsigned int n)
{
	return UINT64_MAX >> (DEVMEM__WORD_BITS - n) << shift;
}

static inline bool devmem__set_has_room(const struct devmem__token_set *set, uint32_t start,
					unsigned int count)
{
	return (uint64_t)start + count <= (uint64_t)set->words * DEVMEM__WORD_BITS;
}

/*
 * Set (@out) or clear a run of tokens, all or nothing. false: not all of them were clear, or set,
 * before. The set has room for the run. Inline because it is a good part of the cost of a short
 * message, whose run is a single token. A run nearly always lies in one word.
 */
static inline bool devmem__set_move(struct devmem__token_set *set, uint32_t start,
				    unsigned int count, bool out)
{
	const unsigned int shift = start % DEVMEM__WORD_BITS;
	uint64_t *word = &set->bits[start / DEVMEM__WORD_BITS], mask;

	if (count > DEVMEM__WORD_BITS - shift)
		return devmem__set_move_long(set, start, count, out);
	mask = devmem__run_mask(shift, count);
	if ((*word & mask) != (out ? 0 : mask))
		return false;
	*word ^= mask;
	return true;
}

/*
 * devmem__set_add() - add a run of tokens, all or nothing. -ENOMEM; -EEXIST: one of them is in the
 * set already; -ERANGE: no kernel hands out such numbers.
 */
static inline int devmem__set_add(struct devmem__token_set *set, uint32_t start, unsigned int count)
{
	/* rare: attaching a socket reserves room for a whole buffer */
	if (!devmem__set_has_room(set, start, count)) {
		int err = devmem__set_make_room(set, start, count);

		if (err)
			return err;
	}
	if (count && !devmem__set_move(set, start, count, true))
		return -EEXIST;
	set->count += count;
	return 0;
}

/* devmem__set_take() - remove a run of tokens, all or nothing. -EINVAL: one of them is not in the
 * set, or @count is 0. */
static inline int devmem__set_take(struct devmem__token_set *set, uint32_t start,
				   unsigned int count)
{
	if (!count || !devmem__set_has_room(set, start, count) ||
	    !devmem__set_move(set, start, count, false))
		return -EINVAL;
	set->count -= count;
	return 0;
}

/* devmem__set_next_run() - find the first run of tokens at or after @from. false: there is none. */
bool devmem__set_next_run(const struct devmem__token_set *set, size_t from,
			  struct devmem__token_run *run);

#endif
