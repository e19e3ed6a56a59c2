/* SPDX-License-Identifier: MIT */
/*
 * Encode and decode the records of a NIC's journal. Pure, no I/O. The input may be damaged in any
 * way; only complete records with a correct check sum are applied.
 *
 * A journal is a sequence of records. They are appended, and rewritten from time to time. A change
 * is recorded before it is made (INTENT), again as the driver really made it (DONE), and marked
 * GONE when it has been undone. The processes that share a NIC are the journal's owners.
 */
#ifndef DEVMEM__NIC_JOURNAL_FORMAT_H
#define DEVMEM__NIC_JOURNAL_FORMAT_H

#include "base/internal.h"
#include "nic/changes.h"

#define DEVMEM__MAX_RECORD (1u << 20) /* bytes; the largest tables need a tenth of this */

enum devmem__record_type {
	DEVMEM__RECORD_HEAD = 1, /* first record, and only there: which interface this is */
	DEVMEM__RECORD_JOIN,	 /* a new owner */
	DEVMEM__RECORD_CLAIM,	 /* an owner's queues; replaces its earlier CLAIM */
	DEVMEM__RECORD_INTENT,
	DEVMEM__RECORD_DONE,
	DEVMEM__RECORD_GONE,
	/* an owner has gone; the other owners undo its remaining changes */
	DEVMEM__RECORD_LEAVE,
	/* the last seq and owner id used, when the records that used them have been dropped */
	DEVMEM__RECORD_COUNTERS,
};

struct devmem__journal_head {
	uint64_t netns; /* inode of the network namespace */
	uint32_t ifindex;
	char ifname[16], driver[32], bus[32];
	/* boot id; settings do not outlive a boot, so the records of another one are void */
	char boot[40];
};

struct devmem__journal_owner {
	uint32_t id; /* from 1 on, never reused within a journal */
	int32_t pid;
	uint64_t started; /* clock ticks after boot, as in /proc/PID/stat */
	char name[16];
	bool left;
	uint32_t *queues; /* owned */
	uint32_t nqueues;
};

struct devmem__journal_entry {
	uint64_t seq; /* increasing */
	uint32_t owner;
	bool done; /* false: the change may or may not have been made */
	struct devmem__change change;
};

/* What the records add up to. */
struct devmem__journal_state {
	struct devmem__journal_head head;
	struct devmem__journal_owner *owners;
	struct devmem__journal_entry *entries; /* those not GONE, ordered by seq */
	unsigned int nowners, nentries;
	uint64_t seq;	     /* the last seq used */
	uint32_t last_owner; /* the last id used */
	size_t bytes;	     /* size of the records applied so far */
	bool has_head;
};

/*
 * devmem__journal_state_apply() - apply the records in @data, which continue where those applied
 * before ended; adds to state->bytes. Returns false at the first record that is incomplete, damaged
 * or inconsistent with the state; the records before it stay applied. Also false if there is no
 * memory: *err is then -ENOMEM.
 */
bool devmem__journal_state_apply(struct devmem__journal_state *state, const unsigned char *data,
				 size_t bytes, int *err);
void devmem__journal_state_free(struct devmem__journal_state *state);

/* devmem__journal_state_remove() - apply a GONE record: free the entry. False: no such entry. */
bool devmem__journal_state_remove(struct devmem__journal_state *state, uint64_t seq);

struct devmem__journal_owner *devmem__journal_state_owner(const struct devmem__journal_state *state,
							  uint32_t id);

/* The header of each record. Byte order is the machine's own: a journal never leaves it. */
struct devmem__record_header {
	uint32_t magic;
	uint32_t sum;	/* of everything after it: devmem__record_sum() */
	uint32_t bytes; /* after this header */
	uint32_t type;
};

uint32_t devmem__record_sum(const unsigned char *record, size_t bytes_behind_header);

/*
 * A record under construction. devmem__record_end() completes it; false: there was no memory. The
 * caller frees @p.
 */
struct devmem__record {
	unsigned char *p;
	size_t bytes, room;
	bool failed;
};

void devmem__record_head(struct devmem__record *r, const struct devmem__journal_head *head);
void devmem__record_join(struct devmem__record *r, const struct devmem__journal_owner *owner);
void devmem__record_claim(struct devmem__record *r, uint32_t owner, const uint32_t *queues,
			  uint32_t n);
/* @type: INTENT or DONE */
void devmem__record_change(struct devmem__record *r, enum devmem__record_type type, uint32_t owner,
			   uint64_t seq, const struct devmem__change *change);
void devmem__record_gone(struct devmem__record *r, uint64_t seq);
void devmem__record_leave(struct devmem__record *r, uint32_t owner);
void devmem__record_counters(struct devmem__record *r, uint64_t seq, uint32_t last_owner);
bool devmem__record_end(struct devmem__record *r);

/*
 * devmem__journal_state_encode() - the fewest records that give this state: without those of undone
 * changes and of owners that left no changes. False: there was no memory. The caller frees @all->p.
 */
bool devmem__journal_state_encode(const struct devmem__journal_state *state,
				  struct devmem__record *all);

#endif
