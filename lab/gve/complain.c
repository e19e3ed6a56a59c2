// SPDX-License-Identifier: MIT
#include "complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void trace(const struct device *d, const char *format, ...)
{
	static int on = -1;
	va_list args;

	if (on < 0)
		on = getenv("GVE_TRACE") != NULL;
	if (!on)
		return;
	fprintf(stderr, "gve: %s: ", d->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}
