// SPDX-License-Identifier: MIT
/*
 * RLIMIT_FSIZE and closed pipes: memory, connections, journals and the log have an errno of them,
 * and no signal, which would end the program. In processes of their own, where signals do what they
 * do unasked.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "child.h"
#include "fds.h"
#include "nic/journal.h"
#include "base/nosignal.h"

#define MIB (1u << 20)

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	CHECK(!getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = bytes;
	CHECK(!setrlimit(RLIMIT_FSIZE, &limit));
}

static bool is_pending(int signal)
{
	sigset_t set;

	CHECK(!sigpending(&set));
	return sigismember(&set, signal);
}

static bool is_blocked(int signal)
{
	sigset_t set;

	CHECK(!pthread_sigmask(SIG_SETMASK, NULL, &set));
	return sigismember(&set, signal);
}

static void block(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	CHECK(!pthread_sigmask(SIG_BLOCK, &set, NULL));
}

static volatile sig_atomic_t handled;

static void handle(int signal)
{
	(void)signal;
	handled = 1;
}

/* --------------------------------------------------------------------------------------- memory */

static void no_buffer(void)
{
	struct devmem_buffer *b = (void *)1;

	CHECK(devmem_buffer_create("shm", MIB, NULL, &b) == -EFBIG);
	CHECK(strstr(devmem_error(), "RLIMIT_FSIZE") && b == (void *)1);
}

static void too_large_a_buffer(void)
{
	struct devmem_buffer *b;
	unsigned int before = open_fds();

	limit_files(MIB - 1);
	no_buffer();
	CHECK(!is_pending(SIGXFSZ) && !is_blocked(SIGXFSZ) && !is_blocked(SIGPIPE));
	CHECK(open_fds() == before);
	CHECK(!devmem_buffer_create("shm", MIB / 2, NULL, &b));
	devmem_buffer_close(b);
}

/* Nor is the program's own handler called, nor what it has blocked and waits for lost. */
static void handlers_and_masks_are_the_programs(void)
{
	limit_files(MIB - 1);
	CHECK(signal(SIGXFSZ, handle) == SIG_DFL);
	no_buffer();
	CHECK(!handled && signal(SIGXFSZ, handle) == handle);
	block(SIGXFSZ);
	no_buffer();
	CHECK(!is_pending(SIGXFSZ) && is_blocked(SIGXFSZ));
	raise(SIGXFSZ);
	no_buffer();
	CHECK(is_pending(SIGXFSZ) && is_blocked(SIGXFSZ) && !handled);
}

/* What a ring has for sockets without a binding is such memory, too. */
static void no_memory_to_receive_into(void)
{
	struct devmem_sock *sock = (void *)1;
	struct devmem_ring *ring;
	int pair[2];

	connect_pair(pair);
	CHECK(!devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "copy"), &ring));
	limit_files(4096);
	CHECK(devmem_attach(ring, pair[1], NULL, 0, NULL, &sock) == -EFBIG && sock == (void *)1);
	CHECK(strstr(devmem_error(), "RLIMIT_FSIZE"));
	devmem_ring_close(ring);
}

static void memory(void **state)
{
	(void)state;
	in_a_process(too_large_a_buffer);
	in_a_process(handlers_and_masks_are_the_programs);
	in_a_process(no_memory_to_receive_into);
}

/* ---------------------------------------------------------------------------------------- files */

static char folder[64];

static void a_journal_that_may_not_grow(void)
{
	struct devmem__journal_head head = { .netns = 7, .ifindex = 3, .ifname = "eth1" };
	const uint32_t queues[] = { 1, 2, 3 };
	struct devmem__journal j;
	struct stat before, after;
	char path[256];

	devmem__journal_boot_id(head.boot);
	CHECK(!devmem__journal_path(folder, 7, 3, path, sizeof(path)));
	CHECK(!devmem__journal_open(&j, path, &head) && !devmem__journal_join(&j));
	CHECK(!stat(path, &before));
	limit_files((rlim_t)before.st_size + 1);
	CHECK(devmem__journal_write_claim(&j, queues, 3) == -EFBIG);
	CHECK(strstr(devmem_error(), "RLIMIT_FSIZE"));
	CHECK(!stat(path, &after) && after.st_size == before.st_size && !is_pending(SIGXFSZ));
}

static void journals(void **state)
{
	char command[128];

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/nosignal.XXXXXX");
	assert_non_null(mkdtemp(folder));
	in_a_process(a_journal_that_may_not_grow);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

/* As when "program 2>&1 | head" has read enough. */
static void log_to_nobody(void)
{
	int saved = dup(STDERR_FILENO), pair[2];
	struct devmem_buffer *b;

	CHECK(!pipe(pair) && dup2(pair[1], STDERR_FILENO) == STDERR_FILENO);
	close(pair[0]);
	close(pair[1]);
	CHECK(!devmem_log_set(DEVMEM_LOG_DEBUG, NULL, NULL));
	CHECK(devmem_buffer_create("nosuch", MIB, NULL, &b) == -ENOENT);
	dup2(saved, STDERR_FILENO);
	CHECK(!is_pending(SIGPIPE) && !is_blocked(SIGPIPE));
}

static void log_to_a_full_file(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600), saved = dup(STDERR_FILENO);
	struct devmem_buffer *b;

	if (fd < 0)
		return; /* not on every file system */
	CHECK(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	limit_files(0);
	CHECK(!devmem_log_set(DEVMEM_LOG_DEBUG, NULL, NULL));
	CHECK(devmem_buffer_create("nosuch", MIB, NULL, &b) == -ENOENT);
	dup2(saved, STDERR_FILENO);
}

static void the_log(void **state)
{
	(void)state;
	in_a_process(log_to_nobody);
	in_a_process(log_to_a_full_file);
}

static void errno_is_kept(void **state)
{
	struct devmem__nosignal nosignal;

	(void)state;
	errno = 77;
	devmem__nosignal_begin(&nosignal);
	assert_int_equal(errno, 77);
	devmem__nosignal_end(&nosignal);
	assert_int_equal(errno, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory),
		cmocka_unit_test(journals),
		cmocka_unit_test(the_log),
		cmocka_unit_test(errno_is_kept),
	};

	signal(SIGXFSZ, SIG_DFL); /* who runs the tests may have ignored them */
	signal(SIGPIPE, SIG_DFL);
	return cmocka_run_group_tests_name("nosignal", tests, NULL, NULL);
}
