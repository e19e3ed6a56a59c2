// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>

#include <devmem/devmem.h>

#include "out.h"
#include "say.h"

static char failure[768];

static void line(const char *text, const char *tail)
{
	fputs("devmem-nc: ", stderr);
	out_text(stderr, text);
	fprintf(stderr, "%s\n", tail);
}

#define FORMAT(text, fmt) do { \
	va_list ap; \
	va_start(ap, fmt); \
	vsnprintf(text, sizeof(text), fmt, ap); \
	va_end(ap); \
} while (0)

void nc_say(const char *fmt, ...)
{
	char text[768];

	FORMAT(text, fmt);
	line(text, "");
}

void nc_say_usage(const char *fmt, ...)
{
	char text[512];

	FORMAT(text, fmt);
	line(text, ": see \"devmem-nc --help\"");
}

int nc_fail(const char *fmt, ...)
{
	char text[768];

	FORMAT(text, fmt);
	line(text, "");
	if (!failure[0])
		snprintf(failure, sizeof(failure), "%s", text);
	return -1;
}

int nc_fail_library(const char *what)
{
	return nc_fail("%s: %s", what, devmem_error());
}

const char *nc_failure(void)
{
	return failure[0] ? failure : NULL;
}
