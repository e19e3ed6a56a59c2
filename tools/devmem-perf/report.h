/* SPDX-License-Identifier: MIT */
/* The report at the end of a test: as text, as JSON, and as a picture. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "out.h"
#include "perf.h"
#include "plot.h"
#include "result.h"

struct report {
	const struct perf_options *opt;
	const struct test *test;
	struct result own, peer; /* @peer: only the client has its peer's figures */
	FILE *json, *plot;	 /* or NULL */
	bool restored;		 /* the client's NIC is as it was before */
};

/* report_open() - opens the client's files. It is called before anything is changed, so that a
 * failure is reported in time. */
int report_open(struct report *r, const struct perf_options *opt);

/* report_text() - prints the report as text. report_text_file() - where to: standard output, unless
 * a file goes there. */
void report_text(FILE *f, const struct report *r);
FILE *report_text_file(const struct perf_options *opt);

/* report_draw_sizes() - draws the tests of a sweep. @client, @server: of one of them. */
void report_draw_sizes(const struct report *r, const struct side *client, const struct side *server,
		       const struct plot_row *row, unsigned int rows);

/* report_end_files() - closes them. Returns as report_close(). */
int report_end_files(struct report *r, int status);

/* report_close() - writes the whole report. Returns @status, or PERF_FAILED if @status was 0 and
 * the report could not be written. */
int report_close(struct report *r, int status);

/* report_server() - prints a summary where the server runs. */
void report_server(const struct report *r);

/* report_flow() - what the receiver got: bytes, whole messages, and the time. */
struct flow_figures {
	uint64_t bytes, messages, nanoseconds;
	double bits_per_second, messages_per_second;
};

struct flow_figures report_flow(const struct side *receiver);

/* report_zero_copy() - true if no byte was copied at either end. */
bool report_zero_copy(const struct report *r);

/* report_json() - writes all figures as one JSON object, as far as the test got. */
void report_json(struct out_json *j, const struct report *r, int status);

#endif
