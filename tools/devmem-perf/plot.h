/* SPDX-License-Identifier: MIT */
/* Draws a test as SVG: throughput over time, and below it latency. */
#ifndef PLOT_H
#define PLOT_H

#include <stdio.h>
#include <time.h>

#include "result.h"
#include "test.h"

/* Where and when it was measured. */
struct plot_where {
	const char *client, *server; /* hosts */
	time_t when;
};

/* One test of a sweep over sizes. */
struct plot_row {
	uint64_t size;		     /* bytes */
	double to_server, to_client; /* bits per second; 0: that way nothing was sent */
	uint64_t p50, p99;	     /* ns; 0: none */
};

/* plot_draw() - a panel without values says so. */
void plot_draw(FILE *f, const struct test *t, const struct plot_where *where,
	       const struct result *client, const struct result *server);

/* plot_draw_sizes() - draws the tests of a sweep over sizes. @client, @server: of one of them. */
void plot_draw_sizes(FILE *f, const struct test *t, const struct plot_where *where,
		     const struct side *client, const struct side *server,
		     const struct plot_row *row, unsigned int rows);

/* plot_step() - the nearest 1, 2 or 5 times a power of ten that is not above @value, or not below
 * it (@up). */
double plot_step(double value, bool up);

/* plot_tick() - a round step (1, 2 or 5 times a power of ten) such that at most @most steps fit up
 * to @value. */
double plot_tick(double value, unsigned int most);

#endif
