/* SPDX-License-Identifier: MIT */
/* A picture of a test, as SVG: throughput over time, and under it latency. */
#ifndef PLOT_H
#define PLOT_H

#include <stdio.h>

#include "result.h"
#include "test.h"

/* plot_draw() - where there is nothing to draw, it says so. */
void plot_draw(FILE *f, const struct test *t, const struct result *client,
	       const struct result *server);

/* plot_tick() - a round distance of 1, 2 or 5 times a power of ten, of which at most @most fit up
 * to @value. */
double plot_tick(double value, unsigned int most);

#endif
