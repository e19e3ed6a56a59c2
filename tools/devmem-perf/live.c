// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "live.h"

static const char *scaled(char *text, size_t room, double value, const char *const *units,
			  unsigned int n)
{
	unsigned int unit = 0;

	for (; value >= 999.5 && unit < n - 1; unit++)
		value /= 1000;
	snprintf(text, room, "%.*f %s",
		 value >= 99.95 || (!unit && value == (double)(int)value) ? 0
		 : value >= 9.995					  ? 1
									  : 2,
		 value, units[unit]);
	return text;
}

const char *live_rate(char *text, size_t room, double bits_per_second)
{
	static const char *const units[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s" };

	return scaled(text, room, bits_per_second, units, 5);
}

const char *live_time(char *text, size_t room, uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };

	return scaled(text, room, (double)ns, units, 4);
}

void live_line(const struct point *p, const struct point *before)
{
	const uint64_t start = before ? before->end_us : 0;
	const double seconds = (double)(p->end_us - start) / 1e6;
	char in[32], out[32], p50[32], p99[32];

	if (p->end_us <= start)
		return;
	fprintf(stderr, "%8.2f s  in %s, out %s, %.0f messages/s", (double)p->end_us / 1e6,
		live_rate(in, sizeof(in), (double)p->bytes_received * 8 / seconds),
		live_rate(out, sizeof(out), (double)p->bytes_sent * 8 / seconds),
		(double)p->messages / seconds);
	if (p->count)
		fprintf(stderr, ", latency p50 %s, p99 %s", live_time(p50, sizeof(p50), p->p50),
			live_time(p99, sizeof(p99), p->p99));
	fputc('\n', stderr);
}
