/* SPDX-License-Identifier: MIT */
/* What is measured: the parameters that the client gives, and that the server gets from it. Both
 * ends hold the same. */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "fields.h"

enum test_mode {
	TEST_STREAM,   /* as much as goes */
	TEST_RR,       /* a request, and its response */
	TEST_MESSAGES, /* many small ones, each a send of its own */
};

enum test_direction {
	TEST_TO_SERVER,
	TEST_TO_CLIENT,
	TEST_BOTH,
};

enum test_end {
	TEST_CLIENT,
	TEST_SERVER,
};

#define TEST_NO_CORRUPTION UINT64_MAX

/* Numbers alone, for fields.h. */
struct test {
	uint64_t mode, direction;
	uint64_t size, response; /* bytes: of a send or request, and of a response */
	uint64_t depth;		 /* under way on each connection */
	uint64_t connections, threads;
	uint64_t time_ms, warmup_ms, interval_ms;
	uint64_t bytes; /* each way, of all connections; 0: @time_ms is the limit */
	/* messages or requests a second, each way, of all connections; 0: as they go */
	uint64_t rate;
	uint64_t verify;
	uint64_t corrupt; /* the place in each stream of a byte that is sent wrong */
};

extern const struct field test_fields[];
/* by number, and NULL behind the last */
extern const char *const test_modes[], *const test_directions[];

/* test_check() - NULL, or what cannot be, and how it can: a sentence. */
const char *test_check(const struct test *t);

/* test_parse() - the same of a message that came. */
const char *test_parse(struct test *t, struct lines *l);

/* Does that end send, or receive? In TEST_RR both do. */
bool test_sends(const struct test *t, enum test_end end);
bool test_receives(const struct test *t, enum test_end end);

/* test_size() - bytes of a message that this end sends. */
uint64_t test_size(const struct test *t, enum test_end end);

/* test_limit() - how many messages connection number @i is to send; UINT64_MAX: until the time is
 * over. */
uint64_t test_limit(const struct test *t, uint64_t i);

/* test_slots() - how many messages of a connection may have a place in the buffer that is sent
 * from. */
uint64_t test_slots(const struct test *t);

/* test_stride() - bytes from one of its messages to the next in the buffer that is sent from: no
 * two share a cache line. */
uint64_t test_stride(uint64_t size);

/* test_text() - in a line, for people. @room of 200 is enough. Returns @text. */
const char *test_text(const struct test *t, char *text, size_t room);

#endif
