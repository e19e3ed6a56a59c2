/* SPDX-License-Identifier: MIT */
/*
 * Room nic: the NIC transaction, as bindings see it. Every change of an interface's settings is
 * made here, is recorded with the setting before it, and is undone in reverse order. The room may
 * include netlink and base, and knows nothing of buffers.
 */
#ifndef DEVMEM__NIC_NIC_H
#define DEVMEM__NIC_NIC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/internal.h"

/* References: devmem_nic_open() returns the first, and each binding holds one. Dropping the last
 * one undoes all changes. */
void devmem__nic_ref(struct devmem_nic *nic);
int devmem__nic_unref(struct devmem_nic *nic);

/* devmem__nic_check() - -EEXIST, with the error message set, if another process opened the NIC. */
int devmem__nic_check(const struct devmem_nic *nic);

/* devmem__nic_obstacle() - 0, or a negative errno if nothing can be bound to this NIC, with the
 * error message set. */
int devmem__nic_obstacle(const struct devmem_nic *nic);

/*
 * devmem__nic_socket() - a netlink socket for a binding, in the network namespace where the NIC was
 * opened, whatever namespace this thread is in now. Threads in other namespaces can have one socket
 * in all; after that -ENODEV. Sets the error message.
 */
struct devmem__nl;
int devmem__nic_socket(struct devmem_nic *nic, struct devmem__nl *nl);

unsigned int devmem__nic_ifindex(const struct devmem_nic *nic);
const char *devmem__nic_name(const struct devmem_nic *nic);

/* A savepoint is the number of changes to undo. Rolling back to it undoes all later changes. */
unsigned int devmem__nic_savepoint(const struct devmem_nic *nic);
int devmem__nic_rollback(struct devmem_nic *nic, unsigned int savepoint);

/*
 * devmem__nic_claim() - make @want RX queues ready to be bound. They are those in @list, or free
 * queues from the highest number down if @list is NULL. Header/data split is turned on, its
 * threshold set to 0, and the queues are taken out of the RSS table. Their numbers go to @queues. A
 * failure undoes everything. -ERANGE, -EEXIST, -EBUSY, -EPROTONOSUPPORT, -EPERM as
 * devmem_bind_rx(). @no_journal tells apart failures to open or write the journal, which can have
 * any errno.
 */
int devmem__nic_claim(struct devmem_nic *nic, unsigned int want, const uint32_t *list,
		      uint32_t *queues, bool *no_journal);

#define DEVMEM__NIC_MAX_QUEUES 1024 /* in one binding */

/* devmem__nic_release() - give up claimed queues, so that others may claim them. */
void devmem__nic_release(struct devmem_nic *nic, const uint32_t *queues, unsigned int n);

/*
 * devmem__nic_wait_unbound() - wait until io_uring has unbound the queue. It does so in the
 * background, some time after the ring was closed; until then the settings cannot be put back.
 * [io_uring/io_uring.c: io_ring_ctx_wait_and_kill()]
 */
void devmem__nic_wait_unbound(struct devmem_nic *nic, uint32_t queue);

/* What was done about each change of a dead owner: undone, failed or kept. */
struct devmem__restore {
	struct devmem__array list; /* of struct devmem_restored */
	unsigned int count;
};

/*
 * devmem__nic_open_idle() - open a NIC without asking for its abilities and without undoing
 * anything. devmem__nic_probe() - ask for its abilities, for devmem__nic_obstacle(); -ENODEV,
 * -ENOMEM, -EMFILE. Neither changes anything on the NIC.
 */
int devmem__nic_open_idle(const char *ifname, const char *journal, struct devmem_nic **out);
int devmem__nic_probe(struct devmem_nic *nic);

/* devmem__nic_recover() - undo what dead processes left. Returns 0 or the first failure. Not to be
 * called between devmem__nic_begin() and devmem__nic_end(). */
int devmem__nic_recover(struct devmem_nic *nic, struct devmem__restore *restore);

/* devmem__nic_steer() - add a rule for the flow in each of its address families. The rules lead to
 * the queue, or to an RSS context if there are several queues. */
int devmem__nic_steer(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
		      const struct sockaddr *local, const struct sockaddr *peer);

/* devmem__nic_unsteer() - remove the rules that devmem__nic_steer() added for the flow. -ENOENT:
 * there is none that leads to these queues. */
int devmem__nic_unsteer(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			const struct sockaddr *local, const struct sockaddr *peer);

/* devmem__nic_has_guards() - true if this transaction drops urgent data at the
 * interface's ingress. */
bool devmem__nic_has_guards(const struct devmem_nic *nic);

/*
 * devmem__nic_report_gro_mixture() - GRO merged packets that the NIC split with packets that it did
 * not split, so GRO must be turned off. May be called on the data path: the keeper thread does it.
 */
void devmem__nic_report_gro_mixture(struct devmem_nic *nic);

/* devmem__nic_source_port() - a source port with which a flow from @peer to @local arrives on one
 * of the queues, or a negative errno. */
int devmem__nic_source_port(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			    const struct sockaddr *local, const struct sockaddr *peer);

/*
 * devmem__nic_queue_of_napi_nowait() - devmem__nic_queue_of_napi() for the data path: never waits
 * for one of our locks. Answers from the last list of queues; for an unknown id asks the kernel
 * again, at most once a second. -ENOENT; -EBUSY: settings are being changed, try again. Sets no
 * error message.
 */
int devmem__nic_queue_of_napi_nowait(struct devmem_nic *nic, unsigned int napi_id);

/* Closed bindings with queues of this NIC, whose cleanup is left to the next call that may block:
 * bind/end.c. */
struct devmem__nic_ended {
	pthread_mutex_t lock; /* held while they are cleaned up */
	_Atomic(struct devmem_binding *) first;
};
struct devmem__nic_ended *devmem__nic_ended(struct devmem_nic *nic);

/* devmem__nic_queue_of_napi() - the number of the RX queue that a NAPI instance serves,
 * or -ENOENT. */
int devmem__nic_queue_of_napi(struct devmem_nic *nic, unsigned int napi_id);

/*
 * devmem__nic_explain_link_down() - binding a queue failed with @err. If the reason is that the
 * interface is down, sets the error message and returns true. Drivers return different errors then:
 * gve -EAGAIN, mlx5 -ENODEV, bnxt -ENETDOWN; fbnic binds all the same.
 */
bool devmem__nic_explain_link_down(struct devmem_nic *nic, int err);

/* devmem__nic_ring_and_mtu() - the number of entries of each RX ring, and the MTU in bytes. */
int devmem__nic_ring_and_mtu(struct devmem_nic *nic, uint32_t *ring_entries, uint32_t *mtu);

/* devmem__nic_is_leased() - true if its queues are leased from another NIC. Settings, rings and
 * NAPI instances are then visible on that NIC only. */
bool devmem__nic_is_leased(const struct devmem_nic *nic);

/* devmem__nic_driver() - the name of its driver, or "". devmem__nic_bus() - the name of its parent
 * device on its bus, or "". */
const char *devmem__nic_driver(const struct devmem_nic *nic);
const char *devmem__nic_bus(const struct devmem_nic *nic);

#endif
