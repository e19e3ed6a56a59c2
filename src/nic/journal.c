// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "nic/journal.h"
#include "base/nosignal.h"
#include "nic/owned.h"

#define MAX_BYTES     (64u << 20) /* of records; a larger journal counts as damaged */
#define COMPACT_ABOVE (64u << 10) /* of records; a smaller journal is never compacted */
#define MAX_DAMAGED   99u	  /* damaged journals kept for one interface */
/* one byte to lock for each owner, beyond the end of any journal */
#define OWNER_LOCKS ((off_t)1 << 40)

/* --------------------------------------------------------------------------------- where, whose */

int devmem__journal_path(const char *folder, uint64_t netns, uint32_t ifindex, char *path,
			 size_t room)
{
	int n = snprintf(path, room, "%s/%llu-%u.journal", folder, (unsigned long long)netns,
			 ifindex);

	if (n > 0 && (size_t)n < room)
		return 0;
	return devmem__fail(ENAMETOOLONG, "the name of the journal's folder is too long: %.100s...",
			    folder);
}

void devmem__journal_boot_id(char boot[40])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(boot, 0, 40);
	if (!f)
		return;
	if (fscanf(f, "%39s", boot) != 1)
		boot[0] = '\0';
	fclose(f);
}

uint64_t devmem__journal_netns(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) ? 0 : st.st_ino;
}

/* Field 22 of /proc/PID/stat. The name, field 2, may contain spaces and parentheses. */
static uint64_t start_time(void)
{
	char text[1024], *p;
	FILE *f = fopen("/proc/self/stat", "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	unsigned long long started = 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p)
		sscanf(p, "%llu", &started);
	return started;
}

static struct devmem__journal_owner ourselves(uint32_t id)
{
	struct devmem__journal_owner owner = { .id = id, .pid = getpid(), .started = start_time() };
	FILE *f = fopen("/proc/self/comm", "re");

	if (f) {
		if (fgets(owner.name, sizeof(owner.name), f))
			owner.name[strcspn(owner.name, "\n")] = '\0';
		fclose(f);
	}
	return owner;
}

/* -------------------------------------------------------------------------------------- reading */

static int cannot(const struct devmem__journal *j, int err, const char *what)
{
	return devmem__fail(err, "cannot %s the journal %s: %s", what, j->path, strerror(err));
}

/* Size of a HEAD record: all that the creator of the file writes before its first valid block. */
static size_t head_bytes(void)
{
	const struct devmem__journal_head none = { 0 };
	struct devmem__record r;
	size_t bytes;

	devmem__record_head(&r, &none);
	bytes = r.bytes;
	free(r.p);
	return bytes;
}

/* Apply the records from @at to @end, as far as they exist and are intact. */
static int read_records(struct devmem__journal *j, uint64_t at, uint64_t end)
{
	unsigned char *data = malloc(end - at);
	ssize_t got;
	int err;

	if (!data)
		return devmem__fail(ENOMEM, "no memory to read the journal %s", j->path);
	got = pread(j->fd, data, end - at, (off_t)at);
	err = got < 0 ? -errno : 0;
	j->damaged |= got > 0 && !devmem__journal_state_apply(&j->state, data, (size_t)got, &err);
	j->damaged |= got >= 0 && (uint64_t)got < end - at;
	free(data);
	return err ? cannot(j, -err, "read") : 0;
}

/* Read the new records, or all of them if the journal was compacted meanwhile. */
static int read_new(struct devmem__journal *j)
{
	struct devmem__extent now;
	uint64_t at;
	int err = devmem__extent_read(j->fd, head_bytes(), &now);

	j->damaged = err == -EBADMSG || (err == -ENODATA && j->extent.generation);
	if (j->damaged || err == -ENODATA)
		return 0;
	if (err)
		return cannot(j, -err, "read");
	if (now.generation != j->extent.generation)
		devmem__journal_state_free(&j->state);
	j->extent = now;
	at = now.start + j->state.bytes;
	j->damaged = at > now.end || now.end - now.start > MAX_BYTES;
	return j->damaged || at == now.end ? 0 : read_records(j, at, now.end);
}

static int refuse_damaged(const struct devmem__journal *j)
{
	return devmem__fail(EBADMSG,
			    "the journal %s is damaged: \"devmemctl restore\" undoes what it still "
			    "says, and keeps it under another name",
			    j->path);
}

static int lock_exclusive(struct devmem__journal *j)
{
	while (flock(j->fd, LOCK_EX))
		if (errno != EINTR)
			return cannot(j, errno, "lock");
	return 0;
}

int devmem__journal_lock(struct devmem__journal *j)
{
	int err = lock_exclusive(j);

	if (!err)
		err = read_new(j);
	if (!err && j->damaged)
		err = refuse_damaged(j);
	if (err)
		flock(j->fd, LOCK_UN);
	return err;
}

/* ------------------------------------------------------------------------------------ appending */

static int write_all(int fd, const unsigned char *p, size_t bytes, off_t at)
{
	while (bytes) {
		ssize_t n = devmem__nosignal_pwrite(fd, p, bytes, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		at += n;
		bytes -= (size_t)n;
	}
	return fdatasync(fd) ? -errno : 0;
}

/* Write after the end of the valid part, then extend the valid part. */
static int append_bytes(struct devmem__journal *j, const unsigned char *p, size_t bytes)
{
	const struct devmem__extent before = j->extent;
	int err = write_all(j->fd, p, bytes, (off_t)before.end);

	if (err) {
		/* bytes left after the end are ignored */
		(void)!ftruncate(j->fd, (off_t)before.end);
		return err;
	}
	j->extent.end += bytes;
	err = devmem__extent_write(j->fd, &j->extent);
	if (!err && !devmem__journal_state_apply(&j->state, p, bytes, &err)) {
		err = err ? err : -EPROTO;
		devmem__extent_write(j->fd, &before);
	}
	if (err)
		j->extent = before;
	return err;
}

static int cannot_write(const struct devmem__journal *j, int err)
{
	return devmem__fail(err,
			    "cannot write to the journal %s (%s), so nothing is changed: without a "
			    "journal nothing would undo the changes after a crash",
			    j->path, strerror(err));
}

/* Complete the record, append it and free it. */
static int append(struct devmem__journal *j, struct devmem__record *r)
{
	int err = devmem__record_end(r) ? append_bytes(j, r->p, r->bytes) : -ENOMEM;

	free(r->p);
	if (!err)
		return 0;
	if (err == -EFBIG)
		return devmem__fail(EFBIG,
				    "the journal %s may not grow (RLIMIT_FSIZE: \"ulimit -f "
				    "unlimited\"), so nothing is changed: without a journal "
				    "nothing would undo the changes after a crash",
				    j->path);
	return cannot_write(j, -err);
}

/* ----------------------------------------------------------------------------------- compacting */

/* Before the valid part, if there is room; else after it. */
static uint64_t find_place(const struct devmem__extent *extent, size_t bytes)
{
	return extent->start >= DEVMEM__EXTENT_BLOCK + bytes ? DEVMEM__EXTENT_BLOCK : extent->end;
}

/*
 * The old records are valid until the block is written, then the new ones are. A process that is
 * killed in between leaves bytes that are ignored and overwritten later.
 */
static int rewrite(struct devmem__journal *j, const struct devmem__record *all)
{
	const uint64_t at = find_place(&j->extent, all->bytes);
	const struct devmem__extent anew = { j->extent.generation + 1, at, at + all->bytes };
	struct devmem__journal_state state = { 0 };
	int err = 0;

	if (!devmem__journal_state_apply(&state, all->p, all->bytes, &err))
		err = err ? err : -EPROTO;
	if (!err)
		err = write_all(j->fd, all->p, all->bytes, (off_t)at);
	if (!err)
		err = devmem__extent_write(j->fd, &anew);
	if (err) {
		devmem__journal_state_free(&state);
		return err;
	}
	devmem__journal_state_free(&j->state);
	j->state = state;
	j->extent = anew;
	(void)!ftruncate(j->fd, (off_t)anew.end);
	return 0;
}

/* Failures are ignored: a later call tries again. Pointers into the state are invalid
 * after this. */
static void compact_if_large(struct devmem__journal *j)
{
	const uint64_t compact_above =
		j->compact_above > COMPACT_ABOVE ? j->compact_above : COMPACT_ABOVE;
	struct devmem__record all;

	if (j->damaged || !j->state.has_head || j->extent.end - j->extent.start <= compact_above)
		return;
	if (devmem__journal_state_encode(&j->state, &all)) {
		j->compact_above = 4 * all.bytes;
		if (j->extent.end - j->extent.start > j->compact_above)
			rewrite(j, &all);
	}
	free(all.p);
}

int devmem__journal_write_leave(struct devmem__journal *j, uint32_t owner)
{
	struct devmem__record r;

	devmem__record_leave(&r, owner);
	return append(j, &r);
}

int devmem__journal_write_claim(struct devmem__journal *j, const uint32_t *queues, uint32_t n)
{
	struct devmem__record r;

	devmem__record_claim(&r, j->owner, queues, n);
	return append(j, &r);
}

int devmem__journal_write_intent(struct devmem__journal *j, struct devmem__change *change)
{
	struct devmem__record r;
	int err;

	devmem__record_change(&r, DEVMEM__RECORD_INTENT, j->owner, j->state.seq + 1, change);
	err = append(j, &r);
	if (!err)
		change->seq = j->state.seq;
	return err;
}

int devmem__journal_write_done(struct devmem__journal *j, const struct devmem__change *change)
{
	struct devmem__record r;

	devmem__record_change(&r, DEVMEM__RECORD_DONE, j->owner, change->seq, change);
	return append(j, &r);
}

/* If the record cannot be written (full disk), the entry leaves our state all the same, so that a
 * file with nothing left to undo can be removed. */
int devmem__journal_write_gone(struct devmem__journal *j, uint64_t seq)
{
	struct devmem__record r;
	int err;

	devmem__record_gone(&r, seq);
	err = append(j, &r);
	if (err)
		devmem__journal_state_remove(&j->state, seq);
	return err;
}

/* --------------------------------------------------------------------------------------- owners */

static struct flock lock_of(uint32_t owner, short type)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = OWNER_LOCKS + owner, .l_len = 1
	};
}

bool devmem__journal_owner_alive(const struct devmem__journal *j,
				 const struct devmem__journal_owner *owner)
{
	struct flock lock = lock_of(owner->id, F_WRLCK);

	if (owner->left)
		return false;
	if (owner->id == j->owner)
		return true;
	/* if the lock cannot be read, assume that it lives: never undo the changes of a living
	 * process */
	return fcntl(j->fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

int devmem__journal_join(struct devmem__journal *j)
{
	struct devmem__journal_owner us = ourselves(j->state.last_owner + 1);
	struct flock lock = lock_of(us.id, F_WRLCK);
	struct devmem__record r;
	int err;

	if (j->owner)
		return 0;
	if (fcntl(j->fd, F_OFD_SETLK, &lock))
		return cannot(j, errno, "lock our part of");
	devmem__record_join(&r, &us);
	err = append(j, &r);
	if (!err) {
		j->owner = us.id;
		return 0;
	}
	lock.l_type = F_UNLCK;
	fcntl(j->fd, F_OFD_SETLK, &lock);
	return err;
}

static bool has_live_owner(const struct devmem__journal *j)
{
	for (unsigned int i = 0; i < j->state.nowners; i++)
		if (devmem__journal_owner_alive(j, &j->state.owners[i]))
			return true;
	return false;
}

/* ----------------------------------------------------------------------------- opening, closing */

void devmem__journal_close_unchanged(struct devmem__journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
	j->owner = 0;
	devmem__journal_state_free(&j->state);
}

static int no_folder(const char *folder, int err)
{
	return devmem__fail(err,
			    "cannot make the journal's folder %s (%s): make it, and let this user "
			    "write to it",
			    folder, strerror(err));
}

static int make_folder(const char *path)
{
	char folder[sizeof(((struct devmem__journal *)0)->path)];

	devmem__owned_folder_name(path, "", folder, sizeof(folder));
	if (!*folder || !mkdir(folder, 0755) || errno == EEXIST)
		return 0;
	return no_folder(folder, errno);
}

/* O_NONBLOCK: do not wait for a FIFO; O_NOFOLLOW: do not follow a link. */
static int open_file(struct devmem__journal *j, int flags)
{
	int err = devmem__owned_folder(j->path);

	if (err)
		return err;
	j->fd = open(j->path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	if (j->fd < 0)
		return errno == ENOENT && !(flags & O_CREAT) ? -ENOENT : cannot(j, errno, "open");
	return devmem__owned_file(j->fd, j->path);
}

/* Open and lock the file. Another process may have removed it, under its lock, between our open and
 * our lock; then try again. */
static int open_locked(struct devmem__journal *j, bool make)
{
	struct stat st;
	int err;

	for (;;) {
		err = open_file(j, O_RDWR | (make ? O_CREAT : 0));
		if (!err)
			err = lock_exclusive(j);
		if (!err && fstat(j->fd, &st))
			err = cannot(j, errno, "look at");
		if (err || st.st_nlink)
			return err;
		close(j->fd);
	}
}

static int start_over(struct devmem__journal *j)
{
	devmem__journal_state_free(&j->state);
	j->extent = (struct devmem__extent){ 0 };
	j->damaged = false;
	return ftruncate(j->fd, 0) ? cannot(j, errno, "empty") : 0;
}

/* Discard the records of another boot: settings do not outlive a boot. */
static int check_head(struct devmem__journal *j)
{
	char boot[40];

	devmem__journal_boot_id(boot);
	if (j->state.has_head && strcmp(j->state.head.boot, boot))
		return start_over(j);
	j->damaged |= !j->state.has_head && j->extent.generation;
	return 0;
}

static int write_head(struct devmem__journal *j, const struct devmem__journal_head *head)
{
	struct devmem__record r;
	int err;

	if (!head || j->state.has_head)
		return 0;
	j->extent = (struct devmem__extent){ 1, DEVMEM__EXTENT_BLOCK, DEVMEM__EXTENT_BLOCK };
	devmem__record_head(&r, head);
	err = append(j, &r);
	if (err)
		unlink(j->path); /* the new file is empty */
	return err;
}

int devmem__journal_open(struct devmem__journal *j, const char *path,
			 const struct devmem__journal_head *head)
{
	int err;

	*j = (struct devmem__journal){ .fd = -1 };
	snprintf(j->path, sizeof(j->path), "%s", path);
	err = head ? make_folder(path) : 0;
	if (!err)
		err = open_locked(j, head);
	if (!err)
		err = read_new(j);
	if (!err)
		err = check_head(j);
	if (!err && j->damaged)
		return head ? (devmem__journal_close_unchanged(j), refuse_damaged(j)) : 0;
	if (!err)
		err = write_head(j, head);
	if (!err)
		return 0;
	devmem__journal_close_unchanged(j);
	return err;
}

/* For the effective user, as open() checks it. */
static int check_access(const char *path, int what)
{
	return faccessat(AT_FDCWD, *path ? path : ".", what, AT_EACCESS) ? -errno : 0;
}

static bool is_full(const char *folder)
{
	struct statvfs fs;

	if (statvfs(folder, &fs))
		return false;
	return (fs.f_blocks && !fs.f_bavail) || (fs.f_files && !fs.f_favail);
}

int devmem__journal_check_writable(const char *path)
{
	struct devmem__journal j = { .fd = -1 };
	char folder[sizeof(j.path)], above[sizeof(j.path)];
	int err = devmem__owned_folder(path);

	if (err)
		return err;
	snprintf(j.path, sizeof(j.path), "%s", path);
	devmem__owned_folder_name(path, "", folder, sizeof(folder));
	devmem__owned_folder_name(folder, "", above, sizeof(above));
	if (check_access(folder, F_OK) == -ENOENT) {
		err = check_access(above, W_OK | X_OK);
		return err ? no_folder(folder, -err) : 0;
	}
	err = check_access(path, R_OK | W_OK);
	if (err == -ENOENT)
		err = check_access(folder, W_OK | X_OK);
	if (err)
		return cannot(&j, -err, "open");
	return is_full(folder) ? cannot_write(&j, ENOSPC) : 0;
}

int devmem__journal_open_readonly(struct devmem__journal *j, const char *path)
{
	int err;

	*j = (struct devmem__journal){ .fd = -1 };
	snprintf(j->path, sizeof(j->path), "%s", path);
	err = open_file(j, O_RDONLY);
	while (!err && flock(j->fd, LOCK_SH))
		err = errno == EINTR ? 0 : cannot(j, errno, "lock");
	if (!err)
		err = read_new(j);
	if (err)
		devmem__journal_close_unchanged(j);
	return err;
}

/* ----------------------------------------------------------------------------- damaged journals */

static void damaged_name(const char *path, unsigned int n, char *name, size_t room)
{
	const char *end = strstr(path, ".journal");

	snprintf(name, room, "%.*s.damaged-%u", end ? (int)(end - path) : 0, path, n);
}

bool devmem__journal_find_damaged(const char *path, char *name, size_t room)
{
	for (unsigned int n = MAX_DAMAGED; n; n--) {
		damaged_name(path, n, name, room);
		if (!access(name, F_OK))
			return true;
	}
	return false;
}

/* Living owners hold their locks, whatever can be read of the file. */
static bool any_owner_alive(const struct devmem__journal *j)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = OWNER_LOCKS };

	return fcntl(j->fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

/* Write the entries that are left to a new file under the old name. */
static int start_new_file(struct devmem__journal *j)
{
	const int fd = open(j->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct devmem__record all = { 0 };
	struct devmem__extent begun;
	int err;

	if (fd < 0)
		return cannot(j, errno, "begin again");
	close(j->fd);
	j->fd = fd;
	j->extent = (struct devmem__extent){ 0, DEVMEM__EXTENT_BLOCK, DEVMEM__EXTENT_BLOCK };
	err = lock_exclusive(j);
	if (err)
		return err;
	if (devmem__extent_read(j->fd, head_bytes(), &begun) != -ENODATA)
		/* another process has written to it before we had the lock */
		return cannot(j, EEXIST, "begin again");
	if (!devmem__journal_state_encode(&j->state, &all))
		err = -ENOMEM;
	if (!err)
		err = rewrite(j, &all);
	free(all.p);
	if (!err)
		return 0;
	unlink(j->path);
	return cannot(j, -err, "begin again");
}

int devmem__journal_rename_damaged(struct devmem__journal *j, char *name, size_t room)
{
	unsigned int n = 1;

	if (any_owner_alive(j))
		return devmem__fail(EBUSY,
				    "the journal %s is damaged, and a process that uses it lives: "
				    "end that one first; \"devmemctl show\" may tell which",
				    j->path);
	for (damaged_name(j->path, n, name, room); n < MAX_DAMAGED && !access(name, F_OK);)
		damaged_name(j->path, ++n, name, room);
	if (rename(j->path, name))
		return cannot(j, errno, "set aside");
	j->damaged = false;
	return j->state.nentries && j->state.has_head ? start_new_file(j) : 0;
}

void devmem__journal_unlock(struct devmem__journal *j)
{
	compact_if_large(j);
	flock(j->fd, LOCK_UN);
}

void devmem__journal_close(struct devmem__journal *j)
{
	if (j->fd < 0)
		return;
	if (j->owner)
		/* if this cannot be written, our released lock says it */
		devmem__journal_write_leave(j, j->owner);
	j->owner = 0;
	if (!j->state.nentries && !has_live_owner(j) && !j->damaged)
		unlink(j->path);
	else
		compact_if_large(j);
	devmem__journal_close_unchanged(j); /* closing the fd releases the locks */
}
