// SPDX-License-Identifier: MIT
/* Frames of which the kernel shows the beginning, whatever is in them. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "recv/samples.h"
#include "unit.h"

static const unsigned char v4[54] = {
	[12] = 0x08, [14] = 0x45, [23] = 6, [26] = 192, 0,    2, 2, 192, 0, 2,
	1,	     0xc0,	  0x01,	    0x14,	0x51, 1, 2, 3,	 4,
};
static const unsigned char v6[74] = {
	[12] = 0x86, 0xdd, 0x60,     [20] = 6, [22] = 0x20, 1,	  0xd,	0xb8, [37] = 2, 0x20, 1,
	0xd,	     0xb8, [53] = 1, 0xc0,     0x02,	    0x14, 0x52, 5,    6,	7,    8,
};

static bool is(const struct in6_addr *a, const char *text)
{
	struct in6_addr b;

	assert_int_equal(inet_pton(AF_INET6, text, &b), 1);
	return !memcmp(a, &b, sizeof(b));
}

/* From memory of its own size, so that a byte too far is noticed. */
static bool parse(const unsigned char *frame, size_t bytes, struct devmem__sample *s)
{
	unsigned char *copy = malloc(bytes ? bytes : 1);
	bool good;

	memcpy(copy, frame, bytes);
	good = devmem__sample_parse(copy, bytes, s);
	free(copy);
	return good;
}

static void both_families(void **state)
{
	struct devmem__sample s;

	(void)state;
	assert_true(parse(v4, sizeof(v4), &s));
	assert_true(is(&s.peer, "::ffff:192.0.2.2") && is(&s.local, "::ffff:192.0.2.1"));
	assert_int_equal(ntohs(s.peer_port), 0xc001);
	assert_int_equal(ntohs(s.local_port), 5201);
	assert_int_equal(s.seq, 0x01020304);
	assert_true(parse(v6, sizeof(v6), &s));
	assert_true(is(&s.peer, "2001:db8::2") && is(&s.local, "2001:db8::1"));
	assert_int_equal(ntohs(s.peer_port), 0xc002);
	assert_int_equal(ntohs(s.local_port), 5202);
	assert_int_equal(s.seq, 0x05060708);
}

static void cut_short(void **state)
{
	struct devmem__sample s;

	(void)state;
	for (size_t n = 0; n < 42; n++)
		assert_false(parse(v4, n, &s));
	for (size_t n = 0; n < 62; n++)
		assert_false(parse(v6, n, &s));
}

static void damaged(void **state)
{
	struct devmem__sample s;
	unsigned char f[54];

	(void)state;
	for (unsigned int first = 0; first < 256; first++) {
		memcpy(f, v4, sizeof(f));
		f[14] = (unsigned char)first;
		parse(f, sizeof(f), &s);
	}
	memcpy(f, v4, sizeof(f));
	f[14] = 0x44; /* a header that is too short */
	assert_false(parse(f, sizeof(f), &s));
	f[14] = 0x4f; /* or behind what is shown */
	assert_false(parse(f, sizeof(f), &s));
	f[14] = 0x45;
	f[23] = 17;
	assert_false(parse(f, sizeof(f), &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
