// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pci.h"
#include "sysfs.h"

#define DEVICES "/sys/bus/pci/devices"

/* PCI base classes, and vendors of controllers that only drive a server's console */
#define DISPLAY	    0x03
#define ACCELERATOR 0x12
#define ASPEED	    0x1a03
#define MATROX	    0x102b

static int64_t attribute(const char *name, const char *attribute, int64_t otherwise)
{
	char path[PATH_MAX];
	int64_t value;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", name, attribute);
	return sysfs_number(path, &value) ? value : otherwise;
}

static void find_driver(struct pci_device *device)
{
	char link[PATH_MAX + 8], path[PATH_MAX];
	const char *slash;

	snprintf(link, sizeof(link), "%s/driver", device->path);
	slash = realpath(link, path) ? strrchr(path, '/') : NULL;
	snprintf(device->driver, sizeof(device->driver), "%.31s", slash ? slash + 1 : "");
}

bool pci_find(const char *name, struct pci_device *device)
{
	char link[PATH_MAX];

	/* "" would name the folder itself */
	if (!*name || strlen(name) >= sizeof(device->name))
		return false;
	snprintf(link, sizeof(link), DEVICES "/%s", name);
	if (!realpath(link, device->path))
		return false;
	snprintf(device->name, sizeof(device->name), "%s", name);
	device->node = (int)attribute(name, "numa_node", -1);
	find_driver(device);
	return true;
}

static bool is_gpu(const char *name)
{
	int64_t class = attribute(name, "class", 0) >> 16, vendor = attribute(name, "vendor", 0);

	if (class != DISPLAY && class != ACCELERATOR)
		return false;
	return vendor != ASPEED && vendor != MATROX;
}

unsigned int pci_gpus(void (*fn)(const struct pci_device *gpu, void *arg), void *arg)
{
	DIR *dir = opendir(DEVICES);
	struct pci_device gpu;
	unsigned int n = 0;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		if (*e->d_name == '.' || !is_gpu(e->d_name) || !pci_find(e->d_name, &gpu))
			continue;
		n++;
		fn(&gpu, arg);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* Number of leading components that both paths share, counted from the host bridge ("pci0000:00");
 * the root port comes next, and so on. */
static unsigned int shared(const char *a, const char *b)
{
	unsigned int n = 0;

	a = strstr(a, "/pci");
	b = strstr(b, "/pci");
	while (a && b) {
		size_t length = strcspn(a + 1, "/") + 1;

		if (strncmp(a, b, length) || (b[length] && b[length] != '/'))
			break;
		n++;
		a = a[length] ? a + length : NULL;
		b = b[length] ? b + length : NULL;
	}
	return n;
}

enum pci_distance pci_distance(const struct pci_device *a, const struct pci_device *b)
{
	switch (shared(a->path, b->path)) {
	case 0:
		return a->node >= 0 && a->node == b->node ? PCI_SAME_NODE : PCI_ACROSS;
	case 1:
		return PCI_SAME_BRIDGE;
	case 2:
		return PCI_SAME_PORT;
	default:
		return PCI_SAME_SWITCH;
	}
}

const char *pci_distance_words(enum pci_distance distance)
{
	static const char *const words[] = {
		[PCI_SAME_SWITCH] = "behind the same switch as",
		[PCI_SAME_PORT] = "behind the same root port as",
		[PCI_SAME_BRIDGE] = "under the same host bridge as",
		[PCI_SAME_NODE] = "on the same NUMA node as",
		[PCI_ACROSS] = "on another or an unknown NUMA node than",
	};

	return words[distance];
}
