/* SPDX-License-Identifier: MIT */
/* Who exported a dma-buf, and what that means for a NIC. */
#ifndef DEVMEM__MEMORY_EXPORTER_H
#define DEVMEM__MEMORY_EXPORTER_H

#include "base/internal.h"

/*
 * devmem__exporter_name() - from the fdinfo file of a dma-buf (/proc/self/fdinfo/FD). Negative
 * errno if it cannot be read, -ENODATA if it names none. No sentence.
 */
int devmem__exporter_name(const char *fdinfo, char name[64]);

/* May this exporter's memory be bound only to NICs on PCI? */
bool devmem__exporter_needs_pci(const char *name);

#endif
