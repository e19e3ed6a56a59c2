// SPDX-License-Identifier: MIT
/* Link notifications as the kernel sends them, and cut off at every byte. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"
#include "netlink/link.h"

#define LOWER_UP (1u << 16)

/* [include/uapi/linux/if_link.h] */
#define NEW_NETNSID	45
#define PARENT_DEV_NAME 56

struct message {
	struct nlmsghdr h;
	struct ifinfomsg info;
};

struct whole_message {
	struct message m;
	struct rtattr parent;
	char name[16];
	struct rtattr netns;
	uint32_t id;
};

static struct message make(int type, int ifindex, unsigned int flags)
{
	return (struct message){
		.h = { .nlmsg_len = sizeof(struct message), .nlmsg_type = (uint16_t)type },
		.info = { .ifi_index = ifindex, .ifi_flags = flags },
	};
}

static void expect(struct devmem__links *l, unsigned int ifindex, enum devmem__link_state state)
{
	const struct devmem__link *link = devmem__links_next(l);

	assert_non_null(link);
	assert_int_equal(link->ifindex, ifindex);
	assert_int_equal(link->state, state);
	assert_null(devmem__links_next(l));
}

static void up_down_gone(void **state)
{
	struct devmem__links l;
	struct message m[2];

	(void)state;
	devmem__links_init(&l);
	assert_int_equal(devmem__links_add(&l, 7), 0);
	assert_int_equal(devmem__links_add(&l, 7), 0);
	assert_int_equal(l.count, 1);
	assert_null(devmem__links_next(&l));
	m[0] = make(RTM_NEWLINK, 7, IFF_UP | LOWER_UP); /* as it was: no news */
	m[1] = make(RTM_NEWLINK, 8, 0);			/* somebody else's */
	devmem__links_parse(&l, m, sizeof(m));
	assert_null(devmem__links_next(&l));
	m[0] = make(RTM_NEWLINK, 7, IFF_UP); /* no carrier */
	devmem__links_parse(&l, m, sizeof(m));
	expect(&l, 7, DEVMEM__LINK_DOWN);
	m[0] = make(RTM_NEWLINK, 7, LOWER_UP); /* still down, for another reason */
	devmem__links_parse(&l, m, sizeof(m));
	assert_null(devmem__links_next(&l));
	m[0] = make(RTM_NEWLINK, 7, IFF_UP | LOWER_UP);
	m[1] = make(RTM_DELLINK, 7, 0); /* two changes: the last one counts */
	devmem__links_parse(&l, m, sizeof(m));
	expect(&l, 7, DEVMEM__LINK_GONE);
	devmem__links_close(&l);
}

static struct whole_message make_whole(int type, int ifindex, unsigned int flags,
				       const char *parent, bool moved)
{
	struct whole_message w = {
		.m = make(type, ifindex, flags),
		.parent = { .rta_len = RTA_LENGTH(16), .rta_type = PARENT_DEV_NAME },
		.netns = { .rta_len = RTA_LENGTH(4), .rta_type = moved ? NEW_NETNSID : 1 },
	};

	w.m.h.nlmsg_len = sizeof(w);
	strncpy(w.name, parent, sizeof(w.name) - 1);
	return w;
}

/* Another interface has its number, and another one is moved, before it is back with a number that
 * is new. */
static void moved_away_and_back(void **state)
{
	struct devmem__links l;
	struct whole_message w;

	(void)state;
	devmem__links_init(&l);
	assert_int_equal(devmem__links_add(&l, 7), 0);
	assert_int_equal(devmem__links_add(&l, 8), 0);
	w = make_whole(RTM_DELLINK, 7, 0, "0000:01:00.0", true);
	devmem__links_parse(&l, &w, sizeof(w));
	expect(&l, 7, DEVMEM__LINK_MOVED);
	w = make_whole(RTM_NEWLINK, 7, IFF_UP | LOWER_UP, "0000:02:00.0", false);
	devmem__links_parse(&l, &w, sizeof(w));
	w = make_whole(RTM_DELLINK, 9, 0, "0000:01:00.1", true);
	devmem__links_parse(&l, &w, sizeof(w));
	assert_null(devmem__links_next(&l));
	w = make_whole(RTM_NEWLINK, 12, IFF_UP | LOWER_UP, "0000:01:00.0", false);
	devmem__links_parse(&l, &w, sizeof(w));
	expect(&l, 12, DEVMEM__LINK_UP);
	w = make_whole(RTM_DELLINK, 12, 0, "0000:01:00.0", false);
	devmem__links_parse(&l, &w, sizeof(w));
	expect(&l, 12, DEVMEM__LINK_GONE);
	devmem__links_close(&l);
}

/* What a bridge says of a port that it loses is not about the interface. */
static void leaves_a_bridge(void **state)
{
	struct message m = make(RTM_DELLINK, 7, IFF_UP);
	struct devmem__links l;

	(void)state;
	devmem__links_init(&l);
	assert_int_equal(devmem__links_add(&l, 7), 0);
	m.info.ifi_family = AF_BRIDGE;
	devmem__links_parse(&l, &m, sizeof(m));
	assert_null(devmem__links_next(&l));
	devmem__links_close(&l);
}

static void cut_off_anywhere(void **state)
{
	struct whole_message w = make_whole(RTM_DELLINK, 8, 0, "0000:01:00.0", true);
	struct message m = make(RTM_NEWLINK, 7, 0);
	struct devmem__links l;

	(void)state;
	devmem__links_init(&l);
	assert_int_equal(devmem__links_add(&l, 7), 0);
	for (size_t n = 0; n < sizeof(m); n++)
		devmem__links_parse(&l, &m, n);
	m.h.nlmsg_len = 3;
	devmem__links_parse(&l, &m, sizeof(m));
	for (size_t n = sizeof(m); n <= sizeof(w); n++) {
		unsigned char *exact = malloc(n); /* what is behind it the sanitizer guards */

		w.m.h.nlmsg_len = (uint32_t)n;
		memcpy(exact, &w, n);
		devmem__links_parse(&l, exact, n);
		free(exact);
	}
	assert_null(devmem__links_next(&l));
	devmem__links_close(&l);
}

/* Whoever has CAP_NET_ADMIN can send to our socket. Here by a protocol to whose sockets anybody
 * can. */
static void strangers_are_not_believed(void **state)
{
	int theirs = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
	struct message m = make(RTM_NEWLINK, 7, 0);
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(to);
	struct devmem__links l;

	(void)state;
	devmem__links_init(&l);
	assert_int_equal(devmem__links_add(&l, 7), 0);
	close(l.fd);
	l.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
	assert_int_equal(bind(l.fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(l.fd, (struct sockaddr *)&to, &len), 0);
	assert_int_equal(sendto(theirs, &m, sizeof(m), 0, (struct sockaddr *)&to, sizeof(to)),
			 sizeof(m));
	devmem__links_read(&l);
	assert_null(devmem__links_next(&l));
	close(theirs);
	devmem__links_close(&l);
}

/* Answers that nobody takes, to questions of no interest, until the kernel has no room for one. */
static void lose_some(const struct devmem__links *l)
{
	const struct message question = {
		.h = { .nlmsg_len = sizeof(question),
		       .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_index = 0x7ffffff0 },
	};
	const int small = 1;

	assert_int_equal(setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(send(l->fd, &question, sizeof(question), 0), sizeof(question));
}

static void read_all(struct devmem__links *l)
{
	do
		devmem__links_read(l);
	while (l->asked);
}

/* One that came back and one that went away, and the kernel's word for both was lost. */
static void what_was_lost_is_asked_for(void **state)
{
	const unsigned int lo = if_nametoindex("lo"), none = 0x7ffffff1;
	enum devmem__link_state really;
	struct devmem__links l;

	(void)state;
	devmem__links_init(&l);
	assert_int_equal(devmem__links_add(&l, lo), 0);
	l.lost = true;
	read_all(&l);
	really = l.link[0].state; /* in a new namespace it is down */
	devmem__links_next(&l);

	assert_int_equal(devmem__links_add(&l, none), 0);
	l.link[0].state = really == DEVMEM__LINK_UP ? DEVMEM__LINK_DOWN : DEVMEM__LINK_UP;
	lose_some(&l);
	read_all(&l);
	assert_false(l.lost);
	assert_int_equal(l.news, 2);
	assert_int_equal(devmem__links_next(&l)->state, really);
	expect(&l, none, DEVMEM__LINK_GONE);
	devmem__links_close(&l);
}

/* An answer during which interfaces changed may have left one out: it is no reason to think that it
 * is gone. */
static void an_answer_that_is_not_whole(void **state)
{
	struct devmem__links l;
	struct message done = make(NLMSG_DONE, 0, 0);

	(void)state;
	devmem__links_init(&l);
	assert_int_equal(devmem__links_add(&l, 7), 0);
	l.asked = true;
	done.h.nlmsg_seq = 1;
	done.h.nlmsg_flags = NLM_F_DUMP_INTR;
	devmem__links_parse(&l, &done, sizeof(done));
	assert_null(devmem__links_next(&l));
	assert_true(l.lost);
	assert_false(l.asked);
	devmem__links_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_down_gone),
		cmocka_unit_test(moved_away_and_back),
		cmocka_unit_test(leaves_a_bridge),
		cmocka_unit_test(cut_off_anywhere),
		cmocka_unit_test(strangers_are_not_believed),
		cmocka_unit_test(what_was_lost_is_asked_for),
		cmocka_unit_test(an_answer_that_is_not_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
