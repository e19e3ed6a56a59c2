// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tx/sendq.h"

#define FIRST 16u /* elements; arrays then double */
/* bytes: an element of so many goes alone, which costs the kernel a tenth less than two elements */
#define ALONE (256u << 10)

static bool has_room(uint32_t size, uint32_t head, uint32_t tail, uint32_t more)
{
	return size - (tail - head) >= more;
}

/* Makes room for @more elements behind @tail in a ring of *@size. Returns the array that replaces
 * @array, or NULL. */
static void *grow(void *array, uint32_t *size, uint32_t head, uint32_t tail, uint32_t more,
		  size_t bytes)
{
	uint32_t bigger = *size ? *size : FIRST;
	unsigned char *to;

	while (bigger - (tail - head) < more)
		bigger *= 2;
	to = malloc(bigger * bytes);
	if (!to)
		return NULL;
	for (uint32_t i = head; i != tail; i++)
		memcpy(to + (i & (bigger - 1)) * bytes,
		       (unsigned char *)array + (i & (*size - 1)) * bytes, bytes);
	free(array);
	*size = bigger;
	return to;
}

void devmem__sendq_close(struct devmem__sendq *q)
{
	free(q->send);
	free(q->range);
	free(q->part);
}

static struct devmem__send *send_at(const struct devmem__sendq *q, uint32_t i)
{
	return &q->send[i & (q->sends - 1)];
}

static struct devmem__part *part_at(const struct devmem__sendq *q, uint32_t i)
{
	return &q->part[i & (DEVMEM__PARTS - 1)];
}

/* Makes room for another send of @n ranges. On -ENOMEM there may be more room than before, and
 * nothing else has changed. */
static int make_room(struct devmem__sendq *q, unsigned int n)
{
	void *more;

	if (!has_room(q->sends, q->send_head, q->send_tail, 1)) {
		more = grow(q->send, &q->sends, q->send_head, q->send_tail, 1, sizeof(*q->send));
		if (!more)
			return -ENOMEM;
		q->send = more;
	}
	if (!has_room(q->ranges, q->range_next, q->range_tail, n)) {
		more = grow(q->range, &q->ranges, q->range_next, q->range_tail, n,
			    sizeof(*q->range));
		if (!more)
			return -ENOMEM;
		q->range = more;
	}
	if (!q->part)
		q->part = calloc(DEVMEM__PARTS, sizeof(*q->part));
	return q->part ? 0 : -ENOMEM;
}

int devmem__sendq_push(struct devmem__sendq *q, struct devmem_binding *binding,
		       const struct devmem_range *ranges, unsigned int n, uint32_t bytes,
		       uint64_t cookie)
{
	if (make_room(q, n))
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		q->range[q->range_tail++ & (q->ranges - 1)] = ranges[i];
	q->queued += bytes;
	*send_at(q, q->send_tail++) = (struct devmem__send){
		.cookie = cookie,
		.end = q->queued,
		.binding = binding,
		.bytes = bytes,
	};
	return 0;
}

const struct devmem__send *devmem__sendq_next(const struct devmem__sendq *q)
{
	if (q->error || q->sent == q->queued || (q->learn && q->numbered))
		return NULL;
	return send_at(q, q->send_next);
}

unsigned int devmem__sendq_gather(const struct devmem__sendq *q, struct iovec *iov,
				  unsigned int room, size_t most)
{
	const struct devmem_binding *binding = send_at(q, q->send_next)->binding;
	uint64_t used = q->range_used, at = q->sent;
	uint32_t send = q->send_next;
	unsigned int n = 0;
	size_t bytes = 0;

	for (uint32_t r = q->range_next; r != q->range_tail && n < room; r++, used = 0) {
		const struct devmem_range *range = &q->range[r & (q->ranges - 1)];

		if (n == 1 && bytes >= ALONE)
			break;
		if (at == send_at(q, send)->end &&
		    (send_at(q, ++send)->binding != binding || bytes >= most))
			break;
		iov[n].iov_base = (void *)(uintptr_t)(range->offset + used);
		iov[n].iov_len = range->length - used;
		bytes += iov[n].iov_len;
		at += iov[n++].iov_len;
	}
	return n;
}

bool devmem__sendq_begin(struct devmem__sendq *q, bool numbered)
{
	if (q->part_tail - q->part_head == DEVMEM__PARTS)
		return false;
	*part_at(q, q->part_tail++) = (struct devmem__part){
		.id = q->next_id,
		.numbered = numbered,
		.open = true,
		.done = !numbered,
		.copied = !numbered,
	};
	q->numbered += numbered;
	return true;
}

/* The next @bytes have been sent. */
static void advance(struct devmem__sendq *q, uint64_t bytes)
{
	q->sent += bytes;
	while (bytes) {
		uint64_t left = q->range[q->range_next & (q->ranges - 1)].length - q->range_used;

		if (bytes < left) {
			q->range_used += bytes;
			break;
		}
		bytes -= left;
		q->range_used = 0;
		q->range_next++;
	}
	while (q->send_next != q->send_tail && send_at(q, q->send_next)->end <= q->sent)
		q->send_next++;
}

/* The bytes from q->freed to @end were copied: marks the sends that they belong to. */
static void mark_copied(struct devmem__sendq *q, uint64_t end)
{
	for (uint32_t i = q->send_head; i != q->send_tail; i++) {
		struct devmem__send *s = send_at(q, i);

		if (s->end - s->bytes >= end)
			break;
		s->copied |= s->end > q->freed;
	}
}

static void free_parts(struct devmem__sendq *q)
{
	while (q->part_head != q->part_tail) {
		const struct devmem__part *p = part_at(q, q->part_head);

		if (p->open || !p->done)
			break;
		if (p->copied)
			mark_copied(q, q->freed + p->bytes);
		q->freed += p->bytes;
		q->part_head++;
	}
}

void devmem__sendq_result(struct devmem__sendq *q, uint32_t bytes)
{
	struct devmem__part *p = part_at(q, q->part_tail - 1);

	if (!bytes) {
		q->numbered -= p->numbered && !p->done;
		q->part_tail--;
		return;
	}
	p->bytes = bytes;
	p->open = false;
	q->next_id += p->numbered; /* the number itself may still be unknown: q->learn */
	advance(q, bytes);
	free_parts(q);
}

/* Only one call is out, so it has the last of the reported numbers. */
static void learn(struct devmem__sendq *q, uint32_t hi)
{
	for (uint32_t i = q->part_head; i != q->part_tail; i++)
		if (part_at(q, i)->numbered && !part_at(q, i)->done) {
			part_at(q, i)->id = hi;
			q->next_id = part_at(q, i)->open ? hi : hi + 1;
			q->learn = false;
		}
}

void devmem__sendq_notified(struct devmem__sendq *q, uint32_t lo, uint32_t hi, bool copied)
{
	if (q->learn)
		learn(q, hi);
	for (uint32_t i = q->part_head; i != q->part_tail && q->numbered; i++) {
		struct devmem__part *p = part_at(q, i);

		if (p->done || p->id - lo > hi - lo)
			continue;
		p->done = true;
		p->copied = copied;
		q->numbered--;
		if (p->id == hi)
			break;
	}
	free_parts(q);
}

void devmem__sendq_fail(struct devmem__sendq *q, int error, uint64_t good, bool final)
{
	if (!q->error || (final && !q->final)) {
		q->good = q->error && q->good < good ? q->good : good;
		q->error = error;
		q->final = final;
	}
}

const struct devmem__send *devmem__sendq_done(const struct devmem__sendq *q, int *result)
{
	const struct devmem__send *s;

	if (q->send_head == q->send_tail)
		return NULL;
	s = send_at(q, q->send_head);
	if (s->end > q->sent && q->part_head != q->part_tail && part_at(q, q->part_tail - 1)->open)
		return NULL; /* a call in progress may include bytes of it */
	/* bytes that were never sent have no memory to be freed */
	if ((q->error && s->end > q->sent ? q->sent : s->end) > q->freed)
		return NULL;
	if (q->error && s->end > q->good) /* the stream was cut in the first of these */
		*result = q->final || s->end - s->bytes <= q->good ? q->error : -ECANCELED;
	else
		*result = s->copied;
	return s;
}

void devmem__sendq_pop(struct devmem__sendq *q)
{
	q->send_head++;
	if (q->send_head != q->send_tail || !q->error)
		return;
	q->send_next = q->send_tail;
	q->range_next = q->range_tail;
	q->range_used = 0;
	q->queued = q->sent;
	if (!q->final)
		q->error = 0;
}
