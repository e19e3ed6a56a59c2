// SPDX-License-Identifier: MIT
/*
 * NVIDIA's exporter maps memory for PCI devices only, and the kernel does not check: a NIC on
 * another bus would be given addresses of something else. The exporter's name tells, so that
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
 * The name is that of the driver's file or module, and changes with how it was built: "nv_dmabuf"
 * (580.159, seen on an H100; tests/gpu), "nvidia", "nvmap" on their SoCs. So whatever begins like
 * that is refused: a foreign exporter refused by mistake costs an error, one of theirs let through
 * costs memory.
 */
bool devmem__exporter_needs_pci(const char *name)
{
	return !strncmp(name, "nv", strlen("nv"));
}
