/* SPDX-License-Identifier: MIT */
/* RX queues, as the kernel's family "netdev" lists them; and a request to it that cannot take
 * effect. */
#ifndef DEVMEM__NETLINK_NETDEV_H
#define DEVMEM__NETLINK_NETDEV_H

#include "netlink/ethtool.h"
#include "netlink/genl.h"
#include "netlink/queue_use.h"

/* From 0 to the last one that is known of. Zero is a list of none. */
struct devmem__netdev_queues {
	uint32_t count;
	uint8_t *use;	  /* enum devmem__queue_use */
	uint32_t *napi;	  /* NAPI id, or 0 */
	uint32_t *dmabuf; /* number of the binding, or 0 */
};

/* devmem__netdev_queues() - of an interface; the kernel lists none while it is down. Negative
 * errno; no sentence. */
int devmem__netdev_queues(struct devmem__nl *nl, uint32_t ifindex, struct devmem__netdev_queues *q);

/* devmem__netdev_rings() - for one that is down: as many as its driver has rings, used by nobody as
 * far as is known. */
int devmem__netdev_rings(struct devmem__ethtool *et, struct devmem__netdev_queues *q);

/*
 * devmem__netdev_got_queue() - take in what the kernel said of one queue; @arg is the list. Pure;
 * for the tests. -ENOMEM; -ERANGE: a number that no queue can have.
 */
int devmem__netdev_got_queue(struct nlattr **a, void *arg);
void devmem__netdev_free(struct devmem__netdev_queues *q);

/* Sets @hit[queue] for each queue, of @n, that the rule's packets may come through. */
void devmem__netdev_rule_leads(struct devmem__ethtool *et, const struct devmem__rule *rule,
			       uint8_t *hit, uint32_t n);

/*
 * devmem__netdev_ask_bind() - ask for a binding of no dma-buf. It cannot come about, and what the
 * kernel complains about first tells a lot.
 * @ifindex:	0: an empty request. -EOPNOTSUPP: the kernel has no such; -EPERM: not for this
 *		process.
 * @queue_id:	the RX queue that is asked for
 * @page_size:	0, or a size. -EBADF: all else is in order.
 */
int devmem__netdev_ask_bind(struct devmem__nl *nl, uint32_t ifindex, uint32_t queue_id,
			    uint32_t page_size);

/*
 * devmem__netdev_ask_any_queue() - ask for one queue after the other until one is not refused with
 * -EOPNOTSUPP. Queue 0 of a netkit is its own and has no DMA device; the others are leased from a
 * NIC, and have its device. [net/core/netdev-genl.c: netdev_nl_get_dma_dev(), net/core/devmem.c:
 * net_devmem_bind_dmabuf()]
 */
int devmem__netdev_ask_any_queue(struct devmem__nl *nl, uint32_t ifindex, uint32_t page_size);

/* devmem__netdev_ask_send() - the same for sending, which takes no privilege. -EBADF: it can;
 * -EOPNOTSUPP: it cannot. */
int devmem__netdev_ask_send(struct devmem__nl *nl, uint32_t ifindex);

#endif
