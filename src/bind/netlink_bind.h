/* SPDX-License-Identifier: MIT */
/*
 * The kernel's part of a binding: a dma-buf and RX queues, tied together for as long as a netlink
 * socket is open; or a dma-buf and an interface to send by.
 */
#ifndef DEVMEM__BIND_NETLINK_BIND_H
#define DEVMEM__BIND_NETLINK_BIND_H

#include "base/internal.h"
#include "netlink/genl.h"

/*
 * devmem__bind_check() - may this memory be bound to that NIC? To be asked before the kernel is.
 * @driver, @bus: its driver and its name on its bus, or "". -EXDEV, -EOPNOTSUPP
 */
int devmem__bind_check(const char *ifname, const char *driver, const char *bus,
		       const struct devmem_buffer *buffer);

/*
 * devmem__bind_queues() - @page_size: of the pages that the queues take from the buffer; the
 * system's is not mentioned to the kernel, since before 7.3 it knows no other. @id: the kernel's
 * number. Sets the sentence.
 */
int devmem__bind_queues(struct devmem__nl *nl, struct devmem_nic *nic,
			const struct devmem_buffer *buffer, const uint32_t *queues, unsigned int n,
			uint32_t page_size, uint32_t *id);

/* devmem__bind_interface() - for sending: no queues, no privilege. Sets the sentence. */
int devmem__bind_interface(struct devmem__nl *nl, const char *ifname, unsigned int ifindex,
			   const struct devmem_buffer *buffer, uint32_t *id);

#endif
