/* SPDX-License-Identifier: MIT */
/* A line for each interval while the test runs, and figures in readable units. */
#ifndef LIVE_H
#define LIVE_H

#include <stddef.h>

#include "result.h"

/* live_line() - prints an interval to standard error. @before: the previous interval, or NULL. */
void live_line(const struct point *p, const struct point *before);

/* live_rate() - formats a rate, such as "93.41 Gbit/s". live_time() - formats nanoseconds, such as
 * "12.3 us". A @room of 32 is enough. Both return @text. */
const char *live_rate(char *text, size_t room, double bits_per_second);
const char *live_time(char *text, size_t room, uint64_t ns);

#endif
