// SPDX-License-Identifier: MIT
#include <errno.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bind/netlink_bind.h"
#include "memory/buffer.h"
#include "memory/exporter.h"
#include "nic/nic.h"
#include "bind/page_size.h"
#include "nic/quirks.h"
#include "base/uapi.h"

static bool on_pci(const char *bus)
{
	char path[64];

	/* /sys/class/net would not do: it shows the network namespace that sysfs was mounted in */
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bus);
	return bus[0] && access(path, F_OK) == 0;
}

int devmem__bind_check(const char *ifname, const char *driver, const char *bus,
		       const struct devmem_buffer *buffer)
{
	char path[64], name[64];
	int err;

	if (!devmem__buffer_is_dmabuf(buffer))
		return devmem__fail(EOPNOTSUPP,
				    "memory of backend %s is no dma-buf, so no NIC can reach it",
				    devmem_buffer_backend(buffer, NULL));
	/* the NIC behind a leased queue cannot be seen from a container; all NICs whose driver can
	 * lease queues are on PCI */
	if (on_pci(bus) || devmem__quirks_of(driver)->leased)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", devmem_buffer_fd(buffer));
	err = devmem__exporter_name(path, name);
	if (err)
		return devmem__fail(EXDEV,
				    "%s is not on PCI and the exporter of the buffer is unknown "
				    "(%s: %s): not bound, since NVIDIA's memory must not be bound "
				    "to such a NIC",
				    ifname, path, strerror(-err));
	if (!devmem__exporter_needs_pci(name))
		return 0;
	return devmem__fail(EXDEV,
			    "%s is not a PCI device, and memory of an NVIDIA GPU (exporter %s) "
			    "must not be bound to it: the kernel would write elsewhere. Use a NIC "
			    "on PCI, or another backend",
			    ifname, name);
}

static int got_id(struct nlattr **attrs, void *arg)
{
	uint32_t *id = arg;

	if (!attrs[DEVMEM_NETDEV_A_DMABUF_ID])
		return -EPROTO;
	*id = nla_get_u32(attrs[DEVMEM_NETDEV_A_DMABUF_ID]);
	return 0;
}

int devmem__bind_queues(struct devmem__nl *nl, struct devmem_nic *nic,
			const struct devmem_buffer *buffer, const uint32_t *queues, unsigned int n,
			uint32_t page_size, uint32_t *id)
{
	int err;

	devmem__nl_begin(nl, DEVMEM_NETDEV_CMD_BIND_RX);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_IFINDEX, devmem__nic_ifindex(nic));
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_FD, (uint32_t)devmem_buffer_fd(buffer));
	if (page_size != devmem__system_page())
		devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_RX_PAGE_SIZE, page_size);
	for (unsigned int i = 0; i < n; i++) {
		struct nlattr *queue = devmem__nl_nest(nl, DEVMEM_NETDEV_A_DMABUF_QUEUES);

		devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_QUEUE_TYPE, DEVMEM_NETDEV_QUEUE_TYPE_RX);
		devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_QUEUE_ID, queues[i]);
		devmem__nl_nest_end(nl, queue);
	}
	err = devmem__nl_call(nl, got_id, id);
	if (err && !devmem__nic_explain_link_down(nic, err))
		devmem__nl_fail(nl, err, "%s: the kernel does not bind the buffer",
				devmem__nic_name(nic));
	return err;
}

int devmem__bind_interface(struct devmem__nl *nl, const char *ifname, unsigned int ifindex,
			   const struct devmem_buffer *buffer, uint32_t *id)
{
	int err;

	devmem__nl_begin(nl, DEVMEM_NETDEV_CMD_BIND_TX);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_IFINDEX, ifindex);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_DMABUF_FD, (uint32_t)devmem_buffer_fd(buffer));
	err = devmem__nl_call(nl, got_id, id);
	/* the kernel gives a reason if it is the driver that cannot */
	if (err == -EOPNOTSUPP && !nl->why[0])
		return devmem__fail(EOPNOTSUPP, "this kernel cannot send from device memory (Linux "
						"6.16)");
	return err ? devmem__nl_fail(nl, err, "%s: the kernel does not bind the buffer for sending",
				     ifname)
		   : 0;
}
