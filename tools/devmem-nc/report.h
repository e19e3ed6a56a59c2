/* SPDX-License-Identifier: MIT */
/* What is told at the end, to people and to programs, and each second on a terminal. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include <devmem/devmem.h>

#include "nc.h"

#define NC_REPORT_QUEUES 64

struct nc_report {
	const struct nc_options *opt;
	FILE *json;			     /* or NULL */
	char peer[64];			     /* "": there was none */
	char engine[16], engine_reason[512]; /* "": nothing was bound */
	char backend[32];
	uint32_t page_size, id; /* of the binding; 0: it has none */
	/* engine zcrx: its ring takes the queues with the first connection; the page size is
	 * open */
	bool queues_wait;
	uint32_t queues[NC_REPORT_QUEUES]; /* the first ones */
	unsigned int nqueues;		   /* all that are bound */
	struct devmem_stats stats;
	uint64_t wrong;		 /* bytes that were not what -v expects */
	unsigned int most_sends; /* under way at the same time */
	double started;		 /* when the connection was there; 0: never */
	double reported_at;	 /* a line of progress */
	uint64_t reported_bytes;
};

/* nc_report_open() - before anything is changed, so that a file that cannot be written is told in
 * time. -1 after a sentence. */
int nc_report_open(struct nc_report *r, const struct nc_options *opt);

void nc_report_binding(struct nc_report *r, const struct devmem_buffer *buffer,
		       const struct devmem_binding *binding);
void nc_report_connected(struct nc_report *r, const char *peer);

/* nc_report_progress() - a line each second, if that is wanted. */
void nc_report_progress(struct nc_report *r, const struct devmem_ring *ring);

/* nc_report_attached() - a connection is attached: now the binding has its queues, whatever the
 * engine. */
void nc_report_attached(struct nc_report *r, const struct devmem_binding *binding);

/* nc_report_ring() - its last counters. */
void nc_report_ring(struct nc_report *r, const struct devmem_ring *ring);

/* nc_report_close() - all of it. @restored: the NIC is as it was. Returns @status, or NC_FAILED if
 * it could not be told. */
int nc_report_close(struct nc_report *r, int status, bool restored);

#endif
