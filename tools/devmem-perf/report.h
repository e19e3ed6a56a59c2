/* SPDX-License-Identifier: MIT */
/* What is told when a test is over: to people, to programs, and as a picture. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "perf.h"
#include "result.h"

struct report {
	const struct perf_options *opt;
	const struct test *test;
	struct result own, peer; /* of the client; the server has none of its peer */
	FILE *json, *plot;	 /* or NULL */
	bool restored;		 /* the client's NIC is as it was */
};

/* report_open() - of the client, before anything is changed, so that a file that cannot be written
 * is told in time. */
int report_open(struct report *r, const struct perf_options *opt);

/* report_close() - all of it. Returns @status, or PERF_FAILED if it could not be told. */
int report_close(struct report *r, int status);

/* report_server() - in two lines, where the server runs. */
void report_server(const struct report *r);

/* report_flow() - what went to that end: bytes, whole messages, and in which time. */
struct flow_figures {
	uint64_t bytes, messages, nanoseconds;
	double bits_per_second, messages_per_second;
};

struct flow_figures report_flow(const struct side *receiver);

/* report_zero_copy() - no byte was copied, at either end. */
bool report_zero_copy(const struct report *r);

/* report_json() - all figures, for programs, as far as it came. */
void report_json(const struct report *r, int status);

#endif
