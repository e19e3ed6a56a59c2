/* SPDX-License-Identifier: MIT */
/* What a server tells its user: a line each second, and a summary for a person and for a script. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

#include <devmem/devmem.h>

struct report {
	struct devmem_stats stats;
	/* NULL: nothing was set up, so there is nothing to report */
	const char *engine;
	char engine_reason[512]; /* why it is this one */
	const char *tx_engine;	 /* NULL: nothing is sent */
	char tx_engine_reason[512];
	uint32_t page_size; /* bytes: of the pages that the queues take; 0: none do */
	unsigned int connections, queues_used;
	bool verify, nic_restored;
	bool ok; /* no byte was wrong, and no connection broke */
	double seconds;
};

/* Seconds on a clock that only goes forward. */
double report_clock(void);

/* A line on standard error, at most one each second. */
void report_progress(struct devmem_ring *ring, double started, unsigned int open);

/* It sends, too: by which engine, and why. */
void report_sender(struct report *r, const struct devmem_binding *binding);

/* For a person on standard error; for a script, JSON to the file @json ("-": standard output)
 * unless NULL. */
int report_summary(const struct report *r, const char *json);

#endif
