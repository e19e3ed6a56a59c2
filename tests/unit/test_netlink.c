// SPDX-License-Identifier: MIT
/*
 * What acknowledgements say, damaged ones included; and the socket against the kernel's own control
 * family, for which no privilege is needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#include "netlink/genl.h"

#define CAPPED 0x100
#define TLVS   0x200

union message {
	struct nlmsghdr h;
	unsigned char bytes[512];
};

static void add(union message *m, const void *data, size_t n)
{
	memcpy(m->bytes + m->h.nlmsg_len, data, n);
	m->h.nlmsg_len += NLMSG_ALIGN(n);
}

static void add_attr(union message *m, uint16_t type, const void *data, uint16_t n)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + n), .nla_type = type };

	add(m, &a, sizeof(a));
	add(m, data, n);
}

/* An acknowledgement of an error, with a copy of the whole request unless it is capped. */
static union message ack(uint16_t flags, size_t request_bytes)
{
	union message m = {
		.h = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = NLMSG_ERROR, .nlmsg_flags = flags }
	};
	struct nlmsgerr e = { .error = -EINVAL,
			      .msg.nlmsg_len = (uint32_t)(sizeof(e.msg) + request_bytes) };

	add(&m, &e, sizeof(e));
	if (!(flags & CAPPED))
		m.h.nlmsg_len += NLMSG_ALIGN(request_bytes);
	return m;
}

static const char *reason(const union message *m, const union message *sent)
{
	static char why[256];

	/* exactly as large as it says, so that the address sanitizer sees what is read beyond it */
	struct nlmsghdr *copy = malloc(m->h.nlmsg_len);

	assert_non_null(copy);
	memcpy(copy, m->bytes, m->h.nlmsg_len);
	devmem__nl_reason(copy, sent ? &sent->h : NULL, why, sizeof(why));
	free(copy);
	return why;
}

static void text(void **state)
{
	union message m = ack(CAPPED | TLVS, 40), whole = ack(TLVS, 40), none = ack(CAPPED, 40);

	(void)state;
	add_attr(&m, 1, "hds-thresh is not zero", 23);
	assert_string_equal(reason(&m, NULL), "hds-thresh is not zero");
	add_attr(&whole, 1, "behind the request", 19);
	assert_string_equal(reason(&whole, NULL), "behind the request");
	assert_string_equal(reason(&none, NULL), "");
}

static void end_of_a_dump(void **state)
{
	union message m = {
		.h = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = NLMSG_DONE, .nlmsg_flags = TLVS }
	};
	int err = -ENODEV;

	(void)state;
	add(&m, &err, sizeof(err));
	add_attr(&m, 1, "gone", 5);
	assert_string_equal(reason(&m, NULL), "gone");
}

static void missing_and_bad_attributes(void **state)
{
	union message sent = { .h = { .nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN } };
	uint32_t number = 2, offset = sent.h.nlmsg_len;
	union message m = ack(CAPPED | TLVS, 40), bad = ack(CAPPED | TLVS, 40),
		      beyond = ack(CAPPED | TLVS, 40);

	(void)state;
	add_attr(&m, 5, &number, 4);
	assert_string_equal(reason(&m, NULL), "attribute 2 is missing");
	add_attr(&m, 1, "no", 3);
	assert_string_equal(reason(&m, NULL), "no; attribute 2 is missing");
	add_attr(&sent, 7, &number, 4);
	add_attr(&bad, 2, &offset, 4);
	assert_string_equal(reason(&bad, &sent), "attribute 7 is not accepted");
	assert_string_equal(reason(&bad, NULL), "");
	offset = 5000;
	add_attr(&beyond, 2, &offset, 4);
	assert_string_equal(reason(&beyond, &sent), "");
}

/* Cut off anywhere, and with any one byte wrong: nothing is read outside, and the text ends in the
 * buffer. */
static void damaged(void **state)
{
	union message m = ack(CAPPED | TLVS, 40),
		      sent = { .h = { .nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN } };
	uint32_t number = 2;

	(void)state;
	add_attr(&m, 5, &number, 4);
	add_attr(&m, 1, "a reason", 9);
	for (uint32_t len = NLMSG_HDRLEN; len <= m.h.nlmsg_len; len++) {
		union message cut = m;

		cut.h.nlmsg_len = len;
		assert_in_range(strlen(reason(&cut, &sent)), 0, 255);
	}
	for (size_t at = sizeof(m.h.nlmsg_len); at < m.h.nlmsg_len; at++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			union message wrong = m;

			wrong.bytes[at] ^= (unsigned char)(1 << bit);
			assert_in_range(strlen(reason(&wrong, &sent)), 0, 255);
		}
}

static int count_reply(struct nlattr **attrs, void *arg)
{
	unsigned int *n = arg;

	assert_non_null(attrs[CTRL_ATTR_FAMILY_ID]);
	++*n;
	return 0;
}

static int stop(struct nlattr **attrs, void *arg)
{
	unsigned int *n = arg;

	(void)attrs;
	++*n;
	return -ECANCELED;
}

static void against_the_kernel(void **state)
{
	struct devmem__nl nl;
	unsigned int n = 0;

	(void)state;
	assert_int_equal(devmem__nl_open(&nl, "nlctrl"), 0);
	assert_int_equal(nl.family, GENL_ID_CTRL);
	assert_true(fcntl(nl.fd, F_GETFD) & FD_CLOEXEC);

	devmem__nl_begin(&nl, CTRL_CMD_GETFAMILY);
	assert_int_equal(devmem__nl_dump(&nl, count_reply, &n), 0);
	assert_in_range(n, 1, 1000);

	n = 0;
	devmem__nl_begin(&nl, CTRL_CMD_GETFAMILY);
	assert_int_equal(devmem__nl_dump(&nl, stop, &n), -ECANCELED);
	assert_int_equal(n, 1);

	/* the rest of that dump does not disturb the next request */
	n = 0;
	devmem__nl_begin(&nl, CTRL_CMD_GETFAMILY);
	devmem__nl_put_string(&nl, CTRL_ATTR_FAMILY_NAME, "nlctrl");
	assert_int_equal(devmem__nl_call(&nl, count_reply, &n), 0);
	assert_int_equal(n, 1);

	devmem__nl_begin(&nl, CTRL_CMD_GETFAMILY);
	devmem__nl_put_string(&nl, CTRL_ATTR_FAMILY_NAME, "no such");
	assert_int_equal(devmem__nl_call(&nl, NULL, NULL), -ENOENT);
	assert_int_equal(devmem__nl_fail(&nl, -ENOENT, "it is %d", 5), -ENOENT);
	assert_string_equal(devmem_error(), "it is 5: No such file or directory");

	/* one that was begun and not sent */
	devmem__nl_begin(&nl, CTRL_CMD_GETFAMILY);
	devmem__nl_put_u32(&nl, 1, 2);
	devmem__nl_close(&nl);
	devmem__nl_close(&nl);
}

static void kernel_reason_in_the_sentence(void **state)
{
	struct devmem__nl nl;

	(void)state;
	assert_int_equal(devmem__nl_open(&nl, "nlctrl"), 0);
	/* a name that is longer than the kernel's policy allows */
	devmem__nl_begin(&nl, CTRL_CMD_GETFAMILY);
	devmem__nl_put_string(&nl, CTRL_ATTR_FAMILY_NAME, "a name that no family could have");
	assert_int_not_equal(devmem__nl_call(&nl, NULL, NULL), 0);
	assert_true(nl.why[0]);
	devmem__nl_fail(&nl, -ERANGE, "lab0");
	assert_non_null(strstr(devmem_error(), "the kernel says"));
	devmem__nl_close(&nl);
}

static void too_much_for_a_request(void **state)
{
	struct devmem__nl nl;

	(void)state;
	assert_int_equal(devmem__nl_open(&nl, "nlctrl"), 0);
	devmem__nl_begin(&nl, CTRL_CMD_GETFAMILY);
	for (unsigned int i = 0; i < 10000; i++) {
		struct nlattr *nest = devmem__nl_nest(&nl, 1);

		devmem__nl_put_u32(&nl, 1, i);
		devmem__nl_nest_end(&nl, nest);
	}
	assert_int_equal(devmem__nl_call(&nl, NULL, NULL), -EMSGSIZE);
	devmem__nl_close(&nl);
}

static void no_such_family(void **state)
{
	struct devmem__nl nl;

	(void)state;
	assert_int_equal(devmem__nl_open(&nl, "devmem-nosuch"), -EOPNOTSUPP);
	assert_non_null(strstr(devmem_error(), "devmem-nosuch"));
	devmem__nl_close(&nl);
}

/*
 * Messages that another process sends to our socket. To those of NETLINK_USERSOCK anybody may send;
 * to ours, whoever has CAP_NET_ADMIN. [net/netlink/af_netlink.c: netlink_sendmsg()]
 */
struct stranger {
	int ours, theirs;
	struct sockaddr_nl to;
};

static struct stranger meet(void)
{
	struct stranger s = { .ours = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK),
			      .theirs = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
					       NETLINK_USERSOCK) };
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(s.to);

	assert_true(s.ours >= 0 && s.theirs >= 0);
	assert_int_equal(bind(s.ours, (const struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(getsockname(s.ours, (struct sockaddr *)&s.to, &len), 0);
	return s;
}

static void say(const struct stranger *s, const union message *m)
{
	assert_int_equal(sendto(s->theirs, m, m->h.nlmsg_len, 0, (const struct sockaddr *)&s->to,
				sizeof(s->to)),
			 m->h.nlmsg_len);
}

static void count_notice(uint8_t cmd, struct nlattr **attrs, void *arg)
{
	(void)cmd;
	(void)attrs;
	++*(unsigned int *)arg;
}

static void strangers_are_not_believed(void **state)
{
	struct stranger s = meet();
	struct devmem__nl nl = { .fd = s.ours, .family = 77 };
	union message m = { .h = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = 77 } };
	const struct genlmsghdr g = { .cmd = 1 };
	unsigned int heard = 0;
	char buf[1024];

	(void)state;
	add(&m, &g, sizeof(g));
	say(&s, &m);
	assert_int_equal(recv(s.ours, buf, sizeof(buf), MSG_DONTWAIT | MSG_PEEK), m.h.nlmsg_len);
	assert_int_equal(devmem__nl_receive(s.ours, buf, sizeof(buf), MSG_DONTWAIT), -EAGAIN);
	say(&s, &m);
	assert_int_equal(devmem__nl_notices(&nl, 8, count_notice, &heard), 0);
	assert_int_equal(heard, 0);
	close(s.ours);
	close(s.theirs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(end_of_a_dump),
		cmocka_unit_test(missing_and_bad_attributes),
		cmocka_unit_test(damaged),
		cmocka_unit_test(against_the_kernel),
		cmocka_unit_test(kernel_reason_in_the_sentence),
		cmocka_unit_test(too_much_for_a_request),
		cmocka_unit_test(no_such_family),
		cmocka_unit_test(strangers_are_not_believed),
	};

	return cmocka_run_group_tests_name("netlink", tests, NULL, NULL);
}
