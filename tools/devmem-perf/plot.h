/* SPDX-License-Identifier: MIT */
/* Draws a test as SVG: throughput over time, and below it latency. */
#ifndef PLOT_H
#define PLOT_H

#include <stdio.h>

#include "result.h"
#include "test.h"

/* plot_draw() - a panel without values says so. */
void plot_draw(FILE *f, const struct test *t, const struct result *client,
	       const struct result *server);

/* plot_tick() - a round step (1, 2 or 5 times a power of ten) such that at most @most steps fit up
 * to @value. */
double plot_tick(double value, unsigned int most);

#endif
