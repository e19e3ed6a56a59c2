/* SPDX-License-Identifier: MIT */
/* The wire between two devices, and what goes wrong on the way to the one that receives. */
#ifndef GVE_WIRE_H
#define GVE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

struct device;

/* A frame that is late. */
struct wire_frame {
	struct wire_frame *next;
	uint64_t due; /* nanoseconds of CLOCK_MONOTONIC */
	uint32_t bytes;
	unsigned char data[];
};

#define WIRE_MAX_LATE 4096u /* frames; more are lost */

struct wire {
	struct wire_frame *late; /* sorted by when they are due */
	struct wire_frame *held; /* comes after the next one */
	uint32_t n;
};

/* Sends a frame to @from's peer. The frame may be changed. */
void wire_send(struct device *from, unsigned char *frame, uint32_t bytes);

/* Delivers what is due. Returns the milliseconds until the next frame is; -1: there is none. */
int wire_run(struct device *to);
void wire_free(struct wire *wire);

#endif
