// SPDX-License-Identifier: MIT
/* The NIC's place in the machine: IOMMU, and distance from GPUs. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/placement.h"

#include "checks.h"
#include "pci.h"
#include "sysfs.h"

#define IOMMUS "/sys/class/iommu"

static bool has_iommu(void)
{
	DIR *dir = opendir(IOMMUS);
	struct dirent *e = NULL;

	while (dir && (e = readdir(dir)) && *e->d_name == '.')
		;
	if (dir)
		closedir(dir);
	return e;
}

/* Reads the type of the IOMMU group: "DMA" and "DMA-FQ" translate addresses, "identity" does not.
 * False: the device is in no group. */
static bool group_of(const char *ifname, const char *bus, char type[32])
{
	char path[PATH_MAX];

	/* by the bus first: /sys/class/net shows the network namespace that sysfs was mounted in */
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group/type", bus);
	if (*bus && sysfs_line(path, type, 32))
		return true;
	snprintf(path, sizeof(path), "/sys/class/net/%s/device/iommu_group/type", ifname);
	return sysfs_line(path, type, 32);
}

static void no_gpu(const struct pci_device *gpu, void *arg)
{
	(void)gpu;
	(void)arg;
}

static void check_iommu(struct report *r, const char *ifname, const char *bus)
{
	char type[32];

	if (!has_iommu()) {
		report_add(r, OK, "iommu",
			   "there is none: addresses on the bus are not translated");
	} else if (!group_of(ifname, bus, type)) {
		report_add(r, OK, "iommu", "there is one, and %s is not behind it", ifname);
	} else if (strncmp(type, "DMA", 3) || !pci_gpus(no_gpu, NULL)) {
		report_add(r, OK, "iommu", "there is one, and %s is in a group of type %s", ifname,
			   type);
	} else {
		report_add(r, WARNING, "iommu",
			   "addresses of %s are translated (%s): bytes for a GPU pass through the "
			   "root complex, which is slower",
			   ifname, type);
		report_todo(r, "boot with iommu=pt");
	}
}

struct nic_place {
	struct report *report;
	struct pci_device *nic;
};

void check_gpu(struct report *r, const struct pci_device *nic, const struct pci_device *gpu)
{
	const enum pci_distance distance = pci_distance(nic, gpu);

	if (devmem__placement_moves(gpu->driver)) {
		report_add(r, WARNING, "gpu",
			   "%s: its driver %s moves memory that a NIC binds to host memory, so "
			   "that no byte gets to the GPU",
			   gpu->name, gpu->driver);
		report_todo(r, "bind host memory (udmabuf) and copy from there, or use a GPU of "
			       "NVIDIA");
		return;
	}
	report_add(r, distance == PCI_ACROSS ? WARNING : OK, "gpu", "%s is %s %s", gpu->name,
		   pci_distance_words(distance), nic->name);
	if (distance == PCI_ACROSS)
		report_todo(r, "use a GPU nearer to the NIC, if there is one");
}

static void check_one(const struct pci_device *gpu, void *arg)
{
	struct nic_place *p = arg;

	check_gpu(p->report, p->nic, gpu);
}

static void check_gpus(struct report *r, const char *ifname, const char *bus)
{
	struct pci_device nic;
	struct nic_place p = { .report = r, .nic = &nic };
	unsigned int gpus;

	if (pci_find(bus, &nic)) {
		if (!pci_gpus(check_one, &p))
			report_add(r, OK, "gpu", "there is none on PCI");
		return;
	}
	gpus = pci_gpus(no_gpu, NULL);
	if (!gpus) {
		report_add(r, OK, "gpu", "there is none on PCI, and %s is not on PCI either",
			   ifname);
		return;
	}
	report_add(r, WARNING, "gpu",
		   "%s is not on PCI: memory of an NVIDIA GPU cannot be bound to it (%u GPUs here)",
		   ifname, gpus);
	report_todo(r, "for a GPU's memory, use an interface on PCI");
}

void check_place(struct report *r, const char *ifname, const char *bus)
{
	check_iommu(r, ifname, bus);
	check_gpus(r, ifname, bus);
}
