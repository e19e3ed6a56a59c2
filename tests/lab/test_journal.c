// SPDX-License-Identifier: MIT
/*
 * A transaction that is not ended by who began it: killed at any moment, its disk full, its journal
 * torn; and one NIC shared by two processes. Afterwards what ethtool shows is the same to the
 * letter, but for what others changed. For crashpoints.sh, "lab_journal once" is one transaction
 * and nothing else, and "lab_journal often" makes enough of them beside one that stays for the
 * journal to be compacted. ROUNDS: of the killed receiver.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

#define MIB    (1u << 20)
#define FOLDER "/run/devmem"

static const uint32_t queue_1 = 1, queue_2 = 2;

static unsigned int journals(void)
{
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir)))
		n += strstr(entry->d_name, ".journal") != NULL;
	if (dir)
		closedir(dir);
	return n;
}

static int look_after(void **state)
{
	assert_int_equal(journals(), 0);
	return lab_look_after(state);
}

static uint64_t milliseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------------------ another process */

/* It does a step for each byte that it is sent, and answers each with one: '+', or '-' if it
 * failed. */
struct actor {
	pid_t pid;
	int to, from;
};

typedef int (*step)(char what);

static struct actor start(step fn)
{
	struct actor a;
	int to[2], from[2];

	assert_int_equal(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC), 0);
	a.pid = fork();
	if (!a.pid) {
		char c;

		close(to[1]);
		close(from[0]);
		while (read(to[0], &c, 1) == 1) {
			c = fn(c) ? '-' : '+';
			if (write(from[1], &c, 1) != 1)
				break;
		}
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	a.to = to[1];
	a.from = from[0];
	return a;
}

static void act(struct actor *a, char what)
{
	char c = 0;

	assert_int_equal(write(a->to, &what, 1), 1);
	assert_int_equal(read(a->from, &c, 1), 1);
	assert_int_equal(c, '+');
}

static void end(struct actor *a, bool kill_it)
{
	int status;

	if (kill_it)
		kill(a->pid, SIGKILL);
	close(a->to);
	assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
	assert_true(kill_it ? WIFSIGNALED(status) : WIFEXITED(status) && !WEXITSTATUS(status));
	close(a->from);
}

static struct {
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	struct devmem_binding *binding;
} theirs;

static int bind_one(const uint32_t *queue, unsigned int n, uint16_t port)
{
	int err = devmem_buffer_create("udmabuf", 8 * MIB, NULL, &theirs.buffer);

	if (!err)
		err = devmem_nic_open(NIC, NULL, &theirs.nic);
	if (!err)
		err = devmem_bind_rx(theirs.nic, theirs.buffer,
				     DEVMEM_OPTS(devmem_bind_opts, .queues = n, .queue_list = queue,
						 .engine = lab_engine()),
				     &theirs.binding);
	if (!err)
		err = lab_make_rule(theirs.binding, port, false);
	if (!err)
		err = lab_make_rule(theirs.binding, port, true);
	if (err)
		print_error("the other process: %s\n", devmem_error());
	return err;
}

/* 'b': queue 2; 'B': two of the library's choice; 'u': a rule is taken back and made again; 'c':
 * all is closed. */
static int transaction(char what)
{
	int err;

	switch (what) {
	case 'b':
		return bind_one(&queue_2, 1, PORT + 1);
	case 'B':
		return bind_one(NULL, 2, PORT + 1);
	case 'u':
		return lab_take_rule_back(theirs.binding, PORT + 1, false) ||
		       lab_make_rule(theirs.binding, PORT + 1, false);
	case 'c':
		devmem_binding_close(theirs.binding);
		err = devmem_nic_close(theirs.nic);
		devmem_buffer_close(theirs.buffer);
		if (err)
			print_error("the other process: %s\n", devmem_error());
		return err;
	}
	return -1;
}

static void killed_with_two_queues(void)
{
	struct actor a = start(transaction);

	act(&a, 'B');
	end(&a, true);
	assert_int_equal(journals(), 1);
	assert_true(lab_is_changed());
}

/* Above 64 KiB it is compacted; a round makes it some 7 KiB longer. */
#define NEARLY_COMPACTED (56 << 10)

static off_t journal_bytes(void)
{
	struct stat st = { 0 };
	glob_t found;

	if (!glob("/run/devmem/*.journal", 0, NULL, &found)) {
		(void)!stat(found.gl_pathv[0], &st);
		globfree(&found);
	}
	return st.st_size;
}

/* Each round leaves dead records behind. It stops before those that get the journal compacted. */
static int often(void)
{
	static const uint32_t others[] = { 2, 3 };
	struct devmem_binding *binding;
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	bool near = false;
	int err = bind_one(&queue_1, 1, PORT + 1);

	if (!err)
		err = devmem_buffer_create("udmabuf", MIB, NULL, &buffer);
	for (unsigned int rounds = 3; !err && rounds; rounds -= near) {
		if (!near && journal_bytes() >= NEARLY_COMPACTED) {
			near = true;
			raise(SIGSTOP); /* crashpoints.sh traces the rest */
		}
		err = devmem_nic_open(NIC, NULL, &nic) ||
		      devmem_bind_rx(nic, buffer,
				     DEVMEM_OPTS(devmem_bind_opts, .queues = 2,
						 .queue_list = others, .engine = "devmem"),
				     &binding) ||
		      lab_make_rule(binding, PORT + 2, false);
		if (err)
			break;
		devmem_binding_close(binding);
		err = devmem_nic_close(nic);
	}
	if (err)
		print_error("often: %s\n", devmem_error());
	return err ? err : transaction('c');
}

/* ------------------------------------------------------------------------- what restoring tells */

struct told {
	unsigned int undone, kept, stale, torn, other;
	char text[2048];
};

static void add(struct told *t, const struct devmem_restored *change)
{
	size_t used = strlen(t->text);
	const int result = change->result;

	assert_string_equal(change->ifname, NIC);
	snprintf(t->text + used, sizeof(t->text) - used, "%s\n", change->text);
	t->undone += result == 0;
	t->kept += result == 1;
	t->stale += result == -ESTALE;
	t->torn += result == -EBADMSG;
	t->other += result < 0 && result != -ESTALE && result != -EBADMSG;
}

static int restore(struct told *t)
{
	struct devmem_restored list[32];
	unsigned int count = 77;
	int err =
		devmem_nic_restore(NIC, DEVMEM_OPTS(devmem_restore_opts, .list = list, .room = 32,
						    .item_size = sizeof(list[0]), .count = &count));

	memset(t, 0, sizeof(*t));
	assert_true(count <= 32);
	for (unsigned int i = 0; i < count; i++)
		add(t, &list[i]);
	return err;
}

/* --------------------------------------------------------------------------------------- killed */

/* Binds, receives on four connections, closes: all of it in a process of its own, both ends of the
 * wire. */
static void a_whole_life(void)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_flows flows;
	struct lab lab;

	lab_open(&lab, 8 * MIB, 2);
	lab_flows_start(&flows, ring, &lab, 4, 2 * MIB);
	lab_flows_finish(&flows);
	devmem_ring_close(ring);
	lab_close(&lab);
	_exit(0);
}

/* Returns whether it was still alive. UINT64_MAX: it is let live. */
static bool killed_after(uint64_t ms)
{
	pid_t child = fork();
	int status;

	if (!child)
		a_whole_life();
	if (ms != UINT64_MAX) {
		usleep((useconds_t)(ms * 1000));
		kill(child, SIGKILL);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status);
}

static void a_receiver_killed_at_any_moment(void **state)
{
	const unsigned int rounds = getenv("ROUNDS") ? (unsigned int)atoi(getenv("ROUNDS")) : 20;
	unsigned int changed = 0, alive = 0;
	uint64_t life = milliseconds();

	(void)state;
	assert_false(killed_after(UINT64_MAX));
	life = milliseconds() - life;
	srandom((unsigned int)time(NULL));
	for (unsigned int i = 0; i < rounds; i++) {
		uint64_t ms = (uint64_t)random() % (life * 3 / 4);

		alive += killed_after(ms);
		changed += journals();
		if (system("devmemctl restore " NIC))
			fail_msg("round %u, killed after %llu ms: it is not restored", i,
				 (unsigned long long)ms);
		assert_true(lab_as_before());
		assert_int_equal(journals(), 0);
	}
	print_message("%u rounds: %u killed, %u of them with something to restore\n", rounds, alive,
		      changed);
	assert_true(changed > 0);
}

/* The next one to open the interface does it, too, and goes on. */
static void the_next_one_puts_it_back(void **state)
{
	struct devmem_nic *nic;
	struct actor a;

	(void)state;
	killed_with_two_queues();
	ok(devmem_nic_open(NIC, NULL, &nic));
	assert_true(lab_as_before());
	ok(devmem_nic_close(nic));
	killed_with_two_queues();
	a = start(transaction);
	act(&a, 'B');
	act(&a, 'c');
	end(&a, false);
}

static void nothing_to_restore(void **state)
{
	struct told t;

	(void)state;
	ok(restore(&t));
	ok(devmem_nic_restore(NULL, NULL));
	assert_int_equal(t.undone + t.kept + t.stale + t.other + t.torn, 0);
	assert_int_equal(devmem_nic_restore("nothere", NULL), -ENODEV);
	assert_non_null(strstr(devmem_error(), "nothere"));
}

static void all_that_have_a_journal(void **state)
{
	(void)state;
	killed_with_two_queues();
	ok(devmem_nic_restore(NULL, NULL));
}

static int restore_as_nobody(char what)
{
	(void)what;
	if (setgid(65534) || setuid(65534))
		return -1;
	return devmem_nic_restore(NIC, NULL) == -EACCES && strstr(devmem_error(), "journal") ? 0
											     : -1;
}

/* Closes all but the netlink sockets, which hold the queues, and waits: the process whose child it
 * is seems to be dead. */
static void hold_queues(void)
{
	FILE *f;

	for (int fd = 3; fd < 1024; fd++) {
		int domain = 0;
		socklen_t len = sizeof(domain);

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) || domain != AF_NETLINK)
			close(fd);
	}
	f = fopen("/tmp/holder", "we");
	if (f && fprintf(f, "%d", getpid()) > 0 && !fclose(f))
		pause();
	_exit(0);
}

static bool holds(void)
{
	struct stat st;

	return !stat("/tmp/holder", &st) && st.st_size;
}

/*
 * As transaction(); 'h': a child holds the queues from now on, and has written its number down.
 * Before that it has the journal's lock, too, and whoever has that is alive.
 */
static int and_a_child_holds(char what)
{
	if (what != 'h')
		return transaction(what);
	unlink("/tmp/holder");
	if (!fork())
		hold_queues();
	while (!holds())
		usleep(1000);
	return 0;
}

/* Five seconds in all for what the dead still hold, not for each queue of each of them. */
static void queues_that_are_held_for_ever(void **state)
{
	struct actor a = start(and_a_child_holds);
	struct told t;
	uint64_t took;

	(void)state;
	act(&a, 'B');
	act(&a, 'h');
	end(&a, true);
	took = milliseconds();
	assert_true(restore(&t) < 0);
	took = milliseconds() - took;
	print_message("%s%llu ms\n", t.text, (unsigned long long)took);
	assert_in_range(took, 4000, 9000);
	run("kill -9 $(cat /tmp/holder)");
	ok(restore(&t));
}

static void not_by_everybody(void **state)
{
	struct actor a = start(restore_as_nobody);

	(void)state;
	killed_with_two_queues();
	act(&a, 'r');
	end(&a, false);
	ok(devmem_nic_restore(NIC, NULL));
}

/* ----------------------------------------------------------------------------------- full disks */

/* So many pages for the journal: it is full at another point each time. */
static bool with_room(unsigned int pages)
{
	char options[32];
	int err;

	mkdir(FOLDER, 0755);
	snprintf(options, sizeof(options), "mode=0755,size=%u", (pages ? pages : 1) * 4096);
	assert_int_equal(mount("full", FOLDER, "tmpfs", 0, options), 0);
	if (!pages)
		run("head -c 4096 /dev/zero >" FOLDER "/ballast");
	memset(&theirs, 0, sizeof(theirs));
	err = bind_one(NULL, 2, PORT + 1);
	if (err) {
		assert_int_equal(err, -ENOSPC);
		assert_non_null(strstr(devmem_error(), "journal"));
		assert_non_null(strstr(devmem_error(), "nothing is changed"));
	}
	if (err && !theirs.binding)
		assert_true(lab_as_before());
	devmem_binding_close(theirs.binding);
	ok(devmem_nic_close(theirs.nic));
	devmem_buffer_close(theirs.buffer);
	assert_true(lab_as_before());
	assert_int_equal(journals(), 0);
	assert_int_equal(umount(FOLDER), 0);
	return !err;
}

static void its_disk_is_full(void **state)
{
	unsigned int pages = 0;

	(void)state;
	while (!with_room(pages))
		pages++;
	print_message("a journal of %u pages is enough\n", pages);
	assert_in_range(pages, 2, 16);
}

static void its_folder_cannot_be(void **state)
{
	struct devmem_binding *binding = NULL;
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;

	(void)state;
	buffer = lab_buffer(8 * MIB);
	ok(devmem_nic_open(NIC, DEVMEM_OPTS(devmem_nic_opts, .journal = "/proc/nowhere"), &nic));
	assert_int_equal(devmem_bind_rx(nic, buffer,
					DEVMEM_OPTS(devmem_bind_opts, .engine = lab_engine()),
					&binding),
			 -ENOENT);
	assert_non_null(strstr(devmem_error(), "/proc/nowhere"));
	assert_null(binding);
	ok(devmem_nic_close(nic));
	ok(devmem_nic_open(NIC, DEVMEM_OPTS(devmem_nic_opts, .journal = "/tmp/elsewhere"), &nic));
	ok(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = lab_engine()),
			  &binding));
	run("test -e /tmp/elsewhere/*.journal");
	assert_int_equal(journals(), 0);
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
	run("rmdir /tmp/elsewhere");
}

/* --------------------------------------------------------------------- without one, but copying */

/* Who named no engine goes on by copying, and is told why; the NIC is as it was. */
static void copies_because(const char *why)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(PORT + 1) };
	struct devmem_buffer *buffer = lab_buffer(8 * MIB);
	struct devmem_binding *binding = NULL;
	struct devmem_nic *nic;
	const char *reason;

	ok(devmem_nic_open(NIC, NULL, &nic));
	assert_true(devmem_bind_rx(nic, buffer,
				   DEVMEM_OPTS(devmem_bind_opts, .engine = lab_engine()),
				   &binding) < 0);
	assert_non_null(strstr(devmem_error(), why));
	assert_null(binding);
	ok(devmem_bind_rx(nic, buffer, NULL, &binding));
	assert_string_equal(devmem_binding_engine(binding, &reason), "copy");
	assert_non_null(strstr(reason, why));
	assert_true(lab_as_before());
	ok(devmem_steer(binding, (struct sockaddr *)&v4, NULL));
	assert_true(lab_as_before());
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
}

static void mount_journals(const char *options, unsigned long flags)
{
	mkdir(FOLDER, 0755);
	assert_int_equal(mount("journals", FOLDER, "tmpfs", flags, options), 0);
}

static void on_a_read_only_file_system(void **state)
{
	(void)state;
	mount_journals("mode=0755", MS_RDONLY);
	copies_because("Read-only file system");
	assert_int_equal(umount(FOLDER), 0);
}

/* All of root but what the NIC takes: as a service with CapabilityBoundingSet=CAP_NET_ADMIN. */
static int as_a_service(char what)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = 1u << CAP_NET_ADMIN,
						    .permitted = 1u << CAP_NET_ADMIN } };

	(void)what;
	if (syscall(SYS_capset, &head, data))
		return -1;
	copies_because("Permission denied");
	return 0;
}

static void in_a_folder_of_another_user(void **state)
{
	struct actor a;

	(void)state;
	mount_journals("mode=0755,uid=1", 0);
	a = start(as_a_service);
	act(&a, 'c');
	end(&a, false);
	assert_int_equal(umount(FOLDER), 0);
}

/* Full at another point each time, until it is large enough. What was changed by then is put
 * back. */
static bool binds_with_room(unsigned int pages)
{
	struct devmem_buffer *buffer = lab_buffer(8 * MIB);
	struct devmem_binding *binding;
	struct devmem_nic *nic;
	const char *reason;
	char options[32];
	bool bound;

	snprintf(options, sizeof(options), "mode=0755,size=%u", (pages ? pages : 1) * 4096);
	mount_journals(options, 0);
	if (!pages)
		run("head -c 4096 /dev/zero >" FOLDER "/ballast");
	ok(devmem_nic_open(NIC, NULL, &nic));
	ok(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = 2), &binding));
	bound = strcmp(devmem_binding_engine(binding, &reason), "copy");
	if (!bound) {
		assert_non_null(strstr(reason, "so nothing is changed"));
		assert_true(lab_as_before());
	}
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
	assert_true(lab_as_before());
	assert_int_equal(umount(FOLDER), 0);
	return bound;
}

static void on_a_full_disk_it_copies(void **state)
{
	unsigned int pages = 0;

	(void)state;
	while (!binds_with_room(pages))
		pages++;
	print_message("a journal of %u pages is enough\n", pages);
	assert_in_range(pages, 1, 16);
}

/* -------------------------------------------------------------------------------------- damaged */

static off_t size_of_journal(char path[300])
{
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;
	struct stat st = { 0 };

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strstr(entry->d_name, ".journal"))
			snprintf(path, 300, FOLDER "/%s", entry->d_name);
	closedir(dir);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void cut(off_t bytes)
{
	char path[300];
	off_t size = size_of_journal(path);

	assert_int_equal(truncate(path, size - bytes), 0);
}

/* A damaged journal is no success, whatever it still said; it is kept, and the next one can be
 * begun. */
static void expect_damage(struct told *t)
{
	assert_int_equal(restore(t), -EBADMSG);
	print_message("%s", t->text);
	assert_int_equal(t->torn, 1);
	assert_non_null(strstr(t->text, "any others are unknown"));
	run("devmemctl show " NIC " | grep -q 'a damaged journal is kept as "
	    "/run/devmem/.*damaged-1$'");
	run("devmemctl doctor " NIC " | grep -q 'a damaged journal is kept as'");
	run("rm " FOLDER "/*.damaged-1");
}

/* That the last change was made was lost: it is found all the same. */
static void cut_in_its_last_record(void **state)
{
	struct told t;

	(void)state;
	killed_with_two_queues();
	cut(3);
	expect_damage(&t);
	assert_true(t.undone >= 5);
	assert_int_equal(t.stale + t.other + t.kept, 0);
	ok(restore(&t));
	assert_int_equal(t.undone + t.torn, 0);
}

/* So short that it says nothing any more, with the settings still changed: 16 and 100 bytes are
 * left. */
static void cut_short(void **state)
{
	const off_t left[] = { 16, 100 };
	char path[300], copy[400];
	struct told t;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		killed_with_two_queues();
		size_of_journal(path);
		assert_true((size_t)snprintf(copy, sizeof(copy), "cp %s /tmp/whole", path) <
			    sizeof(copy));
		run(copy);
		cut(size_of_journal(path) - left[i]);
		expect_damage(&t);
		assert_int_equal(t.undone, 0);
		assert_int_equal(journals(), 0);
		assert_true(lab_is_changed());
		ok(restore(&t));
		/* all of it again, and all is undone */
		assert_true((size_t)snprintf(copy, sizeof(copy), "cp /tmp/whole %s", path) <
			    sizeof(copy));
		run(copy);
		ok(restore(&t));
	}
}

/* Damaged where the rules begin: they stay, and are told of; what is before that is undone. */
static void damaged_in_its_middle(void **state)
{
	struct told t;
	char path[300];
	int fd;

	(void)state;
	killed_with_two_queues();
	fd = open((size_of_journal(path), path), O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "damaged", 7, size_of_journal(path) - 2000), 7);
	close(fd);
	expect_damage(&t);
	/* the context cannot go: a rule leads to it */
	assert_true(t.undone > 0);
	assert_int_equal(t.other, lab_nic_can("contexts"));
	assert_int_equal(journals(), lab_nic_can("contexts"));
	assert_true(lab_is_changed()); /* what is not in a whole record is not undone */
	lab_delete_rules();
	/* with a filter against urgent data, if nobody knows of it any more */
	(void)!system("tc qdisc del dev " NIC " clsact 2>/dev/null");
	ok(restore(&t));
	assert_int_equal(t.undone, lab_nic_can("contexts"));
}

/* ----------------------------------------------------------------------------------- long lives */

/* One process that binds and unbinds for hours: its journal stays small, and what it says is undone
 * when it is killed. */
static int bind_often(char what)
{
	struct devmem_binding *binding;

	if (what != 'o')
		return transaction(what);
	for (unsigned int i = 0; i < 40; i++) {
		if (devmem_bind_rx(theirs.nic, theirs.buffer,
				   DEVMEM_OPTS(devmem_bind_opts, .queues = 1, .engine = "devmem"),
				   &binding))
			return -1;
		devmem_binding_close(binding);
	}
	return 0;
}

static int open_only(char what)
{
	if (what != 'n')
		return bind_often(what);
	return devmem_buffer_create("udmabuf", 8 * MIB, NULL, &theirs.buffer) ||
	       devmem_nic_open(NIC, NULL, &theirs.nic);
}

static void a_long_life(void **state)
{
	struct actor a = start(open_only);
	struct told t;
	char path[300];

	(void)state;
	act(&a, 'n');
	act(&a, 'o');
	print_message("a journal of %lld bytes after 40 bindings\n",
		      (long long)size_of_journal(path));
	assert_in_range(size_of_journal(path), 1, 200 << 10);
	end(&a, true);
	ok(restore(&t));
	assert_int_equal(t.torn, 0);
}

/* --------------------------------------------------------------------------------------- others */

/* What somebody else made meanwhile stays, and is told of; the rest is put back. */
static void what_others_changed_stays(void **state)
{
	struct told t;

	(void)state;
	killed_with_two_queues();
	run("ethtool -N " NIC " flow-type tcp4 dst-port 7777 action 0 >/dev/null");
	run("ethtool -X " NIC " weight 3 1 0 0");
	assert_int_equal(restore(&t), -ESTALE);
	print_message("%s", t.text);
	assert_int_equal(t.stale, 1);
	assert_non_null(strstr(t.text, "somebody changed the RSS table"));
	run("ethtool -n " NIC " | grep -q 'Dest port: 7777'");
	run("test $(ethtool -n " NIC " | grep -c ^Filter:) = 1");
	run("ethtool -x " NIC " | grep -q '^    0: *0 *0 *0'");
	run("ethtool -g " NIC " | grep -q 'TCP data split:.*off'");
	assert_int_equal(journals(), 0);
	run("ethtool -N " NIC " delete $(ethtool -n " NIC " | sed -n 's/^Filter: //p')");
	run("ethtool -X " NIC " default");
}

/* -------------------------------------------------------------------------------- two processes */

static void receive_here(struct lab *lab)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_flows flows;
	struct devmem_stats st;

	lab_flows_start(&flows, ring, lab, 4, 2 * MIB);
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, 4 * 2 * MIB, true);
	devmem_ring_close(ring);
}

/* Whoever goes first, and however, the other receives on without a copy, and the last one puts all
 * back. */
static void shared(bool they_first, bool they_leave_first, bool killed)
{
	struct actor a = start(transaction);
	struct lab lab;
	struct told t;

	if (they_first)
		act(&a, 'b');
	lab_open_as(&lab,
		    &(struct lab_opts){ .bytes = 8 * MIB, .queues = 1, .queue_list = &queue_1 });
	if (!they_first)
		act(&a, 'b');
	receive_here(&lab);
	if (!they_leave_first) {
		lab_close(&lab);
		assert_true(lab_is_changed());
		act(&a, 'c');
		end(&a, false);
		assert_true(lab_as_before());
		return;
	}
	if (!killed)
		act(&a, 'c');
	end(&a, killed);
	ok(restore(&t));
	assert_true(t.kept > 0);
	assert_int_equal(t.stale + t.other + t.torn, 0);
	/* theirs alone, so it is gone */
	run("! ethtool -n " NIC " | grep -q 'Dest port: 5301'");
	receive_here(&lab);
	lab_close(&lab);
	assert_true(lab_as_before());
}

static void two_processes_share_a_nic(void **state)
{
	(void)state;
	for (int order = 0; order < 6; order++)
		shared(order & 1, order >> 1 > 0, order >> 1 == 2);
}

/* Claimed and not bound yet: nobody else gets it. */
static int claim_for_zcrx(char what)
{
	struct devmem_nic *nic;

	(void)what;
	return devmem_buffer_create("udmabuf", 8 * MIB, NULL, &theirs.buffer) ||
	       devmem_nic_open(NIC, NULL, &nic) ||
	       devmem_bind_rx(nic, theirs.buffer,
			      DEVMEM_OPTS(devmem_bind_opts, .engine = "zcrx", .queues = 1,
					  .queue_list = &queue_2),
			      &theirs.binding);
}

static void a_claimed_queue_is_not_given_away(void **state)
{
	struct actor a = start(claim_for_zcrx);
	struct devmem_buffer *buffer = lab_buffer(8 * MIB);
	struct devmem_binding *binding = NULL;
	struct devmem_nic *nic;
	uint32_t queue;

	(void)state;
	act(&a, 'b');
	ok(devmem_nic_open(NIC, NULL, &nic));
	assert_int_equal(devmem_bind_rx(nic, buffer,
					DEVMEM_OPTS(devmem_bind_opts, .queues = 1,
						    .queue_list = &queue_2, .engine = "devmem"),
					&binding),
			 -EEXIST);
	ok(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = "devmem"),
			  &binding));
	devmem_binding_queues(binding, &queue, 1);
	assert_int_equal(queue, 3);
	devmem_binding_close(binding);
	end(&a, true);
	/* its owner is dead: now it is free */
	ok(devmem_bind_rx(nic, buffer,
			  DEVMEM_OPTS(devmem_bind_opts, .queues = 1, .queue_list = &queue_2,
				      .engine = "devmem"),
			  &binding));
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_look_before, look_after)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_to_restore),
		TEST(the_next_one_puts_it_back),
		TEST(all_that_have_a_journal),
		TEST(not_by_everybody),
		TEST(queues_that_are_held_for_ever),
		TEST(its_disk_is_full),
		TEST(its_folder_cannot_be),
		TEST(on_a_read_only_file_system),
		TEST(in_a_folder_of_another_user),
		TEST(on_a_full_disk_it_copies),
		TEST(cut_in_its_last_record),
		TEST(cut_short),
		TEST(damaged_in_its_middle),
		TEST(a_long_life),
		TEST(what_others_changed_stays),
		TEST(two_processes_share_a_nic),
		TEST(a_claimed_queue_is_not_given_away),
		TEST(a_receiver_killed_at_any_moment),
	};

	if (argc == 2 && !strcmp(argv[1], "once"))
		return transaction('B') || transaction('u') || transaction('c');
	if (argc == 2 && !strcmp(argv[1], "often"))
		return often();
	lab_begin(argc, argv);
	return lab_run("journal", tests, NULL, NULL);
}
