/* SPDX-License-Identifier: MIT */
/*
 * What must be undone on a NIC, on disk: a file for each interface, which all processes share that
 * change its settings. It outlives a process that is killed, and then tells the next one what to
 * put back. Knows nothing of how.
 *
 * Records are appended until there are many more than what they say takes; then they are written
 * anew, beside those that count, which count until that is done. [extent.h] It is the same file all
 * the time, since its locks tell who lives.
 *
 * The file is locked (flock) for what takes several steps. A process that owns changes holds a lock
 * of its own besides, for as long as it lives: who can take it knows that the owner is dead. The
 * kernel releases both, however a process ends.
 */
#ifndef DEVMEM__NIC_JOURNAL_H
#define DEVMEM__NIC_JOURNAL_H

#include "nic/extent.h"
#include "nic/journal_format.h"

#define DEVMEM__JOURNAL_FOLDER "/run/devmem"

struct devmem__journal {
	int fd;		/* -1: not open */
	uint32_t owner; /* our id; 0: we own nothing */
	/* not all of it could be read; the state has what was whole */
	bool damaged;
	char path[256];
	/* what counted when it was locked last, with what we appended since */
	struct devmem__extent extent;
	uint64_t compact_above; /* bytes that it may have before it is written anew */
	/* as it was when it was locked last, with what we appended since */
	struct devmem__journal_state state;
};

/* devmem__journal_path() - of an interface's journal. -ENAMETOOLONG. */
int devmem__journal_path(const char *folder, uint64_t netns, uint32_t ifindex, char *path,
			 size_t room);

/* devmem__journal_boot_id() - the present boot id. devmem__journal_netns() - of this thread: inode
 * number, or 0. */
void devmem__journal_boot_id(char boot[40]);
uint64_t devmem__journal_netns(void);

/*
 * devmem__journal_open() - open it and lock it. @head: NULL: only if it is there (-ENOENT), and a
 * damaged one is opened, as journal->damaged tells. Else it is made, with its folder, if it is not,
 * and a damaged one is -EBADMSG. What it says of another boot does not count. -EPERM, -EPROTO: not
 * a file of ours [owned.h]. Sets the message.
 */
int devmem__journal_open(struct devmem__journal *journal, const char *path,
			 const struct devmem__journal_head *head);

/*
 * devmem__journal_check_writable() - could one by this name be written now? Changes nothing, and
 * what it says may be otherwise by the time that it is opened. -EACCES, -EROFS, -ENOENT, -ENOSPC,
 * -EPERM and so on, as to open it and to write to it; sets the message.
 */
int devmem__journal_check_writable(const char *path);

/* devmem__journal_open_readonly() - read it, and leave it as it is: for who only wants to know.
 * -ENOENT. It is closed by devmem__journal_close_unchanged(). */
int devmem__journal_open_readonly(struct devmem__journal *journal, const char *path);
/* devmem__journal_lock() - and read what is new. -EBADMSG: it was damaged. */
int devmem__journal_lock(struct devmem__journal *journal);
void devmem__journal_unlock(struct devmem__journal *journal);

/*
 * devmem__journal_rename_damaged() - a damaged one gets another name, which is written to @name, so
 * that the next one can be begun; what is left in the state is written down anew. -EBUSY: a process
 * lives that uses it, and it stays as it is. Sets the message.
 */
int devmem__journal_rename_damaged(struct devmem__journal *journal, char *name, size_t room);

/* devmem__journal_find_damaged() - is there one that was set aside? The latest of them goes to
 * @name. */
bool devmem__journal_find_damaged(const char *path, char *name, size_t room);

/*
 * devmem__journal_close() - we leave; it must be locked. What is left of ours is for others to
 * undo; a file that has nothing left, and no owner, is removed.
 */
void devmem__journal_close(struct devmem__journal *journal);

/* devmem__journal_close_unchanged() - we leave one that cannot be locked or read any more: the file
 * stays as it is. */
void devmem__journal_close_unchanged(struct devmem__journal *journal);

/* devmem__journal_join() - become an owner. */
int devmem__journal_join(struct devmem__journal *journal);

/* devmem__journal_owner_alive() - is the owner a process that lives? Ours always is. */
bool devmem__journal_owner_alive(const struct devmem__journal *journal,
				 const struct devmem__journal_owner *owner);

/*
 * To append, while it is locked: on disk when this returns. -ENOSPC, -EIO, -ENOMEM, with the
 * sentence; then the file is as it was.
 */
/* it is dead, and has no queues any more */
int devmem__journal_write_leave(struct devmem__journal *journal, uint32_t owner);
int devmem__journal_write_claim(struct devmem__journal *journal, const uint32_t *queues,
				uint32_t n);
/* sets change->seq */
int devmem__journal_write_intent(struct devmem__journal *journal, struct devmem__change *change);
int devmem__journal_write_done(struct devmem__journal *journal,
			       const struct devmem__change *change);
int devmem__journal_write_gone(struct devmem__journal *journal, uint64_t seq);

#endif
