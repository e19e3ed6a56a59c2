/* SPDX-License-Identifier: MIT */
/* Messages on standard error. Each line begins with the program's name; text from elsewhere is
 * filtered by out_text(). Not thread-safe: one thread at a time. */
#ifndef SAY_H
#define SAY_H

/* The program's name; each program defines it. */
extern const char say_program[];

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* say_usage() - the same, followed by a hint to --help. */
void say_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* failed() - says why the program failed and keeps the first such message for the summary. Returns
 * -1. */
int failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *failure(void); /* the message that was kept, or NULL */

/* failed_by_library() - the same, with the library's error message. */
int failed_by_library(const char *what);

#endif
