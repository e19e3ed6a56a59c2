/* SPDX-License-Identifier: MIT */
/*
 * A histogram of times in nanoseconds. It keeps three significant digits of each value, up to 73
 * minutes, in memory of a fixed size. Its buckets are those of HdrHistogram (Gil Tene). That is a C
 * library too, but no Debian release packages it, and a measuring tool should not be the only
 * reason to build one from source.
 *
 * Each value below 2,048 has its own counter. Above that, each doubling has 1,024 counters.
 */
#ifndef HDR_H
#define HDR_H

#include <stdint.h>

#define HDR_HALF     1024u
#define HDR_BITS     42 /* number of bits of the largest value that is distinguished */
#define HDR_MAX	     ((UINT64_C(1) << HDR_BITS) - 1)
#define HDR_COUNTERS ((HDR_BITS - 11 + 2) * HDR_HALF)

struct hdr {
	uint64_t count; /* number of values */
	/* values above HDR_MAX, which were counted as HDR_MAX */
	uint64_t over;
	uint64_t min, max; /* exact; 0 if there are no values */
	double sum;
	uint64_t counter[HDR_COUNTERS];
};

void hdr_reset(struct hdr *h);
void hdr_record(struct hdr *h, uint64_t value);

/* hdr_merge() - adds all values of @from to @to. */
void hdr_merge(struct hdr *to, const struct hdr *from);

/*
 * hdr_percentile() - the smallest value, rounded up to three digits, that at least @percent of all
 * values do not exceed. 0 per cent gives the minimum, 100 the maximum. Without values the result is
 * 0.
 */
uint64_t hdr_percentile(const struct hdr *h, double percent);

uint64_t hdr_mean(const struct hdr *h);

#endif
