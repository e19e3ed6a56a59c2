/* SPDX-License-Identifier: MIT */
/* Which RX queues to take. Pure choice, no I/O. */
#ifndef DEVMEM__NETLINK_QUEUE_USE_H
#define DEVMEM__NETLINK_QUEUE_USE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Queues of an interface, at most: their numbers are below it. The kernel notes the queue of a
 * packet, plus 1, in 16 bits. [include/linux/skbuff.h: skb_record_rx_queue()]
 */
#define DEVMEM__MAX_QUEUES 65535u

/* Why a queue cannot be had. */
enum devmem__queue_use {
	DEVMEM__QUEUE_DMABUF = 1,   /* bound, by us or others */
	DEVMEM__QUEUE_IO_URING = 2, /* zcrx has it */
	DEVMEM__QUEUE_XSK = 4,	    /* AF_XDP has it */
	DEVMEM__QUEUE_LEASED = 8,   /* a container has it */
	DEVMEM__QUEUE_CLAIMED = 32, /* a transaction has it, and will bind it */
	/* somebody steers flows to it: not chosen, but may be asked for */
	DEVMEM__QUEUE_STEERED = 16,
};

/* May ordinary traffic go to a queue that is used like this? */
bool devmem__queue_is_ordinary(uint8_t use);

/*
 * devmem__queues_choose() - @want free queues from the top, in rising order. Never queue 0, and
 * never the last one that is left for ordinary traffic. @use has an entry for each of @n queues.
 * -EBUSY: not that many.
 */
int devmem__queues_choose(const uint8_t *use, uint32_t n, unsigned int want, uint32_t *queues);

/*
 * devmem__queues_check() - may the listed queues be taken? On failure @bad is the entry at fault.
 * -ERANGE, -EINVAL (twice in the list), -EEXIST (bound), -EBUSY (AF_XDP, leased); -ENOSPC: none
 * would be left.
 */
int devmem__queues_check(const uint8_t *use, uint32_t n, const uint32_t *list, unsigned int want,
			 unsigned int *bad);

/* Queue numbers, in any order, each once. Zero is none of them. */
struct devmem__queue_set {
	uint32_t *queue; /* owned */
	unsigned int n;
};

/* devmem__queue_set_add() - @n more, all or none. -ENOMEM. */
int devmem__queue_set_add(struct devmem__queue_set *set, const uint32_t *queues, unsigned int n);

/* devmem__queue_set_remove() - those that are in it; cannot fail. */
void devmem__queue_set_remove(struct devmem__queue_set *set, const uint32_t *queues,
			      unsigned int n);
bool devmem__queue_set_has(const struct devmem__queue_set *set, uint32_t queue);
void devmem__queue_set_free(struct devmem__queue_set *set);

#endif
