/* SPDX-License-Identifier: MIT */
/*
 * Faults that the device can be given, and what it counts. Both are reached through a capability
 * in PCI configuration space (pci.c), without help of any driver.
 */
#ifndef GVE_FAULTS_H
#define GVE_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
	FAULT_NONE,
	FAULT_DROP_EVERY,
	FAULT_REORDER_EVERY,
	FAULT_DELAY_EVERY,
	FAULT_DELAY_US,
	FAULT_NOSPLIT_EVERY,
	FAULT_NOSPLIT_BYTES,
	FAULT_CORRUPT_EVERY,
	FAULT_MISROUTE_EVERY,
	FAULT_STARVE,
	FAULT_LINK,
	FAULT_REMOVE,
	FAULT_RESET,
	FAULT_TX_STALL,
	FAULT_FAIL_CREATE_RX,
	FAULT_FAIL_DESTROY_RX,
	FAULT_FAIL_RULE,
	FAULT_FAIL_RSS,
	FAULT_FAIL_TIME,
	FAULT_DUPLICATE_EVERY,
	FAULT_RSC_LIMIT,
	FAULTS,
};

enum counter {
	COUNT_RX_PACKETS,
	COUNT_RX_BYTES,
	COUNT_TX_PACKETS,
	COUNT_TX_BYTES,
	COUNT_DROPPED,
	COUNT_NO_BUFFER,
	COUNT_UNSPLIT,
	COUNT_MERGED,
	COUNT_RESETS,
	COUNT_COMPLAINTS,
	COUNT_CORRUPTED,
	COUNT_MISROUTED,
	COUNT_REORDERED,
	COUNT_DELAYED,
	COUNT_FAILED,
	COUNT_SPLIT,
	COUNTERS,
};

struct faults {
	uint32_t value[FAULTS];
	uint32_t packets[FAULTS]; /* packets since the fault last struck */
};

void faults_init(struct faults *f);
enum fault fault_by_name(const char *name); /* FAULT_NONE: there is none */
const char *fault_name(enum fault fault);

/* Does a fault with a name like drop_every strike this packet? */
bool fault_strikes(struct faults *f, enum fault fault);

/* Does a fault with a name like fail_rule strike this command? It ends after so many. */
bool fault_fails(struct faults *f, enum fault fault);

#endif
