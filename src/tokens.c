// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tokens.h"

#define WORD_BITS DEVMEM__WORD_BITS
/* more than any buffer has pages. The kernel hands out the lowest free number. */
#define MAX_TOKENS (1u << 24)

static unsigned int at_most(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

unsigned int devmem__batch_add(struct devmem__token_batch *batch, uint32_t start,
			       unsigned int count)
{
	unsigned int taken = at_most(count, DEVMEM__MAX_FRAGS - batch->frags);
	struct devmem__token_run *last = batch->runs ? &batch->run[batch->runs - 1] : NULL;

	if (!taken)
		return 0;
	if (last && start == last->start + last->count)
		last->count += taken;
	else if (batch->runs < DEVMEM__MAX_RUNS)
		batch->run[batch->runs++] = (struct devmem__token_run){ start, taken };
	else
		return 0;
	batch->frags += taken;
	return taken;
}

/* calloc() leaves the memory untouched. Even with a large buffer a socket has few outstanding
 * tokens, with low numbers, so most of the memory stays unused; and there are many sockets. */
int devmem__set_reserve(struct devmem__token_set *set, size_t tokens)
{
	size_t words = (tokens + WORD_BITS - 1) / WORD_BITS;
	uint64_t *bits;

	if (words <= set->words)
		return 0;
	bits = calloc(words, sizeof(*bits));
	if (!bits)
		return devmem__fail(ENOMEM, "no memory to account for %zu fragments of a socket",
				    tokens);
	if (set->words)
		memcpy(bits, set->bits, set->words * sizeof(*bits));
	free(set->bits);
	set->bits = bits;
	set->words = words;
	return 0;
}

void devmem__set_free(struct devmem__token_set *set)
{
	free(set->bits);
	memset(set, 0, sizeof(*set));
}

/* The bits of the run [start, start + count) that lie in its first word; *used is their number. */
static uint64_t word_mask(uint32_t start, unsigned int count, unsigned int *used)
{
	unsigned int shift = start % WORD_BITS;
	unsigned int n = at_most(count, WORD_BITS - shift);

	*used = n;
	return devmem__run_mask(shift, n);
}

/* Are all tokens of the run set (@out), or all clear (!@out)? The set has room for the run. */
static bool run_is(const struct devmem__token_set *set, uint32_t start, unsigned int count,
		   bool out)
{
	unsigned int used;

	for (; count; start += used, count -= used) {
		uint64_t mask = word_mask(start, count, &used);

		if ((set->bits[start / WORD_BITS] & mask) != (out ? mask : 0))
			return false;
	}
	return true;
}

static void flip_run(struct devmem__token_set *set, uint32_t start, unsigned int count)
{
	unsigned int used;

	for (; count; start += used, count -= used) {
		uint64_t mask = word_mask(start, count, &used);

		set->bits[start / WORD_BITS] ^= mask;
	}
}

bool devmem__set_move_long(struct devmem__token_set *set, uint32_t start, unsigned int count,
			   bool out)
{
	if (!run_is(set, start, count, !out))
		return false;
	flip_run(set, start, count);
	return true;
}

int devmem__set_make_room(struct devmem__token_set *set, uint32_t start, unsigned int count)
{
	if (start > MAX_TOKENS || count > MAX_TOKENS - start)
		return -ERANGE;
	return devmem__set_reserve(set, ((size_t)start + count) * 2);
}

static bool is_out(const struct devmem__token_set *set, size_t token)
{
	return set->bits[token / WORD_BITS] >> token % WORD_BITS & 1;
}

bool devmem__set_next_run(const struct devmem__token_set *set, size_t from,
			  struct devmem__token_run *run)
{
	size_t end = set->words * WORD_BITS;
	size_t t = from;

	while (t < end && !is_out(set, t))
		t = set->bits[t / WORD_BITS] >> t % WORD_BITS ? t + 1
							      : (t / WORD_BITS + 1) * WORD_BITS;
	if (t >= end)
		return false;
	run->start = (uint32_t)t;
	while (t < end && is_out(set, t))
		t++;
	run->count = (uint32_t)t - run->start;
	return true;
}
