// SPDX-License-Identifier: MIT
/* The table of drivers: what is known about each, and nothing about others. */
#include <string.h>

#include "unit.h"

#include "nic/quirks.h"

static void known(void **state)
{
	const struct devmem__quirks *mlx5 = devmem__quirks_of("mlx5_core"),
				    *bnxt = devmem__quirks_of("bnxt_en");
	const struct devmem__quirks *fbnic = devmem__quirks_of("fbnic"),
				    *gve = devmem__quirks_of("gve");

	(void)state;
	assert_string_equal(mlx5->feature_first, "rx-gro-hw");
	assert_true(mlx5->stops_all && !mlx5->refuses_split_off && !mlx5->keeps_queue_0);
	assert_true(bnxt->refuses_split_off && !bnxt->stops_all && !bnxt->keeps_queue_0);
	assert_true(fbnic->refuses_split_off && !fbnic->stops_all && !fbnic->keeps_queue_0);
	assert_true(gve->keeps_queue_0 && gve->stops_all && !gve->refuses_split_off);
	assert_true(!bnxt->feature_first && !fbnic->feature_first && !gve->feature_first);
	assert_string_equal(gve->since, "6.15");
	assert_true(devmem__quirks_of("netkit")->leased && !mlx5->leased && !gve->leased);
	assert_int_equal(gve->tx_pieces, 9);
	assert_string_equal(gve->tx_dropped, "tx_dropped");
	assert_true(!mlx5->tx_dropped && !bnxt->tx_dropped && !fbnic->tx_dropped);
	assert_int_equal(mlx5->tx_pieces, DEVMEM__ANY_PIECES);
	assert_int_equal(bnxt->tx_pieces, 30);
	assert_true(bnxt->tx_pieces_before_tso && !gve->tx_pieces_before_tso &&
		    !mlx5->tx_pieces_before_tso && !fbnic->tx_pieces_before_tso);
	assert_int_equal(fbnic->tx_pieces, DEVMEM__ANY_PIECES);
	assert_true(mlx5->large_pages && bnxt->large_pages && !fbnic->large_pages &&
		    !gve->large_pages);
}

/* Of each that cannot bind there is something to say, and it goes into the middle of a sentence. */
static void remarks(void **state)
{
	static const char *const drivers[] = { "netdevsim", "bnge", "idpf",	  "ice", "ena",
					       "ionic",	    "mana", "virtio_net", "veth" };

	(void)state;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		const struct devmem__quirks *r = devmem__quirks_of(drivers[i]);

		assert_string_equal(r->driver, drivers[i]);
		assert_null(r->since);
		assert_in_range(strlen(r->remark), 20, 150);
		assert_in_range(r->remark[0], 'a', 'z');
		assert_int_not_equal(r->remark[strlen(r->remark) - 1], '.');
	}
}

static void unknown(void **state)
{
	static const char *const drivers[] = { "lab", "", "mlx5", "mlx5_core2", "gv", "e1000e" };
	static const struct devmem__quirks nothing;

	(void)state;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		const struct devmem__quirks *r = devmem__quirks_of(drivers[i]);

		assert_non_null(r);
		assert_memory_equal(r, &nothing, sizeof(nothing));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known),
		cmocka_unit_test(remarks),
		cmocka_unit_test(unknown),
	};

	return cmocka_run_group_tests_name("quirks", tests, NULL, NULL);
}
