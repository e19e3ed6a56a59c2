// SPDX-License-Identifier: MIT
/*
 * Control data as the kernel makes it, and as it does not. Whatever is parsed ends where its memory
 * does, so that under ASan a read beyond is an error.
 */
#include <time.h> /* before linux/errqueue.h */

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tx/errqueue.h"
#include "unit.h"

/* What is put into one cmsg. [net/ipv4/ip_sockglue.c: ip_recv_error; net/ipv6/datagram.c:
 * ipv6_recv_error] */
struct error4 {
	struct sock_extended_err ee;
	struct sockaddr_in offender;
};

struct error6 {
	struct sock_extended_err ee;
	struct sockaddr_in6 offender;
};

struct control {
	_Alignas(struct cmsghdr) unsigned char bytes[DEVMEM__NOTICE_ROOM];
	size_t length;
};

static const struct sock_extended_err zerocopy = { .ee_origin = SO_EE_ORIGIN_ZEROCOPY,
						   .ee_info = 3,
						   .ee_data = 9 };

/* [net/core/scm.c: put_cmsg] */
static void put(struct control *c, int level, int type, const void *data, size_t bytes)
{
	const struct cmsghdr h = { .cmsg_level = level,
				   .cmsg_type = type,
				   .cmsg_len = CMSG_LEN(bytes) };

	assert_true(c->length + CMSG_SPACE(bytes) <= sizeof(c->bytes));
	memcpy(c->bytes + c->length, &h, sizeof(h));
	memcpy(c->bytes + c->length + CMSG_LEN(0), data, bytes);
	c->length += CMSG_SPACE(bytes);
}

/* What the header at @start says. */
static void set_length(struct control *c, size_t start, size_t length)
{
	struct cmsghdr h;

	memcpy(&h, c->bytes + start, sizeof(h));
	h.cmsg_len = length;
	memcpy(c->bytes + start, &h, sizeof(h));
}

static void put4(struct control *c, const struct sock_extended_err *ee)
{
	const struct error4 e = { .ee = *ee };

	put(c, IPPROTO_IP, IP_RECVERR, &e, sizeof(e));
}

static void put6(struct control *c, const struct sock_extended_err *ee)
{
	const struct error6 e = { .ee = *ee };

	put(c, IPPROTO_IPV6, IPV6_RECVERR, &e, sizeof(e));
}

static void put_time(struct control *c)
{
	const int64_t stamp[6] = { 1 };

	put(c, SOL_SOCKET, SO_TIMESTAMPING, stamp, sizeof(stamp));
}

/* The first @bytes of it, in memory that is no larger. */
static bool parse(const void *control, size_t bytes, struct devmem__notice *notice)
{
	void *exact = malloc(bytes);
	bool good;

	assert_true(exact || !bytes);
	if (bytes)
		memcpy(exact, control, bytes);
	good = devmem__notice_parse(exact, bytes, notice);
	free(exact);
	return good;
}

#define expect_notice(c, lo, hi, copied) check_notice(c, lo, hi, copied, __LINE__)
static void check_notice(const struct control *c, uint32_t lo, uint32_t hi, bool copied, int line)
{
	struct devmem__notice n = { 0 };

	if (parse(c->bytes, c->length, &n) && n.lo == lo && n.hi == hi && n.copied == copied)
		return;
	print_error("from %u to %u, copied %d\n", n.lo, n.hi, n.copied);
	_fail(__FILE__, line);
}

/* ... and what there was stays as it was. */
#define expect_nothing(control, bytes) check_nothing(control, bytes, __LINE__)
static void check_nothing(const void *control, size_t bytes, int line)
{
	struct devmem__notice n = { 123, 456, true };

	if (parse(control, bytes, &n) || n.lo != 123 || n.hi != 456 || !n.copied)
		_fail(__FILE__, line);
}

/* ----------------------------------------------------------------------- as the kernel makes it */

static void a_notice_of_either_protocol(void **state)
{
	struct control c4 = { 0 }, c6 = { 0 };

	(void)state;
	put4(&c4, &zerocopy);
	expect_notice(&c4, 3, 9, false);
	put6(&c6, &zerocopy);
	expect_notice(&c6, 3, 9, false);
}

static void numbers_have_32_bits_and_begin_again(void **state)
{
	struct sock_extended_err ee = zerocopy;
	struct control c = { 0 };

	(void)state;
	ee.ee_info = UINT32_MAX - 1;
	ee.ee_data = 2;
	put4(&c, &ee);
	expect_notice(&c, UINT32_MAX - 1, 2, false);
}

static void the_kernel_says_that_it_copied(void **state)
{
	struct sock_extended_err ee = zerocopy;
	struct control c4 = { 0 }, c6 = { 0 };

	(void)state;
	ee.ee_code = SO_EE_CODE_ZEROCOPY_COPIED;
	put4(&c4, &ee);
	expect_notice(&c4, 3, 9, true);
	put6(&c6, &ee);
	expect_notice(&c6, 3, 9, true);
}

static void errors_of_other_origins_are_nobodys(void **state)
{
	const uint8_t origins[] = { SO_EE_ORIGIN_NONE,
				    SO_EE_ORIGIN_LOCAL,
				    SO_EE_ORIGIN_ICMP,
				    SO_EE_ORIGIN_ICMP6,
				    SO_EE_ORIGIN_TXSTATUS,
				    6 /* SO_EE_ORIGIN_TXTIME */,
				    255 };

	(void)state;
	for (size_t i = 0; i < sizeof(origins); i++) {
		struct sock_extended_err ee = zerocopy;
		struct control c4 = { 0 }, c6 = { 0 };

		ee.ee_origin = origins[i];
		put4(&c4, &ee);
		expect_nothing(c4.bytes, c4.length);
		put6(&c6, &ee);
		expect_nothing(c6.bytes, c6.length);
	}
}

static void a_notice_is_no_error(void **state)
{
	struct sock_extended_err ee = zerocopy;
	struct control c = { 0 };

	(void)state;
	ee.ee_errno = ECONNREFUSED;
	put4(&c, &ee);
	expect_nothing(c.bytes, c.length);
}

static void other_control_data_is_passed_over(void **state)
{
	const struct {
		int level, type;
	} others[] = {
		{ SOL_SOCKET, IP_RECVERR },   { IPPROTO_IP, IPV6_RECVERR },
		{ IPPROTO_IPV6, IP_RECVERR }, { IPPROTO_IP, IP_TTL },
		{ IPPROTO_TCP, IP_RECVERR },
	};
	const struct error4 e = { .ee = zerocopy };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct control c = { 0 };

		put(&c, others[i].level, others[i].type, &e, sizeof(e));
		expect_nothing(c.bytes, c.length);
	}
}

static void a_notice_is_found_behind_others(void **state)
{
	struct sock_extended_err icmp = { .ee_errno = EHOSTUNREACH,
					  .ee_origin = SO_EE_ORIGIN_ICMP };
	struct control c = { 0 };
	const int ttl = 64;

	(void)state;
	put_time(&c);
	expect_nothing(c.bytes, c.length);
	put(&c, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	put(&c, SOL_SOCKET, SO_MARK, "", 0);
	put4(&c, &icmp);
	expect_nothing(c.bytes, c.length);
	put4(&c, &zerocopy);
	expect_notice(&c, 3, 9, false);
}

/* What found no room is cut off, and the length in its header says where. */
static void a_notice_that_was_cut_off(void **state)
{
	struct devmem__notice n;
	struct control c = { 0 };
	size_t start;

	(void)state;
	put_time(&c);
	start = c.length;
	put6(&c, &zerocopy);
	for (size_t bytes = CMSG_LEN(0); bytes <= CMSG_LEN(sizeof(struct error6)); bytes++) {
		set_length(&c, start, bytes);
		if (bytes < CMSG_LEN(sizeof(struct sock_extended_err)))
			expect_nothing(c.bytes, start + bytes);
		else
			assert_true(parse(c.bytes, start + bytes, &n));
	}
}

/* ------------------------------------------------------------------------------- as it does not */

static void nothing_is_read_beyond_the_end(void **state)
{
	struct control c = { 0 };
	size_t start;

	(void)state;
	put4(&c, &zerocopy);
	for (size_t bytes = 0; bytes < CMSG_LEN(sizeof(struct error4)); bytes++)
		expect_nothing(c.bytes, bytes);
	memset(&c, 0, sizeof(c));
	put_time(&c);
	start = c.length;
	put6(&c, &zerocopy);
	for (size_t bytes = 0; bytes < start + CMSG_LEN(sizeof(struct error6)); bytes++)
		expect_nothing(c.bytes, bytes);
	expect_notice(&c, 3, 9, false);
}

/* Too short, too long, or so long that a sum overflows: of the notice itself, or of what is in
 * front of it. */
static void a_length_may_be_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < 512; i++) {
		const size_t length = i < 256 ? i : SIZE_MAX - (i - 256);
		struct control c = { 0 };
		struct devmem__notice n;

		put4(&c, &zerocopy);
		set_length(&c, 0, length);
		assert_int_equal(parse(c.bytes, c.length, &n),
				 length >= CMSG_LEN(sizeof(zerocopy)) && length <= c.length);
		put4(&c, &zerocopy);
		if (length < CMSG_LEN(0) || length > c.length)
			expect_nothing(c.bytes, c.length);
		else
			parse(c.bytes, c.length, &n);
	}
}

static size_t any(size_t n)
{
	return (size_t)rand() % n;
}

/* Random bytes with random headers here and there, of which some are right. */
static void fill(struct control *c)
{
	static const int types[] = { IP_RECVERR, IPV6_RECVERR, IP_TTL },
			 levels[] = { IPPROTO_IP, IPPROTO_IPV6, SOL_SOCKET };
	size_t at = 0;

	for (size_t i = 0; i < sizeof(c->bytes); i++)
		c->bytes[i] = (unsigned char)rand();
	while (at + CMSG_SPACE(sizeof(zerocopy)) <= sizeof(c->bytes)) {
		struct cmsghdr h = { .cmsg_level = levels[any(3)],
				     .cmsg_type = types[any(3)],
				     .cmsg_len = any(80) };

		h.cmsg_len -= any(8) ? 0 : any(2) * 100; /* or very long */
		memcpy(c->bytes + at, &h, sizeof(h));
		if (any(2))
			memcpy(c->bytes + at + CMSG_LEN(0), &zerocopy, sizeof(zerocopy));
		at += any(4) ? CMSG_ALIGN(h.cmsg_len % 80) : CMSG_ALIGN(any(100));
	}
}

static void random_bytes_do_no_harm(void **state)
{
	unsigned int notices = 0;

	(void)state;
	srand(1);
	for (unsigned int i = 0; i < 20000; i++) {
		struct control c;
		struct devmem__notice n;

		fill(&c);
		notices += parse(c.bytes, any(sizeof(c.bytes) + 1), &n);
	}
	assert_in_range(notices, 1000, 19000); /* it came so far */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_notice_of_either_protocol),
		cmocka_unit_test(numbers_have_32_bits_and_begin_again),
		cmocka_unit_test(the_kernel_says_that_it_copied),
		cmocka_unit_test(errors_of_other_origins_are_nobodys),
		cmocka_unit_test(a_notice_is_no_error),
		cmocka_unit_test(other_control_data_is_passed_over),
		cmocka_unit_test(a_notice_is_found_behind_others),
		cmocka_unit_test(a_notice_that_was_cut_off),
		cmocka_unit_test(nothing_is_read_beyond_the_end),
		cmocka_unit_test(a_length_may_be_wrong),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests_name("errqueue", tests, NULL, NULL);
}
