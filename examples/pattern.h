/* SPDX-License-Identifier: MIT */
/* The bytes that the examples send and check: they depend on the place in the stream, and repeat at
 * a prime. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of the stream from @position on, and how many of them (at most @n) lie at the address
 * returned. */
const unsigned char *pattern_at(uint64_t position, size_t n, size_t *available);

/* Are these @n bytes what belongs at @position of the stream? */
bool pattern_matches(uint64_t position, const void *bytes, size_t n);

/* Before the first of these: bytes that count modulo @n instead, with a line's end for 0, as the
 * kernel's ncdevmem wants. */
void pattern_modulo(unsigned int n);

#endif
