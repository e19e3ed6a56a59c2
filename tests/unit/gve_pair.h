/* SPDX-License-Identifier: MIT */
/*
 * Two devices of the lab's model of gve, each with a driver that has started, for tests: near sends
 * by its TX queue 0, far receives by its RX queue 0.
 */
#ifndef GVE_PAIR_H
#define GVE_PAIR_H

#include "unit.h"

#include "gve_driver.h"
#include "gve_frame.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define RX_RING 64u /* descriptors in the queue that far receives by */
#define TX_RING 256u

struct pair {
	struct guest guest;
	struct device near, far;
	struct driver sender, receiver;
	struct driver_received got;
	unsigned char frame[FRAME_ROOM];
};

extern struct pair pair;

/* Devices with these parameters, as words, and drivers that have started. No queues. */
void pair_start(const char *const *args);
#define PAIR(...) \
	pair_start((const char *[]){ "min_rx_ring=64", "ring=256", "queues=1", __VA_ARGS__, NULL })

/* Creates both queues, without buffers. */
void pair_queues(uint32_t buffer, uint32_t header);

/* Ends both. There must have been so many complaints about both. */
void pair_end(uint32_t complaints);
uint32_t pair_complaints(void);

/* Through configuration space, as programs in the guest do it. */
void pair_fault(struct device *d, enum fault fault, uint32_t value);
uint32_t pair_counter(struct device *d, enum counter counter);

extern const struct frame pair_tcp; /* a segment from near to far */

/* Sends a frame with right checksums, in so many pieces. */
void pair_send(const struct frame *f, uint32_t pieces);

/* This frame is received next, byte for byte, or nothing is. */
void pair_expect(const struct frame *f);
void pair_expect_nothing(void);

#endif
