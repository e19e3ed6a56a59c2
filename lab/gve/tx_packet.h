/* SPDX-License-Identifier: MIT */
/* One packet of a TX ring: its descriptors, checked, and the frames that it becomes. */
#ifndef GVE_TX_PACKET_H
#define GVE_TX_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct device;
struct tx_queue;

struct tx_part {
	const unsigned char *at;
	uint32_t bytes;
};

#define TX_MAX_PARTS 4096u /* the largest ring */

struct tx_whole {
	struct tx_part part[TX_MAX_PARTS];
	uint32_t parts, bytes, descriptors;
	bool tso, general, checksum, event;
	uint32_t mss, header, total; /* with TSO */
	uint16_t tag;
	uint32_t last; /* index of the last descriptor */
};

/*
 * Reads the packet that begins at the queue's head. True: it is whole and may be sent. False: it
 * breaks a rule, which was complained of, and the queue is broken.
 */
bool tx_packet_read(struct device *d, struct tx_queue *q, struct tx_whole *w);

/* Sends it: one frame, or with TSO one for each segment. */
void tx_packet_send(struct device *d, const struct tx_whole *w);

#endif
