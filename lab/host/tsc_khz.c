// SPDX-License-Identifier: MIT
/*
 * Prints how many thousand ticks the time stamp counter makes in a second. QEMU hands the host's
 * counter to a guest whose processors it emulates.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define TRIES	    32
#define INTERVAL_NS 100000000

struct sample {
	uint64_t ticks, ns;
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Both clocks at one moment: of several tries, the one that was interrupted the least. */
static struct sample sample(void)
{
	uint64_t shortest = UINT64_MAX;
	struct sample best = { 0 };

	for (int i = 0; i < TRIES; i++) {
		const uint64_t before = clock_ns(), ticks = __rdtsc(), took = clock_ns() - before;

		if (took >= shortest)
			continue;
		shortest = took;
		best = (struct sample){ ticks, before + took / 2 };
	}
	return best;
}

int main(void)
{
	const struct timespec interval = { .tv_nsec = INTERVAL_NS };
	const struct sample first = sample();
	struct sample last;

	nanosleep(&interval, NULL);
	last = sample();
	printf("%" PRIu64 "\n", (last.ticks - first.ticks) * 1000000 / (last.ns - first.ns));
	return 0;
}
