/* SPDX-License-Identifier: MIT */
/*
 * A histogram of times in nanoseconds that keeps three significant digits of each, up to 73
 * minutes, in memory that does not grow. Its buckets are those of HdrHistogram (Gil Tene); that is
 * a library for C too, but no Debian release packages it, and a tool that measures is not to be the
 * only reason to build one from source.
 *
 * Below 2,048 each value has a counter of its own; above that, each doubling has 1,024.
 */
#ifndef HDR_H
#define HDR_H

#include <stdint.h>

#define HDR_HALF     1024u
#define HDR_BITS     42 /* of the largest value that is told from others */
#define HDR_MAX	     ((UINT64_C(1) << HDR_BITS) - 1)
#define HDR_COUNTERS ((HDR_BITS - 11 + 2) * HDR_HALF)

struct hdr {
	uint64_t count; /* values */
	/* of them, how many were more than HDR_MAX and were counted as that */
	uint64_t over;
	uint64_t min, max; /* exact; of none, 0 */
	double sum;
	uint64_t counter[HDR_COUNTERS];
};

void hdr_reset(struct hdr *h);
void hdr_record(struct hdr *h, uint64_t value);

/* hdr_merge() - all that @from has, too. */
void hdr_merge(struct hdr *to, const struct hdr *from);

/*
 * hdr_percentile() - the least value, to three digits and rounded up, that so many per cent of all
 * do not exceed. Of 0 it is the least of all, of 100 the most; of no values, 0.
 */
uint64_t hdr_percentile(const struct hdr *h, double percent);

uint64_t hdr_mean(const struct hdr *h);

#endif
