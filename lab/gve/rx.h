/* SPDX-License-Identifier: MIT */
/* Receiving, queue format DQO: buffers that the driver posts, completions that it reads. */
#ifndef GVE_RX_H
#define GVE_RX_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "packet.h"
#include "rsc.h"

struct device;
struct page_list;

/* What the device found out about a packet, for its completions. */
struct rx_info {
	uint16_t type;
	uint32_t hash;
	uint32_t header; /* bytes for the header buffer; 0: the packet is not split */
	bool overflow;	 /* it should have been split, but its header does not fit */
	bool unmergeable;
	bool ip_options, ip_wrong, l4_wrong;
	uint16_t segment;  /* bytes of payload in each segment that RSC merged; 0: none merged */
	uint32_t segments; /* that RSC merged; 0: none */
};

/* A packet that waits for buffers. */
struct rx_waiting {
	struct rx_waiting *next;
	struct rx_info info;
	uint32_t bytes;
	unsigned char data[];
};

/* As much may wait for buffers of one queue. What comes then is dropped. */
#define RX_FIFO_BYTES (512u << 10)

struct rx_queue {
	bool created, broken; /* broken: the driver gave nonsense, and nothing more is done */
	bool rsc_on;
	uint32_t index, block;
	uint64_t buffers, completions; /* rings, of mask + 1 entries */
	uint32_t mask;
	uint32_t head, tail; /* of buffers: next to be used, and behind the last one posted */
	uint32_t completion;
	bool generation;
	uint32_t packet_buffer, header_buffer;
	const struct page_list *pages; /* NULL: any memory */
	struct rx_waiting *first, **last;
	uint32_t waiting;
	struct rsc rsc;
	uint64_t no_buffers, bad_checksums;
};

uint32_t rx_create(struct device *d, const struct cmd_create_rx *cmd); /* a command's status */
void rx_destroy(struct rx_queue *q);
void rx_doorbell(struct device *d, uint32_t queue, uint32_t tail);
void rx_serve(struct device *d); /* delivers what waits, now that a fault has ended */

/* A frame has come. @data may be changed. */
void rx_input(struct device *d, unsigned char *data, uint32_t bytes);
void rx_flush(struct device *d); /* no more at the moment: what RSC holds goes to the driver */

void rx_deliver(struct device *d, struct rx_queue *q, const struct packet *p,
		const struct rx_info *info);

#endif
