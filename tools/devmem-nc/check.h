/* SPDX-License-Identifier: MIT */
/* Are the bytes what ncdevmem's -v expects: 1, 2, ... N-1, a line's end, and again? They were made
 * for yes(1). */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nc_check {
	unsigned int modulo;
	unsigned char next;	     /* a number that begins with 1; 0 stands for a line's end */
	uint64_t position;	     /* in the stream */
	uint64_t wrong, first_wrong; /* bytes; where */
};

void nc_check_begin(struct nc_check *check, unsigned int modulo);

/* nc_check_bytes() - the next @n of the stream. Each wrong one is told. false: there are so many
 * that it is hopeless. */
bool nc_check_bytes(struct nc_check *check, const void *bytes, size_t n);

#endif
