/* SPDX-License-Identifier: MIT */
/*
 * The pages of a zero-copy area: which of them the application has, and which are on their way back
 * to the kernel. A page counts once for each of its fragments. No I/O.
 */
#ifndef DEVMEM__ENGINES_ZCRX_REFILL_H
#define DEVMEM__ENGINES_ZCRX_REFILL_H

#include "base/internal.h"

struct devmem__zcrx_refill {
	uint64_t *out; /* a bit for each page that has a fragment out */
	/* a bit for each page that was released and not taken yet */
	uint64_t *back;
	struct devmem__zcrx_refill_more {
		/* fragments of a page beyond the one that its bit stands for */
		uint32_t out, back;
	} * more;
	size_t out_more, back_more; /* their sums over all pages */
	size_t waiting;		    /* fragments that were released and not taken yet */
	uint32_t pages;
	uint32_t above; /* all pages of @back are below this one */
};

/* devmem__zcrx_refill_open() - no page is out. After -ENOMEM, call devmem__zcrx_refill_close()
 * too. */
int devmem__zcrx_refill_open(struct devmem__zcrx_refill *r, size_t pages);
void devmem__zcrx_refill_close(struct devmem__zcrx_refill *r);

/* devmem__zcrx_refill_out() - one fragment of each of @n pages, from @first on, is out; with @same:
 * @n fragments of page @first. */
void devmem__zcrx_refill_out(struct devmem__zcrx_refill *r, uint32_t first, unsigned int n,
			     bool same);

/* devmem__zcrx_refill_back() - release the same. false: not all of them are out, and nothing
 * changed. */
bool devmem__zcrx_refill_back(struct devmem__zcrx_refill *r, uint32_t first, unsigned int n,
			      bool same);

/*
 * devmem__zcrx_refill_next() - take the highest released pages: a run that begins with @first; or,
 * with @same, fragments of page @first. Returns how many, at most @most; 0: there are none.
 */
unsigned int devmem__zcrx_refill_next(struct devmem__zcrx_refill *r, unsigned int most,
				      uint32_t *first, bool *same);

#endif
