// SPDX-License-Identifier: MIT
/* What must be on to send device memory, for drivers that name their checksums in either way. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "netlink/tx_offloads.h"
#include "unit.h"

static const char *on; /* the features that are on, with spaces around them; NULL: unreadable */

int __wrap_devmem__ethtool_feature(struct devmem__ethtool *et, const char *name,
				   struct devmem__feature *feature);

/* In the place of devmem__ethtool_feature(). */
int __wrap_devmem__ethtool_feature(struct devmem__ethtool *et, const char *name,
				   struct devmem__feature *feature)
{
	char word[64];

	(void)et;
	memset(feature, 0, sizeof(*feature));
	if (!on)
		return -EOPNOTSUPP;
	assert_true(strlen(name) < sizeof(word) - 3);
	strcat(strcat(strcpy(word, " "), name), " ");
	feature->on = strstr(on, word);
	return 0;
}

static const char *missing(const char *features)
{
	struct devmem__ethtool et = { .fd = -1 };

	on = features;
	return devmem__tx_offload_missing(&et);
}

static void all_is_on(void **state)
{
	(void)state;
	assert_null(missing(" tx-scatter-gather tx-checksum-ip-generic "));
	assert_null(missing(" tx-scatter-gather tx-checksum-ipv4 tx-checksum-ipv6 "));
	assert_null(missing(NULL)); /* nobody knows: a program is not refused for that */
}

static void something_is_off(void **state)
{
	(void)state;
	assert_string_equal(missing(" tx-checksum-ip-generic "), "scatter-gather");
	assert_string_equal(missing(" tx-scatter-gather-fraglist tx-checksum-ip-generic "), "scatte"
											    "r-"
											    "gathe"
											    "r");
	assert_string_equal(missing(" tx-scatter-gather "), "TX checksumming");
	assert_string_equal(missing(" tx-scatter-gather tx-checksum-ipv4 "), "TX checksumming");
	assert_string_equal(missing(" tx-scatter-gather tx-checksum-ipv6 "), "TX checksumming");
	assert_string_equal(missing(" tx-scatter-gather rx-checksum "), "TX checksumming");
	assert_string_equal(missing(" "), "scatter-gather");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_on),
		cmocka_unit_test(something_is_off),
	};

	return cmocka_run_group_tests_name("tx_offloads", tests, NULL, NULL);
}
