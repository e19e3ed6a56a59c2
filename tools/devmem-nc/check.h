/* SPDX-License-Identifier: MIT */
/* Checks that the bytes are what ncdevmem's -v expects: 1, 2, ... N-1, newline, and so on from 1.
 * yes(1) generates them. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nc_check {
	unsigned int modulo;
	unsigned char next;	     /* the next value, from 1 up; 0 stands for a newline */
	uint64_t position;	     /* bytes checked so far */
	uint64_t wrong, first_wrong; /* number of wrong bytes; position of the first */
};

void nc_check_begin(struct nc_check *check, unsigned int modulo);

/* nc_check_bytes() - checks the next @n bytes of the stream and reports each wrong one. False: too
 * many were wrong, so give up. */
bool nc_check_bytes(struct nc_check *check, const void *bytes, size_t n);

#endif
