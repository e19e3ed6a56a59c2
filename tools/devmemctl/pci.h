/* SPDX-License-Identifier: MIT */
/* The distance between two devices on PCI. */
#ifndef PCI_H
#define PCI_H

#include <limits.h>
#include <stdbool.h>

enum pci_distance {
	PCI_SAME_SWITCH, /* the shortest path: bytes do not pass through the processor */
	PCI_SAME_PORT,
	PCI_SAME_BRIDGE, /* under one host bridge: through the processor's root complex */
	PCI_SAME_NODE,	 /* host bridges of one NUMA node */
	PCI_ACROSS,	 /* from one NUMA node to another, or unknown */
};

struct pci_device {
	char name[32];	     /* "0000:3b:00.0" */
	char path[PATH_MAX]; /* in /sys/devices */
	int node;	     /* -1: unknown */
	char driver[32];     /* "": none */
};

/* pci_find() - finds a device by its name on the bus. False: it is not on PCI. */
bool pci_find(const char *name, struct pci_device *device);

/* pci_gpus() - calls @fn for each display controller and accelerator, except those that only drive
 * a server's console. Returns their number. */
unsigned int pci_gpus(void (*fn)(const struct pci_device *gpu, void *arg), void *arg);

enum pci_distance pci_distance(const struct pci_device *a, const struct pci_device *b);
const char *pci_distance_words(enum pci_distance distance);

#endif
