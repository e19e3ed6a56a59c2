/* SPDX-License-Identifier: MIT */
/* Output: text for people, and JSON. Interface and process names are chosen by others, so they are
 * never passed to a terminal or a JSON parser unfiltered. */
#ifndef OUT_H
#define OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* out_begin() - fills closed standard descriptors. Otherwise a file or socket opened later would
 * take the number, and messages would be written into it. */
void out_begin(void);

/* out_finish() - flushes standard output, because a full disk is a failure. Returns @status, or
 * @on_failure if that was 0 and the output could not be written. */
int out_finish(int status, int on_failure);

/* out_text() - prints a string with "?" in place of everything but printable ASCII. */
void out_text(FILE *f, const char *text);

/* out_colour() - the escape sequence; "" if standard output is not a terminal, TERM is unset or
 * "dumb", or NO_COLOR is set. */
enum out_colour {
	OUT_PLAIN,
	OUT_GREEN,
	OUT_YELLOW,
	OUT_RED,
};

const char *out_colour(enum out_colour colour);

/* out_bytes() - "64 KiB", "1.5 MiB". @room of 32 is enough. Returns @text. */
const char *out_bytes(char *text, size_t room, uint64_t bytes);

/*
 * Writes one JSON value as a stream. Pass a key for members of an object; pass NULL for elements of
 * an array and for the outermost value.
 *
 *	struct out_json j = { .f = stdout };
 *	out_object(&j, NULL);
 *	out_number(&j, "queues", 4);
 *	out_end(&j);
 */
struct out_json {
	FILE *f;
	unsigned int depth;
	bool more;	/* this level has an element already */
	char close[16]; /* the closing bracket of each level */
};

void out_object(struct out_json *j, const char *key);
void out_array(struct out_json *j, const char *key);
void out_end(struct out_json *j);
void out_string(struct out_json *j, const char *key, const char *value); /* NULL: null */
void out_number(struct out_json *j, const char *key, uint64_t value);
void out_real(struct out_json *j, const char *key, double value); /* with three places */
void out_bool(struct out_json *j, const char *key, bool value);

#endif
