/* SPDX-License-Identifier: MIT */
/* Which of several devices on PCI is nearest to a NIC, by how the machine is wired. */
#ifndef DEVMEM__BACKENDS_PCI_DISTANCE_H
#define DEVMEM__BACKENDS_PCI_DISTANCE_H

#include "base/internal.h"

struct devmem__place {
	/* of the device, below /sys/devices: pci0000:64/0000:64:00.0/0000:65:00.0. Empty:
	 * unknown */
	char path[256];
	int node; /* NUMA node; -1: unknown */
};

/* devmem__pci_place_of_address() - unknown if there is no such device. */
void devmem__pci_place_of_address(const char *address, struct devmem__place *place);

/* devmem__pci_place_of_interface() - in this thread's network namespace; unknown for one that is on
 * no bus. -ENODEV: none */
int devmem__pci_place_of_interface(const char *ifname, struct devmem__place *place);

/*
 * devmem__pci_nearest() - the index of the one out of @n, at least one, that is nearest to @to:
 * which shares most of the way from the root, then has the shorter rest, then is on the same NUMA
 * node, then is the first. @why: a few words.
 */
unsigned int devmem__pci_nearest(const struct devmem__place *to, const struct devmem__place *places,
				 unsigned int n, const char **why);

#endif
