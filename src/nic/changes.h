/* SPDX-License-Identifier: MIT */
/*
 * What a transaction changed, in order: for each change what was there before and what we made of
 * it. Bookkeeping only; the one who made the changes knows how to undo one. A change is written
 * down whole before it is made (prepare), and counts once it was (commit).
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
	DEVMEM__CHANGE_CONTEXT,	  /* an RSS context, which was not there */
	DEVMEM__CHANGE_RULE,	  /* a flow rule, which was not there or was one of ours */
	DEVMEM__CHANGE_FEATURE,	  /* a feature, which we asked for */
	DEVMEM__CHANGE_QDISC,	  /* a clsact qdisc, which was not there */
	DEVMEM__CHANGE_GUARD,	  /* a filter in one, against urgent data for @rule's flow */
	DEVMEM__CHANGE_LAST = DEVMEM__CHANGE_GUARD,
};

struct devmem__change {
	enum devmem__change_kind kind;
	uint64_t seq; /* its number in the journal; 0: not there yet */
	/* SPLIT; what we set is ENABLED and 0 */
	bool split, thresh;   /* which of the two were changed */
	uint8_t split_before; /* enum devmem__split, as it was reported */
	uint32_t thresh_before;
	/* TABLE, CONTEXT */
	uint32_t context; /* 0: it is not known yet which number it gets */
	/* a bit for each number that had one before ours was made */
	uint64_t contexts_before;
	uint32_t size;		  /* entries */
	uint32_t *before, *after; /* owned; a context has only @after */
	uint32_t *queues;	  /* owned; CONTEXT: which it is over, rising */
	unsigned int nqueues;
	/* RULE; rule.fs.location is where it stands */
	struct devmem__rule rule;
	struct devmem__rule rule_before;
	bool had_rule; /* rule_before was ours and stood there */
	/* FEATURE; what we asked for is on */
	char feature[32];    /* as ethtool -k names it */
	bool feature_before; /* was it asked for */
	/* GUARD */
	uint64_t guard_id; /* by which the filter is known */
};

struct devmem__undo {
	struct devmem__change *changes;
	unsigned int count, room;
};

/* What it is, in words: "RSS context 1". */
void devmem__change_describe(const struct devmem__change *change, char *text, size_t room);

void devmem__change_free(struct devmem__change *change); /* what it owns */

/* Undo one change, whatever it takes; a negative errno and a sentence if it could not be. */
typedef int (*devmem__undo_fn)(const struct devmem__change *change, void *arg);

/* A zeroed change to fill in, or NULL. It is the stack's; the next prepare or a rollback drops it
 * uncommitted. */
struct devmem__change *devmem__undo_prepare(struct devmem__undo *undo,
					    enum devmem__change_kind kind);
void devmem__undo_commit(struct devmem__undo *undo);

/*
 * devmem__undo_rollback() - undo and forget all changes but the first @keep, the last one first.
 * Goes on past failures; the result and the sentence are those of the first one.
 */
int devmem__undo_rollback(struct devmem__undo *undo, unsigned int keep, devmem__undo_fn fn,
			  void *arg);

/* Free it, with whatever is in it. */
void devmem__undo_free(struct devmem__undo *undo);

#endif
