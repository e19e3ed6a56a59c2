/* SPDX-License-Identifier: MIT */
/* What the program has to say on standard error, in lines that begin with its name. Others' words come as they may be shown. */
#ifndef SAY_H
#define SAY_H

void nc_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* nc_say_usage() - and where to find what is right. */
void nc_say_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* nc_fail() - why it failed. The first one is kept for the summary. Returns -1. */
int nc_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *nc_failure(void);	/* or NULL */

/* nc_fail_library() - the same, with the library's sentence. */
int nc_fail_library(const char *what);

#endif
