/* SPDX-License-Identifier: MIT */
/*
 * The records of a NIC's journal, to bytes and back. Pure, no I/O: what is read may be damaged in
 * any way, and what is not in a whole record does not count.
 *
 * A journal is a row of records, each with a check sum. They are appended, and now and then written
 * anew. A change is written down before it is made (INTENT), again as it then really was (DONE),
 * and crossed out when it was undone (GONE). The processes that share a NIC are its owners.
 */
#ifndef DEVMEM__NIC_JOURNAL_FORMAT_H
#define DEVMEM__NIC_JOURNAL_FORMAT_H

#include "base/internal.h"
#include "nic/changes.h"

#define DEVMEM__MAX_RECORD (1u << 20) /* bytes; the largest tables take a tenth of it */

enum devmem__record_type {
	DEVMEM__RECORD_HEAD = 1, /* first, and only there: whose settings these are */
	DEVMEM__RECORD_JOIN,	 /* an owner comes */
	DEVMEM__RECORD_CLAIM,	 /* its queues, in place of those that it had */
	DEVMEM__RECORD_INTENT,
	DEVMEM__RECORD_DONE,
	DEVMEM__RECORD_GONE,
	/* an owner goes; what it left is undone by those that stay */
	DEVMEM__RECORD_LEAVE,
	/* where numbers go on, when the records that used them are not there any more */
	DEVMEM__RECORD_COUNTERS,
};

struct devmem__journal_head {
	uint64_t netns; /* inode of the network namespace */
	uint32_t ifindex;
	char ifname[16], driver[32], bus[32];
	/* boot id: another one, and nothing of this is true any more */
	char boot[40];
};

struct devmem__journal_owner {
	uint32_t id; /* from 1 on, never used again in a journal */
	int32_t pid;
	uint64_t started; /* clock ticks after boot, as in /proc/PID/stat */
	char name[16];
	bool left;
	uint32_t *queues; /* owned */
	uint32_t nqueues;
};

struct devmem__journal_entry {
	uint64_t seq; /* rising */
	uint32_t owner;
	bool done; /* else it may have been made, or not */
	struct devmem__change change;
};

/* What the records say when all are read. */
struct devmem__journal_state {
	struct devmem__journal_head head;
	struct devmem__journal_owner *owners;
	struct devmem__journal_entry *entries; /* those that are not gone, in the order of seq */
	unsigned int nowners, nentries;
	uint64_t seq;	     /* the last one used */
	uint32_t last_owner; /* the last id used */
	size_t bytes;	     /* of whole records; what is behind them does not count */
	bool has_head;
};

/*
 * devmem__journal_state_apply() - the records in @data, which go on where those before ended;
 * state->bytes counts on. Stops at the first that is not whole, or makes no sense where it stands:
 * false, and what came before it stands. false with -ENOMEM in *err, too.
 */
bool devmem__journal_state_apply(struct devmem__journal_state *state, const unsigned char *data,
				 size_t bytes, int *err);
void devmem__journal_state_free(struct devmem__journal_state *state);

/* devmem__journal_state_remove() - what a GONE record does. false: there is no such entry. */
bool devmem__journal_state_remove(struct devmem__journal_state *state, uint64_t seq);

struct devmem__journal_owner *devmem__journal_state_owner(const struct devmem__journal_state *state,
							  uint32_t id);

/* What is in front of each record. Numbers are this machine's: a journal never leaves it. */
struct devmem__record_header {
	uint32_t magic;
	uint32_t sum;	/* of all behind it: devmem__record_sum() */
	uint32_t bytes; /* of what follows the header */
	uint32_t type;
};

uint32_t devmem__record_sum(const unsigned char *record, size_t bytes_behind_header);

/* A record being made. devmem__record_end() makes it whole; false: there was no memory. The caller
 * frees @p. */
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
 * devmem__journal_state_encode() - the fewest records that say what the state says: without those
 * of what is undone, and of owners who left nothing. false: there was no memory. The caller frees
 * @all->p.
 */
bool devmem__journal_state_encode(const struct devmem__journal_state *state,
				  struct devmem__record *all);

#endif
