// SPDX-License-Identifier: MIT
/* The command that adds queues is one that the driver has. */
#include <linux/ethtool.h>

#include "unit.h"

#include "netlink/channels.h"

static const char *command(struct ethtool_channels ch, uint32_t queues)
{
	static char text[64];

	return devmem__channels_command(&ch, "eth1", queues, text, sizeof(text));
}

static void one_kind(void **state)
{
	(void)state;
	/* mlx5, labnic */
	assert_string_equal(command((struct ethtool_channels){ .max_combined = 8,
							       .combined_count = 1 },
				    2),
			    "ethtool -L eth1 combined 2");
	/* gve */
	assert_string_equal(command((struct ethtool_channels){ .max_rx = 16,
							       .max_tx = 16,
							       .rx_count = 1,
							       .tx_count = 1 },
				    3),
			    "ethtool -L eth1 rx 3");
}

static void both_kinds(void **state)
{
	struct ethtool_channels bnxt = {
		.max_rx = 16, .max_tx = 16, .max_combined = 8, .combined_count = 4
	};

	(void)state;
	assert_string_equal(command(bnxt, 5), "ethtool -L eth1 combined 5");
	bnxt.combined_count = 0;
	bnxt.rx_count = 4;
	bnxt.tx_count = 4;
	assert_string_equal(command(bnxt, 5), "ethtool -L eth1 rx 5");
	/* fbnic, with one RX queue by itself */
	assert_string_equal(command((struct ethtool_channels){ .max_rx = 16,
							       .max_combined = 8,
							       .combined_count = 4,
							       .rx_count = 1 },
				    6),
			    "ethtool -L eth1 combined 5");
}

static void no_more(void **state)
{
	(void)state;
	assert_string_equal(command((struct ethtool_channels){ .max_combined = 4,
							       .combined_count = 4 },
				    5),
			    "");
	assert_string_equal(command((struct ethtool_channels){ .max_rx = 2, .rx_count = 2 }, 3),
			    "");
	assert_string_equal(command((struct ethtool_channels){ 0 }, 2), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_kind),
					    cmocka_unit_test(both_kinds),
					    cmocka_unit_test(no_more) };

	return cmocka_run_group_tests_name("channels", tests, NULL, NULL);
}
