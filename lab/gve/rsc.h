/* SPDX-License-Identifier: MIT */
/*
 * Receive segment coalescing (hardware GRO): segments of one TCP connection that follow each other
 * are merged into one packet.
 */
#ifndef GVE_RSC_H
#define GVE_RSC_H

#include <stdbool.h>
#include <stdint.h>

struct device;
struct packet;
struct rx_info;
struct rx_queue;

struct rsc {
	unsigned char *frame; /* MAX_FRAME bytes, once there was any; the merged packet */
	uint32_t bytes, headers, segments, segment, next_seq;
	struct rsc_saved {
		uint16_t type;
		uint32_t hash, header;
	} info;
};

/* Takes a packet, merged or to be merged. False: it cannot be, and nothing is held any more. */
bool rsc_take(struct device *d, struct rx_queue *q, const struct packet *p,
	      const struct rx_info *info);
void rsc_flush(struct device *d, struct rx_queue *q);
void rsc_free(struct rsc *rsc);

#endif
