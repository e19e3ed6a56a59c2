// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

bool number_parse(const char *text, uint64_t max, bool units, uint64_t *out)
{
	static const char letters[] = "KMG";
	const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *unit;
	uint64_t n;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoull(text, &end, hex ? 16 : 10);
	if (errno || n > max)
		return false;
	unit = units && *end ? strchr(letters, *end) : NULL;
	if (unit) {
		const int bits = 10 * (int)(unit - letters + 1);

		if (n > max >> bits)
			return false;
		n <<= bits;
		end++;
	}
	*out = n;
	return !*end && n <= max;
}
