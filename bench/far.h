/* SPDX-License-Identifier: MIT */
/* What the far ends here share: connections to what is measured, and what they send. Failures end
 * the program. */
#ifndef BENCH_FAR_H
#define BENCH_FAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAR_MAX_CONNECTIONS 1024

void __attribute__((noreturn)) far_failed(const char *what);

/* @from: the source port, or 0. */
int far_connect(const char *address, unsigned int port, unsigned int from);

void far_await_go(int fd); /* the byte that is sent when counting begins */

/* Zeros, or bytes that can be verified: what is sent at @position, and how many of them (at most
 * @n) lie there. */
const unsigned char *far_bytes(bool pattern, uint64_t position, size_t n, size_t *available);

#endif
