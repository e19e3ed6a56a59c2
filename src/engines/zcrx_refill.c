// SPDX-License-Identifier: MIT
/*
 * Nearly always a page has one fragment. Such a page is one bit, and the pages of one word are
 * handled together. Pages are handled one by one only where fragments share them.
 */
#include <errno.h>
#include <stdlib.h>

#include "engines/zcrx_refill.h"

#define WORD_BITS 64u

/* A run of pages whose bits are in one word. */
struct part {
	uint32_t first, n;
	size_t word;
	uint64_t mask;
};

/* The part of @n pages, from @first on, that is in the first word. */
static inline struct part part_of(uint32_t first, uint32_t n)
{
	const uint32_t shift = first % WORD_BITS, room = WORD_BITS - shift;
	struct part part = { first, n < room ? n : room, first / WORD_BITS, 0 };

	part.mask = (UINT64_MAX >> (WORD_BITS - part.n)) << shift;
	return part;
}

int devmem__zcrx_refill_open(struct devmem__zcrx_refill *r, size_t pages)
{
	const size_t words = pages / WORD_BITS + 1;

	*r = (struct devmem__zcrx_refill){ .pages = (uint32_t)pages };
	r->out = calloc(words, sizeof(r->out[0]));
	r->back = calloc(words, sizeof(r->back[0]));
	r->more = calloc(pages, sizeof(r->more[0]));
	return r->out && r->back && r->more
		       ? 0
		       : devmem__fail(ENOMEM, "no memory to account for %zu pages", pages);
}

void devmem__zcrx_refill_close(struct devmem__zcrx_refill *r)
{
	free(r->out);
	free(r->back);
	free(r->more);
}

static bool exist(const struct devmem__zcrx_refill *r, uint32_t first, uint32_t n)
{
	return first < r->pages && n <= r->pages - first;
}

/* ----------------------------------------------------------------------------------- handed out */

/* At least one of the pages is out already. */
static void out_by_page(struct devmem__zcrx_refill *r, struct part part)
{
	for (uint32_t page = part.first; page < part.first + part.n; page++) {
		const uint64_t bit = UINT64_C(1) << page % WORD_BITS;

		if (r->out[part.word] & bit) {
			r->more[page].out++;
			r->out_more++;
		}
		r->out[part.word] |= bit;
	}
}

/* Any number of pages; some may be out already. */
static void out_by_part(struct devmem__zcrx_refill *r, uint32_t first, unsigned int n, bool same)
{
	uint32_t pages = same ? 1 : n;

	/* the area has no such page, so it cannot be released: ignore it */
	if (!n || !exist(r, first, pages))
		return;
	if (same) {
		r->more[first].out += n - 1;
		r->out_more += n - 1;
	}
	while (pages) {
		const struct part part = part_of(first, pages);

		if (r->out[part.word] & part.mask)
			out_by_page(r, part);
		else
			r->out[part.word] |= part.mask;
		first += part.n;
		pages -= part.n;
	}
}

/* The usual cases need no call: one page, or several of one word, and none of them is out yet. */
void devmem__zcrx_refill_out(struct devmem__zcrx_refill *r, uint32_t first, unsigned int n,
			     bool same)
{
	const uint32_t shift = first % WORD_BITS;
	uint64_t mask, *out;

	if (n == 1 && first < r->pages && !(r->out[first / WORD_BITS] >> shift & 1)) {
		r->out[first / WORD_BITS] |= UINT64_C(1) << shift;
		return;
	}
	if (same || n - 1 >= WORD_BITS - shift || !exist(r, first, n)) {
		out_by_part(r, first, n, same);
		return;
	}
	mask = (UINT64_MAX >> (WORD_BITS - n)) << shift;
	out = &r->out[first / WORD_BITS];
	if (*out & mask)
		out_by_part(r, first, n, same);
	else
		*out |= mask;
}

/* ------------------------------------------------------------------------------------- released */

/* Each of @pages has a released fragment already. */
static void back_twice(struct devmem__zcrx_refill *r, size_t word, uint64_t pages)
{
	for (; pages; pages &= pages - 1) {
		r->more[word * WORD_BITS + (unsigned int)__builtin_ctzll(pages)].back++;
		r->back_more++;
	}
}

static inline void set_released(struct devmem__zcrx_refill *r, struct part part)
{
	const uint64_t before = r->back[part.word];

	r->waiting += part.n;
	if (part.first + part.n > r->above)
		r->above = part.first + part.n;
	if (before & part.mask)
		back_twice(r, part.word, before & part.mask);
	r->back[part.word] = before | part.mask;
}

static bool are_out(const struct devmem__zcrx_refill *r, uint32_t first, uint32_t n)
{
	while (n) {
		const struct part part = part_of(first, n);

		if ((r->out[part.word] & part.mask) != part.mask)
			return false;
		first += part.n;
		n -= part.n;
	}
	return true;
}

/* @n fragments of @page, which is out. */
static bool back_of_page(struct devmem__zcrx_refill *r, uint32_t page, uint32_t n)
{
	struct devmem__zcrx_refill_more *more = &r->more[page];
	const struct part part = part_of(page, 1);

	if (n > more->out + 1)
		return false;
	if (n == more->out + 1) { /* the last of them */
		r->out[part.word] &= ~part.mask;
		r->out_more -= more->out;
		more->out = 0;
	} else {
		r->out_more -= n;
		more->out -= n;
	}
	set_released(r, part);
	more->back += n - 1;
	r->back_more += n - 1;
	r->waiting += n - 1;
	return true;
}

/* Any number of pages; some may have further fragments out. */
static bool back_by_part(struct devmem__zcrx_refill *r, uint32_t first, unsigned int n, bool same)
{
	const uint32_t pages = same ? 1 : n;

	if (!n || !exist(r, first, pages) || !are_out(r, first, pages))
		return false;
	if (same)
		return back_of_page(r, first, n);
	for (; n && r->out_more; first++, n--)
		back_of_page(r, first, 1);
	while (n) {
		const struct part part = part_of(first, n);

		r->out[part.word] &= ~part.mask;
		set_released(r, part);
		first += part.n;
		n -= part.n;
	}
	return true;
}

/* The usual case needs no call: pages of one word, and no page is shared. */
bool devmem__zcrx_refill_back(struct devmem__zcrx_refill *r, uint32_t first, unsigned int n,
			      bool same)
{
	const uint32_t shift = first % WORD_BITS;
	uint64_t mask, *out, *back;

	if (same || r->out_more || n - 1 >= WORD_BITS - shift || !exist(r, first, n))
		return back_by_part(r, first, n, same);
	mask = (UINT64_MAX >> (WORD_BITS - n)) << shift;
	out = &r->out[first / WORD_BITS];
	back = &r->back[first / WORD_BITS];
	if ((*out & mask) != mask || *back & mask)
		return back_by_part(r, first, n, same);
	*out ^= mask;
	*back |= mask;
	r->waiting += n;
	if (first + n > r->above)
		r->above = first + n;
	return true;
}

/* ---------------------------------------------------------------------------------------- taken */

/* The highest run of released pages within one word. There is at least one such page. */
static struct part last_of(const struct devmem__zcrx_refill *r)
{
	size_t word = (r->above - 1) / WORD_BITS;
	unsigned int spare, n;

	while (!r->back[word])
		word--;
	spare = (unsigned int)__builtin_clzll(r->back[word]);
	n = ~(r->back[word] << spare) ? (unsigned int)__builtin_clzll(~(r->back[word] << spare))
				      : WORD_BITS;
	return part_of((uint32_t)((word + 1) * WORD_BITS) - spare - n, n);
}

/* Takes the released fragments of the highest page, at most @most. */
static unsigned int next_of_page(struct devmem__zcrx_refill *r, struct part last, unsigned int most,
				 uint32_t *page)
{
	const uint32_t number = last.first + last.n - 1;
	struct devmem__zcrx_refill_more *more = &r->more[number];
	const unsigned int all = 1 + more->back, n = all < most ? all : most;

	if (n == all)
		r->back[last.word] &= ~(UINT64_C(1) << number % WORD_BITS);
	r->back_more -= more->back;
	more->back = n == all ? 0 : more->back - n;
	r->back_more += more->back;
	r->waiting -= n;
	r->above = n == all ? number : number + 1;
	*page = number;
	return n;
}

unsigned int devmem__zcrx_refill_next(struct devmem__zcrx_refill *r, unsigned int most,
				      uint32_t *first, bool *same)
{
	struct part part;

	if (!most || !r->waiting)
		return 0;
	part = last_of(r);
	*same = r->back_more > 0;
	if (*same)
		return next_of_page(r, part, most, first);
	if (part.n > most)
		part = part_of(part.first + part.n - most, most);
	r->back[part.word] &= ~part.mask;
	r->waiting -= part.n;
	r->above = part.first;
	*first = part.first;
	return part.n;
}
