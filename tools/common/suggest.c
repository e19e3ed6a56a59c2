// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "suggest.h"

#define MAX_LENGTH  32 /* longer words are like none */
#define MAX_OPTIONS 64

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	const unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters have to be put in, taken away, replaced, or swapped with the next. */
static unsigned int distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned int d[MAX_LENGTH + 1][MAX_LENGTH + 1];

	for (size_t i = 0; i <= na; i++)
		d[i][0] = (unsigned int)i;
	for (size_t k = 0; k <= nb; k++)
		d[0][k] = (unsigned int)k;
	for (size_t i = 1; i <= na; i++)
		for (size_t k = 1; k <= nb; k++) {
			d[i][k] = least(d[i - 1][k] + 1, d[i][k - 1] + 1,
					d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
			    d[i - 2][k - 2] + 1 < d[i][k])
				d[i][k] = d[i - 2][k - 2] + 1;
		}
	return d[na][nb];
}

/* 0: @word is the beginning of @name. */
static unsigned int unlike(const char *word, size_t length, const char *name)
{
	if (strlen(name) > MAX_LENGTH)
		return MAX_LENGTH;
	return length > 1 && !strncmp(word, name, length)
		       ? 0
		       : distance(word, length, name, strlen(name));
}

const char *suggest(const char *word, const char *const *names, size_t n)
{
	const size_t length = strlen(word);
	/* a third of the letters may be wrong, and one in any case */
	unsigned int best = (length < 3 ? 1 : (unsigned int)length / 3) + 1;
	const char *found = NULL;

	if (!length || length > MAX_LENGTH)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const unsigned int d = unlike(word, length, names[i]);

		if (d >= best)
			continue;
		best = d;
		found = names[i];
	}
	return found;
}

const char *suggest_option(const char *word, const struct option *longs)
{
	const char *names[MAX_OPTIONS];
	char typed[64];
	size_t n = 0;

	if (strncmp(word, "--", 2))
		return NULL;
	snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	for (; n < MAX_OPTIONS && longs[n].name; n++)
		names[n] = longs[n].name;
	return suggest(typed, names, n);
}
