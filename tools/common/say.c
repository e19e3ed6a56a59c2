// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>

#include <devmem/devmem.h>

#include "out.h"
#include "say.h"

static char first[768];

static void line(const char *text, const char *tail)
{
	fprintf(stderr, "%s: ", say_program);
	out_text(stderr, text);
	fprintf(stderr, "%s\n", tail);
}

#define FORMAT(text, fmt)                               \
	do {                                            \
		va_list ap;                             \
		va_start(ap, fmt);                      \
		vsnprintf(text, sizeof(text), fmt, ap); \
		va_end(ap);                             \
	} while (0)

void say(const char *fmt, ...)
{
	char text[768];

	FORMAT(text, fmt);
	line(text, "");
}

void say_usage(const char *fmt, ...)
{
	char text[512], tail[64];

	snprintf(tail, sizeof(tail), ": see \"%s --help\"", say_program);
	FORMAT(text, fmt);
	line(text, tail);
}

int failed(const char *fmt, ...)
{
	char text[768];

	FORMAT(text, fmt);
	line(text, "");
	if (!first[0])
		snprintf(first, sizeof(first), "%s", text);
	return -1;
}

int failed_by_library(const char *what)
{
	return failed("%s: %s", what, devmem_error());
}

const char *failure(void)
{
	return first[0] ? first : NULL;
}
