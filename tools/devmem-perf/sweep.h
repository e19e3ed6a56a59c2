/* SPDX-License-Identifier: MIT */
/* The client's tests of several sizes, one after the other. */
#ifndef SWEEP_H
#define SWEEP_H

#include "report.h"

/* client_run() - runs the report's test and fills in its figures. Returns the exit status. */
int client_run(struct report *r);

/* perf_sweep() - runs a test of each size, and reports all of them together at the end. Returns the
 * exit status; a test that fails is the last. */
int perf_sweep(const struct perf_options *opt);

#endif
