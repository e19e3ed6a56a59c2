/* SPDX-License-Identifier: MIT */
/* The internals of the NIC transaction, for the files of this room and for tests. */
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

/* napi.c: the NAPI id of each RX queue, from the last list of queues */
struct devmem__napis {
	pthread_mutex_t lock; /* never held across a system call */
	uint32_t *id;
	uint32_t count;
	uint64_t asked; /* ns: when the kernel was last asked for an unknown id */
};

/* stray_filter.c: the program that keeps stray packets out of our queues */
struct devmem__nic_stray {
	int link;		  /* holds it at the ingress; -1: there is none */
	struct bpf_insn *program; /* owned */
	unsigned int steps;
	/* devmem_source_port() leads a part of the RSS table to our queues */
	bool table_leads_here;
	bool told; /* that there is none */
};

/* The thread that checks that the NIC keeps the settings. */
struct devmem__nic_keeper {
	pthread_t thread;
	int wake, news; /* eventfd; socket for link notifications. -1: none */
	bool runs;
	atomic_bool ends; /* asks the thread to end */
	/* GRO merged split packets with unsplit ones, and may still be on */
	atomic_bool mixed;
	/* the NIC lost its settings, and not all of them could be reapplied */
	bool lost;
};

struct devmem_nic {
	atomic_uint refs;
	uint32_t process; /* the process that opened it */
	struct devmem__nic_ended ended;
	struct devmem__napis napis;
	/* threads with rings of their own ask on which queue a flow arrives */
	pthread_mutex_t lock;
	struct devmem__ethtool et;
	struct devmem__nl netdev; /* family "netdev" */
	struct devmem__nl spare;  /* another one, unused, for devmem__nic_socket() */
	struct devmem__undo undo;
	struct devmem__journal journal; /* opened with the first change */
	/* a write to the journal has failed since this was cleared */
	bool journal_failed;
	char journal_folder[192];
	uint64_t netns;		  /* inode of the network namespace where it was opened */
	char driver[32], bus[32]; /* of the parent device; "" if there is none */
	const struct devmem__quirks *quirks; /* of the driver */
	struct devmem__queue_set claimed;    /* the queues of our bindings */
	struct devmem__tc tc;		     /* in that namespace */
	bool keep;			     /* DEVMEM_NIC_KEEP */
	/* changes no settings: @keep is set, or the settings belong to the NIC that leases the
	 * queues */
	bool only_binds;
	bool no_guard;	    /* DEVMEM_NIC_NO_GUARD */
	atomic_bool guards; /* the ingress has one of our filters against urgent data */
	struct devmem__nic_stray stray;
	struct devmem__nic_keeper keeper;
	/* the errno if it cannot receive into device memory at all, or 0; @why: the
	 * error message */
	int obstacle;
	char why[512];
};

/*
 * devmem__nic_check_present() - -ENODEV if the interface is no longer in the namespace where it was
 * opened; -ENETDOWN if its driver gave up. Call this before asking the interface for anything: it
 * may have been moved to another network namespace and back, and have another index now. Sets the
 * error message.
 */
int devmem__nic_check_present(struct devmem_nic *nic);

/* devmem__nic_driver_gave_up() - true if to ask the driver for the RSS table or a rule would stop
 * the machine. devmem__nic_check_present() is -ENETDOWN then. */
bool devmem__nic_driver_gave_up(struct devmem_nic *nic);

/* devmem__nic_may_change() - -EPERM with DEVMEM_NIC_KEEP; sets the error message. */
int devmem__nic_may_change(const struct devmem_nic *nic);

/*
 * devmem__nic_queues() - list the RX queues; the caller frees them with devmem__netdev_free(). Sets
 * the error message. For an interface that is down the number of queues is known, but not their
 * use.
 */
int devmem__nic_queues(struct devmem_nic *nic, struct devmem__netdev_queues *q);

/* source_port.c: true if devmem_source_port() can work on a NIC without n-tuple rules */
bool devmem__nic_hash_is_known(struct devmem_nic *nic);

/* The change that added this rule, or NULL if the rule is not ours. */
const struct devmem__change *devmem__nic_own_rule(const struct devmem_nic *nic,
						  const struct devmem__rule *rule);

/* The devmem__undo_fn for a NIC's changes; @arg is the NIC. */
int devmem__nic_undo_change(const struct devmem__change *change, void *arg);

/* For a change with an INTENT record only: was it made? Fills in what was unknown before it was
 * made. */
bool devmem__nic_was_made(struct devmem_nic *nic, struct devmem__change *change);

/* Find the RSS context of such a change; its number goes to change->context. False: it was not
 * made. */
bool devmem__nic_find_context(struct devmem_nic *nic, struct devmem__change *change);

/* urgent_filter.c: drop urgent data sent to the destination of @rule's flow, or log why that is not
 * possible. Call between begin and end. */
void devmem__nic_add_guard(struct devmem_nic *nic, const struct devmem__rule *rule);

/*
 * stray_filter.c, for a driver that forgets its settings with a reset: keep the packets of others
 * out of our queues. devmem__nic_update_stray() - after queues were claimed or given up, and before
 * a rule for @next (or NULL) is made; call it between begin and end. devmem__nic_drop_stray() - let
 * them in again.
 */
void devmem__nic_update_stray(struct devmem_nic *nic, const struct devmem__rule *next);
void devmem__nic_drop_stray(struct devmem_nic *nic);

/* Update the answer of devmem__nic_has_guards(), after a guard was added or removed. */
void devmem__nic_update_has_guards(struct devmem_nic *nic);

/* devmem__nic_deadline() - until when to wait, in all, for others to release what they hold: ms on
 * CLOCK_MONOTONIC. */
uint64_t devmem__nic_deadline(void);

/* devmem__nic_wait_1ms() - sleep a millisecond. False, without sleeping, once @until has passed. */
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

/* devmem__nic_has_context() - true if our context still exists as we made it.
 * devmem__nic_contexts() - bit i: context i exists. */
bool devmem__nic_has_context(struct devmem_nic *nic, const struct devmem__change *c);
uint64_t devmem__nic_contexts(struct devmem_nic *nic);

/*
 * reapply.c. devmem__nic_table_was_reset() - true if a reset of the NIC put the RSS table back to
 * its default; the caller holds nic->lock. devmem__nic_reapply() - make the lost settings again;
 * call it between begin and end.
 */
bool devmem__nic_table_was_reset(struct devmem_nic *nic);
int devmem__nic_reapply(struct devmem_nic *nic);

/* gro.c, for the keeper thread: turn GRO off if a mixture was reported. */
/* the kernel's name of the feature (ethtool -K: "gro"). We turn it on only to undo turning
 * it off */
#define DEVMEM__GRO "rx-gro"
void devmem__nic_turn_gro_off(struct devmem_nic *nic);

/* nic.c: free the NIC and what it owns, after its transaction has ended. */
void devmem__nic_free(struct devmem_nic *nic);

/* keeper.c. Start the thread between begin and end. Stop it outside of them, before the transaction
 * ends. */
void devmem__nic_keeper_open(struct devmem_nic *nic);
void devmem__nic_keeper_start(struct devmem_nic *nic);
void devmem__nic_keeper_stop(struct devmem_nic *nic);

/* Wait until none of the queues is bound, or until @until has passed. */
void devmem__nic_wait_free(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			   uint64_t until);

/*
 * transaction.c. Between devmem__nic_begin() and devmem__nic_end() the caller has the NIC for
 * itself: no other thread and no other process changes it. The functions below must be called
 * between them, except devmem__nic_end_transaction().
 */
int devmem__nic_begin(struct devmem_nic *nic);
void devmem__nic_end(struct devmem_nic *nic);
/* end the transaction; to be called when the last reference has been dropped */
int devmem__nic_end_transaction(struct devmem_nic *nic);

/* The steps of a change: write_intent() before it is made, then commit() with the values as they
 * really are, or write_gone() if it was not made after all. */
int devmem__nic_write_intent(struct devmem_nic *nic, struct devmem__change *change);
int devmem__nic_commit(struct devmem_nic *nic, const struct devmem__change *change);
void devmem__nic_write_gone(struct devmem_nic *nic, const struct devmem__change *change);

void devmem__nic_mark_claimed(const struct devmem_nic *nic, struct devmem__netdev_queues *q);
int devmem__nic_update_claim(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			     bool claim);

/*
 * devmem__nic_change_table() - set the main RSS table. Takes ownership of @before and @after (from
 * malloc()), also on failure. @what completes the error message after "cannot". *@made is the
 * change, with the table as the driver made it; it is valid until the next change is prepared.
 */
int devmem__nic_change_table(struct devmem_nic *nic, uint32_t *before, uint32_t *after,
			     uint32_t size, const char *what, const struct devmem__change **made);

/*
 * For the change at this index of the undo stack. devmem__nic_forget() - mark it GONE and drop it.
 * devmem__nic_take_back() - undo it first. -ESTALE: somebody has changed the setting since; it
 * stays, and the change is dropped. Other errors: the change is kept.
 */
void devmem__nic_forget(struct devmem_nic *nic, unsigned int at);
int devmem__nic_take_back(struct devmem_nic *nic, unsigned int at);

/* devmem__nic_rollback() between begin and end. */
int devmem__nic_rollback_locked(struct devmem_nic *nic, unsigned int savepoint);

/* Roll back after a failure. Returns @err and keeps its error message. */
int devmem__nic_rollback_failed(struct devmem_nic *nic, unsigned int savepoint, int err);

#endif
