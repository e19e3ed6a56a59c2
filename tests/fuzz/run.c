// SPDX-License-Identifier: MIT
/* Inputs made from the good one by a few changes each: always the same, so that what fails can be
 * run again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define ROOM 8192u

static uint64_t state = 88172645463325252u;

static uint64_t next(void) /* xorshift64 */
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* Bits, bytes of interest, whole words, and the length. */
static size_t spoil(uint8_t *data, size_t size)
{
	static const uint8_t odd[] = { 0, 1, 15, 16, 39, 40, 41, 0x7f, 0x80, 0xff };
	size_t at = next() % size;

	switch (next() % 4) {
	case 0:
		data[at] ^= (uint8_t)(1u << next() % 8);
		break;
	case 1:
		data[at] = odd[next() % sizeof(odd)];
		break;
	case 2:
		memset(data + at, next() % 2 ? 0xff : 0, size - at < 4 ? size - at : 4);
		break;
	default:
		return at + 1;
	}
	return size;
}

int main(void)
{
	uint8_t good[ROOM], data[ROOM];
	size_t size = fuzz_seed(good, sizeof(good));

	LLVMFuzzerTestOneInput(good, size);
	for (unsigned int i = 0; i < INPUTS; i++) {
		size_t now = size;

		memcpy(data, good, size);
		for (uint64_t changes = 1 + next() % 4; changes; changes--)
			now = spoil(data, now);
		LLVMFuzzerTestOneInput(data, now);
	}
	printf("%u inputs\n", INPUTS);
	return 0;
}
