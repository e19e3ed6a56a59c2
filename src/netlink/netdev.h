/* SPDX-License-Identifier: MIT */
/* RX queues, as the kernel's netlink family "netdev" lists them, and bind requests that are made to
 * fail, in order to learn from the errno what is supported. */
#ifndef DEVMEM__NETLINK_NETDEV_H
#define DEVMEM__NETLINK_NETDEV_H

#include "netlink/ethtool.h"
#include "netlink/genl.h"
#include "netlink/queue_use.h"

/* The queues from 0 to the last one that the kernel listed. All zero is an empty list. */
struct devmem__netdev_queues {
	uint32_t count;
	uint8_t *use;	  /* enum devmem__queue_use */
	uint32_t *napi;	  /* NAPI id, or 0 */
	uint32_t *dmabuf; /* the kernel's number of the binding, or 0 */
};

/* devmem__netdev_queues() - list the queues of an interface. While it is down the kernel lists
 * none. Returns 0 or a negative errno, without an error message. */
int devmem__netdev_queues(struct devmem__nl *nl, uint32_t ifindex, struct devmem__netdev_queues *q);

/* devmem__netdev_rings() - the same for an interface that is down: as many queues as its driver
 * reports rings, all shown as unused, since the kernel does not say who uses them. */
int devmem__netdev_rings(struct devmem__ethtool *et, struct devmem__netdev_queues *q);

/*
 * devmem__netdev_got_queue() - add one queue of the kernel's answer to the list @arg. No I/O.
 * -ENOMEM; -ERANGE: a number that no queue can have.
 */
int devmem__netdev_got_queue(struct nlattr **a, void *arg);
void devmem__netdev_free(struct devmem__netdev_queues *q);

/* Sets @hit[queue] for each of the @n queues that @rule may lead packets to. */
void devmem__netdev_rule_leads(struct devmem__ethtool *et, const struct devmem__rule *rule,
			       uint8_t *hit, uint32_t n);

/*
 * devmem__netdev_ask_bind() - request a binding without a valid dma-buf. It always fails, and the
 * errno tells how far the kernel got. -EBADF: everything but the dma-buf is in order.
 * @ifindex:	0: send an empty request. -EOPNOTSUPP: the kernel has no such command; -EPERM: this
 *		process may not use it.
 * @queue_id:	the RX queue to request
 * @page_size:	bytes; 0: do not request a page size
 */
int devmem__netdev_ask_bind(struct devmem__nl *nl, uint32_t ifindex, uint32_t queue_id,
			    uint32_t page_size);

/*
 * devmem__netdev_ask_any_queue() - the same for one queue after the other, until the answer is not
 * -EOPNOTSUPP. Queue 0 of a netkit is its own and has no DMA device; its other queues are leased
 * from a NIC and have the NIC's device. [net/core/netdev-genl.c: netdev_nl_get_dma_dev(),
 * net/core/devmem.c: net_devmem_bind_dmabuf()]
 */
int devmem__netdev_ask_any_queue(struct devmem__nl *nl, uint32_t ifindex, uint32_t page_size);

/* devmem__netdev_ask_send() - the same for a binding to send by, which needs no privilege. -EBADF:
 * the interface can send from device memory; -EOPNOTSUPP: it cannot. */
int devmem__netdev_ask_send(struct devmem__nl *nl, uint32_t ifindex);

#endif
