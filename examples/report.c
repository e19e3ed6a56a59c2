// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

#define MIB 1048576.0

double report_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t host_bytes(const struct devmem_stats *st)
{
	return st->bytes_linear + st->bytes_plain;
}

void report_progress(struct devmem_ring *ring, double started, unsigned int open)
{
	static double last;
	static uint64_t last_bytes;
	struct devmem_stats st = { .size = sizeof(st) };
	double t = report_clock(), since = last > started ? last : started;
	uint64_t bytes;

	if (t - since < 1)
		return;
	devmem_ring_stats(ring, &st);
	bytes = st.bytes_device + host_bytes(&st);
	fprintf(stderr, "%s%6.1f s %9.1f MiB %8.1f MiB/s  %u open, %llu fragments out%s",
		isatty(STDERR_FILENO) ? "\r" : "", t - started,
		(double)bytes / MIB, (double)(bytes - last_bytes) / MIB / (t - since), open,
		(unsigned long long)st.tokens_outstanding, isatty(STDERR_FILENO) ? " " : "\n");
	last = t;
	last_bytes = bytes;
}

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

static void for_people(const struct report *r)
{
	const struct devmem_stats *st = &r->stats;
	uint64_t bytes = st->bytes_device + host_bytes(st);

	fprintf(stderr, "%s", isatty(STDERR_FILENO) ? "\n" : "");
	fprintf(stderr, "received     %.1f MiB in %.1f s, %u connections", (double)bytes / MIB, r->seconds,
		r->connections);
	fprintf(stderr, r->queues_used ? " over %u queues, pages of %u KiB\n" : "\n", r->queues_used,
		r->page_size >> 10);
	fprintf(stderr, "zero copy    %.1f MiB written by the NIC into device memory, %.1f MiB copied\n",
		(double)st->bytes_device / MIB, (double)host_bytes(st) / MIB);
	fprintf(stderr, "engine       %s: %s\n", r->engine, r->engine_reason);
	fprintf(stderr, "fragments    %llu, as %llu descriptors", (unsigned long long)st->fragments,
		(unsigned long long)st->descriptors);
	fprintf(stderr, st->release_operations ? ", given back %.0f at a time\n" : "\n",
		ratio(st->tokens_released, st->release_operations));
	fprintf(stderr, "system calls %llu, %.0f KiB for each\n", (unsigned long long)st->enter_calls,
		ratio(bytes, st->enter_calls) / 1024);
	if (r->verify)
		fprintf(stderr, "verified     %s\n", r->verified ? "every byte is right" : "NO: bytes are wrong or missing");
	fprintf(stderr, "the NIC      %s\n", r->nic_restored ? "is as it was" : "is NOT as it was");
}

static void for_scripts(const struct report *r, FILE *f)
{
	const struct devmem_stats *st = &r->stats;
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "bytes", st->bytes_device + host_bytes(st) },
		{ "bytes_device", st->bytes_device },
		{ "bytes_host", host_bytes(st) },
		{ "connections", r->connections },
		{ "queues_used", r->queues_used },
		{ "page_size", r->page_size },
		{ "fragments", st->fragments },
		{ "descriptors", st->descriptors },
		{ "release_operations", st->release_operations },
		{ "tokens_released", st->tokens_released },
		{ "tokens_outstanding", st->tokens_outstanding },
		{ "enter_calls", st->enter_calls },
		{ "completions", st->completions },
	};
	struct utsname kernel = { 0 };

	uname(&kernel);
	fprintf(f, "{\n");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		fprintf(f, "  \"%s\": %llu,\n", numbers[i].name, (unsigned long long)numbers[i].value);
	fprintf(f, "  \"verified\": %s,\n  \"nic_restored\": %s,\n  \"seconds\": %.3f,\n  \"kernel\": \"%s\",\n"
		"  \"engine\": \"%s\"\n}\n", r->verified ? "true" : "false", r->nic_restored ? "true" : "false",
		r->seconds, kernel.release, r->engine);
}

int report_summary(const struct report *r, const char *json)
{
	FILE *f;

	if (!r->engine)
		return 0;
	for_people(r);
	if (!json)
		return 0;
	f = strcmp(json, "-") ? fopen(json, "we") : stdout;
	if (!f) {
		fprintf(stderr, "%s: %s\n", json, strerror(errno));
		return -1;
	}
	for_scripts(r, f);
	return f == stdout ? fflush(f) : fclose(f);
}
