/* SPDX-License-Identifier: MIT */
/* The inside of a NIC's transaction, shared by the files that do its parts: nic*.c and nobody else. */
#ifndef DEVMEM_NIC_IMPL_H
#define DEVMEM_NIC_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "ethtool.h"
#include "netlink.h"
#include "nic.h"
#include "undo.h"

struct devmem_nic {
	atomic_uint refs;
	pthread_mutex_t lock;		/* rings of several threads ask on which queue a flow arrives */
	struct devmem__ethtool et;
	struct devmem__nl netdev;	/* family "netdev" */
	struct devmem__undo undo;
	char driver[32], bus[32];	/* of the parent device; "" where there is none */
	uint64_t held[DEVMEM__NIC_MOST_QUEUES / 64]; /* a bit each: see devmem__nic_hold() */
	int obstacle;			/* why it cannot receive into device memory at all, or 0; @why: the sentence */
	char why[512];
};

/* The RX queues as the kernel shows them. @use and @napi are the caller's to free, by devmem__nic_queues_free(). */
struct devmem__nic_queues {
	uint32_t count;
	uint8_t *use;			/* enum devmem__queue_use */
	uint32_t *napi;			/* NAPI id, or 0 */
};

/* Sets the sentence. An interface that is down shows how many it has, but not how they are used. */
int devmem__nic_queues(struct devmem_nic *nic, struct devmem__nic_queues *q);
void devmem__nic_queues_free(struct devmem__nic_queues *q);

/* The change that made the rule, if we did, or NULL. */
const struct devmem__change *devmem__nic_own_rule(const struct devmem_nic *nic, const struct devmem__rule *rule);

/* devmem__undo_one for a NIC's changes; @arg is the NIC. */
int devmem__nic_undo_one(const struct devmem__change *change, void *arg);

/* devmem__nic_rollback() for who holds the lock. */
int devmem__nic_roll(struct devmem_nic *nic, unsigned int savepoint);

/* Roll back after a failure, whose number and sentence stay. Returns @err. */
int devmem__nic_back_out(struct devmem_nic *nic, unsigned int savepoint, int err);

#endif
