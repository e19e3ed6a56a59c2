// SPDX-License-Identifier: MIT
#include "check.h"
#include "trace.h"

#define MAX_WRONG 20

void nc_check_begin(struct nc_check *check, unsigned int modulo)
{
	*check = (struct nc_check){ .modulo = modulo, .next = 1 };
}

/* The value has 8 bits even if the modulus has more, as in ncdevmem. */
static unsigned char expect(struct nc_check *check)
{
	const unsigned char byte = check->next ? check->next : '\n';

	if (++check->next == check->modulo)
		check->next = 0;
	return byte;
}

bool nc_check_bytes(struct nc_check *check, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++, check->position++) {
		const unsigned char expected = expect(check);

		if (p[i] == expected)
			continue;
		nc_trace_wrong(expected, p[i], i);
		if (!check->wrong++)
			check->first_wrong = check->position;
		if (check->wrong > MAX_WRONG)
			return false;
	}
	return true;
}
