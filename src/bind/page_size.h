/* SPDX-License-Identifier: MIT */
/*
 * How large the pages should be that a queue takes from a buffer. Large ones are fewer fragments,
 * which is most of what receiving costs; but each entry of a queue's ring keeps one, and so does
 * each fragment that is out. No I/O here, and nothing of how an engine asks the kernel.
 */
#ifndef DEVMEM__BIND_PAGE_SIZE_H
#define DEVMEM__BIND_PAGE_SIZE_H

#include "base/internal.h"

#define DEVMEM__PAGE_SMALLEST 4096u	  /* of any system */
#define DEVMEM__PAGE_SIZE_MAX (64u << 10) /* taken unasked: a larger one saves little more */
/* of each queue beside its ring: less does not keep a sender going */
#define DEVMEM__PAGE_SIZE_MIN 64u

struct devmem__page_size_question {
	uint32_t asked;	 /* that size alone. 0: the largest that is good */
	uint32_t system; /* the system's page: what the kernel takes where nothing is said */
	uint32_t block;	 /* devmem__buffer_block() */
	uint32_t queues;
	uint32_t entries; /* of each queue's ring. 0: unknown */
	uint64_t bytes;	  /* of the buffer */
};

/* Sizes to try, the best first; why there is none larger, or what was said of the last one that was
 * tried. */
struct devmem__pages {
	unsigned int n;
	uint32_t size[8];
	char why[320];
};

uint32_t devmem__system_page(void);

/* devmem__page_size_list() - -EINVAL: no page can have the size that is asked for. */
int devmem__page_size_list(const struct devmem__page_size_question *q, struct devmem__pages *pages);

/* devmem__page_size_refused() - one was tried, and this was the answer. */
void devmem__page_size_refused(struct devmem__pages *pages, uint32_t size, const char *answer);

/*
 * devmem__page_size_go_on() - may a smaller one be had, where this was the answer to a larger one?
 * Kernels and drivers that do not know the size, or not with such memory, answer so.
 */
bool devmem__page_size_go_on(int err);

#endif
