/* SPDX-License-Identifier: MIT */
/* What kind of device it is: scripts/lab run --nic 'gve queues=8 format=qpl near.drop_every=10'. */
#ifndef GVE_PARAMS_H
#define GVE_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "faults.h"

#define MAX_QUEUES 32u
#define MAX_RULES  1024u

struct params {
	uint32_t queues, max_queues;
	uint32_t ring, min_rx_ring, max_ring;
	uint32_t mtu;
	uint32_t buffer;	/* the largest RX buffer that the driver may post: 2048 or 4096 */
	uint32_t header_buffer; /* bytes; 0: no header split */
	uint32_t rules;
	uint32_t speed; /* in Gbit/s */
	enum queue_format format;
	bool device_rss; /* the device keeps key and table; otherwise the driver does */
	struct faults faults;
};

/* Reads NAME=VALUE, near.NAME=VALUE and far.NAME=VALUE. False, with a message on stderr. */
bool params_read(struct params near_far[2], char **args);
void params_help(void);

#endif
