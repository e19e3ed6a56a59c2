/* SPDX-License-Identifier: MIT */
/* Chooses which RX queues to claim, and keeps sets of them. No I/O. */
#ifndef DEVMEM__NETLINK_QUEUE_USE_H
#define DEVMEM__NETLINK_QUEUE_USE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The most queues that an interface can have. The kernel stores a packet's queue number plus 1 in
 * 16 bits. [include/linux/skbuff.h: skb_record_rx_queue()]
 */
#define DEVMEM__MAX_QUEUES 65535u

/* Why a queue is not available. */
enum devmem__queue_use {
	DEVMEM__QUEUE_DMABUF = 1,   /* bound, by us or others */
	DEVMEM__QUEUE_IO_URING = 2, /* used by zcrx */
	DEVMEM__QUEUE_XSK = 4,	    /* used by AF_XDP */
	DEVMEM__QUEUE_LEASED = 8,   /* leased to a container */
	DEVMEM__QUEUE_CLAIMED = 32, /* a transaction has claimed it and will bind it */
	/* flow rules of others lead to it: it is not chosen, but may be requested */
	DEVMEM__QUEUE_STEERED = 16,
};

/* May ordinary traffic go to a queue with this use? */
bool devmem__queue_is_ordinary(uint8_t use);

/*
 * devmem__queues_choose() - choose @want unused queues with the highest numbers, in rising order.
 * Never queue 0, and never the last queue that is left for ordinary traffic. @use has an entry for
 * each of the @n queues. -EBUSY: there are not that many.
 */
int devmem__queues_choose(const uint8_t *use, uint32_t n, unsigned int want, uint32_t *queues);

/*
 * devmem__queues_check() - may the listed queues be claimed? On failure @bad is the index of the
 * entry at fault. -ERANGE: no such queue; -EINVAL: it is in the list twice; -EEXIST: it is bound or
 * claimed; -EBUSY: it is used by AF_XDP or leased; -ENOSPC: no queue would be left for ordinary
 * traffic.
 */
int devmem__queues_check(const uint8_t *use, uint32_t n, const uint32_t *list, unsigned int want,
			 unsigned int *bad);

/* Is @queue one of the @n in the list? */
bool devmem__queue_is_listed(uint32_t queue, const uint32_t *list, unsigned int n);

/* A set of queue numbers, in any order. All zero is the empty set. */
struct devmem__queue_set {
	uint32_t *queue; /* owned */
	unsigned int n;
};

/* devmem__queue_set_add() - add @n queues, or none of them: -ENOMEM. */
int devmem__queue_set_add(struct devmem__queue_set *set, const uint32_t *queues, unsigned int n);

/* devmem__queue_set_remove() - remove the queues that are in the set. Cannot fail. */
void devmem__queue_set_remove(struct devmem__queue_set *set, const uint32_t *queues,
			      unsigned int n);
bool devmem__queue_set_has(const struct devmem__queue_set *set, uint32_t queue);
void devmem__queue_set_free(struct devmem__queue_set *set);

#endif
