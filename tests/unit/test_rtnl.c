// SPDX-License-Identifier: MIT
/* Questions to rtnetlink: the kernel answers them and nobody else, and damaged answers say
 * nothing. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#include "netlink/dropped.h"
#include "fds.h"
#include "netlink/rtnl.h"

struct question {
	struct nlmsghdr h;
	struct ifinfomsg info;
};

static struct question about(int ifindex)
{
	return (struct question){
		.h = { .nlmsg_len = sizeof(struct question),
		       .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex },
	};
}

static unsigned int index_of(const struct nlmsghdr *h)
{
	struct ifinfomsg info;

	memcpy(&info, (const char *)h + NLMSG_HDRLEN, sizeof(info));
	return (unsigned int)info.ifi_index;
}

static void of_an_interface(void **state)
{
	const unsigned int before = open_fds(), lo = if_nametoindex("lo");
	struct nlmsghdr *answer;
	const char *name;
	uint64_t dropped;
	size_t bytes;
	int err = 0;

	(void)state;
	answer = devmem__rtnl_ask_link(lo, &err);
	assert_non_null(answer);
	assert_int_equal(index_of(answer), lo);
	name = devmem__rtnl_attr(answer, sizeof(struct ifinfomsg), IFLA_IFNAME, &bytes);
	assert_int_equal(bytes, sizeof("lo"));
	assert_string_equal(name, "lo");
	assert_null(devmem__rtnl_attr(answer, sizeof(struct ifinfomsg), 999, &bytes));
	free(answer);
	assert_null(devmem__rtnl_ask_link(999999, &err));
	assert_int_equal(err, -ENODEV);
	assert_false(devmem__tx_dropped(999999, NULL, &dropped));
	assert_true(devmem__tx_dropped(lo, NULL, &dropped));
	/* it has no counters of its own, and a sum of a part would be wrong */
	assert_false(devmem__tx_dropped(lo, "tx_dropped", &dropped));
	assert_int_equal(open_fds(), before);
}

static void of_little_room(void **state)
{
	const struct question q = about(1);
	int fd = devmem__rtnl_open();
	struct nlmsghdr answer[2];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(devmem__rtnl_ask(fd, &q.h, answer, sizeof(answer)), -EMSGSIZE);
	close(fd);
}

/* Somebody who may speak to any netlink socket here says that it has another index, before the
 * kernel is asked. */
static void a_stranger_is_not_heard(void **state)
{
	const struct question q = about(1);
	struct question lie = about(77);
	struct sockaddr_nl at;
	socklen_t len = sizeof(at);
	struct nlmsghdr *answer = malloc(DEVMEM__RTNL_ANSWER);
	int fd = devmem__rtnl_open(),
	    stranger = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	(void)state;
	assert_non_null(answer);
	assert_true(fd >= 0 && stranger >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	lie.h.nlmsg_type = RTM_NEWLINK;
	assert_true(sendto(stranger, &lie, sizeof(lie), 0, (struct sockaddr *)&at, len) < 0);
	assert_true(errno == ECONNREFUSED || errno == EPERM);
	assert_true(devmem__rtnl_ask(fd, &q.h, answer, DEVMEM__RTNL_ANSWER) > 0);
	assert_int_equal(index_of(answer), 1);
	close(fd);
	close(stranger);
	free(answer);
}

/* An attribute that is longer than the rest, or shorter than itself, and one that is cut. */
static void damaged(void **state)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
		struct rtattr first;
		char value[4];
		struct rtattr second;
	} m = { .first = { .rta_len = sizeof(struct rtattr) + 4, .rta_type = 1 },
		.second = { .rta_type = 2 } };
	const unsigned short lengths[] = { 0, 1, 3, sizeof(struct rtattr) + 1, 0xffff };
	size_t bytes;

	(void)state;
	m.h.nlmsg_len = sizeof(m);
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		m.second.rta_len = lengths[i];
		assert_ptr_equal(devmem__rtnl_attr(&m.h, sizeof(m.info), 1, &bytes), m.value);
		assert_null(devmem__rtnl_attr(&m.h, sizeof(m.info), 2, &bytes));
	}
	m.second.rta_len = sizeof(m.second);
	for (uint32_t len = 0; len < sizeof(m); len++) {
		m.h.nlmsg_len = len;
		assert_null(devmem__rtnl_attr(&m.h, sizeof(m.info), 2, &bytes));
	}
	m.h.nlmsg_len = sizeof(m);
	assert_non_null(devmem__rtnl_attr(&m.h, sizeof(m.info), 2, &bytes));
	assert_int_equal(bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_an_interface),
		cmocka_unit_test(of_little_room),
		cmocka_unit_test(a_stranger_is_not_heard),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests_name("rtnl", tests, NULL, NULL);
}
