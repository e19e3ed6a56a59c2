/* SPDX-License-Identifier: MIT */
/*
 * The kernel's part of a binding: it ties a dma-buf to RX queues, or to an interface to send by,
 * for as long as a netlink socket is open.
 */
#ifndef DEVMEM__BIND_NETLINK_BIND_H
#define DEVMEM__BIND_NETLINK_BIND_H

#include "base/internal.h"
#include "netlink/genl.h"

/*
 * devmem__bind_check() - may this memory be bound to that NIC? Call it before asking the kernel to
 * bind. @driver, @bus: the NIC's driver and its device's name on its bus, or "". -EXDEV: not to
 * this NIC; -EOPNOTSUPP: not a dma-buf. Sets the error message.
 */
int devmem__bind_check(const char *ifname, const char *driver, const char *bus,
		       const struct devmem_buffer *buffer);

/*
 * devmem__bind_queues() - bind the queues. @page_size: of the pages that the queues take from the
 * buffer, in bytes. The system's page size is not passed on, since kernels before 7.3 do not know
 * the attribute. @id: set to the kernel's number of the binding. Sets the error message.
 */
int devmem__bind_queues(struct devmem__nl *nl, struct devmem_nic *nic,
			const struct devmem_buffer *buffer, const uint32_t *queues, unsigned int n,
			uint32_t page_size, uint32_t *id);

/* devmem__bind_interface() - bind for sending, which takes no queues and no privilege. Sets the
 * error message. */
int devmem__bind_interface(struct devmem__nl *nl, const char *ifname, unsigned int ifindex,
			   const struct devmem_buffer *buffer, uint32_t *id);

#endif
