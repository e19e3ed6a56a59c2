/* SPDX-License-Identifier: MIT */
/* The bytes that the examples send and check. They depend on the position in the stream and repeat
 * after a prime number of bytes. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the bytes of the stream from @position on. @available is the number of bytes at that
 * address, at most @n. */
const unsigned char *pattern_at(uint64_t position, size_t n, size_t *available);

/* True if these @n bytes are those at @position of the stream. */
bool pattern_matches(uint64_t position, const void *bytes, size_t n);

/* Call before any of these, to use bytes that count modulo @n instead, with a newline for 0, as the
 * kernel's ncdevmem expects. */
void pattern_modulo(unsigned int n);

#endif
