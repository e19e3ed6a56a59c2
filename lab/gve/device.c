// SPDX-License-Identifier: MIT
#include "device.h"

#include <string.h>

void device_init(struct device *d, const char *name, const struct params *params,
		 struct device *peer)
{
	static const uint8_t mac[6] = { 0x02, 0x67, 0x76, 0x65, 0x00, 0x00 };

	memset(d, 0, sizeof(*d));
	d->name = name;
	d->params = *params;
	d->faults = params->faults;
	d->peer = peer;
	memcpy(d->mac, mac, sizeof(mac));
	d->mac[5] = !strcmp(name, "near") ? 1 : 2;
	irq_init(&d->irqs);
	pci_init(d);
	device_reset(d);
}

void device_reset(struct device *d)
{
	for (unsigned int i = 0; i < MAX_QUEUES; i++) {
		tx_destroy(&d->tx[i]);
		rx_destroy(&d->rx[i]);
	}
	for (unsigned int i = 0; i < 2 * MAX_QUEUES; i++)
		pages_free(&d->pages[i]);
	steer_reset(&d->steer, d->params.queues);
	memset(&d->resources, 0, sizeof(d->resources));
	memset(&d->admin, 0, sizeof(d->admin));
	d->stats_address = d->stats_bytes = 0;
	d->status = STATUS_IS_RESET;
	d->driver_status = 0;
	/* the watchdog of a driver expects that a reset helps */
	d->faults.value[FAULT_TX_STALL] = 0;
	irq_reset(d);
}

bool device_link(const struct device *d)
{
	return d->faults.value[FAULT_LINK] && !device_gone(d);
}

bool device_gone(const struct device *d)
{
	return d->faults.value[FAULT_REMOVE];
}

void device_set_fault(struct device *d, enum fault fault, uint32_t value)
{
	trace(d, "fault %s = %u", fault_name(fault), value);
	d->faults.value[fault] = value;
	d->faults.packets[fault] = 0;
	switch (fault) {
	case FAULT_LINK:
		irq_raise_own(d);
		break;
	case FAULT_RESET:
		d->status |= STATUS_RESET_REQUESTED;
		irq_raise_own(d);
		break;
	case FAULT_REMOVE: /* no queue is left that could still use the guest's memory */
		device_reset(d);
		break;
	case FAULT_STARVE:
		rx_serve(d);
		break;
	case FAULT_TX_STALL:
		tx_serve(d);
		break;
	default:
		break;
	}
}
