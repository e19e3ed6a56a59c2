/* SPDX-License-Identifier: MIT */
/* The doctor's findings, one line each. */
#ifndef REPORT_H
#define REPORT_H

#include "base/internal.h"

#include "out.h"

enum level {
	OK,
	WARNING, /* device memory can be received, but not as well as possible or not as intended */
	PROBLEM, /* device memory cannot be received */
};

struct finding {
	enum level level;
	const char *check; /* one word */
	char fact[512];
	char todo[256]; /* "" if nothing need be done */
};

struct report {
	unsigned int count;
	struct finding *finding;
};

/* report_add() - adds a finding. report_todo() - what to do about the last one; a command is
 * written as it is typed. */
void report_add(struct report *r, enum level level, const char *check, const char *fmt, ...)
	DEVMEM_PRINTF(4, 5);
void report_todo(struct report *r, const char *fmt, ...) DEVMEM_PRINTF(2, 3);
void report_free(struct report *r);

/* report_join() - moves the findings of @more to the end of @r. report_drop_problems() - removes
 * the problems and keeps all else. */
void report_join(struct report *r, struct report *more);
void report_drop_problems(struct report *r);

/* report_problem() - the first problem, or NULL. */
const struct finding *report_problem(const struct report *r);

/* report_warns() - true if that check gave a warning. */
bool report_warns(const struct report *r, const char *check);

void report_print(const struct report *r);
void report_json(const struct report *r, struct out_json *j); /* the array "checks" */

#endif
