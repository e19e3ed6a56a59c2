/* SPDX-License-Identifier: MIT */
/* The parameters of a test. The client gives them and sends them to the server, so both ends have
 * the same. */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "fields.h"

enum test_mode {
	TEST_STREAM,   /* as fast as possible */
	TEST_RR,       /* requests and responses */
	TEST_MESSAGES, /* many small messages, each sent by its own call */
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

/* Only numbers, for fields.h. */
struct test {
	uint64_t mode, direction;
	uint64_t size, response; /* bytes of a send or request, and of a response */
	uint64_t depth;		 /* sends under way on each connection */
	uint64_t connections, threads;
	uint64_t time_ms, warmup_ms, interval_ms;
	uint64_t bytes; /* each way, on all connections together; 0: @time_ms is the limit */
	/* messages or requests per second, each way, on all connections together; 0: no limit */
	uint64_t rate;
	uint64_t verify;
	uint64_t corrupt; /* position in each stream of a byte that is sent wrong */
};

extern const struct field test_fields[];
/* names by number; NULL ends the list */
extern const char *const test_modes[], *const test_directions[];

/* test_check() - returns NULL, or an error message that says what is impossible and what to do. */
const char *test_check(const struct test *t);

/* test_parse() - reads the parameters from a message and checks them likewise. */
const char *test_parse(struct test *t, struct lines *l);

/* test_sends(), test_receives() - does that end send, or receive? In TEST_RR both do both. */
bool test_sends(const struct test *t, enum test_end end);
bool test_receives(const struct test *t, enum test_end end);

/* test_size() - size in bytes of a message that this end sends. */
uint64_t test_size(const struct test *t, enum test_end end);

/* test_limit() - number of messages that connection @i is to send; UINT64_MAX: as many as the time
 * allows. */
uint64_t test_limit(const struct test *t, uint64_t i);

/* test_slots() - number of slots for a connection's messages in the buffer that is sent from. */
uint64_t test_slots(const struct test *t);

/* test_stride() - distance in bytes between two messages in the buffer that is sent from. No two
 * messages share a cache line. */
uint64_t test_stride(uint64_t size);

/* test_text() - describes the test in one line; with a size of 0 all tests of a sweep. A @room of
 * 200 is enough. Returns @text. */
const char *test_text(const struct test *t, char *text, size_t room);

#endif
