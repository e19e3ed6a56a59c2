/* SPDX-License-Identifier: MIT */
/*
 * A kernel's accesses to memory: 1, 8 or 16 bytes. In a file of their own, since ThreadSanitizer
 * should see these, and nothing else of what runs kernels (ptx.c): the rest belongs to one thread,
 * and would take most of the time.
 */
#ifndef PTX_MEMORY_H
#define PTX_MEMORY_H

#include <stdint.h>

/* @second: the last 8 bytes of 16. */
void ptx_read(const unsigned char *at, unsigned int bytes, uint64_t *first, uint64_t *second);
void ptx_write(unsigned char *at, unsigned int bytes, uint64_t first, uint64_t second);

#endif
