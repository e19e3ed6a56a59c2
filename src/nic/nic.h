/* SPDX-License-Identifier: MIT */
/*
 * Room nic: the NIC transaction, as bindings see it. Every change of an interface's settings goes
 * through here, is remembered with what was there before, and is undone in reverse order. The room
 * may include netlink and base, and knows nothing of buffers.
 */
#ifndef DEVMEM__NIC_NIC_H
#define DEVMEM__NIC_NIC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "devmem/devmem.h"

/* References: devmem_nic_open() gives the first, each binding holds one; the last one to go undoes
 * all. */
void devmem__nic_ref(struct devmem_nic *nic);
int devmem__nic_unref(struct devmem_nic *nic);

/* devmem__nic_check() - -EEXIST, with its sentence, if another process opened it. */
int devmem__nic_check(const struct devmem_nic *nic);

/* devmem__nic_obstacle() - why nothing can be bound to it, with the sentence set; 0: nothing speaks
 * against it. */
int devmem__nic_obstacle(const struct devmem_nic *nic);

/*
 * devmem__nic_socket() - a netlink socket for a binding, in the network namespace where the NIC was
 * opened, wherever this thread is now. A thread that is elsewhere can have one; -ENODEV after that.
 * Sets the sentence.
 */
struct devmem__nl;
int devmem__nic_socket(struct devmem_nic *nic, struct devmem__nl *nl);

unsigned int devmem__nic_ifindex(const struct devmem_nic *nic);
const char *devmem__nic_name(const struct devmem_nic *nic);

/* A savepoint is how many changes there are to undo; rolling back to it undoes the later ones. */
unsigned int devmem__nic_savepoint(const struct devmem_nic *nic);
int devmem__nic_rollback(struct devmem_nic *nic, unsigned int savepoint);

/*
 * devmem__nic_claim() - make @want RX queues ready to be bound: chosen (@list, or free ones from
 * the top if that is NULL), header/data split on, threshold 0, out of the RSS table. Their numbers
 * go to @queues. On failure everything is as it was. -ERANGE, -EEXIST, -EBUSY, -EPROTONOSUPPORT,
 * -EPERM as devmem_bind_rx(). @no_journal is set if it failed because the journal cannot be opened
 * or written, which has many an errno.
 */
int devmem__nic_claim(struct devmem_nic *nic, unsigned int want, const uint32_t *list,
		      uint32_t *queues, bool *no_journal);

#define DEVMEM__NIC_MAX_QUEUES 1024 /* of one binding */

/* devmem__nic_release() - claimed queues are not used any more: others may have them. */
void devmem__nic_release(struct devmem_nic *nic, const uint32_t *queues, unsigned int n);

/*
 * devmem__nic_wait_unbound() - until io_uring has let go of the queue. It does so in the background
 * some time after its ring was closed, and before that the settings cannot be put back.
 * [io_uring/io_uring.c: io_ring_ctx_wait_and_kill]
 */
void devmem__nic_wait_unbound(struct devmem_nic *nic, uint32_t queue);

/* What was undone that nobody alive owned, or could not be, is told one by one; @report may be
 * NULL. */
struct devmem__restore {
	void (*report)(void *arg, const char *ifname, int result, const char *text);
	void *arg;
};

/*
 * devmem__nic_open_idle() - without asking what it can do, and without undoing anything.
 * devmem__nic_probe() - what it can do, for devmem__nic_obstacle(); -ENODEV, -ENOMEM, -EMFILE.
 * Neither changes anything.
 */
int devmem__nic_open_idle(const char *ifname, const char *journal, struct devmem_nic **out);
int devmem__nic_probe(struct devmem_nic *nic);

/* devmem__nic_recover() - undo what dead processes left. 0, or the first failure. Not in a
 * transaction. */
int devmem__nic_recover(struct devmem_nic *nic, const struct devmem__restore *restore);

/* devmem__nic_steer() - a rule for the flow in each family, to the queue or to an RSS context over
 * the queues. */
int devmem__nic_steer(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
		      const struct sockaddr *local, const struct sockaddr *peer);

/* devmem__nic_has_guards() - does this transaction drop urgent data at the interface's ingress? */
bool devmem__nic_has_guards(const struct devmem_nic *nic);

/* devmem__nic_report_gro_mixture() - GRO merged packets that the NIC did not split with others that
 * it did: it is to be turned off. For the way of the data: a thread does it. */
void devmem__nic_report_gro_mixture(struct devmem_nic *nic);

/* devmem__nic_source_port() - one that a flow from @peer to @local comes to the queues with; or a
 * negative errno. */
int devmem__nic_source_port(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			    const struct sockaddr *local, const struct sockaddr *peer);

/*
 * devmem__nic_queue_of_napi_nowait() - the same for the way of the data: never waits for a lock of
 * ours. Answers from what the kernel said last; if the number is unknown, asks the kernel again,
 * once a second at most. -ENOENT; -EBUSY: somebody is changing settings, try again. Sets no
 * sentence.
 */
int devmem__nic_queue_of_napi_nowait(struct devmem_nic *nic, unsigned int napi_id);

/* Bindings that had queues of the NIC, are over, and were left to the next call that may wait:
 * bind/end.c */
struct devmem__nic_ended {
	pthread_mutex_t lock; /* held by who ends them */
	_Atomic(struct devmem_binding *) first;
};
struct devmem__nic_ended *devmem__nic_ended(struct devmem_nic *nic);

/* devmem__nic_queue_of_napi() - number of the RX queue that a NAPI instance serves, or -ENOENT. */
int devmem__nic_queue_of_napi(struct devmem_nic *nic, unsigned int napi_id);

/*
 * devmem__nic_explain_link_down() - a queue could not be bound, with @err: if that is since the
 * interface is down, sets the sentence and returns true. Drivers say it in many ways: gve -EAGAIN,
 * mlx5 -ENODEV, bnxt -ENETDOWN; fbnic binds all the same.
 */
bool devmem__nic_explain_link_down(struct devmem_nic *nic, int err);

/* devmem__nic_ring_and_mtu() - entries of each RX ring, and the MTU in bytes. */
int devmem__nic_ring_and_mtu(struct devmem_nic *nic, uint32_t *ring_entries, uint32_t *mtu);

/* devmem__nic_is_leased() - its queues are another NIC's: settings, rings and NAPIs are to be seen
 * there alone. */
bool devmem__nic_is_leased(const struct devmem_nic *nic);

/* devmem__nic_driver() - of its driver, or "". devmem__nic_bus() - the name of its parent device on
 * its bus, or "". */
const char *devmem__nic_driver(const struct devmem_nic *nic);
const char *devmem__nic_bus(const struct devmem_nic *nic);

#endif
