// SPDX-License-Identifier: MIT
/* Link notifications as the kernel sends them, and cut off at every byte. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "unit.h"
#include "link.h"

#define LOWER_UP (1u << 16)

struct message {
	struct nlmsghdr h;
	struct ifinfomsg info;
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
	m[0] = make(RTM_NEWLINK, 7, IFF_UP | LOWER_UP);	/* as it was: no news */
	m[1] = make(RTM_NEWLINK, 8, 0);			/* somebody else's */
	devmem__links_parse(&l, m, sizeof(m));
	assert_null(devmem__links_next(&l));
	m[0] = make(RTM_NEWLINK, 7, IFF_UP);		/* no carrier */
	devmem__links_parse(&l, m, sizeof(m));
	expect(&l, 7, DEVMEM__LINK_DOWN);
	m[0] = make(RTM_NEWLINK, 7, LOWER_UP);		/* still down, for another reason */
	devmem__links_parse(&l, m, sizeof(m));
	assert_null(devmem__links_next(&l));
	m[0] = make(RTM_NEWLINK, 7, IFF_UP | LOWER_UP);
	m[1] = make(RTM_DELLINK, 7, 0);			/* two changes: the last one counts */
	devmem__links_parse(&l, m, sizeof(m));
	expect(&l, 7, DEVMEM__LINK_GONE);
	devmem__links_close(&l);
}

static void cut_off_anywhere(void **state)
{
	struct devmem__links l;
	struct message m = make(RTM_NEWLINK, 7, 0);

	(void)state;
	devmem__links_init(&l);
	assert_int_equal(devmem__links_add(&l, 7), 0);
	for (size_t n = 0; n < sizeof(m); n++)
		devmem__links_parse(&l, &m, n);
	m.h.nlmsg_len = 3;
	devmem__links_parse(&l, &m, sizeof(m));
	assert_null(devmem__links_next(&l));
	devmem__links_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_down_gone),
		cmocka_unit_test(cut_off_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
