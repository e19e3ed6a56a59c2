/* SPDX-License-Identifier: MIT */
/* The summary at the end, as text and as JSON, and a progress line each second on a terminal. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include <devmem/devmem.h>

#include "nc.h"

#define NC_REPORT_QUEUES 64

struct nc_report {
	const struct nc_options *opt;
	FILE *json;			     /* or NULL */
	char peer[64];			     /* "": no peer connected */
	char engine[16], engine_reason[512]; /* "": nothing was bound */
	char backend[32];
	uint32_t page_size, id; /* the binding's; 0: it has none */
	/* engine zcrx: the ring takes the queues with the first connection, so the page size is not
	 * known yet */
	bool queues_wait;
	uint32_t queues[NC_REPORT_QUEUES]; /* only the first ones */
	unsigned int nqueues;		   /* number of all bound queues */
	struct devmem_stats stats;
	uint64_t wrong;		 /* number of bytes that differ from what -v expects */
	unsigned int most_sends; /* most sends under way at the same time */
	double started;		 /* seconds, when the connection was made; 0: never */
	double reported_at;	 /* seconds, when progress was last printed */
	uint64_t reported_bytes;
};

/* nc_report_open() - opens the summary's file. It is called before anything is changed, so that a
 * failure is reported in time. Returns -1 after printing an error message. */
int nc_report_open(struct nc_report *r, const struct nc_options *opt);

void nc_report_binding(struct nc_report *r, const struct devmem_buffer *buffer,
		       const struct devmem_binding *binding);
void nc_report_connected(struct nc_report *r, const char *peer);

/* nc_report_progress() - prints a line each second if --no-progress was not given and standard
 * error is a terminal. */
void nc_report_progress(struct nc_report *r, const struct devmem_ring *ring);

/* nc_report_attached() - call when a connection is attached: with any engine, the binding has its
 * queues now. */
void nc_report_attached(struct nc_report *r, const struct devmem_binding *binding);

/* nc_report_ring() - takes the ring's last counters. */
void nc_report_ring(struct nc_report *r, const struct devmem_ring *ring);

/* nc_report_close() - prints the summary. @restored: the NIC is as it was before. Returns @status,
 * or NC_FAILED if @status was 0 and the summary could not be written. */
int nc_report_close(struct nc_report *r, int status, bool restored);

#endif
