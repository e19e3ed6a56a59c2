// SPDX-License-Identifier: MIT
/*
 * The transaction and its journal. Every change is recorded before it is made, and marked GONE when
 * it has been undone. When a process leaves a NIC that it shares with others, it undoes the changes
 * that are its own (rules, contexts, filters). Shared changes (header split, the RSS table) stay
 * while others need them; the last process undoes them. Changes of dead processes are undone by
 * whoever comes next: another transaction, or devmem_nic_restore().
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nic/nic_impl.h"
#include "netlink/rss.h"

/* ------------------------------------------------------------------------------------ reporting */

static void report_result(struct devmem__restore *restore, const struct devmem_nic *nic, int result,
			  const char *text)
{
	struct devmem_restored item = { .result = result };

	if (!restore)
		return;
	devmem__text(item.ifname, sizeof(item.ifname), "%s", nic->et.name);
	devmem__text(item.text, sizeof(item.text), "%s", text);
	devmem__array_put(&restore->list, restore->count++, &item, sizeof(item));
}

/* @text describes what was undone. A failure has set its own error message. */
static void log_undone(const struct devmem_nic *nic, int err, const char *text)
{
	if (err)
		devmem__log(DEVMEM_LOG_WARNING, "%s", devmem_error());
	else
		devmem__log(DEVMEM_LOG_INFO, "%s: %s", nic->et.name, text);
}

static void log_made(const struct devmem_nic *nic, const struct devmem__change *change)
{
	char what[64];

	devmem__change_describe(change, what, sizeof(what));
	devmem__log(DEVMEM_LOG_INFO, "%s: changed %s, until the last who needs it is gone",
		    nic->et.name, what);
}

/* --------------------------------------------------------------------------------- other owners */

/* Does the owner use the NIC? @leaving: we no longer do. */
static bool uses_nic(const struct devmem_nic *nic, const struct devmem__journal_owner *o,
		     bool leaving)
{
	if (o->id == nic->journal.owner)
		return !leaving && (o->nqueues || nic->undo.count);
	return devmem__journal_owner_alive(&nic->journal, o);
}

static bool is_used(const struct devmem_nic *nic, bool leaving)
{
	for (unsigned int i = 0; i < nic->journal.state.nowners; i++)
		if (uses_nic(nic, &nic->journal.state.owners[i], leaving))
			return true;
	return false;
}

static bool is_claimed(const struct devmem_nic *nic, bool leaving, const uint32_t *table,
		       uint32_t size)
{
	for (unsigned int i = 0; i < nic->journal.state.nowners; i++) {
		const struct devmem__journal_owner *o = &nic->journal.state.owners[i];

		if (uses_nic(nic, o, leaving) &&
		    devmem__rss_uses(table, size, o->queues, o->nqueues))
			return true;
	}
	return false;
}

void devmem__nic_mark_claimed(const struct devmem_nic *nic, struct devmem__netdev_queues *q)
{
	const struct devmem__journal_state *state = &nic->journal.state;

	for (unsigned int i = 0; i < nic->claimed.n; i++)
		if (nic->claimed.queue[i] < q->count)
			q->use[nic->claimed.queue[i]] |= DEVMEM__QUEUE_CLAIMED;
	for (unsigned int i = 0; i < state->nowners; i++) {
		const struct devmem__journal_owner *o = &state->owners[i];

		if (o->id == nic->journal.owner || !o->nqueues ||
		    !devmem__journal_owner_alive(&nic->journal, o))
			continue;
		for (uint32_t k = 0; k < o->nqueues; k++)
			if (o->queues[k] < q->count)
				q->use[o->queues[k]] |= DEVMEM__QUEUE_CLAIMED;
	}
}

/* -------------------------------------------------------------------------------------- undoing */

/*
 * The queues of a dead process stay bound for some time after its death, and until they are
 * released its settings cannot be put back. Wait for that once: if one of the queues is bound
 * later, the binding is somebody else's.
 */
static void release_dead_owners(struct devmem_nic *nic, uint64_t until)
{
	for (unsigned int i = 0; i < nic->journal.state.nowners; i++) {
		const struct devmem__journal_owner *o = &nic->journal.state.owners[i];

		if (o->left || devmem__journal_owner_alive(&nic->journal, o))
			continue;
		devmem__nic_wait_free(nic, o->queues, o->nqueues, until);
		/* if this cannot be written, the next caller waits again */
		devmem__journal_write_leave(&nic->journal, o->id);
	}
}

static bool is_shared(const struct devmem__change *c)
{
	return c->kind != DEVMEM__CHANGE_CONTEXT && c->kind != DEVMEM__CHANGE_RULE &&
	       c->kind != DEVMEM__CHANGE_GUARD;
}

/*
 * Must the change stay while the NIC is used? Shared changes must. The RSS table can be put back,
 * though, if nobody has changed it since, and the table before it leads to no claimed queue.
 */
static bool must_stay(struct devmem_nic *nic, const struct devmem__change *c, bool leaving)
{
	if (!is_shared(c))
		return false;
	return c->kind != DEVMEM__CHANGE_TABLE || is_claimed(nic, leaving, c->before, c->size) ||
	       devmem__nic_compare_table(nic, 0, c->after, c->size);
}

/*
 * The kernel refuses to turn header/data split off while a queue is bound. io_uring unbinds a queue
 * some time after its ring was closed, and while the interface is down nothing shows whether it
 * has: so try again.
 */
static int undo_with_retries(struct devmem_nic *nic, const struct devmem__change *c, uint64_t until)
{
	int err = devmem__nic_undo_change(c, nic);

	while ((err == -EINVAL || err == -EBUSY) && is_shared(c) && devmem__nic_wait_1ms(until))
		err = devmem__nic_undo_change(c, nic);
	return err;
}

static int undo_entry(struct devmem_nic *nic, struct devmem__journal_entry *e, uint64_t until)
{
	return e->done || devmem__nic_was_made(nic, &e->change)
		       ? undo_with_retries(nic, &e->change, until)
		       : 0;
}

/* Undo the entry and mark it GONE, which frees it. Returns the undo's result. */
static int undo_and_mark_gone(struct devmem_nic *nic, struct devmem__journal_entry *e,
			      uint64_t until, struct devmem__restore *restore)
{
	const uint64_t seq = e->seq;
	char what[64], text[128];
	int err = undo_entry(nic, e, until);

	devmem__change_describe(&e->change, what, sizeof(what));
	snprintf(text, sizeof(text), "%s: as it was before process %d", what,
		 devmem__journal_state_owner(&nic->journal.state, e->owner)->pid);
	report_result(restore, nic, err, err ? devmem_error() : text);
	log_undone(nic, err, text);
	if (!err || err == -ESTALE) {
		char why[512];

		snprintf(why, sizeof(why), "%s", devmem_error());
		/* if this cannot be written, the next undo finds nothing to do */
		devmem__journal_write_gone(&nic->journal, seq);
		if (err)
			devmem__fail(-err, "%s", why);
	}
	return err;
}

static void report_kept(struct devmem_nic *nic, const struct devmem__journal_entry *e, bool lives,
			struct devmem__restore *restore)
{
	const struct devmem__journal_owner *o =
		devmem__journal_state_owner(&nic->journal.state, e->owner);
	char what[64], text[192];

	devmem__change_describe(&e->change, what, sizeof(what));
	snprintf(text, sizeof(text),
		 lives ? "%s: kept, in use by process %d (%s)"
		       : "%s: kept, changed by process %d (%s), which is gone, and needed by "
			 "others",
		 what, o->pid, o->name);
	report_result(restore, nic, 1, text);
}

/*
 * Undo the changes of dead owners and, when we are leaving, our own, the last one first. Continues
 * after a failure; the result and the error message are those of the first failure.
 */
static int undo_journal(struct devmem_nic *nic, bool leaving, struct devmem__restore *restore)
{
	struct devmem__journal_state *state = &nic->journal.state;
	const bool used = is_used(nic, leaving);
	/* one deadline for all changes, since others wait for the lock meanwhile */
	const uint64_t until = devmem__nic_deadline();
	char first[512] = "";
	int result = 0;

	release_dead_owners(nic, until);
	for (unsigned int i = state->nentries; i-- > 0;) {
		struct devmem__journal_entry *e = &state->entries[i];
		bool us = e->owner == nic->journal.owner;
		bool lives =
			!us &&
			devmem__journal_owner_alive(&nic->journal,
						    devmem__journal_state_owner(state, e->owner));
		int err;

		if (us && !leaving)
			continue;
		if (lives || (used && must_stay(nic, &e->change, leaving))) {
			report_kept(nic, e, lives, restore);
			continue;
		}
		err = undo_and_mark_gone(nic, e, until, restore);
		if (err && !result) {
			result = err;
			snprintf(first, sizeof(first), "%s", devmem_error());
		}
	}
	return result ? devmem__fail(-result, "%s", first) : 0;
}

/* ----------------------------------------------------------------------------- opening, closing */

static int path_of(const struct devmem_nic *nic, char *path, size_t room)
{
	return devmem__journal_path(nic->journal_folder, nic->netns, nic->et.ifindex, path, room);
}

/* Does this journal belong to our interface? The file name does not tell: an interface may return
 * from another namespace with a new index, and its old index may belong to another interface. */
static bool is_journal_of(const struct devmem_nic *nic, const struct devmem__journal_head *head)
{
	return head->netns == nic->netns && !strcmp(head->bus, nic->bus) &&
	       !strcmp(head->driver, nic->driver);
}

static int check_head(const struct devmem_nic *nic)
{
	const struct devmem__journal_state *state = &nic->journal.state;

	if (!state->has_head || is_journal_of(nic, &state->head))
		return 0;
	return devmem__fail(EEXIST,
			    "the journal %s is of another interface (%s), which was moved or "
			    "removed: \"devmemctl restore\" it when it is here again, or remove "
			    "the file",
			    nic->journal.path, state->head.ifname);
}

static void warn(const struct devmem_nic *nic)
{
	devmem__log(DEVMEM_LOG_WARNING,
		    "%s: changes that a dead process may have left cannot be undone: %s",
		    nic->et.name, devmem_error());
}

/* The readable part of a damaged journal has been undone. This is reported as a failure all the
 * same, because nobody knows what the unreadable part said. */
static int rename_damaged(struct devmem_nic *nic, struct devmem__restore *restore)
{
	const char *name = nic->et.name;
	char aside[sizeof(nic->journal.path) + 16];
	int err = devmem__journal_rename_damaged(&nic->journal, aside, sizeof(aside));

	if (!err)
		err = devmem__fail(EBADMSG,
				   "%s: the journal was damaged: the changes that could be read "
				   "were undone where possible, any others are unknown: compare "
				   "\"ethtool -g %s\", \"-k\", \"-x\" and \"-n\" with what should "
				   "be; the journal is kept as %s",
				   name, name, aside);
	report_result(restore, nic, -EBADMSG, devmem_error());
	warn(nic);
	return err;
}

/* Undo what dead processes left according to the journal of this name, then close it. */
static int restore_from(struct devmem_nic *nic, const char *path, struct devmem__restore *restore)
{
	int err = devmem__journal_open(&nic->journal, path, NULL);

	if (!err)
		err = check_head(nic);
	if (err) {
		if (err != -ENOENT)
			warn(nic);
		devmem__journal_close_unchanged(&nic->journal);
		return err;
	}
	err = undo_journal(nic, false, restore);
	if (nic->journal.damaged)
		err = rename_damaged(nic, restore);
	devmem__journal_close(&nic->journal);
	return err;
}

static int open_journal(struct devmem_nic *nic)
{
	struct devmem__journal_head head = { .netns = nic->netns, .ifindex = nic->et.ifindex };
	char path[sizeof(nic->journal.path)];
	int err = path_of(nic, path, sizeof(path));

	if (err)
		return err;
	snprintf(head.ifname, sizeof(head.ifname), "%s", nic->et.name);
	snprintf(head.driver, sizeof(head.driver), "%s", nic->driver);
	snprintf(head.bus, sizeof(head.bus), "%s", nic->bus);
	devmem__journal_boot_id(head.boot);
	err = devmem__journal_open(&nic->journal, path, &head);
	if (err == -EBADMSG)
		/* this fails, too, but renames the damaged file, so the next open succeeds */
		err = restore_from(nic, path, NULL);
	if (!err)
		err = check_head(nic);
	if (!err)
		err = devmem__journal_join(&nic->journal);
	if (err)
		devmem__journal_close(&nic->journal);
	return err;
}

/*
 * A transaction that changes no settings can work without a journal, since it has nothing to put
 * back. Other processes then do not see which queues it claims. If one of them binds such a queue
 * first, the kernel refuses our bind.
 */
static int allow_no_journal(struct devmem_nic *nic, int err)
{
	if (!err || !nic->only_binds || devmem__nl_short_of(err))
		return err;
	devmem__journal_close_unchanged(&nic->journal);
	devmem__log(DEVMEM_LOG_INFO,
		    "%s: working without a journal, since no setting is changed: %s", nic->et.name,
		    devmem_error());
	return 0;
}

int devmem__nic_begin(struct devmem_nic *nic)
{
	int err;

	pthread_mutex_lock(&nic->lock);
	err = allow_no_journal(nic, nic->journal.fd >= 0 ? devmem__journal_lock(&nic->journal)
							 : open_journal(nic));
	if (err) {
		pthread_mutex_unlock(&nic->lock);
		return err;
	}
	/* changes of dead processes may be in our way; those that cannot be undone stay */
	undo_journal(nic, false, NULL);
	return 0;
}

void devmem__nic_end(struct devmem_nic *nic)
{
	if (nic->journal.fd >= 0)
		devmem__journal_unlock(&nic->journal);
	pthread_mutex_unlock(&nic->lock);
}

/* The journal can no longer be locked or read (@err): undo the changes on our own undo stack. */
static int undo_without_journal(struct devmem_nic *nic, int err)
{
	char why[512];
	int undone;

	snprintf(why, sizeof(why), "%s", devmem_error());
	undone = devmem__undo_rollback(&nic->undo, 0, devmem__nic_undo_change, nic);
	return undone ? undone : devmem__fail(-err, "%s", why);
}

int devmem__nic_end_transaction(struct devmem_nic *nic)
{
	int err;

	if (nic->journal.fd < 0)
		return 0; /* nothing was changed */
	err = devmem__journal_lock(&nic->journal);
	if (err) {
		err = undo_without_journal(nic, err);
		devmem__journal_close_unchanged(&nic->journal);
		return err;
	}
	err = undo_journal(nic, true, NULL);
	devmem__journal_close(&nic->journal);
	return err;
}

/* Is this the journal of our interface from before it moved away and came back with a new index? */
static bool is_of_another_index(const struct devmem_nic *nic, const char *path)
{
	struct devmem__journal journal;
	/* reuses our socket: opening another one may fail */
	struct devmem__ethtool other = { .fd = nic->et.fd };
	char driver[32] = "", bus[32] = "";
	bool same;

	if (!nic->bus[0] || devmem__journal_open_readonly(&journal, path))
		return false;
	same = journal.state.has_head && is_journal_of(nic, &journal.state.head) &&
	       journal.state.head.ifindex != nic->et.ifindex;
	/* the ports of one device look alike: it may be the journal of another port that is here */
	if (same) {
		atomic_init(&other.ifindex, journal.state.head.ifindex);
		devmem__ethtool_driver(&other, driver, bus);
		same = strcmp(driver, nic->driver) || strcmp(bus, nic->bus);
	}
	devmem__journal_close_unchanged(&journal);
	return same;
}

/* True if both the file name and the HEAD record are ours, or if the file is unreadable (reported
 * later). */
static bool is_ours(const struct devmem_nic *nic, const char *path)
{
	struct devmem__journal journal;
	bool ours;

	if (access(path, F_OK))
		return false;
	if (devmem__journal_open_readonly(&journal, path))
		return true;
	ours = !journal.state.has_head || is_journal_of(nic, &journal.state.head);
	devmem__journal_close_unchanged(&journal);
	return ours;
}

/* The journal under our index, or the one that we had under another index. -ENOENT: none. */
static int find_journal(const struct devmem_nic *nic, char *path, size_t room)
{
	struct dirent *entry;
	int err = path_of(nic, path, room);
	DIR *dir;

	if (err || is_ours(nic, path))
		return err;
	dir = opendir(nic->journal_folder);
	err = -ENOENT;
	while (dir && err && (entry = readdir(dir))) {
		if (strstr(entry->d_name, ".journal") &&
		    (size_t)snprintf(path, room, "%s/%s", nic->journal_folder, entry->d_name) <
			    room &&
		    is_of_another_index(nic, path))
			err = 0;
	}
	if (dir)
		closedir(dir);
	return err;
}

int devmem__nic_recover(struct devmem_nic *nic, struct devmem__restore *restore)
{
	char path[sizeof(nic->journal.path)];
	int err = find_journal(nic, path, sizeof(path));

	if (!err && !nic->netdev.family)
		/* needed to wait for queues */
		devmem__nl_open(&nic->netdev, "netdev");
	if (!err)
		err = restore_from(nic, path, restore);
	else if (err != -ENOENT)
		warn(nic);
	return err == -ENOENT ? 0 : err;
}

/* -------------------------------------------------------------------------------------- changes */

/* Note whether a write failed. A shortage of this process (memory, fds) says nothing about the
 * journal. */
static int note_journal_result(struct devmem_nic *nic, int err)
{
	nic->journal_failed |= err && !devmem__nl_short_of(err);
	return err;
}

int devmem__nic_write_intent(struct devmem_nic *nic, struct devmem__change *change)
{
	return note_journal_result(nic, devmem__journal_write_intent(&nic->journal, change));
}

int devmem__nic_commit(struct devmem_nic *nic, const struct devmem__change *change)
{
	devmem__undo_commit(&nic->undo);
	log_made(nic, change);
	return note_journal_result(nic, devmem__journal_write_done(&nic->journal, change));
}

void devmem__nic_write_gone(struct devmem_nic *nic, const struct devmem__change *change)
{
	char why[512];

	if (!change->seq)
		return;
	snprintf(why, sizeof(why), "%s", devmem_error());
	/* if this cannot be written, a later undo finds that the change was not made */
	if (devmem__journal_write_gone(&nic->journal, change->seq))
		devmem__fail(EIO, "%s", why);
}

static int undo_and_write_gone(const struct devmem__change *change, void *arg)
{
	struct devmem_nic *nic = arg;
	int err = devmem__nic_undo_change(change, nic);
	char what[64], text[128];

	devmem__change_describe(change, what, sizeof(what));
	snprintf(text, sizeof(text), "%s: as it was, since what it was for failed", what);
	log_undone(nic, err, text);
	if (change->seq && (!err || err == -ESTALE))
		devmem__nic_write_gone(nic, change);
	return err;
}

void devmem__nic_forget(struct devmem_nic *nic, unsigned int at)
{
	devmem__nic_write_gone(nic, &nic->undo.changes[at]);
	devmem__undo_forget(&nic->undo, at);
}

int devmem__nic_take_back(struct devmem_nic *nic, unsigned int at)
{
	const struct devmem__change *change = &nic->undo.changes[at];
	int err = devmem__nic_undo_change(change, nic);
	char what[64];

	if (err && err != -ESTALE)
		return err;
	devmem__change_describe(change, what, sizeof(what));
	if (!err)
		devmem__log(DEVMEM_LOG_INFO, "%s: took back %s", nic->et.name, what);
	devmem__nic_forget(nic, at);
	return err;
}

int devmem__nic_rollback_locked(struct devmem_nic *nic, unsigned int savepoint)
{
	const int err = devmem__undo_rollback(&nic->undo, savepoint, undo_and_write_gone, nic);

	devmem__nic_update_has_guards(nic);
	return err;
}

/* --------------------------------------------------------------------------------------- claims */

int devmem__nic_update_claim(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			     bool claim)
{
	int err = claim ? devmem__queue_set_add(&nic->claimed, queues, n) : 0;

	if (err)
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	if (!claim)
		devmem__queue_set_remove(&nic->claimed, queues, n);
	if (nic->journal.fd >= 0)
		err = note_journal_result(nic, devmem__journal_write_claim(&nic->journal,
									   nic->claimed.queue,
									   nic->claimed.n));
	if (err && claim)
		devmem__queue_set_remove(&nic->claimed, queues, n);
	devmem__nic_update_stray(nic, NULL);
	return err;
}

/* If this cannot be written, the queues stay claimed until we leave, which harms nobody. */
void devmem__nic_release(struct devmem_nic *nic, const uint32_t *queues, unsigned int n)
{
	if (devmem__nic_begin(nic))
		return;
	devmem__nic_update_claim(nic, queues, n, false);
	devmem__nic_end(nic);
}

int devmem__nic_rollback_failed(struct devmem_nic *nic, unsigned int savepoint, int err)
{
	char why[512], left[512];

	snprintf(why, sizeof(why), "%s", devmem_error());
	if (!devmem__nic_rollback_locked(nic, savepoint))
		return devmem__fail(-err, "%s", why);
	/* the user needs both: why it failed, and what could not be put back */
	snprintf(left, sizeof(left), "%s", devmem_error());
	return devmem__fail(-err, "%.250s; then, while undoing changes, %.230s", why, left);
}
