/* SPDX-License-Identifier: MIT */
/* Sending, queue format DQO: descriptors that the driver wrote become frames on the wire. */
#ifndef GVE_TX_H
#define GVE_TX_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct device;
struct page_list;

struct tx_queue {
	bool created, broken; /* broken: the driver gave nonsense, and nothing more is sent */
	uint32_t index, block;
	uint64_t ring, completions;
	uint32_t mask, completion_mask;
	uint32_t head, tail;
	uint32_t completion;
	bool generation;
	uint32_t since_event; /* descriptors since the last one that reported an event */
	const struct page_list *pages;
};

uint32_t tx_create(struct device *d, const struct cmd_create_tx *cmd); /* a command's status */
void tx_destroy(struct tx_queue *q);
void tx_doorbell(struct device *d, uint32_t queue, uint32_t tail);
void tx_serve(struct device *d); /* sends what a fault held back */

#endif
