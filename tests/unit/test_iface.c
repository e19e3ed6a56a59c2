// SPDX-License-Identifier: MIT
/*
 * Interfaces by name: in a network namespace of the test's own, where lo gets alternative names;
 * without free descriptors; and where rtnetlink is refused. Each in a process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "child.h"
#include "refuse.h"
#include "backends/pci_distance.h"
#include "netlink/iface.h"

#define NEW_LINK_PROPERTY 108 /* RTM_NEWLINKPROP, Linux 5.5 */
#define PROP_LIST	  52
#define ALT_NAME	  53
#define SHORT		  "other"
#define LONG		  "a-name-of-more-than-fifteen-characters-as-udev-may-give-them"

static void expect(const char *name, int err, const char *real)
{
	struct devmem__iface iface;

	CHECK(devmem__iface_find(name, &iface) == err);
	CHECK(err || (iface.index == 1 && !strcmp(iface.name, real)));
}

/* "ip link property add dev lo altname NAME" */
static int add_name(const char *name)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
		struct rtattr list, attr;
		char name[128];
	} q = {
		.h = { .nlmsg_type = NEW_LINK_PROPERTY,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
		.info = { .ifi_index = 1 },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[1024];
	} answer = { .e.error = -EIO };

	snprintf(q.name, sizeof(q.name), "%s", name);
	q.attr = (struct rtattr){ (unsigned short)RTA_LENGTH(strlen(name) + 1), ALT_NAME };
	q.list = (struct rtattr){ (unsigned short)RTA_LENGTH(RTA_ALIGN((size_t)q.attr.rta_len)),
				  PROP_LIST | NLA_F_NESTED };
	q.h.nlmsg_len =
		(uint32_t)(NLMSG_LENGTH(sizeof(q.info)) + RTA_ALIGN((size_t)q.list.rta_len));
	CHECK(send(fd, &q, q.h.nlmsg_len, 0) > 0 && recv(fd, &answer, sizeof(answer), 0) > 0);
	close(fd);
	return answer.e.error;
}

static void in_a_namespace(void)
{
	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET))
		_exit(77);
	CHECK(!add_name(SHORT) && !add_name(LONG));
}

static void by_all_names(void)
{
	in_a_namespace();
	expect("lo", 0, "lo");
	expect(SHORT, 0, "lo");
	expect(LONG, 0, "lo");
	expect("lo:1", -ENODEV, NULL);
	expect("lo:", -ENODEV, NULL);
	expect("", -ENODEV, NULL);
	expect("no-such-name", -ENODEV, NULL);
	expect(LONG "x", -ENODEV, NULL);
	expect(LONG LONG LONG, -ENODEV, NULL);
}

static void everywhere(void)
{
	struct devmem_binding *binding;
	struct devmem_buffer *buffer;
	struct devmem__pci_location place;
	struct devmem_nic *nic;

	in_a_namespace();
	CHECK(!devmem_buffer_create("shm", 1 << 20, NULL, &buffer));
	CHECK(!devmem_nic_open(LONG, NULL, &nic));
	CHECK(!devmem_nic_close(nic));
	CHECK(!devmem_bind_tx(LONG, buffer, DEVMEM_OPTS(devmem_bind_tx_opts, .engine = "copy"),
			      &binding));
	devmem_binding_close(binding);
	CHECK(devmem_nic_open("lo:1", NULL, &nic) == -ENODEV);
	CHECK(devmem_bind_tx("lo:1", buffer, NULL, &binding) == -ENODEV);
	CHECK(!devmem__pci_locate_interface(LONG, &place));
	CHECK(devmem__pci_locate_interface("lo:1", &place) == -ENODEV);
}

static void alternative_names(void **state)
{
	(void)state;
	in_a_process(by_all_names);
	in_a_process(everywhere);
}

/* Its name is not wrong then. */
static void without_descriptors(void)
{
	struct devmem_buffer *buffer;
	struct devmem_binding *binding;
	struct devmem_nic *nic;

	CHECK(!devmem_buffer_create("shm", 1 << 20, NULL, &buffer));
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	CHECK(errno == EMFILE);
	expect("lo", -EMFILE, NULL);
	CHECK(devmem_nic_open("lo", NULL, &nic) == -EMFILE);
	CHECK(devmem_bind_tx("lo", buffer, NULL, &binding) == -EMFILE &&
	      strstr(devmem_error(), "cannot look up"));
}

static void limit_descriptors(void)
{
	struct rlimit limit;

	CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 64;
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	without_descriptors();
}

static void no_descriptors(void **state)
{
	(void)state;
	in_a_process(limit_descriptors);
}

/* Names of up to 15 characters can be looked up all the same. */
static void by_ioctl(void)
{
	static const int refusals[] = {
		EAFNOSUPPORT, EPROTONOSUPPORT, EPERM, EACCES, ENOSYS, EINVAL
	};
	const struct refuse_arg rtnetlink[] = { { 0, AF_NETLINK }, { 2, NETLINK_ROUTE } };

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		CHECK(!refuse(__NR_socket, refusals[i], rtnetlink, 2));
		expect("lo", 0, "lo");
		expect("no-such-name", -ENODEV, NULL);
		expect("lo:1", -ENODEV, NULL);
		expect(LONG, -refusals[i], NULL);
	}
}

static void no_rtnetlink(void **state)
{
	(void)state;
	in_a_process(by_ioctl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alternative_names),
		cmocka_unit_test(no_descriptors),
		cmocka_unit_test(no_rtnetlink),
	};

	return cmocka_run_group_tests_name("iface", tests, NULL, NULL);
}
