/* SPDX-License-Identifier: MIT */
/*
 * The journal on disk: one file per interface lists what must be undone on that NIC. All processes
 * that change the interface's settings share it. The file outlives a killed process and tells the
 * next one what to put back. This module does not know how to undo a change.
 *
 * Records are appended. When the file has grown much larger than its state needs, it is compacted:
 * the needed records are rewritten beside the old ones, which stay valid until the rewrite is
 * complete. [extent.h] The file is never replaced, because its locks tell which owners are alive.
 *
 * flock() protects operations of several steps. In addition, each process that owns changes holds a
 * lock on a byte of its own for as long as it lives: whoever can take that lock knows that the
 * owner is dead. The kernel releases both locks, however a process ends.
 */
#ifndef DEVMEM__NIC_JOURNAL_H
#define DEVMEM__NIC_JOURNAL_H

#include "nic/extent.h"
#include "nic/journal_format.h"

#define DEVMEM__JOURNAL_FOLDER "/run/devmem"

struct devmem__journal {
	int fd;		/* -1: not open */
	uint32_t owner; /* our id; 0: we own nothing */
	/* part of the file could not be read; @state has the intact records before that part */
	bool damaged;
	char path[256];
	/* the valid part of the file when it was last locked, and what we have appended since */
	struct devmem__extent extent;
	uint64_t compact_above; /* compact when the records take more bytes than this */
	/* what the records in @extent add up to */
	struct devmem__journal_state state;
};

/* devmem__journal_path() - the path of an interface's journal. -ENAMETOOLONG. */
int devmem__journal_path(const char *folder, uint64_t netns, uint32_t ifindex, char *path,
			 size_t room);

/* devmem__journal_boot_id() - the id of the current boot. devmem__journal_netns() - the inode
 * number of this thread's network namespace, or 0. */
void devmem__journal_boot_id(char boot[40]);
uint64_t devmem__journal_netns(void);

/*
 * devmem__journal_open() - open the journal and lock it. If @head is NULL, the file must exist
 * (-ENOENT), and a damaged one is opened with journal->damaged set. Otherwise the file and its
 * folder are created if missing, and a damaged journal is -EBADMSG. Records of another boot are
 * discarded. -EPERM, -EPROTO: the file cannot be trusted [owned.h]. Sets the error message.
 */
int devmem__journal_open(struct devmem__journal *journal, const char *path,
			 const struct devmem__journal_head *head);

/*
 * devmem__journal_check_writable() - 0 if a journal of this name could be written now. Changes
 * nothing; the answer may be out of date when the journal is opened. -EACCES, -EROFS, -ENOENT,
 * -ENOSPC, -EPERM and so on, as from opening and writing it. Sets the error message.
 */
int devmem__journal_check_writable(const char *path);

/*
 * devmem__journal_open_readonly() - read the journal and leave it unchanged. -ENOENT. Close it with
 * devmem__journal_close_unchanged().
 */
int devmem__journal_open_readonly(struct devmem__journal *journal, const char *path);

/* devmem__journal_lock() - lock the journal and read its new records. -EBADMSG: it is damaged. */
int devmem__journal_lock(struct devmem__journal *journal);
void devmem__journal_unlock(struct devmem__journal *journal);

/*
 * devmem__journal_rename_damaged() - rename a damaged journal, so that a new one can be started.
 * The new name goes to @name. Entries left in the state are written to a new journal. -EBUSY: a
 * living process uses the journal, which stays as it is. Sets the error message.
 */
int devmem__journal_rename_damaged(struct devmem__journal *journal, char *name, size_t room);

/* devmem__journal_find_damaged() - true if a damaged journal was kept; the latest goes to @name. */
bool devmem__journal_find_damaged(const char *path, char *name, size_t room);

/*
 * devmem__journal_close() - stop being an owner and close the journal, which must be locked.
 * Entries of ours that are left are for others to undo. A file without entries and living owners is
 * removed.
 */
void devmem__journal_close(struct devmem__journal *journal);

/*
 * devmem__journal_close_unchanged() - close the file without writing to it: after
 * devmem__journal_open_readonly(), or when it can no longer be locked or read.
 */
void devmem__journal_close_unchanged(struct devmem__journal *journal);

/* devmem__journal_join() - become an owner. */
int devmem__journal_join(struct devmem__journal *journal);

/* devmem__journal_owner_alive() - true if the owner's process lives. We always count as alive. */
bool devmem__journal_owner_alive(const struct devmem__journal *journal,
				 const struct devmem__journal_owner *owner);

/*
 * Append a record. The journal must be locked; the record is on disk on return. -ENOSPC, -EIO,
 * -ENOMEM, with the error message set: then the file is unchanged.
 */
/* the owner is dead and has no queues any more */
int devmem__journal_write_leave(struct devmem__journal *journal, uint32_t owner);
int devmem__journal_write_claim(struct devmem__journal *journal, const uint32_t *queues,
				uint32_t n);
/* sets change->seq */
int devmem__journal_write_intent(struct devmem__journal *journal, struct devmem__change *change);
int devmem__journal_write_done(struct devmem__journal *journal,
			       const struct devmem__change *change);
/* the entry leaves the state even if the record cannot be written */
int devmem__journal_write_gone(struct devmem__journal *journal, uint64_t seq);

#endif
