/* SPDX-License-Identifier: MIT */
/*
 * The pages of a zero-copy area: which of them the application has, and which are on their way back
 * to the kernel. A page is counted for each of its fragments. No I/O here.
 */
#ifndef DEVMEM__ENGINES_ZCRX_REFILL_H
#define DEVMEM__ENGINES_ZCRX_REFILL_H

#include "base/internal.h"

struct devmem__zcrx_refill {
	uint64_t *out; /* a bit for each page of which a fragment is out */
	/* a bit for each page that came back and was not taken yet */
	uint64_t *back;
	struct devmem__zcrx_refill_more {
		/* fragments of a page besides the one that its bit stands for */
		uint32_t out, back;
	} * more;
	size_t out_more, back_more; /* of all pages */
	size_t waiting;		    /* fragments that came back and were not taken yet */
	uint32_t pages;
	uint32_t above; /* no page of @back is here or higher */
};

/* devmem__zcrx_refill_open() - none is out. -ENOMEM; close it all the same. */
int devmem__zcrx_refill_open(struct devmem__zcrx_refill *r, size_t pages);
void devmem__zcrx_refill_close(struct devmem__zcrx_refill *r);

/* devmem__zcrx_refill_out() - a fragment of each of @n pages from @first on is out; @same: @n
 * fragments of this one page. */
void devmem__zcrx_refill_out(struct devmem__zcrx_refill *r, uint32_t first, unsigned int n,
			     bool same);

/* devmem__zcrx_refill_back() - likewise they come back. false: not all of them are out, and nothing
 * changed. */
bool devmem__zcrx_refill_back(struct devmem__zcrx_refill *r, uint32_t first, unsigned int n,
			      bool same);

/*
 * devmem__zcrx_refill_next() - take the highest pages that came back: so many, at most @most, from
 * @first on, as follow each other; or, @same, so many fragments of one page. Returns how many; 0:
 * none came back.
 */
unsigned int devmem__zcrx_refill_next(struct devmem__zcrx_refill *r, unsigned int most,
				      uint32_t *first, bool *same);

#endif
