// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "bind/page_size.h"

uint32_t devmem__system_page(void)
{
	return (uint32_t)sysconf(_SC_PAGESIZE);
}

/* Is there a reason against this size? Writes it to @why. */
static bool too_large(const struct devmem__page_size_question *q, uint32_t size, char *why,
		      size_t room)
{
	uint64_t entries = q->entries && q->entries < DEVMEM__PAGE_SIZE_MIN ? DEVMEM__PAGE_SIZE_MIN
									    : q->entries;
	unsigned int kib = size >> 10;

	if (q->block && size > q->block)
		snprintf(why, room, "the memory is in pieces of %u KiB", q->block >> 10);
	else if (q->bytes % size)
		snprintf(why, room, "%llu bytes are not a multiple of %u KiB",
			 (unsigned long long)q->bytes, kib);
	else if (q->queues * entries * size > q->bytes / 2)
		snprintf(why, room,
			 "the ring%s of %u queue%s with %u entries would take more than half of "
			 "the buffer with %u KiB",
			 q->queues == 1 ? "" : "s", q->queues, q->queues == 1 ? "" : "s",
			 q->entries, kib);
	else
		return false;
	return true;
}

int devmem__page_size_list(const struct devmem__page_size_question *q, struct devmem__pages *pages)
{
	*pages = (struct devmem__pages){ .why = "asked for" };
	if (q->asked & (q->asked - 1))
		return devmem__fail(EINVAL, "a page of %u bytes is not a power of two", q->asked);
	if (q->asked && q->asked < q->system)
		return devmem__fail(EINVAL, "a page of %u bytes is less than the system's, %u",
				    q->asked, q->system);
	if (q->asked) {
		pages->size[pages->n++] = q->asked;
		return 0;
	}
	snprintf(pages->why, sizeof(pages->why), "no larger size is taken unasked");
	for (uint32_t size = DEVMEM__PAGE_SIZE_MAX; size > q->system; size /= 2)
		if (!too_large(q, size, pages->why, sizeof(pages->why)))
			pages->size[pages->n++] = size;
	pages->size[pages->n++] = q->system;
	return 0;
}

void devmem__page_size_refused(struct devmem__pages *pages, uint32_t size, const char *answer)
{
	snprintf(pages->why, sizeof(pages->why), "%u KiB was refused: %s", size >> 10, answer);
	devmem__log(DEVMEM_LOG_DEBUG, "a page size of %s", pages->why);
}

bool devmem__page_size_go_on(int err)
{
	return err == -EINVAL || err == -ERANGE || err == -EOPNOTSUPP;
}
