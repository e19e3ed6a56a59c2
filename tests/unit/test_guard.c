// SPDX-License-Identifier: MIT
/* The guard against urgent data, on loopback: what it drops, and whose filters it leaves alone. */
#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "recv/guard.h"
#include "unit.h"

#define SO_MEMINFO_ 55
#define DROPS	    8 /* SK_MEMINFO_DROPS */

struct pair {
	int listener, here, there;
};

static int listener(bool guarded)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	if (guarded)
		assert_int_equal(devmem_guard(fd), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static struct pair connect_pair(bool guarded)
{
	struct pair p = { .listener = listener(guarded),
			  .there = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	assert_int_equal(getsockname(p.listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(p.there, (struct sockaddr *)&at, len), 0);
	p.here = accept(p.listener, NULL, NULL);
	assert_true(p.here >= 0);
	return p;
}

static void close_pair(struct pair p)
{
	close(p.here);
	close(p.there);
	close(p.listener);
}

static uint32_t drops(int fd)
{
	uint32_t info[DROPS + 1] = { 0 };
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MEMINFO_, info, &len), 0);
	return info[DROPS];
}

/* Until it is so, or ten seconds have passed. */
#define await(what)                                           \
	do {                                                  \
		for (int i_ = 0; i_ < 10000 && !(what); i_++) \
			usleep(1000);                         \
		assert_true(what);                            \
	} while (0)

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static bool has_urgent(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_OOB | MSG_PEEK) == 1;
}

/* The kernel's own behaviour is the other half of this test: without the guard the byte arrives. */
static void what_a_listener_accepts_is_guarded(void **state)
{
	struct pair guarded = connect_pair(true), open = connect_pair(false);
	char two[2];

	(void)state;
	assert_int_equal(send(open.there, "!", 1, MSG_OOB), 1);
	await(has_urgent(open.here));
	assert_int_equal(send(guarded.there, "ab", 2, 0), 2);
	assert_int_equal(recv(guarded.here, two, 2, MSG_WAITALL), 2);
	assert_int_equal(drops(guarded.here), 0);
	assert_int_equal(send(guarded.there, "!", 1, MSG_OOB), 1);
	await(drops(guarded.here) > 0);
	assert_false(readable(guarded.here));
	assert_false(has_urgent(guarded.here));
	close_pair(guarded);
	close_pair(open);
}

static void again_is_nothing(void **state)
{
	struct pair p = connect_pair(true);
	bool set = true;

	(void)state;
	assert_int_equal(devmem_guard(p.here), 0);
	assert_int_equal(devmem__guard(p.here, &set), 0);
	assert_false(set);
	close_pair(p);
}

static int attach(int fd, const struct sock_filter *filter, unsigned short n)
{
	const struct sock_fprog program = { .len = n, .filter = (struct sock_filter *)filter };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static socklen_t filter_length(int fd)
{
	socklen_t n = 0;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n), 0);
	return n;
}

static void a_filter_of_the_program_stays(void **state)
{
	static const struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, UINT32_MAX) };
	struct pair p = connect_pair(false);

	(void)state;
	assert_int_equal(attach(p.here, all, 1), 0);
	assert_int_equal(devmem_guard(p.here), -EBUSY);
	assert_non_null(strstr(devmem_error(), "devmem_guard(3)"));
	assert_int_equal(filter_length(p.here), 1);
	close_pair(p);
}

/* As the manual page says: with the guard's instructions first. */
static void a_filter_that_begins_like_the_guard_is_one(void **state)
{
	static const struct sock_filter own[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x20, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct pair p = connect_pair(false);

	(void)state;
	assert_int_equal(attach(p.here, own, 5), 0);
	assert_int_equal(devmem_guard(p.here), 0);
	assert_int_equal(filter_length(p.here), 5);
	close_pair(p);
}

static void locked(void **state)
{
	struct pair p = connect_pair(false);
	const int one = 1;

	(void)state;
	assert_int_equal(setsockopt(p.here, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)), 0);
	assert_int_equal(devmem_guard(p.here), -EPERM);
	close_pair(p);
	p = connect_pair(true);
	assert_int_equal(setsockopt(p.here, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)), 0);
	assert_int_equal(devmem_guard(p.here), 0);
	close_pair(p);
}

static void what_is_no_tcp_socket(void **state)
{
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), pipes[2];

	(void)state;
	assert_int_equal(devmem_guard(udp), -EPROTOTYPE);
	assert_int_equal(devmem_guard(-1), -EBADF);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(devmem_guard(pipes[0]), -ENOTSOCK);
	close(pipes[0]);
	close(pipes[1]);
	close(udp);
}

static void what_came_before_the_guard_is_seen(void **state)
{
	struct pair p = connect_pair(false);
	int one = 1, in_line = 0;
	socklen_t len = sizeof(in_line);

	(void)state;
	assert_int_equal(devmem__guard_urgent(p.here), 0);
	assert_int_equal(send(p.there, "!", 1, MSG_OOB), 1);
	await(has_urgent(p.here));
	assert_int_equal(devmem__guard_urgent(p.here), -EPROTO);
	assert_int_equal(setsockopt(p.here, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one)), 0);
	assert_int_equal(devmem__guard_urgent(p.here), -EPROTO);
	assert_int_equal(getsockopt(p.here, SOL_SOCKET, SO_OOBINLINE, &in_line, &len), 0);
	assert_int_equal(in_line, 1);
	close_pair(p);
}

static void taken_back(void **state)
{
	struct pair p = connect_pair(false);
	bool set;

	(void)state;
	assert_int_equal(devmem__guard(p.here, &set), 0);
	assert_true(set);
	devmem__unguard(p.here);
	assert_int_equal(filter_length(p.here), 0);
	close_pair(p);
}

static int try_guard(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = devmem_guard(fd);

	close(fd);
	return err;
}

/* Newer kernels want CAP_NET_ADMIN, which everybody has in a network namespace of their own, if
 * they may have one. */
static bool may_guard(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (try_guard() != -EPERM)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return !try_guard();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_listener_accepts_is_guarded),
		cmocka_unit_test(again_is_nothing),
		cmocka_unit_test(a_filter_of_the_program_stays),
		cmocka_unit_test(a_filter_that_begins_like_the_guard_is_one),
		cmocka_unit_test(locked),
		cmocka_unit_test(what_is_no_tcp_socket),
		cmocka_unit_test(what_came_before_the_guard_is_seen),
		cmocka_unit_test(taken_back),
	};

	if (!may_guard()) {
		print_message("no socket can be guarded here: %s\n", devmem_error());
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
