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
		isatty(STDERR_FILENO) ? "\r" : "", t - started, (double)bytes / MIB,
		(double)(bytes - last_bytes) / MIB / (t - since), open,
		(unsigned long long)st.tokens_outstanding, isatty(STDERR_FILENO) ? " " : "\n");
	last = t;
	last_bytes = bytes;
}

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

enum verdict { RIGHT, WRONG, NOTHING };

/* If nothing came, that is neither a failure nor a success that one could rely on. */
static enum verdict verdict(const struct report *r)
{
	return !r->ok ? WRONG : r->stats.bytes_device || host_bytes(&r->stats) ? RIGHT : NOTHING;
}

static void for_people(const struct report *r)
{
	static const char *const verdicts[] = { "every byte is right",
						"NO: bytes are wrong or missing",
						"nothing: no byte came" };
	const struct devmem_stats *st = &r->stats;
	uint64_t bytes = st->bytes_device + host_bytes(st);

	fprintf(stderr, "%s", isatty(STDERR_FILENO) ? "\n" : "");
	fprintf(stderr, "received     %.1f MiB in %.1f s, %u connections", (double)bytes / MIB,
		r->seconds, r->connections);
	fprintf(stderr, r->queues_used ? " over %u queues, pages of %u KiB\n" : "\n",
		r->queues_used, r->page_size >> 10);
	fprintf(stderr,
		"zero copy    %.1f MiB written by the NIC into device memory, %.1f MiB copied\n",
		(double)st->bytes_device / MIB, (double)host_bytes(st) / MIB);
	fprintf(stderr, "engine       %s: %s\n", r->engine, r->engine_reason);
	fprintf(stderr, "fragments    %llu, as %llu descriptors", (unsigned long long)st->fragments,
		(unsigned long long)st->descriptors);
	fprintf(stderr, st->release_operations ? ", given back %.0f at a time\n" : "\n",
		ratio(st->tokens_released, st->release_operations));
	fprintf(stderr, "system calls %llu, %.0f KiB for each\n",
		(unsigned long long)st->enter_calls, ratio(bytes, st->enter_calls) / 1024);
	if (r->tx_engine)
		fprintf(stderr,
			"sent         %.1f MiB from device memory, %.1f MiB copied on their way\n"
			"sent by      %s: %s\n",
			(double)st->bytes_sent / MIB, (double)st->bytes_sent_copied / MIB,
			r->tx_engine, r->tx_engine_reason);
	if (r->verify)
		fprintf(stderr, "verified     %s\n", verdicts[verdict(r)]);
	fprintf(stderr, "the NIC      %s\n", r->nic_restored ? "is as it was" : "is NOT as it was");
}

struct number {
	const char *name;
	uint64_t value;
};

static void print_numbers(FILE *f, const struct number *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "  \"%s\": %llu,\n", numbers[i].name,
			(unsigned long long)numbers[i].value);
}

/* Reasons quote text from elsewhere. */
static void print_text(FILE *f, const char *name, const char *text)
{
	fprintf(f, "  \"%s\": \"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', f);
		fputc((unsigned char)*text < ' ' ? ' ' : *text, f);
	}
	fprintf(f, "\",\n");
}

static void print_sender(const struct report *r, FILE *f)
{
	const struct devmem_stats *st = &r->stats;
	const struct number numbers[] = {
		{ "bytes_sent", st->bytes_sent },
		{ "bytes_sent_copied", st->bytes_sent_copied },
		{ "sends", st->sends },
		{ "sends_outstanding", st->sends_outstanding },
		{ "send_operations", st->send_operations },
		{ "send_notices", st->send_notices },
	};

	print_numbers(f, numbers, sizeof(numbers) / sizeof(numbers[0]));
	print_text(f, "tx_engine", r->tx_engine);
	print_text(f, "tx_engine_reason", r->tx_engine_reason);
}

static void for_scripts(const struct report *r, FILE *f)
{
	const struct devmem_stats *st = &r->stats;
	const struct number numbers[] = {
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
	static const char *const verdicts[] = { "true", "false", "null" };
	struct utsname kernel = { 0 };

	uname(&kernel);
	fprintf(f, "{\n");
	print_numbers(f, numbers, sizeof(numbers) / sizeof(numbers[0]));
	if (r->tx_engine)
		print_sender(r, f);
	print_text(f, "engine_reason", r->engine_reason);
	fprintf(f,
		"  \"verified\": %s,\n  \"nic_restored\": %s,\n  \"seconds\": %.3f,\n  \"kernel\": "
		"\"%s\",\n"
		"  \"engine\": \"%s\"\n}\n",
		r->verify ? verdicts[verdict(r)] : "false", r->nic_restored ? "true" : "false",
		r->seconds, kernel.release, r->engine);
}

void report_sender(struct report *r, const struct devmem_binding *binding)
{
	const char *reason;

	r->tx_engine = devmem_binding_engine(binding, &reason);
	snprintf(r->tx_engine_reason, sizeof(r->tx_engine_reason), "%s", reason);
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
