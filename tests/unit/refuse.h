/* SPDX-License-Identifier: MIT */
/* A policy of this process, for good, and of its children: a system call answers with an error. No
 * privilege is needed. */
#ifndef REFUSE_H
#define REFUSE_H

#include <stdint.h>

/* An argument by its place, from 0 on, and its lower 32 bits. */
struct refuse_arg {
	unsigned int place;
	uint32_t value;
};

/*
 * refuse() - the system call, or only if all @n arguments are these. The newest policy counts if
 * several refuse a call. 0, or -1 and errno.
 */
int refuse(long call, int err, const struct refuse_arg *args, unsigned int n);

/* refuse_uring() - "setup", "enter" or "register"; -1: there is no such call. */
long refuse_uring(const char *name);

#endif
