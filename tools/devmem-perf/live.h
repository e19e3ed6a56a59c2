/* SPDX-License-Identifier: MIT */
/* A line for each interval, while it goes on; and figures as people read them. */
#ifndef LIVE_H
#define LIVE_H

#include <stddef.h>

#include "result.h"

/* live_line() - on standard error. @before: the one that it follows, or NULL. */
void live_line(const struct point *p, const struct point *before);

/* live_rate() - "93.41 Gbit/s". live_time() - of nanoseconds: "12.3 us". @room of 32 is enough.
 * Both return @text. */
const char *live_rate(char *text, size_t room, double bits_per_second);
const char *live_time(char *text, size_t room, uint64_t ns);

#endif
