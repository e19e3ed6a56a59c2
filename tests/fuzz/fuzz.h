/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target, as libFuzzer wants it, and a good input to begin with. With clang and
 * -DDEVMEM_FUZZ=ON it is linked with libFuzzer, and seed.c puts the good input into its corpus.
 * Otherwise run.c makes a fixed number of inputs out of the good one, the same each time.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t fuzz_seed(uint8_t *data, size_t room); /* returns its size */

#endif
