// SPDX-License-Identifier: MIT
#include <math.h>
#include <string.h>

#include "hdr.h"

void hdr_reset(struct hdr *h)
{
	memset(h, 0, sizeof(*h));
}

/* The number of halvings until the value is less than 2,048. */
static unsigned int bucket_of(uint64_t value)
{
	return 63 - 10 - (unsigned int)__builtin_clzll(value | (2 * HDR_HALF - 1));
}

static unsigned int counter_of(uint64_t value)
{
	const unsigned int bucket = bucket_of(value);

	return bucket * HDR_HALF + (unsigned int)(value >> bucket);
}

/* The largest value that this counter counts. */
static uint64_t most_of(unsigned int counter)
{
	const unsigned int bucket = counter < 2 * HDR_HALF ? 0 : counter / HDR_HALF - 1;

	return (((uint64_t)(counter - bucket * HDR_HALF) + 1) << bucket) - 1;
}

void hdr_record(struct hdr *h, uint64_t value)
{
	if (value > HDR_MAX) {
		value = HDR_MAX;
		h->over++;
	}
	if (!h->count || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->count++;
	h->sum += (double)value;
	h->counter[counter_of(value)]++;
}

void hdr_merge(struct hdr *to, const struct hdr *from)
{
	if (!from->count)
		return;
	if (!to->count || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->count += from->count;
	to->over += from->over;
	to->sum += from->sum;
	for (unsigned int i = 0; i < HDR_COUNTERS; i++)
		to->counter[i] += from->counter[i];
}

uint64_t hdr_percentile(const struct hdr *h, double percent)
{
	const double exact = percent / 100 * (double)h->count;
	/* 99.9 % of 1,000 must give 999, in spite of rounding errors */
	const uint64_t wanted = (uint64_t)ceil(exact - 1e-9 * exact);
	uint64_t seen = 0;

	if (wanted <= 1)
		return h->min;
	for (unsigned int i = 0; i < HDR_COUNTERS; i++) {
		seen += h->counter[i];
		if (seen >= wanted)
			return most_of(i) < h->max ? most_of(i) : h->max;
	}
	return h->max;
}

uint64_t hdr_mean(const struct hdr *h)
{
	return h->count ? (uint64_t)(h->sum / (double)h->count) : 0;
}
