/* SPDX-License-Identifier: MIT */
/* Which RX queue a packet comes through: flow rules first, then the RSS table. */
#ifndef GVE_STEER_H
#define GVE_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "packet.h"
#include "params.h"

struct rule {
	bool used;
	struct flow_rule flow; /* as the driver gave it, big-endian */
};

struct steer {
	struct rule rule[MAX_RULES];
	uint32_t rules;
	uint8_t key[RSS_KEY_BYTES];
	uint32_t table[RSS_TABLE];
	uint16_t hash_types;
};

void steer_reset(struct steer *s, uint32_t queues);

/* Each returns the status that the command ends with. */
uint32_t steer_add(struct steer *s, const struct params *p, uint32_t location,
		   const struct flow_rule *flow);
uint32_t steer_delete(struct steer *s, uint32_t location);
void steer_clear(struct steer *s);

/* The hash that the driver is told, 0 if this kind of packet has none; and the queue. */
uint32_t steer_hash(const struct steer *s, const struct packet *p);
uint32_t steer_queue(const struct steer *s, const struct packet *p, uint32_t hash);

#endif
