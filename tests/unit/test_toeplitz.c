// SPDX-License-Identifier: MIT
/* The RSS hash, by the vectors that its inventors published (Microsoft, "Verifying the RSS Hash
 * Calculation"). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "unit.h"

#include "nic/toeplitz.h"

static const uint8_t key[DEVMEM__TOEPLITZ_KEY] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static uint32_t hash4(const char *from, uint16_t source_port, const char *to, uint16_t port)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(port) },
			   peer = { .sin_family = AF_INET };
	struct devmem__rule flow = { 0 };

	assert_int_equal(inet_pton(AF_INET, to, &local.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET, from, &peer.sin_addr), 1);
	assert_int_equal(devmem__rule_flow(&flow, (struct sockaddr *)&local,
					   (struct sockaddr *)&peer),
			 0);
	return devmem__toeplitz_flow(&flow, source_port, key);
}

static uint32_t hash6(const char *from, uint16_t source_port, const char *to, uint16_t port)
{
	struct sockaddr_in6 local = { .sin6_family = AF_INET6, .sin6_port = htons(port) },
			    peer = { .sin6_family = AF_INET6 };
	struct devmem__rule flow = { 0 };

	assert_int_equal(inet_pton(AF_INET6, to, &local.sin6_addr), 1);
	assert_int_equal(inet_pton(AF_INET6, from, &peer.sin6_addr), 1);
	assert_int_equal(devmem__rule_flow(&flow, (struct sockaddr *)&local,
					   (struct sockaddr *)&peer),
			 0);
	return devmem__toeplitz_flow(&flow, source_port, key);
}

static void published_vectors(void **state)
{
	(void)state;
	assert_int_equal(hash4("66.9.149.187", 2794, "161.142.100.80", 1766), 0x51ccc178);
	assert_int_equal(hash4("199.92.111.2", 14230, "65.69.140.83", 4739), 0xc626b0ea);
	assert_int_equal(hash6("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766),
			 0x40207d3d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(published_vectors) };

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
