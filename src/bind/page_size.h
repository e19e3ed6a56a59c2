/* SPDX-License-Identifier: MIT */
/*
 * How large the pages should be that a queue takes from a buffer. Larger pages give fewer
 * fragments, whose number is most of the cost of receiving. But each entry of a queue's ring keeps
 * a page, and so does each outstanding fragment. No I/O, and nothing about how an engine asks the
 * kernel.
 */
#ifndef DEVMEM__BIND_PAGE_SIZE_H
#define DEVMEM__BIND_PAGE_SIZE_H

#include "base/internal.h"

#define DEVMEM__PAGE_SMALLEST 4096u	  /* the smallest page of any system */
#define DEVMEM__PAGE_SIZE_MAX (64u << 10) /* the largest chosen unasked: more saves little */
/* pages of each queue beside its ring: with fewer a sender does not keep going */
#define DEVMEM__PAGE_SIZE_MIN 64u

struct devmem__page_size_question {
	uint32_t asked;	 /* this size and no other. 0: the largest that suits */
	uint32_t system; /* the system's page size, which is the kernel's default */
	uint32_t block;	 /* devmem__buffer_block() */
	uint32_t queues;
	uint32_t entries; /* of each queue's ring. 0: unknown */
	uint64_t bytes;	  /* of the buffer */
};

/* The sizes to try, the best first. @why: the reason that there is no larger one, or the answer to
 * the last one that was tried and refused. */
struct devmem__pages {
	unsigned int n;
	uint32_t size[8];
	char why[320];
};

uint32_t devmem__system_page(void);

/* devmem__page_size_list() - list the sizes to try. -EINVAL: no page can have the requested
 * size. */
int devmem__page_size_list(const struct devmem__page_size_question *q, struct devmem__pages *pages);

/* devmem__page_size_refused() - note that @size was tried and refused with @answer. */
void devmem__page_size_refused(struct devmem__pages *pages, uint32_t size, const char *answer);

/*
 * devmem__page_size_go_on() - after this errno for one size, is a smaller one worth trying? Kernels
 * and drivers return these errnos if they do not support the size, or not with such memory.
 */
bool devmem__page_size_go_on(int err);

#endif
