/* SPDX-License-Identifier: MIT */
/* What the doctor found, a line each. */
#ifndef REPORT_H
#define REPORT_H

#include "base/internal.h"

#include "out.h"

enum level {
	OK,
	WARNING, /* it can be, but not as well as it could, or not as it was meant */
	PROBLEM, /* it cannot be */
};

struct finding {
	enum level level;
	const char *check; /* a word */
	char fact[512];
	char todo[256]; /* "" where nothing need be done */
};

struct report {
	unsigned int count;
	struct finding *finding;
};

/* report_add() - one more. report_todo() - what to do about the last one: if it is a command, as it
 * is typed. */
void report_add(struct report *r, enum level level, const char *check, const char *fmt, ...)
	DEVMEM_PRINTF(4, 5);
void report_todo(struct report *r, const char *fmt, ...) DEVMEM_PRINTF(2, 3);
void report_free(struct report *r);

/* The first problem, or NULL. */
const struct finding *report_problem(const struct report *r);

/* Is there a warning of that check? */
bool report_warns(const struct report *r, const char *check);

void report_print(const struct report *r);
void report_json(const struct report *r, struct out_json *j); /* the array "checks" */

#endif
