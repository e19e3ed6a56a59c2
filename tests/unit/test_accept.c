// SPDX-License-Identifier: MIT
/* accept_next(): what ends one connection, and what this machine lacks. accept4() is ours here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "accept.h"

static int failure;		     /* errno of the calls to come ... */
static unsigned int failures, calls; /* ... so many of them */

int accept4(int listener, struct sockaddr *restrict peer, socklen_t *restrict bytes, int flags)
{
	assert_int_equal(listener, 3);
	assert_int_equal(flags, SOCK_CLOEXEC);
	assert_ptr_equal(peer, NULL);
	assert_true(!bytes || *bytes == 28);
	if (bytes)
		*bytes = 16;
	calls++;
	if (!failures)
		return 7;
	failures--;
	errno = failure;
	return -1;
}

static int next_after(int err, unsigned int times)
{
	socklen_t bytes = 28;

	failure = err;
	failures = times;
	calls = 0;
	return accept_next(3, NULL, &bytes);
}

static void test_one_connection(void **state)
{
	static const int errors[] = {
		ECONNABORTED, EPROTO,	 ENOPROTOOPT,  EOPNOTSUPP, ENETDOWN,
		ENETUNREACH,  EHOSTDOWN, EHOSTUNREACH, ENONET,	   ETIMEDOUT
	};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		assert_int_equal(next_after(errors[i], 3), 7);
		assert_int_equal(calls, 4);
		/* for ever: it comes back, and has not tried for ever */
		assert_int_equal(next_after(errors[i], UINT32_MAX), -errors[i]);
		assert_in_range(calls, 2, 1000);
	}
}

static void test_the_machine(void **state)
{
	static const int errors[] = { EAGAIN, EINTR, EMFILE, ENFILE, ENOBUFS,
				      ENOMEM, EPERM, EBADF,  EINVAL };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		assert_int_equal(next_after(errors[i], 1), -errors[i]);
		assert_int_equal(calls, 1); /* whoever calls decides, and does not spin */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_connection),
		cmocka_unit_test(test_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
