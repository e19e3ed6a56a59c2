// SPDX-License-Identifier: MIT
/*
 * NVIDIA's exporter maps memory for PCI devices only, and the kernel does not check that. A NIC on
 * another bus would get addresses of other memory. We recognize the exporter by its name, so that
 * imported descriptors are covered too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory/exporter.h"

int devmem__exporter_name(const char *fdinfo, char name[64])
{
	FILE *f = fopen(fdinfo, "re");
	char line[256];
	bool found = false;

	if (!f)
		return -errno;
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "exp_name: %63s", name) == 1;
	fclose(f);
	return found ? 0 : -ENODATA;
}

/*
 * The name is that of the driver's file or module, and depends on how the driver was built:
 * "nv_dmabuf" (580.159, seen on an H100; tests/gpu), "nvidia", "nvmap" on NVIDIA's SoCs. So every
 * name that begins with "nv" counts. Refusing another vendor's exporter by mistake costs an error;
 * letting one of NVIDIA's through corrupts memory.
 */
bool devmem__exporter_needs_pci(const char *name)
{
	return !strncmp(name, "nv", strlen("nv"));
}
