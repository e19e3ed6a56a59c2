// SPDX-License-Identifier: MIT
/*
 * The journal's file: what is written comes back whole; what is torn, damaged or of another boot
 * does not count; owners are told from those that died. In a folder of its own, without any
 * privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "fds.h"
#include "nic/nic_impl.h"

static char folder[64], path[256];
static struct devmem__journal_head head = {
	.netns = 7, .ifindex = 3, .ifname = "eth1", .driver = "bnxt_en"
};

static int set_up(void **state)
{
	(void)state;
	/* in memory, where nothing is waited for */
	snprintf(folder, sizeof(folder), "%s/journal.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(folder));
	devmem__journal_boot_id(head.boot);
	return devmem__journal_path(folder, 7, 3, path, sizeof(path));
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void opened(struct devmem__journal *j)
{
	assert_int_equal(devmem__journal_open(j, path, &head), 0);
	assert_int_equal(devmem__journal_join(j), 0);
}

static uint32_t *numbers(uint32_t n)
{
	uint32_t *p = malloc(n * sizeof(*p));

	for (uint32_t i = 0; i < n; i++)
		p[i] = i;
	return p;
}

/* Four changes, the third of them not made yet. */
static void write_changes(struct devmem__journal *j)
{
	struct devmem__change c[] = {
		{ .kind = DEVMEM__CHANGE_SPLIT,
		  .split = true,
		  .thresh = true,
		  .thresh_before = 1536 },
		{ .kind = DEVMEM__CHANGE_TABLE,
		  .size = 128,
		  .before = numbers(128),
		  .after = numbers(128) },
		{ .kind = DEVMEM__CHANGE_CONTEXT,
		  .size = 64,
		  .after = numbers(64),
		  .queues = numbers(2),
		  .nqueues = 2,
		  .contexts_before = 6 },
		{ .kind = DEVMEM__CHANGE_RULE,
		  .rule.fs.location = 1023,
		  .had_rule = true,
		  .rule_before.fs.location = 1023 },
	};

	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(devmem__journal_write_intent(j, &c[i]), 0);
		assert_int_equal(c[i].seq, i + 1);
		if (i != 2)
			assert_int_equal(devmem__journal_write_done(j, &c[i]), 0);
		devmem__change_free(&c[i]);
	}
}

static void check_changes(const struct devmem__journal_state *state)
{
	const struct devmem__journal_entry *e = state->entries;

	assert_int_equal(state->nentries, 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(e[i].done, i != 2);
	assert_int_equal(e[0].change.thresh_before, 1536);
	assert_int_equal(e[1].change.size, 128);
	assert_int_equal(e[1].change.before[127], 127);
	assert_int_equal(e[2].change.queues[1], 1);
	assert_null(e[2].change.before);
	assert_int_equal(e[2].change.contexts_before, 6);
	assert_int_equal(e[3].change.rule_before.fs.location, 1023);
	assert_true(e[3].change.had_rule);
}

static off_t file_size(void)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

/* ---------------------------------------------------------------------------------------- whole */

static void what_is_written_comes_back(void **state)
{
	struct devmem__journal j, other;

	(void)state;
	opened(&j);
	assert_int_equal(devmem__journal_write_claim(&j, (uint32_t[]){ 2, 3 }, 2), 0);
	write_changes(&j);
	check_changes(&j.state);
	devmem__journal_unlock(&j);

	assert_int_equal(devmem__journal_open(&other, path, NULL), 0);
	check_changes(&other.state);
	assert_int_equal(other.state.nowners, 1);
	assert_int_equal(other.state.owners[0].pid, getpid());
	assert_int_equal(other.state.owners[0].queues[1], 3);
	assert_string_equal(other.state.head.driver, "bnxt_en");
	assert_true(devmem__journal_owner_alive(&other, &other.state.owners[0]));
	devmem__journal_close(&other);

	assert_int_equal(devmem__journal_lock(&j), 0);
	for (uint64_t seq = 4; seq; seq--)
		assert_int_equal(devmem__journal_write_gone(&j, seq), 0);
	devmem__journal_close(&j);
	assert_int_equal(file_size(), -1);
}

/* Each sees what the other appended; the file goes with the last of them. */
static void two_owners(void **state)
{
	struct devmem__change c = { .kind = DEVMEM__CHANGE_SPLIT, .split = true };
	struct devmem__journal a, b;

	(void)state;
	opened(&a);
	devmem__journal_unlock(&a);
	opened(&b);
	assert_int_equal(b.owner, 2);
	assert_int_equal(devmem__journal_write_intent(&b, &c), 0);
	devmem__journal_unlock(&b);
	assert_int_equal(devmem__journal_lock(&a), 0);
	assert_int_equal(a.state.nentries, 1);
	assert_int_equal(a.state.entries[0].owner, 2);
	assert_true(devmem__journal_owner_alive(&a, &a.state.owners[1]));
	devmem__journal_close(&a);
	assert_int_equal(devmem__journal_lock(&b), 0);
	assert_true(b.state.owners[0].left);
	assert_int_equal(devmem__journal_write_gone(&b, c.seq), 0);
	devmem__journal_close(&b);
	assert_int_equal(file_size(), -1);
}

static void none_is_made_for_a_look(void **state)
{
	struct devmem__journal j;

	(void)state;
	assert_int_equal(devmem__journal_open(&j, path, NULL), -ENOENT);
	assert_int_equal(j.fd, -1);
	assert_int_equal(file_size(), -1);
}

/* ------------------------------------------------------------------------------ owners that die */

static void die_with_a_change(void)
{
	struct devmem__journal j;

	if (!devmem__journal_open(&j, path, &head) && !devmem__journal_join(&j)) {
		write_changes(&j);
		raise(SIGKILL); /* with the file locked */
	}
	_exit(1);
}

static void killed(void)
{
	pid_t child = fork();
	int status;

	if (!child)
		die_with_a_change();
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
}

static void the_dead_are_told_from_the_living(void **state)
{
	struct devmem__journal j;

	(void)state;
	killed();
	opened(&j);
	assert_int_equal(j.owner, 2);
	assert_false(devmem__journal_owner_alive(&j, &j.state.owners[0]));
	assert_true(devmem__journal_owner_alive(&j, &j.state.owners[1]));
	check_changes(&j.state);
	devmem__journal_close(&j);
	assert_true(file_size() > 0); /* what they left is still to be undone */
}

/* -------------------------------------------------------------------------------- torn, damaged */

/*
 * Cut off at any length but 0: it is damaged, what is whole still counts, nothing may be appended,
 * and when it was set aside the next one can be begun.
 */
static void cut_anywhere(void **state)
{
	unsigned int most = 0;
	char name[300];
	off_t size;

	(void)state;
	killed();
	size = file_size();
	for (off_t cut = size - 1; cut > 0; cut -= cut > 200 ? 97 : 14) {
		struct devmem__journal j;

		assert_int_equal(truncate(path, cut), 0);
		assert_int_equal(devmem__journal_open(&j, path, &head), -EBADMSG);
		assert_non_null(strstr(devmem_error(), "is damaged"));
		assert_int_equal(devmem__journal_open(&j, path, NULL), 0);
		assert_true(j.damaged && j.state.nentries <= 4 && j.state.bytes <= (size_t)cut);
		most = j.state.nentries > most ? j.state.nentries : most;
		devmem__journal_close(&j);
		assert_int_equal(file_size(), cut);
	}
	assert_int_equal(most, 4);
	assert_int_equal(devmem__journal_open(&(struct devmem__journal){ 0 }, path, &head),
			 -EBADMSG);
	assert_false(devmem__journal_find_damaged(path, name, sizeof(name)));
}

static void spoil(off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char c;

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x10;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

/* One bit, wherever it is. */
static void spoiled_anywhere(void **state)
{
	off_t size;

	(void)state;
	killed();
	size = file_size();
	for (off_t at = 0; at < size; at += at < 100 ? 1 : 41) {
		struct devmem__journal j;

		spoil(at);
		assert_int_equal(devmem__journal_open_readonly(&j, path), 0);
		assert_true(j.damaged);
		devmem__journal_close_unchanged(&j);
		spoil(at);
	}
}

static void rename_damaged(void **state)
{
	struct devmem__journal j, other;
	char name[300], again[300];

	(void)state;
	killed();
	spoil(file_size() - 1);
	assert_int_equal(devmem__journal_open(&j, path, NULL), 0);
	assert_int_equal(j.state.nentries, 4);
	assert_false(j.state.entries[3].done); /* that it was made was lost */
	while (j.state.nentries > 1)
		devmem__journal_state_remove(&j.state, j.state.entries[1].seq);
	assert_int_equal(devmem__journal_rename_damaged(&j, name, sizeof(name)), 0);
	assert_int_equal(access(name, F_OK), 0);
	devmem__journal_close(&j);
	/* what could not be undone is in the new one */
	opened(&j);
	assert_int_equal(j.state.nentries, 1);
	assert_int_equal(j.state.entries[0].change.thresh_before, 1536);
	assert_int_equal(j.owner, 2);
	devmem__journal_unlock(&j);
	/* a second one: the process that has it open lives */
	spoil(40);
	assert_int_equal(devmem__journal_open(&other, path, NULL), 0);
	assert_int_equal(devmem__journal_rename_damaged(&other, again, sizeof(again)), -EBUSY);
	assert_non_null(strstr(devmem_error(), "lives"));
	devmem__journal_close_unchanged(&other);
	devmem__journal_close_unchanged(&j);
	assert_int_equal(devmem__journal_open(&other, path, NULL), 0);
	assert_int_equal(devmem__journal_rename_damaged(&other, again, sizeof(again)), 0);
	assert_string_not_equal(name, again);
	devmem__journal_close(&other);
	assert_int_equal(file_size(), -1);
	assert_true(devmem__journal_find_damaged(path, name, sizeof(name)));
	assert_string_equal(name, again);
}

/* Whoever made the file died before it counted: nothing had been changed yet. */
static void only_begun(void **state)
{
	struct devmem__record r;
	struct devmem__journal j;

	(void)state;
	devmem__record_head(&r, &head);
	for (size_t size = 0; size <= DEVMEM__EXTENT_BLOCK + r.bytes; size += 20) {
		FILE *f = fopen(path, "we");

		if (size > DEVMEM__EXTENT_BLOCK) {
			fseek(f, DEVMEM__EXTENT_BLOCK, SEEK_SET);
			fwrite(r.p, 1, size - DEVMEM__EXTENT_BLOCK, f);
		}
		assert_int_equal(fclose(f), 0);
		assert_int_equal(chmod(path, 0600), 0);
		opened(&j);
		assert_int_equal(j.state.nowners, 1);
		devmem__journal_close(&j);
		assert_int_equal(file_size(), -1);
	}
	free(r.p);
}

/* A NIC with a damaged journal: restoring is no success, and tells; then there is none any more. */
static unsigned int damages(const struct devmem_restored *list, unsigned int count)
{
	unsigned int n = 0;

	assert_in_range(count, 1, 8);
	for (unsigned int i = 0; i < count; i++) {
		assert_string_equal(list[i].ifname, "lo");
		n += list[i].result == -EBADMSG && strstr(list[i].text, "any others are unknown");
	}
	return n;
}

static void restoring_from_a_damaged_one(void **state)
{
	struct devmem_restored list[8];
	unsigned int count;
	struct devmem_restore_opts opts = { .size = sizeof(opts),
					    .journal = folder,
					    .list = list,
					    .item_size = sizeof(list[0]),
					    .room = ARRAY_SIZE(list),
					    .count = &count };
	const struct devmem__journal_head usual = head;
	const off_t cuts[] = { 16, 100, 0 };
	char name[300];

	(void)state;
	head.netns = devmem__journal_netns();
	head.driver[0] = '\0';
	assert_int_equal(devmem__journal_path(folder, devmem__journal_netns(), 1, path,
					      sizeof(path)),
			 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cuts); i++) {
		killed();
		assert_int_equal(truncate(path, cuts[i] ? cuts[i] : file_size() / 2), 0);
		opts.item_size = sizeof(list[0]) - 1;
		assert_int_equal(devmem_nic_restore("lo", &opts), -EINVAL);
		assert_false(devmem__journal_find_damaged(path, name, sizeof(name)));
		opts.item_size = sizeof(list[0]);
		count = 77;
		assert_int_equal(devmem_nic_restore("lo", &opts), -EBADMSG);
		assert_int_equal(damages(list, count), 1);
		assert_true(devmem__journal_find_damaged(path, name, sizeof(name)));
		assert_int_equal(unlink(name), 0);
		/* of the half of it there is something left that cannot be undone on this
		 * interface */
		assert_int_equal(devmem_nic_restore("lo", &opts), cuts[i] ? 0 : -EOPNOTSUPP);
	}
	/* that stays, and is counted even where there is no room for it */
	assert_true(count && list[0].result == -EOPNOTSUPP);
	opts.room = count = 0;
	memset(list, 'x', sizeof(list));
	assert_int_equal(devmem_nic_restore("lo", &opts), -EOPNOTSUPP);
	assert_true(count && list[0].ifname[0] == 'x');
	head = usual;
}

/* --------------------------------------------------------------------------------- written anew */

/* A binding made and closed, by one process that stays. */
static void bind_and_unbind(struct devmem__journal *j)
{
	struct devmem__change c = { .kind = DEVMEM__CHANGE_TABLE,
				    .size = 512,
				    .before = numbers(512),
				    .after = numbers(512) };

	assert_int_equal(devmem__journal_lock(j), 0);
	assert_int_equal(devmem__journal_write_claim(j, (uint32_t[]){ 5 }, 1), 0);
	assert_int_equal(devmem__journal_write_intent(j, &c), 0);
	assert_int_equal(devmem__journal_write_done(j, &c), 0);
	assert_int_equal(devmem__journal_write_gone(j, c.seq), 0);
	devmem__change_free(&c);
}

/* What one process writes for hours stays small, and the others read it all the same. */
static void it_stays_small(void **state)
{
	struct devmem__journal j, other;
	off_t largest = 0;

	(void)state;
	opened(&other);
	write_changes(&other);
	devmem__journal_unlock(&other);
	opened(&j);
	devmem__journal_unlock(&j);
	for (unsigned int i = 0; i < 200; i++) {
		bind_and_unbind(&j);
		devmem__journal_unlock(&j);
		largest = file_size() > largest ? file_size() : largest;
	}
	assert_in_range(largest, 64 << 10, 256 << 10);
	assert_true(j.extent.generation > 10);
	assert_int_equal(devmem__journal_lock(&other), 0);
	check_changes(&other.state);
	assert_int_equal(other.state.nowners, 2);
	assert_true(
		devmem__journal_owner_alive(&other, devmem__journal_state_owner(&other.state, 2)));
	assert_int_equal(devmem__journal_state_owner(&other.state, 2)->queues[0], 5);
	assert_int_equal(other.state.seq, 4 + 200);
	for (uint64_t seq = 4; seq; seq--)
		assert_int_equal(devmem__journal_write_gone(&other, seq), 0);
	devmem__journal_close(&other);
	assert_int_equal(devmem__journal_lock(&j), 0);
	devmem__journal_close(&j);
	assert_int_equal(file_size(), -1);
}

/* Many that come and go beside one that stays. */
static void those_who_left_are_forgotten(void **state)
{
	struct devmem__journal j, other;

	(void)state;
	opened(&j);
	devmem__journal_unlock(&j);
	for (unsigned int i = 0; i < 60; i++) {
		opened(&other);
		assert_int_equal(other.owner, i + 2); /* no number is used again */
		devmem__journal_unlock(&other);
		bind_and_unbind(&other);
		devmem__journal_close(&other);
	}
	assert_int_equal(devmem__journal_lock(&j), 0);
	assert_true(j.state.nowners < 20);
	assert_int_equal(j.state.last_owner, 61);
	devmem__journal_close(&j);
}

/* The contents; it stays the same file. */
static void put_contents(const char *contents, size_t size)
{
	int fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, contents, size), size);
	close(fd);
}

static char *contents(size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *p = malloc((size_t)file_size());

	assert_non_null(p);
	*size = (size_t)file_size();
	assert_int_equal(read(fd, p, *size), *size);
	close(fd);
	return p;
}

/* Writes it anew, and is killed as it enters its @n-th system call. false: it came to its end
 * first. */
static bool killed_at_call(unsigned int n)
{
	pid_t child = fork();
	int status;

	if (!child) {
		struct devmem__journal j;

		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		if (!devmem__journal_open(&j, path, NULL))
			devmem__journal_unlock(&j);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	for (unsigned int i = 0; i < 2 * n - 1 && WIFSTOPPED(status); i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	if (!WIFSTOPPED(status))
		return false;
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	return true;
}

static void check_after_the_kill(struct devmem__journal *j, unsigned int *anew)
{
	struct devmem__change c = { .kind = DEVMEM__CHANGE_SPLIT, .split = true };
	const uint64_t seq = j->state.seq, generation = j->extent.generation;

	assert_int_equal(devmem__journal_lock(j), 0);
	check_changes(&j->state);
	assert_int_equal(j->state.seq, seq);
	assert_true(
		devmem__journal_owner_alive(j, devmem__journal_state_owner(&j->state, j->owner)));
	*anew += j->extent.generation != generation;
	assert_int_equal(devmem__journal_write_intent(j, &c), 0);
	assert_int_equal(devmem__journal_write_gone(j, c.seq), 0);
	flock(j->fd, LOCK_UN); /* and it is not written anew by us */
}

/* At whatever call the one who writes it anew is killed, nothing of it is lost, and it can be
 * written to. */
static void killed_while_written_anew(unsigned int bindings)
{
	unsigned int anew = 0, kills = 0;
	struct devmem__journal j;
	char *copy;
	size_t size;

	opened(&j);
	write_changes(&j);
	for (unsigned int i = 0; i < bindings; i++) {
		bind_and_unbind(&j);
		if (i < bindings - 16)
			devmem__journal_unlock(&j);
		else
			flock(j.fd, LOCK_UN);
	}
	copy = contents(&size);
	for (unsigned int n = 1; killed_at_call(n); n++) {
		kills++;
		check_after_the_kill(&j, &anew);
		put_contents(copy, size);
		j.extent.generation = 0; /* what it read is of what was before the copy */
		assert_int_equal(devmem__journal_lock(&j), 0);
		flock(j.fd, LOCK_UN);
	}
	free(copy);
	assert_in_range(anew, 1, kills - 5); /* it was killed before it counted, and after */
	assert_int_equal(devmem__journal_lock(&j), 0);
	devmem__journal_close(&j);
}

/* Behind the records that count, and before them. */
static void killed_at_every_step_of_it(void **state)
{
	(void)state;
	killed_while_written_anew(16);
	assert_int_equal(unlink(path), 0);
	killed_while_written_anew(40);
}

/* ------------------------------------------------------------------------------------- not ours */

static void refused(int err, const char *why)
{
	struct devmem__journal j;

	assert_int_equal(devmem__journal_open(&j, path, &head), err);
	assert_non_null(strstr(devmem_error(), why));
	assert_int_equal(devmem__journal_open(&j, path, NULL), err);
	assert_int_equal(devmem__journal_open_readonly(&j, path), err);
	assert_int_equal(j.fd, -1);
}

static void accepted(void)
{
	struct devmem__journal j;

	opened(&j);
	devmem__journal_close(&j);
}

static void something_else_in_its_place(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(-EPROTO, "is not a regular file");
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(devmem__journal_open(&(struct devmem__journal){ 0 }, path, &head),
			 -EISDIR);
	assert_int_equal(rmdir(path), 0);
}

static void that_others_can_write_to(void **state)
{
	(void)state;
	killed();
	assert_int_equal(chmod(path, 0620), 0);
	refused(-EPERM, "can be written to by others");
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(folder, 0702), 0);
	refused(-EPERM, "can be written to by others");
	assert_int_equal(chmod(folder, 0700), 0);
	accepted();
}

/* As root: what a stranger owns. In a folder that root gave away its new owner is no stranger. */
static void of_a_stranger(void **state)
{
	char link[80];

	(void)state;
	if (geteuid())
		skip();
	killed();
	assert_int_equal(chown(path, 1234, 1234), 0);
	refused(-EPERM, "belongs to user 1234");
	assert_int_equal(chown(folder, 1234, 1234), 0);
	refused(-EPERM, "who is not trusted"); /* where it lies anybody may make one */
	snprintf(link, sizeof(link), "%s.link", folder);
	assert_int_equal(chown(folder, 0, 0), 0);
	assert_int_equal(symlink(folder, link), 0);
	assert_int_equal(lchown(link, 1234, 1234), 0);
	assert_int_equal(devmem__journal_path(link, 7, 3, path, sizeof(path)), 0);
	refused(-EPERM, "is a link of user 1234");
	assert_int_equal(unlink(link), 0);
	/* one folder deeper the one above is root's alone */
	snprintf(link, sizeof(link), "%s/given", folder);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(mkdir(link, 0700), 0);
	assert_int_equal(devmem__journal_path(link, 7, 3, path, sizeof(path)), 0);
	killed();
	assert_int_equal(chown(link, 1234, 1234) | chown(path, 1234, 1234), 0);
	accepted();
	assert_int_equal(chown(path, 1235, 1235), 0);
	refused(-EPERM, "belongs to user 1235");
}

static void of_another_boot(void **state)
{
	struct devmem__journal j;

	(void)state;
	strcpy(head.boot, "another");
	killed();
	devmem__journal_boot_id(head.boot);
	opened(&j);
	assert_int_equal(j.state.nentries, 0);
	assert_string_equal(j.state.head.boot, head.boot);
	devmem__journal_close(&j);
}

/* ---------------------------------------------------------------------------- no room, no right */

/* A file that may not grow: what does not fit is not there at all, and what was there stays. */
static void a_full_disk(void **state)
{
	struct devmem__change c = { .kind = DEVMEM__CHANGE_TABLE,
				    .size = 128,
				    .before = numbers(128),
				    .after = numbers(128) };
	struct rlimit limit, old;
	struct devmem__journal j;
	off_t size;

	(void)state;
	opened(&j);
	size = file_size();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ (rlim_t)size + 100, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(devmem__journal_write_intent(&j, &c), -EFBIG);
	assert_non_null(strstr(devmem_error(), "nothing is changed"));
	assert_int_equal(file_size(), size);
	assert_int_equal(c.seq, 0);
	assert_int_equal(j.state.nentries, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(devmem__journal_write_intent(&j, &c), 0);
	assert_int_equal(devmem__journal_write_gone(&j, c.seq), 0);
	devmem__change_free(&c);
	devmem__journal_close(&j);
	assert_int_equal(file_size(), -1);
}

static void folders_that_cannot_be(void **state)
{
	char longer[300] = "/tmp/";
	struct devmem__journal j;

	(void)state;
	assert_int_equal(devmem__journal_open(&j, "/proc/none/7-3.journal", &head), -ENOENT);
	assert_non_null(strstr(devmem_error(), "/proc/none"));
	memset(longer + 5, 'x', sizeof(longer) - 6);
	assert_int_equal(devmem__journal_path(longer, 7, 3, path, sizeof(path)), -ENAMETOOLONG);
}

/* A folder that a NIC is opened with has room for the longest name of a file: nothing is refused
 * later, when it is bound. */
static void the_longest_folder_of_a_nic(void **state)
{
	struct devmem_nic *nic = NULL;
	char longest[300] = "/tmp/";
	size_t length = 6;

	(void)state;
	longest[5] = 'x';
	for (; length < sizeof(longest) - 1; length++) {
		int err = devmem__nic_open_idle("lo", longest, &nic);

		if (err == -ENAMETOOLONG)
			break;
		assert_int_equal(err, 0);
		devmem__nic_unref(nic);
		assert_int_equal(devmem__journal_path(longest, UINT64_MAX, UINT32_MAX, path,
						      sizeof(path)),
				 0);
		longest[length] = 'x';
	}
	assert_true(length > 100 && length < sizeof(longest) - 1);
}

/* A NIC whose journal cannot be read any more is closed all the same, and nothing of it stays
 * open. */
static void closed_with_an_unreadable_journal(void **state)
{
	const unsigned int before = open_fds();
	struct devmem_nic *nic = NULL;

	(void)state;
	assert_int_equal(devmem__nic_open_idle("lo", folder, &nic), 0);
	assert_int_equal(devmem__journal_open(&nic->journal, path, &head), 0);
	assert_int_equal(devmem__journal_join(&nic->journal), 0);
	devmem__journal_unlock(&nic->journal);
	assert_int_equal(truncate(path, 8), 0);
	assert_true(devmem__nic_unref(nic) < 0);
	assert_non_null(strstr(devmem_error(), "journal"));
	assert_int_equal(open_fds(), before);
}

/* ---------------------------------------------------------------------------------- without one */

/* As devmem_nic_open() would, if this were an interface that can. */
static struct devmem_nic *nic_with(const char *journal)
{
	struct devmem_nic *nic = NULL;

	assert_int_equal(devmem_nic_open("lo", DEVMEM_OPTS(devmem_nic_opts, .journal = journal),
					 &nic),
			 0);
	nic->obstacle = 0;
	return nic;
}

/* Whatever the errno, it can be told from what other queues or options would mend. */
static void a_claim_without_a_journal(void **state)
{
	const struct {
		const char *folder;
		int err;
	} bad[] = { { "/proc/nowhere", -ENOENT }, { "/proc", -ENOENT }, { "/dev/null", -ENOTDIR } };
	bool cannot = false;
	uint32_t queue = 0;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct devmem_nic *nic = nic_with(bad[i].folder);

		assert_int_equal(devmem__nic_claim(nic, 1, NULL, &queue, &cannot), bad[i].err);
		assert_true(cannot);
		assert_int_equal(devmem_nic_close(nic), 0);
	}
	if (geteuid()) {
		struct devmem_nic *nic = nic_with(folder);

		assert_int_equal(chmod(folder, 0500), 0);
		assert_int_equal(devmem__nic_claim(nic, 1, NULL, &queue, &cannot), -EACCES);
		assert_true(cannot);
		assert_int_equal(devmem_nic_close(nic), 0);
	}
}

/* With a journal that can be written it is the queues, of which lo has none that could be listed,
 * or too few. */
static void a_claim_that_fails_for_its_queues(void **state)
{
	struct devmem_nic *nic = nic_with(folder);
	uint32_t queues[5000];
	bool cannot = true;

	(void)state;
	assert_true(devmem__nic_claim(nic, 5000, NULL, queues, &cannot) < 0);
	assert_false(cannot);
	assert_int_equal(devmem_nic_close(nic), 0);
}

/* Who changes no settings needs none, and what he asked for is what he is refused. */
static void a_claim_that_needs_no_journal(void **state)
{
	struct devmem_nic *nic = nic_with("/proc/nowhere");
	const uint32_t none = 5000;
	bool cannot = true;
	uint32_t queue;

	(void)state;
	nic->only_binds = true;
	assert_int_equal(devmem__nic_claim(nic, 1, &none, &queue, &cannot), -ERANGE);
	assert_false(cannot);
	assert_int_equal(devmem_nic_close(nic), 0);
}

/* What the kernel said of the NIC when it was opened is no reason to fail, whatever its number. */
static void an_obstacle_of_any_number(void **state)
{
	const int err[] = { EACCES, EIO, ETIMEDOUT, EINVAL };
	struct devmem_binding *binding = NULL;
	struct devmem_buffer *buffer;
	const char *why;

	(void)state;
	assert_int_equal(devmem_buffer_create("shm", 1 << 20, NULL, &buffer), 0);
	for (unsigned int i = 0; i < sizeof(err) / sizeof(err[0]); i++) {
		struct devmem_nic *nic = nic_with(folder);

		nic->obstacle = -err[i];
		snprintf(nic->why, sizeof(nic->why), "the kernel's own words");
		assert_int_equal(devmem_bind_rx(nic, buffer,
						DEVMEM_OPTS(devmem_bind_opts, .engine = "devmem"),
						&binding),
				 -err[i]);
		assert_int_equal(devmem_bind_rx(nic, buffer, NULL, &binding), 0);
		assert_string_equal(devmem_binding_engine(binding, &why), "copy");
		assert_string_equal(why, "the kernel's own words");
		devmem_binding_close(binding);
		assert_int_equal(devmem_nic_close(nic), 0);
	}
	devmem_buffer_close(buffer);
}

/* What was rolled back guards nobody: devmem_attach() would leave out its own filter where it may
 * not have one. */
static void a_guard_that_is_rolled_back(void **state)
{
	struct devmem_nic *nic = nic_with(folder);
	struct devmem__change *c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_GUARD);

	(void)state;
	assert_non_null(c);
	c->guard_id = 1;
	devmem__undo_commit(&nic->undo);
	devmem__nic_update_has_guards(nic);
	assert_true(devmem__nic_has_guards(nic));
	devmem__nic_rollback_locked(nic, 0);
	assert_false(devmem__nic_has_guards(nic));
	assert_int_equal(devmem_nic_close(nic), 0);
}

/* For who only asks: as it would be when it is opened, and nothing is made. */
static void may_it_be_written(void **state)
{
	char below[300];
	struct devmem__journal j;

	(void)state;
	assert_int_equal(devmem__journal_check_writable(path), 0);
	assert_int_equal(file_size(), -1);
	opened(&j);
	assert_int_equal(devmem__journal_check_writable(path), 0);
	devmem__journal_close(&j);
	snprintf(below, sizeof(below), "%s/deeper/x.journal", folder);
	assert_int_equal(devmem__journal_check_writable(below), 0); /* the folder would be made */
	snprintf(below, sizeof(below), "%s/much/deeper/x.journal", folder);
	assert_int_equal(devmem__journal_check_writable(below), -ENOENT);
	assert_non_null(strstr(devmem_error(), "much/deeper"));
	assert_int_equal(devmem__journal_check_writable("/dev/null/x.journal"), -ENOTDIR);
	if (geteuid()) {
		assert_int_equal(chmod(folder, 0500), 0);
		assert_int_equal(devmem__journal_check_writable(path), -EACCES);
		assert_non_null(strstr(devmem_error(), path));
	}
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(devmem__journal_check_writable(path), -EPERM);
}

/* Somebody else's file by a link: not followed. */
static void a_link_is_not_followed(void **state)
{
	struct devmem__journal j;

	(void)state;
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(devmem__journal_open(&j, path, &head), -ELOOP);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_comes_back),
		TEST(two_owners),
		TEST(none_is_made_for_a_look),
		TEST(the_dead_are_told_from_the_living),
		TEST(cut_anywhere),
		TEST(spoiled_anywhere),
		TEST(rename_damaged),
		TEST(only_begun),
		TEST(restoring_from_a_damaged_one),
		TEST(it_stays_small),
		TEST(those_who_left_are_forgotten),
		TEST(killed_at_every_step_of_it),
		TEST(something_else_in_its_place),
		TEST(that_others_can_write_to),
		TEST(of_a_stranger),
		TEST(of_another_boot),
		TEST(a_full_disk),
		TEST(folders_that_cannot_be),
		TEST(the_longest_folder_of_a_nic),
		TEST(a_link_is_not_followed),
		TEST(closed_with_an_unreadable_journal),
		TEST(a_claim_without_a_journal),
		TEST(a_claim_that_fails_for_its_queues),
		TEST(a_claim_that_needs_no_journal),
		TEST(an_obstacle_of_any_number),
		TEST(a_guard_that_is_rolled_back),
		TEST(may_it_be_written),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
