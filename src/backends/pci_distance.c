// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "netlink/iface.h"
#include "backends/pci_distance.h"

#define DEVICES "/sys/devices/"

/* ------------------------------------------------------------------------------------ locations */

static int read_node(const char *device)
{
	char path[PATH_MAX + 16];
	int node = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/numa_node", device);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &node) != 1)
		node = -1;
	fclose(f);
	return node;
}

static void locate(const char *link, struct devmem__pci_location *location)
{
	char device[PATH_MAX];

	*location = (struct devmem__pci_location){ .node = -1 };
	if (!realpath(link, device) || strncmp(device, DEVICES, strlen(DEVICES)))
		return;
	location->node = read_node(device);
	snprintf(location->path, sizeof(location->path), "%.255s", device + strlen(DEVICES));
}

void devmem__pci_locate_address(const char *address, struct devmem__pci_location *location)
{
	char link[64];

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%.32s", address);
	locate(link, location);
}

/* Asks the driver. /sys/class/net would show the network namespace that sysfs was mounted in. */
static int ask_bus(const char *ifname, char bus[ETHTOOL_BUSINFO_LEN])
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };
	struct devmem__iface iface;
	int err = devmem__iface_need(ifname, &iface), fd;

	if (err)
		return err;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(request.ifr_name, iface.name, sizeof(request.ifr_name));
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request))
		err = errno;
	if (fd >= 0)
		close(fd);
	if (err && err != EOPNOTSUPP)
		return devmem__fail(err,
				    "cannot locate interface %s, which memory is to be near: %s",
				    ifname, strerror(err));
	snprintf(bus, ETHTOOL_BUSINFO_LEN, "%s", err ? "" : info.bus_info);
	return 0;
}

int devmem__pci_locate_interface(const char *ifname, struct devmem__pci_location *location)
{
	char bus[ETHTOOL_BUSINFO_LEN] = "", link[64];
	int err = ask_bus(ifname, bus);

	*location = (struct devmem__pci_location){ .node = -1 };
	if (err || !bus[0] || strchr(bus, '/')) /* "N/A": it is on no bus */
		return err;
	devmem__pci_locate_address(bus, location);
	if (location->path[0])
		return 0;
	/* a subfunction is on the auxiliary bus, below its NIC */
	snprintf(link, sizeof(link), "/sys/bus/auxiliary/devices/%.31s", bus);
	locate(link, location);
	return 0;
}

/* ------------------------------------------------------------------------------------- nearness */

struct nearness {
	unsigned int common; /* parts of the path that are the same from the root on */
	unsigned int rest;   /* parts after them */
	bool same_node;
};

static unsigned int parts(const char *path)
{
	unsigned int n = path[0] != '\0';

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* 0 if not even the host bridge is the same, or if a device is not on PCI. */
static unsigned int common_parts(const char *a, const char *b)
{
	unsigned int n = 0;

	if (strncmp(a, "pci", 3))
		return 0;
	while (*a && *b) {
		size_t part = strcspn(a, "/");

		if (part != strcspn(b, "/") || strncmp(a, b, part))
			break;
		n++;
		a += part + (a[part] == '/');
		b += part + (b[part] == '/');
	}
	return n;
}

static struct nearness nearness(const struct devmem__pci_location *to,
				const struct devmem__pci_location *from)
{
	const unsigned int common = common_parts(to->path, from->path);

	return (struct nearness){
		.common = common,
		.rest = common ? parts(from->path) - common : 0,
		.same_node = to->node >= 0 && to->node == from->node,
	};
}

static bool nearer(const struct nearness *a, const struct nearness *b)
{
	if (a->common != b->common)
		return a->common > b->common;
	if (a->rest != b->rest)
		return a->rest < b->rest;
	return a->same_node && !b->same_node;
}

unsigned int devmem__pci_nearest(const struct devmem__pci_location *to,
				 const struct devmem__pci_location *locations, unsigned int n,
				 const char **why)
{
	struct nearness best = nearness(to, &locations[0]);
	unsigned int found = 0;

	for (unsigned int i = 1; i < n; i++) {
		const struct nearness other = nearness(to, &locations[i]);

		if (!nearer(&other, &best))
			continue;
		best = other;
		found = i;
	}
	*why = best.common > 1	? "behind the same PCI bridge"
	       : best.common	? "at the same PCI host bridge"
	       : best.same_node ? "on the same NUMA node"
				: "the first, since none is near";
	return found;
}
