/* SPDX-License-Identifier: MIT */
/* Which driver exported a dma-buf, and which NICs can use it. */
#ifndef DEVMEM__MEMORY_EXPORTER_H
#define DEVMEM__MEMORY_EXPORTER_H

#include "base/internal.h"

/*
 * devmem__exporter_name() - read the exporter's name from the dma-buf's fdinfo file
 * (/proc/self/fdinfo/FD). Returns a negative errno if the file cannot be read, -ENODATA if it names
 * no exporter. Sets no error message.
 */
int devmem__exporter_name(const char *fdinfo, char name[64]);

/* devmem__exporter_needs_pci() - true if only NICs on PCI may use this exporter's memory. */
bool devmem__exporter_needs_pci(const char *name);

#endif
