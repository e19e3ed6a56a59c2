// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/queue_use.h"

bool devmem__queue_is_ordinary(uint8_t use)
{
	return !(use & (DEVMEM__QUEUE_DMABUF | DEVMEM__QUEUE_IO_URING | DEVMEM__QUEUE_XSK |
			DEVMEM__QUEUE_LEASED | DEVMEM__QUEUE_CLAIMED));
}

static uint32_t ordinary(const uint8_t *use, uint32_t n)
{
	uint32_t count = 0;

	for (uint32_t q = 0; q < n; q++)
		count += devmem__queue_is_ordinary(use[q]);
	return count;
}

/* Queue 0 does not count, since it is never chosen. */
static uint32_t unused(const uint8_t *use, uint32_t n)
{
	uint32_t count = 0;

	for (uint32_t q = 1; q < n; q++)
		count += !use[q];
	return count;
}

int devmem__queues_choose(const uint8_t *use, uint32_t n, unsigned int want, uint32_t *queues)
{
	unsigned int left = want;

	if (!want || ordinary(use, n) <= want || unused(use, n) < want)
		return -EBUSY;
	for (uint32_t q = n; left && q-- > 1;)
		if (!use[q])
			queues[--left] = q;
	return 0;
}

static int check_one(const uint8_t *use, uint32_t n, const uint32_t *list, unsigned int at)
{
	uint32_t q = list[at];

	if (q >= n)
		return -ERANGE;
	for (unsigned int i = 0; i < at; i++)
		if (list[i] == q)
			return -EINVAL;
	if (use[q] & (DEVMEM__QUEUE_DMABUF | DEVMEM__QUEUE_IO_URING | DEVMEM__QUEUE_CLAIMED))
		return -EEXIST;
	return devmem__queue_is_ordinary(use[q]) ? 0 : -EBUSY;
}

int devmem__queues_check(const uint8_t *use, uint32_t n, const uint32_t *list, unsigned int want,
			 unsigned int *bad)
{
	for (unsigned int i = 0; i < want; i++) {
		int err = check_one(use, n, list, i);

		*bad = i;
		if (err)
			return err;
	}
	return ordinary(use, n) > want ? 0 : -ENOSPC;
}

bool devmem__queue_is_listed(uint32_t queue, const uint32_t *list, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i] == queue)
			return true;
	return false;
}

int devmem__queue_set_add(struct devmem__queue_set *set, const uint32_t *queues, unsigned int n)
{
	uint32_t *more = realloc(set->queue, ((size_t)set->n + n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	set->queue = more;
	for (unsigned int i = 0; i < n; i++)
		if (!devmem__queue_is_listed(queues[i], set->queue, set->n))
			set->queue[set->n++] = queues[i];
	return 0;
}

void devmem__queue_set_remove(struct devmem__queue_set *set, const uint32_t *queues, unsigned int n)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < set->n; i++)
		if (!devmem__queue_is_listed(set->queue[i], queues, n))
			set->queue[kept++] = set->queue[i];
	set->n = kept;
}

bool devmem__queue_set_has(const struct devmem__queue_set *set, uint32_t queue)
{
	return devmem__queue_is_listed(queue, set->queue, set->n);
}

void devmem__queue_set_free(struct devmem__queue_set *set)
{
	free(set->queue);
	memset(set, 0, sizeof(*set));
}
