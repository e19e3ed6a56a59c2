/* SPDX-License-Identifier: MIT */
/* Shared by the far ends here: connections to the measured program, and the bytes that they send. A
 * failure ends the program. */
#ifndef BENCH_FAR_H
#define BENCH_FAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAR_MAX_CONNECTIONS 1024

void __attribute__((noreturn)) far_failed(const char *what);

/* @from: the source port, or 0 for any. */
int far_connect(const char *address, unsigned int port, unsigned int from);

void far_await_go(int fd); /* waits for the byte that is sent when counting begins */

/* The bytes to send at @position: zeros, or a pattern that can be verified. @available is the
 * number of bytes there, at most @n. */
const unsigned char *far_bytes(bool pattern, uint64_t position, size_t n, size_t *available);

#endif
