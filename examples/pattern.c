// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <string.h>

#include "pattern.h"

#define PERIOD 1048573 /* a prime: no multiple of a buffer or page size */

static unsigned char table[PERIOD];
static size_t period = PERIOD;
static unsigned int modulo;
static pthread_once_t filled = PTHREAD_ONCE_INIT;

/* The pattern that ncdevmem expects. It is made for yes(1), which ends each line with a newline. */
static void count(void)
{
	period = PERIOD - PERIOD % modulo;
	for (size_t i = 0; i < period; i++)
		table[i] = (i + 1) % modulo ? (unsigned char)((i + 1) % modulo) : '\n';
}

static void fill(void)
{
	uint64_t x = 88172645463325252u;

	if (modulo) {
		count();
		return;
	}
	for (size_t i = 0; i < PERIOD; i++) { /* xorshift64 */
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		table[i] = (unsigned char)(x >> 32);
	}
}

void pattern_modulo(unsigned int n)
{
	modulo = n;
}

const unsigned char *pattern_at(uint64_t position, size_t n, size_t *available)
{
	size_t start;

	pthread_once(&filled, fill);
	start = position % period;
	*available = n < period - start ? n : period - start;
	return table + start;
}

bool pattern_matches(uint64_t position, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	size_t piece;

	for (; n; position += piece, p += piece, n -= piece) {
		const unsigned char *expected = pattern_at(position, n, &piece);

		if (memcmp(expected, p, piece))
			return false;
	}
	return true;
}
