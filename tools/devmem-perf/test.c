// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

const struct field test_fields[] = {
	FIELD_NUMBER(test, mode),
	FIELD_NUMBER(test, direction),
	FIELD_NUMBER(test, size),
	FIELD_NUMBER(test, response),
	FIELD_NUMBER(test, depth),
	FIELD_NUMBER(test, connections),
	FIELD_NUMBER(test, threads),
	FIELD_NUMBER(test, time_ms),
	FIELD_NUMBER(test, warmup_ms),
	FIELD_NUMBER(test, interval_ms),
	FIELD_NUMBER(test, bytes),
	FIELD_NUMBER(test, rate),
	FIELD_NUMBER(test, verify),
	FIELD_NUMBER(test, corrupt),
	{ 0 },
};

const char *const test_modes[] = { "stream", "rr", "messages", NULL };
const char *const test_directions[] = { "to-server", "to-client", "both", NULL };

#define MAX_POINTS 10000
/* bytes: the memory that one end sends from, and the times at which messages began */
#define MAX_SLOTS (UINT64_C(2) << 30)

/* The error messages use the command line's units, because the user reads them there. */
static const struct {
	size_t offset;
	uint64_t least, most;
	const char *complaint;
} limits[] = {
	{ offsetof(struct test, mode), 0, TEST_MESSAGES,
	  "there is no such mode: use stream, rr or messages" },
	{ offsetof(struct test, direction), 0, TEST_BOTH,
	  "there is no such direction: use to-server, to-client or both" },
	{ offsetof(struct test, size), 1, 64 << 20, "--size is from 1 byte to 64 MiB" },
	{ offsetof(struct test, response), 1, 64 << 20, "--response is from 1 byte to 64 MiB" },
	{ offsetof(struct test, depth), 1, 32768, "--depth is from 1 to 32768" },
	{ offsetof(struct test, connections), 1, 4096, "--connections is from 1 to 4096" },
	{ offsetof(struct test, threads), 1, 256, "--threads is from 1 to 256" },
	{ offsetof(struct test, time_ms), 1, 86400000, "--time is from 0.001 to 86400 seconds" },
	{ offsetof(struct test, warmup_ms), 0, 3600000, "--warmup is from 0 to 3600 seconds" },
	{ offsetof(struct test, interval_ms), 10, 3600000,
	  "--interval is from 0.01 to 3600 seconds" },
	{ offsetof(struct test, bytes), 0, UINT64_C(1) << 60, "--bytes is up to 2^60" },
	{ offsetof(struct test, rate), 0, 1000000000, "--rate is from 1 to 1000000000 a second" },
	{ offsetof(struct test, verify), 0, 1, "--verify is on or off" },
};

static uint64_t value_of(const struct test *t, size_t offset)
{
	uint64_t n;

	memcpy(&n, (const char *)t + offset, sizeof(n));
	return n;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

const char *test_check(const struct test *t)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (value_of(t, limits[i].offset) < limits[i].least ||
		    value_of(t, limits[i].offset) > limits[i].most)
			return limits[i].complaint;
	if (t->threads > t->connections)
		return "there are more threads than connections, and one would have nothing to do: "
		       "use more --connections";
	if (t->mode == TEST_RR && t->direction != TEST_TO_SERVER)
		return "requests go to the server and responses to the client: --direction is for "
		       "the other modes";
	if (t->rate && t->mode == TEST_STREAM)
		return "a stream is as fast as it can be: --rate is for rr and messages";
	if (t->bytes && t->warmup_ms)
		return "what is sent while warming up is not measured: --bytes and --warmup do not "
		       "go together";
	if (t->corrupt != TEST_NO_CORRUPTION && !t->verify)
		return "nobody would notice the wrong byte: --corrupt wants --verify";
	if (t->time_ms / t->interval_ms > MAX_POINTS)
		return "there are too many intervals in the time: use a longer --interval";
	if ((test_stride(larger(t->size, t->response)) + sizeof(uint64_t)) * test_slots(t) *
		    t->connections >
	    MAX_SLOTS)
		return "more than 2 GiB could be under way: use a smaller --depth, --size or "
		       "--connections";
	return NULL;
}

const char *test_parse(struct test *t, struct lines *l)
{
	const char *key, *value;

	memset(t, 0, sizeof(*t));
	while (message_next(l, &key, &value))
		if (fields_take(test_fields, t, key, value) <= 0)
			return "the parameters of the test are damaged, or not of this version";
	return test_check(t);
}

bool test_sends(const struct test *t, enum test_end end)
{
	return t->mode == TEST_RR || t->direction == TEST_BOTH ||
	       t->direction == (end == TEST_CLIENT ? TEST_TO_SERVER : TEST_TO_CLIENT);
}

bool test_receives(const struct test *t, enum test_end end)
{
	return test_sends(t, end == TEST_CLIENT ? TEST_SERVER : TEST_CLIENT);
}

uint64_t test_size(const struct test *t, enum test_end end)
{
	return t->mode == TEST_RR && end == TEST_SERVER ? t->response : t->size;
}

uint64_t test_limit(const struct test *t, uint64_t i)
{
	const uint64_t all = (t->bytes + t->size - 1) / t->size;

	return t->bytes ? all / t->connections + (i < all % t->connections) : UINT64_MAX;
}

/* A response shows that its request has arrived, and often comes a turn before the kernel reports
 * that the request's memory is free. So requests need twice the slots. */
uint64_t test_slots(const struct test *t)
{
	return t->mode == TEST_RR ? 2 * t->depth : t->depth;
}

uint64_t test_stride(uint64_t size)
{
	return (size + 63) / 64 * 64;
}

const char *test_text(const struct test *t, char *text, size_t room)
{
	static const char *const what[] = { "sends", "requests", "messages" };
	char size[32], response[64] = "", end[48], rate[48] = "";

	if (t->size)
		out_bytes(size, sizeof(size), t->size);
	else
		snprintf(size, sizeof(size), "several sizes");
	if (t->mode == TEST_RR && t->response)
		snprintf(response, sizeof(response), ", responses of %s",
			 out_bytes(end, sizeof(end), t->response));
	if (t->bytes)
		out_bytes(end, sizeof(end), t->bytes);
	else
		snprintf(end, sizeof(end), "%g s", (double)t->time_ms / 1000);
	if (t->rate)
		snprintf(rate, sizeof(rate), ", %" PRIu64 " a second", t->rate);
	snprintf(text, room,
		 "%s%s%s, %" PRIu64 " connection%s, %" PRIu64 " thread%s, %s of %s, depth %" PRIu64
		 "%s%s, %s",
		 test_modes[t->mode], t->mode == TEST_RR ? "" : " ",
		 t->mode == TEST_RR ? "" : test_directions[t->direction], t->connections,
		 t->connections == 1 ? "" : "s", t->threads, t->threads == 1 ? "" : "s",
		 what[t->mode], size, t->depth, response, rate, end);
	return text;
}
