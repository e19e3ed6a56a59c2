/* SPDX-License-Identifier: MIT */
/*
 * The undo stack of a transaction: its changes in order, each with the setting before and after.
 * Bookkeeping only; whoever makes the changes knows how to undo one. A change is described in full
 * before it is made (prepare), and is on the stack once it has been made (commit).
 */
#ifndef DEVMEM__NIC_CHANGES_H
#define DEVMEM__NIC_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/flow_rule.h"

enum devmem__change_kind {
	DEVMEM__CHANGE_SPLIT = 1, /* header/data split and its threshold */
	DEVMEM__CHANGE_TABLE,	  /* the main RSS table */
	DEVMEM__CHANGE_CONTEXT,	  /* a new RSS context */
	DEVMEM__CHANGE_RULE,	  /* a flow rule: a new one, or it replaces one of ours */
	DEVMEM__CHANGE_FEATURE,	  /* a feature that we turned on, or GRO, which we turned off */
	DEVMEM__CHANGE_QDISC,	  /* a new clsact qdisc */
	DEVMEM__CHANGE_GUARD,	  /* a filter in the qdisc: drops urgent data of @rule's flow */
	DEVMEM__CHANGE_LAST = DEVMEM__CHANGE_GUARD,
};

struct devmem__change {
	enum devmem__change_kind kind;
	uint64_t seq; /* its number in the journal; 0: not written yet */
	/* SPLIT; we set ENABLED and 0 */
	bool split, thresh;   /* which of the two were changed */
	uint8_t split_before; /* DEVMEM_SPLIT_*, as the driver reported it */
	uint32_t thresh_before;
	/* TABLE, CONTEXT */
	uint32_t context; /* 0: the kernel has not chosen the number yet */
	/* bit i: context i existed before ours was made */
	uint64_t contexts_before;
	uint32_t size;		  /* entries */
	uint32_t *before, *after; /* owned; a context has @after only */
	uint32_t *queues;	  /* owned; CONTEXT: its queues, ascending */
	unsigned int nqueues;
	/* RULE; rule.fs.location is its location */
	struct devmem__rule rule;
	struct devmem__rule rule_before;
	bool had_rule; /* @rule replaced rule_before, which was ours */
	/* FEATURE */
	char feature[32];    /* the kernel's name for it, as in ethtool -k */
	bool feature_before; /* was it requested (wanted) */
	/* GUARD */
	uint64_t guard_id; /* the filter's cookie */
};

struct devmem__undo {
	struct devmem__change *changes;
	unsigned int count, room;
};

/* Describe the change in words: "RSS context 1". */
void devmem__change_describe(const struct devmem__change *change, char *text, size_t room);

void devmem__change_free(struct devmem__change *change); /* frees what it owns */

/* Undo one change; on failure a negative errno with the error message set. */
typedef int (*devmem__undo_fn)(const struct devmem__change *change, void *arg);

/* devmem__undo_prepare() - a zeroed change to fill in, or NULL: no memory. The stack owns it.
 * Unless it is committed, the next prepare or rollback drops it. */
struct devmem__change *devmem__undo_prepare(struct devmem__undo *undo,
					    enum devmem__change_kind kind);
void devmem__undo_commit(struct devmem__undo *undo);

/* devmem__undo_forget() - drop the change at this index, undoing nothing. Later changes move down
 * by one. */
void devmem__undo_forget(struct devmem__undo *undo, unsigned int at);

/*
 * devmem__undo_rollback() - undo and forget all changes but the first @keep, the last one first.
 * Continues after a failure; the result and the error message are those of the first failure.
 */
int devmem__undo_rollback(struct devmem__undo *undo, unsigned int keep, devmem__undo_fn fn,
			  void *arg);

/* Free the stack and its changes, undoing nothing. */
void devmem__undo_free(struct devmem__undo *undo);

#endif
