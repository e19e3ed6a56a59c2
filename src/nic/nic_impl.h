/* SPDX-License-Identifier: MIT */
/* The inside of a NIC's transaction, shared by the files that do its parts: nic*.c and nobody
 * else. */
#ifndef DEVMEM__NIC_NIC_IMPL_H
#define DEVMEM__NIC_NIC_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "nic/journal.h"
#include "netlink/netdev.h"
#include "nic/nic.h"
#include "base/process.h"
#include "netlink/queue_use.h"
#include "nic/quirks.h"
#include "netlink/tc.h"
#include "nic/changes.h"

/* The NAPI instance of each RX queue, as the kernel said when the queues were listed last.
 * napi.c */
struct devmem__napis {
	pthread_mutex_t lock; /* never held over a system call */
	uint32_t *id;
	uint32_t count;
	uint64_t asked; /* ns: when it was asked for one that is not in there */
};

/* The thread that looks after the settings. */
struct devmem__nic_keeper {
	pthread_t thread;
	int wake, news; /* an eventfd; link notifications. -1: none */
	bool runs;
	atomic_bool ends; /* it is to end */
	/* GRO merged what the NIC split with what it did not, and may still be on */
	atomic_bool mixed;
	/* the NIC forgot its settings, and not all of them could be made again */
	bool lost;
};

struct devmem_nic {
	atomic_uint refs;
	uint32_t process; /* whose transaction it is */
	struct devmem__nic_ended ended;
	struct devmem__napis napis;
	/* rings of several threads ask on which queue a flow arrives */
	pthread_mutex_t lock;
	struct devmem__ethtool et;
	struct devmem__nl netdev; /* family "netdev" */
	struct devmem__nl spare;  /* the same, not used yet, for devmem__nic_socket() */
	struct devmem__undo undo;
	struct devmem__journal journal; /* opened with the first change */
	/* something could not be written to it, since this was cleared */
	bool journal_failed;
	char journal_folder[192];
	uint64_t netns;			     /* inode of the namespace that it was opened in */
	char driver[32], bus[32];	     /* of the parent device; "" where there is none */
	const struct devmem__quirks *quirks; /* the driver's */
	struct devmem__queue_set claimed;    /* the queues that our bindings have */
	struct devmem__tc tc;		     /* in the namespace where it was opened */
	bool keep;			     /* DEVMEM_NIC_KEEP */
	/* changes no setting: @keep, or they are the settings of the NIC that leases the queues */
	bool only_binds;
	bool no_guard;	    /* DEVMEM_NIC_NO_GUARD */
	atomic_bool guards; /* some flows are guarded at its ingress */
	struct devmem__nic_keeper keeper;
	/* why it cannot receive into device memory at all, or 0; @why: the sentence */
	int obstacle;
	char why[512];
};

/*
 * devmem__nic_check_present() - is the interface here, where it was opened? To be asked before
 * anything is asked of it, since it may have been moved to another network namespace and back, with
 * another index. -ENODEV; sets the sentence.
 */
int devmem__nic_check_present(struct devmem_nic *nic);

/* devmem__nic_may_change() - -EPERM with DEVMEM_NIC_KEEP; sets the sentence. */
int devmem__nic_may_change(const struct devmem_nic *nic);

/*
 * The RX queues; the caller frees them with devmem__netdev_free(). Sets the sentence. An interface
 * that is down shows how many it has, but not how they are used.
 */
int devmem__nic_queues(struct devmem_nic *nic, struct devmem__netdev_queues *q);

/* source_port.c: may devmem_source_port() serve where there are no rules? */
bool devmem__nic_hash_is_known(struct devmem_nic *nic);

/* The change that made the rule, if we did, or NULL. */
const struct devmem__change *devmem__nic_own_rule(const struct devmem_nic *nic,
						  const struct devmem__rule *rule);

/* devmem__undo_fn for a NIC's changes; @arg is the NIC. */
int devmem__nic_undo_change(const struct devmem__change *change, void *arg);

/* Of a change that was only intended: was it made? Fills in what could not be known before. */
bool devmem__nic_was_made(struct devmem_nic *nic, struct devmem__change *change);

/* The number of the context that was intended, if it was made. */
bool devmem__nic_find_context(struct devmem_nic *nic, struct devmem__change *change);

/* urgent_filter.c: urgent data for where @rule's flow goes to is dropped; or the log says why not.
 * For who has begun. */
void devmem__nic_add_guard(struct devmem_nic *nic, const struct devmem__rule *rule);

/* Is there such a guard? For devmem__nic_has_guards(), whenever one was made or undone. */
void devmem__nic_update_has_guards(struct devmem_nic *nic);

/* How long may be waited, in all, for what others still hold: a moment on CLOCK_MONOTONIC, in
 * ms. */
uint64_t devmem__nic_deadline(void);

/* devmem__nic_wait_1ms() - a millisecond. false: the moment @until has passed. */
bool devmem__nic_wait_1ms(uint64_t until);

/*
 * devmem__nic_compare_table() - 0: the RSS table of this context (0: the main one) is @table.
 * -ESTALE: it is not. Other errors: it cannot be read. Sets no message.
 */
int devmem__nic_compare_table(struct devmem_nic *nic, uint32_t context, const uint32_t *table,
			      uint32_t size);

/* The rule for the same flow, or NULL. */
const struct devmem__rule *devmem__nic_find_flow(const struct devmem__rules *all,
						 const struct devmem__rule *rule);

/* A location for a new rule; RX_CLS_LOC_ANY if the driver chooses. Negative errno: none is free. */
int64_t devmem__nic_free_location(const struct devmem__rules *all);

/* Read the rule just added back into the change: undo must find what the driver made of it. */
void devmem__nic_reread_rule(struct devmem_nic *nic, struct devmem__change *change);

/* devmem__nic_has_context() - is our context still there, as we made it? devmem__nic_contexts() - a
 * bit for each number. */
bool devmem__nic_has_context(struct devmem_nic *nic, const struct devmem__change *c);
uint64_t devmem__nic_contexts(struct devmem_nic *nic);

/* reapply.c. devmem__nic_table_was_reset() - was the NIC reset? For who holds the lock.
 * devmem__nic_reapply(): who has begun. */
bool devmem__nic_table_was_reset(struct devmem_nic *nic);
int devmem__nic_reapply(struct devmem_nic *nic);

/* gro.c, for the thread: GRO off, if a mixture was seen. */
/* as the kernel names the feature; "gro" to ethtool -K. It is never turned on, but for undo */
#define DEVMEM__GRO "rx-gro"
void devmem__nic_turn_gro_off(struct devmem_nic *nic);

/* nic.c: with what it has, but for the transaction, which has ended. */
void devmem__nic_free(struct devmem_nic *nic);

/* keeper.c. To start is for who has begun; to stop is for who has not, before the transaction
 * ends. */
void devmem__nic_keeper_open(struct devmem_nic *nic);
void devmem__nic_keeper_start(struct devmem_nic *nic);
void devmem__nic_keeper_stop(struct devmem_nic *nic);

/* Until nobody has bound any of the queues, or the moment @until has passed. */
void devmem__nic_wait_free(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			   uint64_t until);

/* transaction.c. All but the first, for who has begun: alone on this NIC, in this process and among
 * others. */
int devmem__nic_begin(struct devmem_nic *nic);
void devmem__nic_end(struct devmem_nic *nic);
/* the end of the transaction; for who holds the last reference */
int devmem__nic_end_transaction(struct devmem_nic *nic);

/* A change: written down before it is made, and then as it is; or it was not made after all. */
int devmem__nic_write_intent(struct devmem_nic *nic, struct devmem__change *change);
int devmem__nic_commit(struct devmem_nic *nic, const struct devmem__change *change);
void devmem__nic_write_gone(struct devmem_nic *nic, const struct devmem__change *change);

void devmem__nic_mark_claimed(const struct devmem_nic *nic, struct devmem__netdev_queues *q);
int devmem__nic_update_claim(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			     bool claim);

/*
 * devmem__nic_change_table() - sets the RSS table for ordinary traffic. @before and @after, from
 * malloc(), are taken over, also when it fails. @what: for the sentence, after "cannot". *@made is
 * the change, with the table that the driver made of it, until the next one is prepared.
 */
int devmem__nic_change_table(struct devmem_nic *nic, uint32_t *before, uint32_t *after,
			     uint32_t size, const char *what, const struct devmem__change **made);

/* devmem__nic_rollback() for who has begun. */
int devmem__nic_rollback_locked(struct devmem_nic *nic, unsigned int savepoint);

/* Roll back after a failure, whose number and sentence stay. Returns @err. */
int devmem__nic_rollback_failed(struct devmem_nic *nic, unsigned int savepoint, int err);

#endif
