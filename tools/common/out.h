/* SPDX-License-Identifier: MIT */
/*
 * What is printed: words for people, and JSON. Names of interfaces and processes come from others,
 * so that neither a terminal nor a parser gets them as they are.
 */
#ifndef OUT_H
#define OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* out_begin() - where a standard descriptor is closed, nothing of ours may come to lie there: what
 * is said would go into it. */
void out_begin(void);

/* out_finish() - a disk that is full is no success. Returns @status, or @on_failure if that was
 * 0. */
int out_finish(int status, int on_failure);

/* out_text() - what is not printable ASCII becomes "?". */
void out_text(FILE *f, const char *text);

/* out_colour() - the sequence, or "" where standard output is no terminal or NO_COLOR is set. */
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
 * One JSON value, as it comes. A key belongs to members of an object; in an array it is NULL, and
 * so it is for the outermost.
 *
 *	struct out_json j = { .f = stdout };
 *	out_object(&j, NULL);
 *	out_number(&j, "queues", 4);
 *	out_end(&j);
 */
struct out_json {
	FILE *f;
	unsigned int depth;
	bool more;	/* something is before it on this level */
	char close[16]; /* what ends each level */
};

void out_object(struct out_json *j, const char *key);
void out_array(struct out_json *j, const char *key);
void out_end(struct out_json *j);
void out_string(struct out_json *j, const char *key, const char *value); /* NULL: null */
void out_number(struct out_json *j, const char *key, uint64_t value);
void out_real(struct out_json *j, const char *key, double value); /* with three places */
void out_bool(struct out_json *j, const char *key, bool value);

#endif
