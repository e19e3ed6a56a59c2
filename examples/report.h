/* SPDX-License-Identifier: MIT */
/* A server's output: a line each second, and a summary for people and for scripts. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

#include <devmem/devmem.h>

struct report {
	struct devmem_stats stats;
	/* NULL: nothing was set up, so nothing is reported */
	const char *engine;
	char engine_reason[512]; /* why this engine was chosen */
	const char *tx_engine;	 /* NULL: nothing is sent */
	char tx_engine_reason[512];
	uint32_t page_size; /* bytes; page size of the queues; 0: no queues are bound */
	unsigned int connections, queues_used;
	bool verify, nic_restored;
	bool ok; /* no byte was wrong, and no connection broke */
	double seconds;
};

/* Seconds of a monotonic clock. */
double report_clock(void);

/* Prints a line to standard error, at most one each second. */
void report_progress(struct devmem_ring *ring, double started, unsigned int open);

/* Notes that the server sends, too: the engine, and why it was chosen. */
void report_sender(struct report *r, const struct devmem_binding *binding);

/* Prints the summary for people to standard error, and for scripts as JSON to the file @json ("-":
 * standard output) unless it is NULL. */
int report_summary(const struct report *r, const char *json);

#endif
