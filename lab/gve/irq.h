/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: MSI-X vectors as event descriptors that QEMU gave. A vector of a queue ("notification
 * block") masks itself when it fires, until the driver's doorbell enables it again.
 */
#ifndef GVE_IRQ_H
#define GVE_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "params.h"

#define MAX_BLOCKS  (2 * MAX_QUEUES)
#define MAX_VECTORS (MAX_BLOCKS + 1)

struct device;

struct irqs {
	int fd[MAX_VECTORS]; /* -1: QEMU wants none */
	bool enabled[MAX_BLOCKS], pending[MAX_BLOCKS];
};

void irq_init(struct irqs *irqs);
void irq_set(int *slot, int fd); /* takes over @fd, which may be -1 */
void irq_close(struct irqs *irqs);
void irq_reset(struct device *d); /* all blocks are masked */

void irq_raise(struct device *d, uint32_t block);
void irq_doorbell(struct device *d, uint32_t block, uint32_t value);
void irq_raise_own(struct device *d); /* status has changed */

#endif
