/* SPDX-License-Identifier: MIT */
/*
 * A little of PTX, run on the processor: just the instructions that our kernel uses, so that its
 * text is tested where there is no GPU. What is unknown, or has operands of another width, is an
 * error when it is loaded. Threads run one after the other, which no kernel with a barrier would
 * survive.
 */
#ifndef FAKE_PTX_H
#define FAKE_PTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ptx;

/* NULL: @why says what is wrong, and in which statement. */
struct ptx *ptx_load(const char *text, char *why, size_t room);
void ptx_free(struct ptx *ptx);
const char *ptx_name(const struct ptx *ptx); /* of its one entry */
unsigned int ptx_parameters(const struct ptx *ptx);
unsigned int ptx_parameter_bytes(const struct ptx *ptx, unsigned int i);

struct ptx_launch {
	unsigned int blocks, threads;
	const uint64_t *parameters;
	/* where @bytes at a device address are for the processor; NULL: nowhere */
	void *(*at)(void *arg, uint64_t address, unsigned int bytes, bool write);
	void *arg;
};

enum ptx_result { PTX_DONE, PTX_NOWHERE, PTX_MISALIGNED };
enum ptx_result ptx_run(const struct ptx *ptx, const struct ptx_launch *launch);

#endif
