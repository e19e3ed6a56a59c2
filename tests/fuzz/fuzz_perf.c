// SPDX-License-Identifier: MIT
/*
 * Whatever comes over devmem-perf's control connection, one message after the other: it is taken
 * apart without going outside of it, and what is accepted can be.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "result.h"
#include "test.h"

static void take_test(struct lines *l)
{
	struct test t;

	if (!test_parse(&t, l) &&
	    (test_check(&t) || !t.connections || !t.size || t.threads > t.connections))
		abort();
}

static void take_result(struct lines *l)
{
	struct result r;
	uint64_t sum = 0;

	if (result_parse(&r, l) && !r.side.nanoseconds)
		abort();
	for (unsigned int i = 0; i < r.points; i++)
		sum += r.point[i].count; /* a sanitizer sees whether it is there */
	for (unsigned int i = 0; i < r.threads; i++)
		sum += r.thread[i].cpu;
	if (sum && !r.points && !r.threads)
		abort();
	result_free(&r);
}

static void take_lines(struct lines *l, size_t bytes)
{
	const char *key, *value;
	size_t sum = 0;

	while (message_next(l, &key, &value))
		sum += strlen(key) + strlen(value);
	if (sum >= bytes)
		abort();
}

static void take(char *text, size_t bytes)
{
	struct lines l;

	message_open(&l, text, bytes);
	if (!strcmp(l.kind, "test"))
		take_test(&l);
	else if (!strcmp(l.kind, "result"))
		take_result(&l);
	else
		take_lines(&l, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	int n;

	for (size_t at = 0; at < size; at += (size_t)n) {
		/* of its own, so that the sanitizer sees its end */
		char *text = malloc(size - at);

		if (!text)
			return 0;
		memcpy(text, input + at, size - at);
		n = message_find(text, size - at);
		if (n > 0 && (size_t)n > size - at)
			abort();
		if (n > 0)
			take(text, (size_t)n);
		free(text);
		if (n <= 0)
			break;
	}
	return 0;
}

static size_t append(uint8_t *data, size_t room, struct message *m)
{
	const size_t bytes = m->bytes;

	if (bytes > room || m->lost)
		abort();
	memcpy(data, m->text, bytes);
	message_free(m);
	return bytes;
}

size_t fuzz_seed(uint8_t *data, size_t room)
{
	const struct test t = { .size = 64,
				.response = 64,
				.depth = 1,
				.connections = 1,
				.threads = 1,
				.time_ms = 1000,
				.interval_ms = 1000,
				.corrupt = TEST_NO_CORRUPTION };
	struct result r = { .side = { .nanoseconds = 1, .engine = "devmem" } };
	struct message m = { 0 };
	size_t bytes;

	message_begin(&m, "test");
	fields_add(&m, test_fields, &t);
	message_end(&m);
	bytes = append(data, room, &m);
	if (!result_add_point(&r, &(struct point){ .end_us = 1 }))
		abort();
	message_begin(&m, "result");
	result_pack(&m, &r);
	message_end(&m);
	result_free(&r);
	return bytes + append(data + bytes, room - bytes, &m);
}
