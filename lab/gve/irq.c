// SPDX-License-Identifier: MIT
#include "irq.h"

#include <string.h>
#include <unistd.h>

#include "device.h"

void irq_init(struct irqs *irqs)
{
	memset(irqs, 0, sizeof(*irqs));
	for (unsigned int i = 0; i < MAX_VECTORS; i++)
		irqs->fd[i] = -1;
}

void irq_set(int *slot, int fd)
{
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

void irq_close(struct irqs *irqs)
{
	for (unsigned int i = 0; i < MAX_VECTORS; i++)
		irq_set(&irqs->fd[i], -1);
}

void irq_reset(struct device *d)
{
	memset(d->irqs.enabled, 0, sizeof(d->irqs.enabled));
	memset(d->irqs.pending, 0, sizeof(d->irqs.pending));
}

static void fire(int fd)
{
	const uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return; /* it can only be full, and then it is set already */
}

void irq_raise(struct device *d, uint32_t block)
{
	struct irqs *irqs = &d->irqs;

	if (!irqs->enabled[block]) {
		irqs->pending[block] = true;
		return;
	}
	irqs->enabled[block] = false;
	fire(irqs->fd[block]);
}

void irq_doorbell(struct device *d, uint32_t block, uint32_t value)
{
	struct irqs *irqs = &d->irqs;

	if (block >= d->resources.blocks) {
		complain(d, "doorbell of interrupt %u, of %u", block, d->resources.blocks);
		return;
	}
	if (value & IRQ_CLEAR_PBA)
		irqs->pending[block] = false;
	irqs->enabled[block] = value & IRQ_ENABLE;
	if (!irqs->enabled[block] || !irqs->pending[block])
		return;
	irqs->pending[block] = false;
	irq_raise(d, block);
}

void irq_raise_own(struct device *d)
{
	if (d->resources.configured)
		fire(d->irqs.fd[d->resources.blocks]);
}
