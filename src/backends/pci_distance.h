/* SPDX-License-Identifier: MIT */
/* Finds the PCI device that is nearest to a NIC, by the wiring of the machine. */
#ifndef DEVMEM__BACKENDS_PCI_DISTANCE_H
#define DEVMEM__BACKENDS_PCI_DISTANCE_H

#include "base/internal.h"

struct devmem__pci_location {
	/* the device's path below /sys/devices: pci0000:64/0000:64:00.0/0000:65:00.0. Empty:
	 * unknown */
	char path[256];
	int node; /* NUMA node; -1: unknown */
};

/* devmem__pci_locate_address() - the location is unknown if there is no such device. */
void devmem__pci_locate_address(const char *address, struct devmem__pci_location *location);

/* devmem__pci_locate_interface() - look in this thread's network namespace. The location of an
 * interface that is on no bus is unknown. -ENODEV: no such interface */
int devmem__pci_locate_interface(const char *ifname, struct devmem__pci_location *location);

/*
 * devmem__pci_nearest() - the index of the location out of @n, at least one, that is nearest to
 * @to. The nearest one shares most parts of the path from the root; among equals it has the shorter
 * rest, then is on the same NUMA node, then is the first. @why: a few words on the choice.
 */
unsigned int devmem__pci_nearest(const struct devmem__pci_location *to,
				 const struct devmem__pci_location *locations, unsigned int n,
				 const char **why);

#endif
