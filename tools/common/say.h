/* SPDX-License-Identifier: MIT */
/*
 * What a program has to say on standard error, in lines that begin with its name. Others' words
 * come as they may be shown. One thread at a time.
 */
#ifndef SAY_H
#define SAY_H

/* Its name: each program defines it. */
extern const char say_program[];

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* say_usage() - and where to find what is right. */
void say_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* failed() - why it failed. The first one is kept for the summary. Returns -1. */
int failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *failure(void); /* or NULL */

/* failed_by_library() - the same, with the library's sentence. */
int failed_by_library(const char *what);

#endif
