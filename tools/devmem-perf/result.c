// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "result.h"

#define MAX_POINTS  20000
#define MAX_THREADS 256

#define NUMBER(member) FIELD_NUMBER(side, member)
#define TEXT(member)   FIELD_TEXT(side, member)

const struct field side_fields[] = {
	TEXT(interface),
	TEXT(kernel),
	TEXT(engine),
	TEXT(engine_reason),
	TEXT(tx_engine),
	TEXT(tx_engine_reason),
	TEXT(backend),
	TEXT(warning),
	NUMBER(page_size),
	NUMBER(queues),
	NUMBER(nanoseconds),
	NUMBER(bytes_received),
	NUMBER(bytes_sent),
	NUMBER(messages_received),
	NUMBER(messages_sent),
	NUMBER(total_received),
	NUMBER(total_sent),
	NUMBER(unsent),
	NUMBER(bytes_device),
	NUMBER(bytes_linear),
	NUMBER(bytes_plain),
	NUMBER(bytes_staged),
	NUMBER(bytes_sent_device),
	NUMBER(bytes_sent_copied),
	NUMBER(fragments),
	NUMBER(descriptors),
	NUMBER(tokens_released),
	NUMBER(release_operations),
	NUMBER(enter_calls),
	NUMBER(completions),
	NUMBER(rearms),
	NUMBER(no_buffers),
	NUMBER(lowat_changes),
	NUMBER(misplaced),
	NUMBER(low),
	NUMBER(refill_waits),
	NUMBER(fallbacks),
	NUMBER(sends),
	NUMBER(send_operations),
	NUMBER(send_notices),
	NUMBER(send_waits),
	NUMBER(send_no_room),
	NUMBER(user_us),
	NUMBER(system_us),
	NUMBER(retransmits),
	NUMBER(rtt_us),
	NUMBER(copied_connections),
	NUMBER(pools),
	NUMBER(pool_pages),
	NUMBER(pool_bytes),
	{ 0 },
};

const struct field latency_fields[] = {
	FIELD_NUMBER(latency, count),
	FIELD_NUMBER(latency, over),
	FIELD_NUMBER(latency, min),
	FIELD_NUMBER(latency, mean),
	FIELD_NUMBER(latency, p50),
	FIELD_NUMBER(latency, p90),
	FIELD_NUMBER(latency, p99),
	FIELD_NUMBER(latency, p999),
	FIELD_NUMBER(latency, p9999),
	FIELD_NUMBER(latency, max),
	{ 0 },
};

const struct field thread_fields[] = {
	FIELD_NUMBER(thread_share, cpu),	FIELD_NUMBER(thread_share, user_us),
	FIELD_NUMBER(thread_share, system_us),	FIELD_NUMBER(thread_share, bytes_received),
	FIELD_NUMBER(thread_share, bytes_sent), { 0 },
};

const struct field point_fields[] = {
	FIELD_NUMBER(point, end_us),	 FIELD_NUMBER(point, bytes_received),
	FIELD_NUMBER(point, bytes_sent), FIELD_NUMBER(point, messages),
	FIELD_NUMBER(point, count),	 FIELD_NUMBER(point, p50),
	FIELD_NUMBER(point, p99),	 { 0 },
};

/* Maps a member of devmem_stats to the member of the same name in struct side. */
#define SAME(member)                                                                 \
	{                                                                            \
		offsetof(struct devmem_stats, member), offsetof(struct side, member) \
	}

static const struct {
	size_t from, to;
} counters[] = {
	SAME(bytes_device),
	SAME(bytes_linear),
	SAME(bytes_plain),
	SAME(bytes_staged),
	SAME(bytes_sent_copied),
	SAME(fragments),
	SAME(descriptors),
	SAME(tokens_released),
	SAME(release_operations),
	SAME(enter_calls),
	SAME(completions),
	SAME(rearms),
	SAME(no_buffers),
	SAME(lowat_changes),
	SAME(misplaced),
	SAME(low),
	SAME(refill_waits),
	SAME(fallbacks),
	SAME(sends),
	SAME(send_operations),
	SAME(send_notices),
	SAME(send_waits),
	SAME(send_no_room),
	{ offsetof(struct devmem_stats, bytes_sent), offsetof(struct side, bytes_sent_device) },
};

static uint64_t number_at(const void *base, size_t offset)
{
	uint64_t n;

	memcpy(&n, (const char *)base + offset, sizeof(n));
	return n;
}

void result_add_stats(struct side *s, const struct devmem_stats *before,
		      const struct devmem_stats *after)
{
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		const uint64_t sum = number_at(s, counters[i].to) +
				     number_at(after, counters[i].from) -
				     number_at(before, counters[i].from);

		memcpy((char *)s + counters[i].to, &sum, sizeof(sum));
	}
}

void result_take_latency(struct latency *l, const struct hdr *h)
{
	*l = (struct latency){
		.count = h->count,
		.over = h->over,
		.min = h->min,
		.mean = hdr_mean(h),
		.max = h->max,
		.p50 = hdr_percentile(h, 50),
		.p90 = hdr_percentile(h, 90),
		.p99 = hdr_percentile(h, 99),
		.p999 = hdr_percentile(h, 99.9),
		.p9999 = hdr_percentile(h, 99.99),
	};
}

uint64_t result_copied(const struct side *s)
{
	return s->bytes_linear + s->bytes_plain + s->bytes_sent_copied;
}

bool result_zero_copy(const struct side *s)
{
	return !result_copied(s) && s->bytes_received + s->bytes_sent;
}

/* ------------------------------------------------------------------------------ lists that grow */

static void *grow(void *list, unsigned int n, size_t each)
{
	if (n & (n - 1))
		return list;
	return realloc(list, (n ? 2 * n : 1) * each);
}

bool result_add_point(struct result *r, const struct point *p)
{
	struct point *more =
		r->points < MAX_POINTS ? grow(r->point, r->points, sizeof(*more)) : NULL;

	if (!more)
		return false;
	r->point = more;
	r->point[r->points++] = *p;
	return true;
}

static bool add_thread(struct result *r)
{
	struct thread_share *more =
		r->threads < MAX_THREADS ? grow(r->thread, r->threads, sizeof(*more)) : NULL;

	if (!more)
		return false;
	r->thread = more;
	r->thread[r->threads++] = (struct thread_share){ 0 };
	return true;
}

const char *result_latency_of(const struct test *t, const struct side *sender)
{
	if (t->mode == TEST_RR)
		return "from request to response";
	if (!sender->bytes_sent_copied)
		return "from a send until the peer's kernel has it";
	return sender->bytes_sent_device ? "from a send until the peer's kernel has it, or, if it "
					   "was copied, this machine's"
					 : "from a send until this machine's kernel has copied it";
}

void result_free(struct result *r)
{
	free(r->thread);
	free(r->point);
	*r = (struct result){ 0 };
}

/* -------------------------------------------------------------------------- over the connection */

/* "thread" and "point" begin a new item of their kind; lines with that word in front belong to the
 * last one. */
void result_pack(struct message *m, const struct result *r)
{
	message_add(m, "side", "%s", "");
	fields_add(m, side_fields, &r->side);
	message_add(m, "latency", "%s", "");
	fields_add(m, latency_fields, &r->latency);
	for (unsigned int i = 0; i < r->threads; i++) {
		message_add(m, "thread", "%s", "");
		fields_add(m, thread_fields, &r->thread[i]);
	}
	for (unsigned int i = 0; i < r->points; i++) {
		message_add(m, "point", "%s", "");
		fields_add(m, point_fields, &r->point[i]);
	}
}

/* Finds the structure for the lines after this word. NULL: unknown word, or no room. */
static const struct field *section(struct result *r, const char *word, void **to)
{
	if (!strcmp(word, "side"))
		return *to = &r->side, side_fields;
	if (!strcmp(word, "latency"))
		return *to = &r->latency, latency_fields;
	if (!strcmp(word, "thread") && add_thread(r))
		return *to = &r->thread[r->threads - 1], thread_fields;
	if (!strcmp(word, "point") && result_add_point(r, &(struct point){ 0 }))
		return *to = &r->point[r->points - 1], point_fields;
	return NULL;
}

bool result_parse(struct result *r, struct lines *l)
{
	const struct field *fields = NULL, *next;
	const char *key, *value;
	void *to = NULL, *of;

	*r = (struct result){ 0 };
	while (message_next(l, &key, &value)) {
		next = *value ? NULL : section(r, key, &of);
		if (next) {
			fields = next;
			to = of;
		} else if (!fields || fields_take(fields, to, key, value) <= 0) {
			return false;
		}
	}
	return r->side.nanoseconds;
}
