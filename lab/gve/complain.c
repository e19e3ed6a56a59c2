// SPDX-License-Identifier: MIT
#include "complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"

#define SHOWN 100u

static FILE *complaints;
static unsigned int written;

bool complain_to(const char *path)
{
	complaints = fopen(path, "we");
	if (!complaints)
		fprintf(stderr, "gve_model: %s: %s\n", path, strerror(errno));
	return complaints;
}

void complain(struct device *d, const char *format, ...)
{
	va_list args;

	d->counters[COUNT_COMPLAINTS]++;
	if (!complaints || written++ >= SHOWN)
		return;
	fprintf(complaints, "gve: %s: ", d->name);
	va_start(args, format);
	vfprintf(complaints, format, args);
	va_end(args);
	fputc('\n', complaints);
	fflush(complaints); /* a run that is killed has them, too */
}

static FILE *open_trace(void)
{
	const char *const path = getenv("GVE_TRACE");
	FILE *const file = path && *path ? fopen(path, "ae") : NULL;

	if (path && *path && !file)
		fprintf(stderr, "gve_model: GVE_TRACE=%s: %s\n", path, strerror(errno));
	return file;
}

void trace(const struct device *d, const char *format, ...)
{
	static bool opened;
	static FILE *file;
	struct timespec now;
	va_list args;

	if (!opened)
		file = open_trace();
	opened = true;
	if (!file)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(file, "%lld.%06ld %s: ", (long long)now.tv_sec, now.tv_nsec / 1000, d->name);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fputc('\n', file);
	fflush(file);
}
