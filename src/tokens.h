/* SPDX-License-Identifier: MIT */
/*
 * A room of its own, which may include base. Tokens: which ones a socket has out, and how they go
 * back in few, full operations. No I/O here.
 */
#ifndef DEVMEM__TOKENS_H
#define DEVMEM__TOKENS_H

#include <errno.h>
#include <stddef.h>

#include "base/internal.h"
#include "base/uapi_sock.h"

/* What one SO_DEVMEM_DONTNEED carries. Neighbouring tokens share a run. */
struct devmem__token_batch {
	unsigned int runs;
	unsigned int frags;
	struct devmem__token_run run[DEVMEM__MAX_RUNS];
};

/* devmem__batch_add() - put @count tokens in; returns how many of the first fitted. */
unsigned int devmem__batch_add(struct devmem__token_batch *batch, uint32_t start,
			       unsigned int count);

static inline bool devmem__batch_full(const struct devmem__token_batch *batch)
{
	return batch->runs == DEVMEM__MAX_RUNS || batch->frags == DEVMEM__MAX_FRAGS;
}

/*
 * The tokens that a socket has out, one bit each. The kernel hands out small, dense numbers and
 * uses them again, so a stale release would free somebody else's fragment: every release is checked
 * against this set.
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
 * For those below: -ENOMEM, or -ERANGE if no kernel gives out such numbers; a run over several
 * words, all of it or, false, none.
 */
int devmem__set_make_room(struct devmem__token_set *set, uint32_t start, unsigned int count);
bool devmem__set_move_long(struct devmem__token_set *set, uint32_t start, unsigned int count,
			   bool out);

#define DEVMEM__WORD_BITS 64u

/* @n bits of a word, at least one. */
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
 * A run goes out or comes back: all of it, or, if not all of it was where it should be, none. The
 * set has room for it. Nearly always it lies in one word; of a short message it is a single token,
 * and this is a good part of what that costs: so it is here.
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
 * devmem__set_add() - a run is out. -ENOMEM; -EEXIST if one of it was out already, -ERANGE if no
 * kernel gives out such numbers: then nothing changed.
 */
static inline int devmem__set_add(struct devmem__token_set *set, uint32_t start, unsigned int count)
{
	/* rare: a socket is given room for a whole buffer when it is attached */
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

/* devmem__set_take() - a run comes back, all of it or, with -EINVAL, none of it. */
static inline int devmem__set_take(struct devmem__token_set *set, uint32_t start,
				   unsigned int count)
{
	if (!count || !devmem__set_has_room(set, start, count) ||
	    !devmem__set_move(set, start, count, false))
		return -EINVAL;
	set->count -= count;
	return 0;
}

/* devmem__set_next_run() - find the first run of tokens at or after @from; false if there is
 * none. */
bool devmem__set_next_run(const struct devmem__token_set *set, size_t from,
			  struct devmem__token_run *run);

#endif
