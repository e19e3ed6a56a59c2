// SPDX-License-Identifier: MIT
/*
 * The journal's file: what is written comes back whole; what is torn, damaged or of another boot does not count; owners
 * are told from those that died. In a folder of its own, without any privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "fds.h"
#include "nic_impl.h"

static char folder[64], path[256];
static struct devmem__journal_head head = { .netns = 7, .ifindex = 3, .ifname = "eth1", .driver = "bnxt_en" };

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/journal.XXXXXX");
	assert_non_null(mkdtemp(folder));
	devmem__journal_boot(head.boot);
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
		{ .kind = DEVMEM__CHANGE_SPLIT, .split = true, .thresh = true, .thresh_before = 1536 },
		{ .kind = DEVMEM__CHANGE_TABLE, .size = 128, .before = numbers(128), .after = numbers(128) },
		{ .kind = DEVMEM__CHANGE_CONTEXT, .size = 64, .after = numbers(64), .queues = numbers(2), .nqueues = 2,
		  .contexts_before = 6 },
		{ .kind = DEVMEM__CHANGE_RULE, .rule.fs.location = 1023, .had_rule = true,
		  .rule_before.fs.location = 1023 },
	};

	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(devmem__journal_intent(j, &c[i]), 0);
		assert_int_equal(c[i].seq, i + 1);
		if (i != 2)
			assert_int_equal(devmem__journal_done(j, &c[i]), 0);
		devmem__change_free(&c[i]);
	}
}

static void check_changes(const struct devmem__book *book)
{
	const struct devmem__entry *e = book->entries;

	assert_int_equal(book->nentries, 4);
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

/* ------------------------------------------------------------------------------------ whole */

static void what_is_written_comes_back(void **state)
{
	struct devmem__journal j, other;

	(void)state;
	opened(&j);
	assert_int_equal(devmem__journal_claim(&j, (uint32_t[]){ 2, 3 }, 2), 0);
	write_changes(&j);
	check_changes(&j.book);
	devmem__journal_unlock(&j);

	assert_int_equal(devmem__journal_open(&other, path, NULL), 0);
	check_changes(&other.book);
	assert_int_equal(other.book.nowners, 1);
	assert_int_equal(other.book.owners[0].pid, getpid());
	assert_int_equal(other.book.owners[0].queues[1], 3);
	assert_string_equal(other.book.head.driver, "bnxt_en");
	assert_true(devmem__journal_lives(&other, &other.book.owners[0]));
	devmem__journal_close(&other);

	assert_int_equal(devmem__journal_lock(&j), 0);
	for (uint64_t seq = 4; seq; seq--)
		assert_int_equal(devmem__journal_gone(&j, seq), 0);
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
	assert_int_equal(devmem__journal_intent(&b, &c), 0);
	devmem__journal_unlock(&b);
	assert_int_equal(devmem__journal_lock(&a), 0);
	assert_int_equal(a.book.nentries, 1);
	assert_int_equal(a.book.entries[0].owner, 2);
	assert_true(devmem__journal_lives(&a, &a.book.owners[1]));
	devmem__journal_close(&a);
	assert_int_equal(devmem__journal_lock(&b), 0);
	assert_true(b.book.owners[0].left);
	assert_int_equal(devmem__journal_gone(&b, c.seq), 0);
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

/* ------------------------------------------------------------------------------------ owners that die */

static void die_with_a_change(void)
{
	struct devmem__journal j;

	if (!devmem__journal_open(&j, path, &head) && !devmem__journal_join(&j)) {
		write_changes(&j);
		raise(SIGKILL);		/* with the file locked */
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
	assert_false(devmem__journal_lives(&j, &j.book.owners[0]));
	assert_true(devmem__journal_lives(&j, &j.book.owners[1]));
	check_changes(&j.book);
	devmem__journal_close(&j);
	assert_true(file_size() > 0);	/* what they left is still to be undone */
}

/* ------------------------------------------------------------------------------------ torn, damaged */

/* Cut off at every length: never more than the whole records, and always what they say; then it goes on. */
static void torn_anywhere(void **state)
{
	unsigned int most = 0;
	off_t size;

	(void)state;
	killed();
	size = file_size();
	for (off_t cut = size - 1; cut > 200; cut -= 7) {
		struct devmem__change c = { .kind = DEVMEM__CHANGE_SPLIT, .split = true };
		struct devmem__journal j;
		unsigned int n;

		assert_int_equal(truncate(path, cut), 0);
		assert_int_equal(devmem__journal_open(&j, path, NULL), 0);
		n = j.book.nentries;
		assert_true(n <= 4 && j.book.bytes <= (size_t)cut);
		assert_int_equal(j.torn, j.book.bytes != (size_t)cut);
		most = n > most ? n : most;
		if (cut % 2) {	/* something is appended: the torn end is cut off */
			assert_int_equal(devmem__journal_join(&j), 0);
			assert_int_equal(devmem__journal_intent(&j, &c), 0);
			assert_int_equal(file_size(), j.book.bytes);
			assert_int_equal(j.book.nentries, n + 1);
			assert_int_equal(devmem__journal_gone(&j, c.seq), 0);
		}
		devmem__journal_close(&j);
		if (file_size() < 0)
			break;
		cut = file_size() < cut ? file_size() : cut;
	}
	assert_int_equal(most, 4);
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

static void damaged_in_its_middle(void **state)
{
	struct devmem__journal j;

	(void)state;
	killed();
	spoil(file_size() / 2);
	assert_int_equal(devmem__journal_open(&j, path, NULL), 0);
	assert_true(j.torn);
	assert_true(j.book.nentries < 4);
	devmem__journal_close(&j);
}

static void something_else_in_its_place(void **state)
{
	struct devmem__journal j;

	(void)state;
	killed();
	spoil(20);
	assert_int_equal(devmem__journal_open(&j, path, &head), -EPROTO);
	assert_non_null(strstr(devmem_error(), "nothing in it can be trusted"));
	assert_true(file_size() > 0);
	/* the first record was never whole: whoever wrote it had changed nothing */
	assert_int_equal(truncate(path, 50), 0);
	opened(&j);
	assert_int_equal(j.book.nowners, 1);
	devmem__journal_close(&j);
	assert_int_equal(file_size(), -1);
}

static void of_another_boot(void **state)
{
	struct devmem__journal j;

	(void)state;
	strcpy(head.boot, "another");
	killed();
	devmem__journal_boot(head.boot);
	opened(&j);
	assert_int_equal(j.book.nentries, 0);
	assert_string_equal(j.book.head.boot, head.boot);
	devmem__journal_close(&j);
}

/* ------------------------------------------------------------------------------------ no room, no right */

/* A file that may not grow: what does not fit is not there at all, and what was there stays. */
static void a_full_disk(void **state)
{
	struct devmem__change c = { .kind = DEVMEM__CHANGE_TABLE, .size = 128, .before = numbers(128),
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
	assert_int_equal(devmem__journal_intent(&j, &c), -EFBIG);
	assert_non_null(strstr(devmem_error(), "nothing is changed"));
	assert_int_equal(file_size(), size);
	assert_int_equal(c.seq, 0);
	assert_int_equal(j.book.nentries, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(devmem__journal_intent(&j, &c), 0);
	assert_int_equal(devmem__journal_gone(&j, c.seq), 0);
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

/* A folder that a NIC is opened with has room for the longest name of a file: nothing is refused later, when it is bound. */
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
		assert_int_equal(devmem__journal_path(longest, UINT64_MAX, UINT32_MAX, path, sizeof(path)), 0);
		longest[length] = 'x';
	}
	assert_true(length > 100 && length < sizeof(longest) - 1);
}

/* A NIC whose journal cannot be read any more is closed all the same, and nothing of it stays open. */
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
		TEST(torn_anywhere),
		TEST(damaged_in_its_middle),
		TEST(something_else_in_its_place),
		TEST(of_another_boot),
		TEST(a_full_disk),
		TEST(folders_that_cannot_be),
		TEST(the_longest_folder_of_a_nic),
		TEST(a_link_is_not_followed),
		TEST(closed_with_an_unreadable_journal),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
