/* SPDX-License-Identifier: MIT */
/*
 * A kernel of the program's own, by CUDA's driver API: the module is loaded at run time, and so is
 * the driver, so that the program is built without the toolkit. A program that uses CUDA's runtime
 * (<<<...>>>) needs none of this: it launches its kernel on the address that
 * devmem_buffer_device_address() gives.
 */
#ifndef GPU_H
#define GPU_H

#include <stdint.h>

struct gpu;

/* gpu_open() - for the GPU whose memory is at @address. @module: a file of PTX or a cubin. NULL: a
 * message was printed. */
struct gpu *gpu_open(uint64_t address, const char *module);

/*
 * gpu_add() - launch the kernel on bytes that are at this address, and at @position of their
 * stream. Does not wait. gpu_wait() - wait until the kernels are over: the bytes are free then. 0;
 * -1: a message was printed.
 */
int gpu_add(struct gpu *gpu, uint64_t address, uint32_t bytes, uint64_t position);
int gpu_wait(struct gpu *gpu);

/* gpu_result() - the checksum of everything that was added. 0; -1: a message was printed. */
int gpu_result(struct gpu *gpu, uint64_t *checksum);

void gpu_close(struct gpu *gpu); /* NULL is allowed */

#endif
