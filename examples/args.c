// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"

unsigned int arg_number(const char *text, unsigned int most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || !n || n > most) {
		fprintf(stderr, "%s: \"%s\" is not a number from 1 to %u\n",
			program_invocation_short_name, text, most);
		exit(2);
	}
	return (unsigned int)n;
}

double arg_seconds(const char *text)
{
	char *end;
	double n = strtod(text, &end);

	if (*end || end == text || !(n >= 0 && n <= 1e9)) {
		fprintf(stderr, "%s: \"%s\" is not a number of seconds\n",
			program_invocation_short_name, text);
		exit(2);
	}
	return n;
}

uint64_t arg_bytes(const char *text)
{
	static const char units[] = "KMG";
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (unit) {
		n <<= 10 * (unit - units + 1);
		end++;
	}
	if (*end || end == text || !n) {
		fprintf(stderr, "%s: \"%s\" is not a number of bytes such as 64M\n",
			program_invocation_short_name, text);
		exit(2);
	}
	return n;
}
