/* SPDX-License-Identifier: MIT */
/*
 * A driver for the lab's model of gve (lab/gve), without a guest: memory, an admin queue, rings. It
 * plays fair. A test that wants it otherwise changes a command before it is given, a descriptor
 * before the doorbell rings, or writes to registers itself.
 */
#ifndef GVE_DRIVER_H
#define GVE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

#define GUEST 0x10000000ull /* the guest's address of the first byte */

struct guest {
	int fd;
	unsigned char *memory;
	uint64_t bytes, used;
};

bool guest_open(struct guest *g, uint64_t bytes);
void guest_close(struct guest *g);
void guest_clear(struct guest *g);

/* Bytes that nothing else uses, aligned to as many; 0: there are not so many. */
uint64_t guest_take(struct guest *g, uint64_t bytes, uint64_t align);
void *guest_at(const struct guest *g, uint64_t address);

/* What the model takes for CLOCK_MONOTONIC, in nanoseconds. */
extern uint64_t gve_now;

struct driver_ring {
	uint64_t ring, completions, data, headers; /* addresses in the guest */
	uint32_t size, tail, buffer, header;
	uint32_t next; /* of data to be sent: where the next packet goes */
	uint32_t completion;
	bool generation;
};

struct driver {
	struct device *device;
	struct guest *guest;
	uint64_t admin, page; /* the queue; a page that commands use */
	uint32_t commands;
	struct driver_ring tx[MAX_QUEUES], rx[MAX_QUEUES];
};

/* Finds places for the queue; the device must have the guest's memory. */
bool driver_init(struct driver *v, struct device *d, struct guest *g);
void driver_admin_queue(struct driver *v); /* tells the device of it, and that it runs */

/* The status that a command ends with. 0: the device did not run it. */
uint32_t driver_command(struct driver *v, enum opcode opcode, const void *payload, size_t bytes);
uint32_t driver_verify(struct driver *v);
uint32_t driver_configure(struct driver *v, enum queue_format format, uint32_t interrupts);
uint32_t driver_rule(struct driver *v, const struct cmd_configure_rule *rule);

/* All three: up to where queues can be created. True: each passed. */
bool driver_start(struct driver *v);

/* The command that creates a queue, with rings and buffers found for it, and its use. */
bool driver_tx_command(struct driver *v, uint32_t id, uint32_t size, struct cmd_create_tx *cmd);
bool driver_rx_command(struct driver *v, uint32_t id, uint32_t size, uint32_t buffer,
		       uint32_t header, struct cmd_create_rx *cmd);
bool driver_create_tx(struct driver *v, uint32_t id, uint32_t size);
bool driver_create_rx(struct driver *v, uint32_t id, uint32_t size, uint32_t buffer,
		      uint32_t header);

void driver_doorbell(struct driver *v, uint32_t index, uint32_t value);
void driver_post(struct driver *v, uint32_t id, uint32_t n); /* buffers */

/* Descriptors of a TX ring: written at its tail, which moves on; then the doorbell. */
union tx_desc *driver_desc(struct driver *v, uint32_t id);
void driver_ring(struct driver *v, uint32_t id);

struct driver_packet {
	const unsigned char *data;
	uint32_t bytes;
	uint32_t pieces; /* data descriptors; 0 is 1 */
	uint32_t mss;	 /* with TSO */
	uint32_t header; /* with TSO */
	uint16_t tag;
	bool checksum, event, no_context;
};

/* The packet's descriptors, without a doorbell. False: it is larger than the ring's memory. */
bool driver_put(struct driver *v, uint32_t id, const struct driver_packet *p);
bool driver_send(struct driver *v, uint32_t id, const struct driver_packet *p);
bool driver_completed(struct driver *v, uint32_t id, struct tx_completion *c);

#define DRIVER_FRAME (1u << 17)

struct driver_received {
	struct rx_completion first; /* of the first buffer */
	uint32_t buffers, header;
	uint32_t bytes; /* header and payload, in a row */
	unsigned char data[DRIVER_FRAME];
};

/* The next packet of an RX ring. False: there is none that is whole. */
bool driver_received(struct driver *v, uint32_t id, struct driver_received *r);

#endif
