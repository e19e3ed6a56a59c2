// SPDX-License-Identifier: MIT
/*
 * Where netlink is refused, all of it or one protocol, by a policy or an emulator: what copies
 * works, without LINK events, and says so; what needs device memory has its error. And in a sandbox
 * without /proc, /sys and /run.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "child.h"
#include "refuse.h"

#define MIB (1u << 20)

static void expect_event(struct devmem_ring *ring, enum devmem_event_type type)
{
	struct devmem_event ev;

	for (int i = 0; i < 10; i++) {
		CHECK(devmem_wait(ring, &ev, 1, 5000) == 1);
		CHECK(!devmem_release(ring, &ev, 1));
		if (ev.type == type)
			return;
	}
	CHECK(!"such an event comes");
}

static struct devmem_buffer *memory(void)
{
	struct devmem_buffer *b;

	CHECK(!devmem_buffer_create("shm", MIB, NULL, &b));
	return b;
}

/* One byte there and back. */
static void traffic(struct devmem_binding *rx, struct devmem_binding *tx)
{
	const struct devmem_range range = { 0, 1 };
	struct devmem_ring *ring;
	struct devmem_sock *sock;
	char byte;
	int pair[2];

	connect_pair(pair);
	CHECK(!devmem_ring_open(NULL, &ring));
	CHECK(!devmem_attach(ring, pair[1], rx, 0, NULL, &sock));
	CHECK(write(pair[0], "x", 1) == 1);
	expect_event(ring, DEVMEM_EVENT_DATA);
	CHECK(!devmem_send(sock, tx, &range, 1, 1));
	expect_event(ring, DEVMEM_EVENT_SENT);
	CHECK(read(pair[0], &byte, 1) == 1);
	CHECK(devmem_sock_queue(sock) < 0);
	devmem_ring_close(ring);
	close(pair[0]);
	close(pair[1]);
}

/* What a program might call all the same: none of it may send anything to a descriptor that is
 * none. */
static void the_rest_has_errors(struct devmem_nic *nic, struct devmem_binding *rx, bool generic)
{
	const struct sockaddr_in port = { .sin_family = AF_INET, .sin_port = htons(5000) };
	struct devmem_buffer *b = memory();
	struct devmem_binding *none = (void *)1;

	CHECK(devmem_bind_rx(nic, b, DEVMEM_OPTS(devmem_bind_opts, .engine = "devmem"), &none) ==
	      -EOPNOTSUPP);
	CHECK(devmem_bind_rx(nic, b, DEVMEM_OPTS(devmem_bind_opts, .engine = "zcrx"), &none) ==
	      -EOPNOTSUPP);
	CHECK(none == (void *)1);
	/* copies from wherever it comes */
	CHECK(!devmem_steer(rx, (const struct sockaddr *)&port, NULL));
	CHECK(!devmem_unsteer(rx, (const struct sockaddr *)&port, NULL));
	CHECK(devmem_source_port(rx, (const struct sockaddr *)&port,
				 (const struct sockaddr *)&port) >= 0);
	CHECK(generic || (!devmem_feature("devmem") && !devmem_feature("send")));
	devmem_buffer_close(b);
}

/* @links, @generic: which of rtnetlink and generic netlink there is. */
static void go_on(const char *engine, bool links, bool generic)
{
	struct devmem_buffer *to = memory(), *from = memory();
	struct devmem_binding *rx, *tx;
	struct devmem_nic *nic;
	const char *reason;

	CHECK(!devmem_nic_open("lo", NULL, &nic));
	CHECK(!devmem_bind_rx(nic, to, DEVMEM_OPTS(devmem_bind_opts, .engine = engine), &rx));
	CHECK(!strcmp(devmem_binding_engine(rx, &reason), "copy"));
	CHECK(!strstr(reason, "no LINK events") == links);
	CHECK(!devmem_bind_tx("lo", from, DEVMEM_OPTS(devmem_bind_tx_opts, .engine = engine), &tx));
	traffic(rx, tx);
	the_rest_has_errors(nic, rx, generic);
	devmem_binding_close(rx);
	devmem_binding_close(tx);
	CHECK(!devmem_nic_close(nic));
	devmem_buffer_close(to);
	devmem_buffer_close(from);
}

static const int refusals[] = { EAFNOSUPPORT, EPROTONOSUPPORT, EPERM, EACCES, EINVAL };

static void without(const struct refuse_arg *args, unsigned int n, bool links, bool generic)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		CHECK(!refuse(__NR_socket, refusals[i], args, n));
		go_on(NULL, links, generic);
		go_on("copy", links, generic);
	}
}

static void without_any(void)
{
	const struct refuse_arg netlink = { 0, AF_NETLINK };

	without(&netlink, 1, false, false);
}

static void without_rtnetlink(void)
{
	const struct refuse_arg rtnetlink[] = { { 0, AF_NETLINK }, { 2, NETLINK_ROUTE } };

	without(rtnetlink, 2, false, true);
}

static void without_generic(void)
{
	const struct refuse_arg generic[] = { { 0, AF_NETLINK }, { 2, NETLINK_GENERIC } };

	without(generic, 2, true, false);
}

/* The driver's name is not known then, and nothing else of the interface either. */
static void without_ethtool(void)
{
	const struct refuse_arg ethtool = { 1, SIOCETHTOOL };

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		CHECK(!refuse(__NR_ioctl, refusals[i], &ethtool, 1));
		go_on(NULL, true, true);
		go_on("copy", true, true);
	}
}

static void netlink_refused(void **state)
{
	(void)state;
	in_a_process(without_any);
	in_a_process(without_rtnetlink);
	in_a_process(without_generic);
	in_a_process(without_ethtool);
}

/* That is the program's fault and not the machine's: it is told, and nothing is copied because of
 * it. */
static void no_descriptor_is_no_refusal(void)
{
	struct rlimit limit;
	struct devmem_nic *nic = (void *)1;

	CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 32;
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	while (dup(0) >= 0)
		;
	for (int spare = 31; spare > 26; spare--) {
		CHECK(devmem_nic_open("lo", NULL, &nic) == -EMFILE && nic == (void *)1);
		close(spare);
	}
}

static void short_of_descriptors(void **state)
{
	(void)state;
	in_a_process(no_descriptor_is_no_refusal);
}

static void in_a_sandbox(void)
{
	static const char *const folders[] = { "/proc", "/sys", "/run", "/dev/shm" };
	const struct refuse_arg netlink = { 0, AF_NETLINK };

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(77);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (mount("none", folders[i], "tmpfs", MS_RDONLY, NULL))
			_exit(77);
	go_on("copy", true, true);
	CHECK(!refuse(__NR_socket, EAFNOSUPPORT, &netlink, 1));
	CHECK(!refuse(__NR_io_uring_setup, ENOSYS, NULL, 0));
	go_on(NULL, false, false);
}

static void without_folders(void **state)
{
	(void)state;
	in_a_process(in_a_sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netlink_refused),
		cmocka_unit_test(short_of_descriptors),
		cmocka_unit_test(without_folders),
	};

	return cmocka_run_group_tests_name("no netlink", tests, NULL, NULL);
}
