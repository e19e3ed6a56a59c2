// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"

#define MOST_BYTES	(64u << 20)	/* of a journal that is still read */
#define OWNER_LOCKS	((off_t)1 << 40)	/* behind every byte of the file: one for each owner */

/* ------------------------------------------------------------------------------------ where, whose */

int devmem__journal_path(const char *folder, uint64_t netns, uint32_t ifindex, char *path, size_t room)
{
	int n = snprintf(path, room, "%s/%llu-%u.journal", folder, (unsigned long long)netns, ifindex);

	if (n > 0 && (size_t)n < room)
		return 0;
	return devmem__fail(ENAMETOOLONG, "the name of the journal's folder is too long: %.100s...", folder);
}

void devmem__journal_boot(char boot[40])
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

/* Field 22 of /proc/PID/stat; the name before it may contain anything. */
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

static struct devmem__owner ourselves(uint32_t id)
{
	struct devmem__owner owner = { .id = id, .pid = getpid(), .started = start_time() };
	FILE *f = fopen("/proc/self/comm", "re");

	if (f) {
		if (fgets(owner.name, sizeof(owner.name), f))
			owner.name[strcspn(owner.name, "\n")] = '\0';
		fclose(f);
	}
	return owner;
}

/* ------------------------------------------------------------------------------------ reading */

static int cannot(const struct devmem__journal *j, int err, const char *what)
{
	return devmem__fail(err, "cannot %s the journal %s: %s", what, j->path, strerror(err));
}

/* Reads what is new. What is not whole at the end stays unread, and is cut off before something is appended. */
static int read_new(struct devmem__journal *j)
{
	struct stat st;
	unsigned char *data;
	ssize_t got;
	size_t n;
	int err;

	if (fstat(j->fd, &st))
		return cannot(j, errno, "look at");
	if ((size_t)st.st_size < j->book.bytes || st.st_size > MOST_BYTES)
		return devmem__fail(EPROTO, "the journal %s was cut short, or is none: see what is in it with "
				    "\"devmemctl show\", or remove it", j->path);
	n = (size_t)st.st_size - j->book.bytes;
	j->torn = false;
	if (!n)
		return 0;
	data = malloc(n);
	if (!data)
		return devmem__fail(ENOMEM, "no memory to read the journal %s", j->path);
	got = pread(j->fd, data, n, (off_t)j->book.bytes);
	err = got < 0 ? -errno : 0;
	if (got > 0)
		j->torn = !devmem__book_read(&j->book, data, (size_t)got, &err);
	free(data);
	if (err)
		return cannot(j, -err, "read");
	return 0;
}

static int take_lock(struct devmem__journal *j)
{
	while (flock(j->fd, LOCK_EX))
		if (errno != EINTR)
			return cannot(j, errno, "lock");
	return 0;
}

int devmem__journal_lock(struct devmem__journal *j)
{
	int err = take_lock(j);

	if (!err)
		err = read_new(j);
	if (err)
		flock(j->fd, LOCK_UN);
	return err;
}

/* ------------------------------------------------------------------------------------ appending */

static int write_all(int fd, const unsigned char *p, size_t bytes, off_t at)
{
	while (bytes) {
		ssize_t n = pwrite(fd, p, bytes, at);

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

/* Frees the record. What was written of one that did not fit is cut off again; if it stays, it is not whole. */
static int append(struct devmem__journal *j, struct devmem__record *r)
{
	const off_t end = (off_t)j->book.bytes;
	int err = devmem__record_end(r) ? 0 : -ENOMEM;

	if (!err && j->torn && ftruncate(j->fd, end))
		err = -errno;
	if (!err)
		err = write_all(j->fd, r->p, r->bytes, end);
	if (!err && !devmem__book_read(&j->book, r->p, r->bytes, &err) && !err)
		err = -EPROTO;
	if (!err)
		j->torn = false;
	else
		j->torn = ftruncate(j->fd, end) != 0;
	free(r->p);
	if (!err)
		return 0;
	return devmem__fail(-err, "cannot write to the journal %s (%s), so nothing is changed: it is what puts the NIC back "
			    "after a crash", j->path, strerror(-err));
}

int devmem__journal_bury(struct devmem__journal *j, uint32_t owner)
{
	struct devmem__record r;

	devmem__record_leave(&r, owner);
	return append(j, &r);
}

int devmem__journal_claim(struct devmem__journal *j, const uint32_t *queues, uint32_t n)
{
	struct devmem__record r;

	devmem__record_claim(&r, j->owner, queues, n);
	return append(j, &r);
}

int devmem__journal_intent(struct devmem__journal *j, struct devmem__change *change)
{
	struct devmem__record r;
	int err;

	devmem__record_change(&r, DEVMEM__RECORD_INTENT, j->owner, j->book.seq + 1, change);
	err = append(j, &r);
	if (!err)
		change->seq = j->book.seq;
	return err;
}

int devmem__journal_done(struct devmem__journal *j, const struct devmem__change *change)
{
	struct devmem__record r;

	devmem__record_change(&r, DEVMEM__RECORD_DONE, j->owner, change->seq, change);
	return append(j, &r);
}

/* On a full disk it is gone for us all the same, so that a file with nothing left to undo can be removed. */
int devmem__journal_gone(struct devmem__journal *j, uint64_t seq)
{
	struct devmem__record r;
	int err;

	devmem__record_gone(&r, seq);
	err = append(j, &r);
	if (err)
		devmem__book_cross_out(&j->book, seq);
	return err;
}

/* ------------------------------------------------------------------------------------ owners */

static struct flock lock_of(uint32_t owner, short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = OWNER_LOCKS + owner, .l_len = 1 };
}

bool devmem__journal_lives(const struct devmem__journal *j, const struct devmem__owner *owner)
{
	struct flock lock = lock_of(owner->id, F_WRLCK);

	if (owner->left)
		return false;
	if (owner->id == j->owner)
		return true;
	/* if it cannot be known, it lives: nothing of a process that works is undone */
	return fcntl(j->fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

int devmem__journal_join(struct devmem__journal *j)
{
	struct devmem__owner us = ourselves(j->book.last_owner + 1);
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

static bool has_owners(const struct devmem__journal *j)
{
	for (unsigned int i = 0; i < j->book.nowners; i++)
		if (devmem__journal_lives(j, &j->book.owners[i]))
			return true;
	return false;
}

/* ------------------------------------------------------------------------------------ opening, closing */

static void clear(struct devmem__journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
	j->owner = 0;
	devmem__book_free(&j->book);
}

static int make_folder(const char *path)
{
	char folder[sizeof(((struct devmem__journal *)0)->path)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	if (!slash || !mkdir(folder, 0755) || errno == EEXIST)
		return 0;
	return devmem__fail(errno, "cannot make the folder %s, where is written down what a crash would leave undone: %s; "
			    "make it, and let this user write to it", folder, strerror(errno));
}

/* The file by this name, locked: whoever removes it holds its lock, so one that has no name any more is not it. */
static int open_locked(struct devmem__journal *j, bool make)
{
	struct stat st;
	int err;

	for (;;) {
		j->fd = open(j->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0), 0600);
		if (j->fd < 0 && errno == ENOENT && !make)
			return -ENOENT;
		if (j->fd < 0)
			return cannot(j, errno, "open");
		err = take_lock(j);
		if (!err && fstat(j->fd, &st))
			err = cannot(j, errno, "look at");
		if (err || st.st_nlink)
			return err;
		close(j->fd);
	}
}

static int start_over(struct devmem__journal *j)
{
	devmem__book_free(&j->book);
	j->torn = false;
	return ftruncate(j->fd, 0) ? cannot(j, errno, "empty") : 0;
}

/* Is what there is no longer than a head? Then its first writer died over it, and had changed nothing yet. */
static bool only_begun(const struct devmem__journal *j)
{
	const struct devmem__journal_head none = { 0 };
	struct devmem__record r;
	struct stat st;
	bool begun;

	devmem__record_head(&r, &none);
	begun = !fstat(j->fd, &st) && (size_t)st.st_size <= r.bytes;
	free(r.p);
	return begun;
}

/* Settings do not outlive a boot. A file that begins with no whole head is no journal of ours. */
static int check_head(struct devmem__journal *j)
{
	char boot[40];

	devmem__journal_boot(boot);
	if (j->book.has_head ? strcmp(j->book.head.boot, boot) : only_begun(j))
		return start_over(j);
	if (j->book.has_head)
		return 0;
	return devmem__fail(EPROTO, "%s does not begin as a journal of this version does: nothing in it can be trusted; if "
			    "the NIC is as it should be, remove it", j->path);
}

static int write_head(struct devmem__journal *j, const struct devmem__journal_head *head)
{
	struct devmem__record r;

	if (!head || j->book.has_head)
		return 0;
	devmem__record_head(&r, head);
	return append(j, &r);
}

int devmem__journal_open(struct devmem__journal *j, const char *path, const struct devmem__journal_head *head)
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
	if (!err)
		err = write_head(j, head);
	if (!err)
		return 0;
	if (head && j->fd >= 0 && !j->book.has_head && only_begun(j))
		unlink(j->path);	/* we made it, and could not even begin */
	clear(j);
	return err;
}

int devmem__journal_look(struct devmem__journal *j, const char *path)
{
	int err = 0;

	*j = (struct devmem__journal){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) };
	snprintf(j->path, sizeof(j->path), "%s", path);
	if (j->fd < 0)
		return errno == ENOENT ? -ENOENT : cannot(j, errno, "open");
	while (flock(j->fd, LOCK_SH) && !err)
		err = errno == EINTR ? 0 : cannot(j, errno, "lock");
	if (!err)
		err = read_new(j);
	if (err)
		clear(j);
	return err;
}

void devmem__journal_look_away(struct devmem__journal *j)
{
	clear(j);
}

void devmem__journal_unlock(struct devmem__journal *j)
{
	flock(j->fd, LOCK_UN);
}

void devmem__journal_abandon(struct devmem__journal *j)
{
	clear(j);
}

void devmem__journal_close(struct devmem__journal *j)
{
	if (j->fd < 0)
		return;
	if (j->owner)
		devmem__journal_bury(j, j->owner);	/* if it cannot be said, the lock that is gone says it */
	j->owner = 0;
	if (!j->book.nentries && !has_owners(j))
		unlink(j->path);
	clear(j);	/* the locks go with the descriptor */
}
