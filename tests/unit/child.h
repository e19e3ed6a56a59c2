/* SPDX-License-Identifier: MIT */
/*
 * A test in a process of its own: what it refuses, limits or is killed by stays there. It says what
 * fails by CHECK(), since cmocka's asserts would go on with the parent's tests.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdio.h>
#include <unistd.h>

#include "unit.h"
#include "base/internal.h"

#define CHECK(what)                                                                    \
	((what) ? (void)0                                                              \
		: (void)(fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, \
				 devmem_error()),                                      \
			 _exit(1)))

/* in_a_process() - @fn must return. If it exits with 77, the test that called is skipped. */
void in_a_process(void (*fn)(void));

/* connect_pair() - for the process: a TCP connection on loopback, both ends of it. */
void connect_pair(int pair[2]);

#endif
