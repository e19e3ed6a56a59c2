// SPDX-License-Identifier: MIT
/* Numbers that a driver tells by the ethtool ioctl, and that no NIC has: none of them becomes a
 * size or an index. */
#include <errno.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "netlink/ethtool.h"
#include "netlink/rss.h"
#include "base/uapi.h"
#include "unit.h"

static struct {
	/* UINT64_MAX: it has no word for them, and channels are asked for */
	uint64_t rings;
	uint32_t rx, combined;
	uint32_t table, key, rules;
	uint32_t statistics, names, values; /* how many: counted, and then written */
	bool none;			    /* it has no such set */
} told;

static int tell_rings(struct ethtool_rxnfc *info)
{
	info->data = told.rings;
	errno = EOPNOTSUPP;
	return told.rings == UINT64_MAX ? -1 : 0;
}

/* The sizes, to who asks with none. Whoever believes a size that is too large asks again, for as
 * much. */
static int tell_table(struct devmem__rxfh *rxfh)
{
	errno = EFAULT;
	if (rxfh->indir_size > DEVMEM__RSS_MAX_ENTRIES || rxfh->key_size > DEVMEM__RSS_MAX_ENTRIES)
		return -1;
	rxfh->indir_size = told.table;
	rxfh->key_size = told.key;
	return 0;
}

static int tell_statistics(void *data)
{
	struct ethtool_sset_info *info = data;
	struct ethtool_gstrings *names = data;
	struct ethtool_stats *values = data;

	switch (*(uint32_t *)data) {
	case ETHTOOL_GSSET_INFO:
		info->sset_mask = told.none ? 0 : info->sset_mask;
		info->data[0] = told.statistics;
		return 0;
	case ETHTOOL_GSTRINGS:
		names->len = told.names;
		for (uint32_t i = 0; i < told.names; i++)
			snprintf((char *)&names->data[(size_t)i * ETH_GSTRING_LEN], ETH_GSTRING_LEN,
				 "number_%u", i);
		return 0;
	default:
		values->n_stats = told.values;
		for (uint32_t i = 0; i < told.values; i++)
			values->data[i] = 1000ull * i;
		return 0;
	}
}

static int tell(void *data)
{
	struct ethtool_channels *channels = data;
	struct ethtool_rxnfc *info = data;

	switch (*(uint32_t *)data) {
	case ETHTOOL_GRXRINGS:
		return tell_rings(info);
	case ETHTOOL_GCHANNELS:
		channels->rx_count = told.rx;
		channels->combined_count = told.combined;
		return 0;
	case DEVMEM_GRSSH:
		return tell_table(data);
	case ETHTOOL_GRXCLSRLCNT:
		info->rule_cnt = told.rules;
		return 0;
	case ETHTOOL_GSSET_INFO:
	case ETHTOOL_GSTRINGS:
	case ETHTOOL_GSTATS:
		return tell_statistics(data);
	}
	errno = EFAULT;
	return -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...);

/* In the place of ioctl(). */
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct ifreq *ifr;
	va_list ap;

	(void)fd;
	va_start(ap, request);
	ifr = va_arg(ap, struct ifreq *);
	va_end(ap);
	return request == SIOCETHTOOL ? tell(ifr->ifr_data) : 0;
}

static int rings(uint64_t n)
{
	struct devmem__ethtool et = { .fd = -1 };

	told.rings = n;
	return devmem__ethtool_rings(&et);
}

static int channels(uint32_t rx, uint32_t combined)
{
	told.rx = rx;
	told.combined = combined;
	return rings(UINT64_MAX);
}

static void more_rings_than_any(void **state)
{
	(void)state;
	assert_int_equal(rings(4), 4);
	assert_int_equal(rings(INT_MAX), INT_MAX);
	assert_int_equal(rings(1u << 31), -ERANGE);
	assert_int_equal(rings((1ull << 32) + 4), -ERANGE);
	assert_int_equal(channels(2, 4), 6);
	assert_int_equal(channels(UINT32_MAX, 5), -ERANGE);
	assert_int_equal(channels(0, UINT32_MAX), -ERANGE);
}

static const uint32_t too_large[] = { DEVMEM__RSS_MAX_ENTRIES + 1, 1u << 30, UINT32_MAX - 3,
				      UINT32_MAX };

static void tables_larger_than_any(void **state)
{
	struct devmem__ethtool et = { .fd = -1 };
	struct devmem__toeplitz_config hash;
	uint32_t *table, size;

	(void)state;
	told.key = 40;
	for (unsigned int i = 0; i < ARRAY_SIZE(too_large); i++) {
		told.table = too_large[i];
		assert_int_equal(devmem__ethtool_table(&et, 0, &table, &size), -ERANGE);
		assert_int_equal(devmem__ethtool_hash(&et, TCP_V4_FLOW, &hash), -ERANGE);
	}
	told.table = DEVMEM__RSS_MAX_ENTRIES;
	assert_int_equal(devmem__ethtool_table(&et, 0, &table, &size), 0);
	assert_int_equal(size, DEVMEM__RSS_MAX_ENTRIES);
	free(table);
}

static void keys_longer_than_any(void **state)
{
	struct devmem__ethtool et = { .fd = -1 };
	struct devmem__toeplitz_config hash;

	(void)state;
	told.table = 128;
	for (unsigned int i = 0; i < ARRAY_SIZE(too_large); i++) {
		told.key = too_large[i];
		assert_int_equal(devmem__ethtool_hash(&et, TCP_V4_FLOW, &hash), -ERANGE);
	}
	told.key = 52;
	assert_int_equal(devmem__ethtool_hash(&et, TCP_V4_FLOW, &hash), 0);
	assert_int_equal(hash.key_bytes, 52);
}

static void more_rules_than_any(void **state)
{
	struct devmem__ethtool et = { .fd = -1 };
	struct devmem__rules all;

	(void)state;
	told.rules = (1u << 20) + 1;
	assert_int_equal(devmem__ethtool_rules(&et, &all), -ERANGE);
	told.rules = UINT32_MAX;
	assert_int_equal(devmem__ethtool_rules(&et, &all), -ERANGE);
	assert_null(all.rules);
}

static int statistic(const char *name, uint32_t counted, uint32_t names, uint32_t values,
		     uint64_t *value)
{
	struct devmem__ethtool et = { .fd = -1 };

	told.statistics = counted;
	told.names = names;
	told.values = values;
	return devmem__ethtool_statistic(&et, name, value);
}

static void counters_by_name(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(statistic("number_12", 40, 40, 40, &value), 0);
	assert_int_equal(value, 12000);
	assert_int_equal(statistic("number_0", 1, 1, 1, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(statistic("number_4", 4, 4, 4, &value), -ENOENT);
	assert_int_equal(statistic("number", 4, 4, 4, &value), -ENOENT);
	assert_int_equal(statistic("number_0", 0, 0, 0, &value), -ENOENT);
	told.none = true;
	assert_int_equal(statistic("number_0", 4, 4, 4, &value), -ENOENT);
	told.none = false;
}

/* Then a name and a value of the same place may not belong together. */
static void counters_that_change_meanwhile(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(statistic("number_1", 4, 5, 5, &value), -EAGAIN);
	assert_int_equal(statistic("number_1", 4, 4, 5, &value), -EAGAIN);
	assert_int_equal(statistic("number_1", 4, 0, 0, &value), -EAGAIN);
	/* an old kernel writes all that there are */
	assert_int_equal(statistic("number_1", 1u << 14, 1u << 16, 1u << 16, &value), -EAGAIN);
	assert_int_equal(value, 7);
}

static void more_counters_than_any(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(statistic("number_1", (1u << 14) + 1, 0, 0, &value), -ERANGE);
	assert_int_equal(statistic("number_1", UINT32_MAX, 0, 0, &value), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_rings_than_any),
		cmocka_unit_test(tables_larger_than_any),
		cmocka_unit_test(keys_longer_than_any),
		cmocka_unit_test(more_rules_than_any),
		cmocka_unit_test(counters_by_name),
		cmocka_unit_test(counters_that_change_meanwhile),
		cmocka_unit_test(more_counters_than_any),
	};

	return cmocka_run_group_tests_name("ethtool", tests, NULL, NULL);
}
