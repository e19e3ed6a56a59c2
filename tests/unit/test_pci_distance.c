// SPDX-License-Identifier: MIT
/* Which device is nearest, on machines that are only written down. */
#include <errno.h>
#include <string.h>

#include "backends/pci_distance.h"
#include "unit.h"

static unsigned int nearest(struct devmem__pci_location to,
			    const struct devmem__pci_location *locations, unsigned int n,
			    const char *expected)
{
	const char *why;
	unsigned int found = devmem__pci_nearest(&to, locations, n, &why);

	assert_string_equal(why, expected);
	return found;
}

static void behind_the_same_switch(void **state)
{
	const struct devmem__pci_location gpus[] = {
		{ "pci0000:16/0000:16:01.0/0000:17:00.0", 0 },
		{ "pci0000:64/0000:64:01.0/0000:65:00.0/0000:66:01.0/0000:68:00.0", 0 },
		{ "pci0000:64/0000:64:01.0/0000:65:00.0/0000:66:00.0/0000:67:00.0", 0 },
	};
	const struct devmem__pci_location nic = { "pci0000:64/0000:64:01.0/0000:65:00.0/"
						  "0000:66:00.0/0000:69:00.0",
						  0 };
	const struct devmem__pci_location other = { "pci0000:64/0000:64:01.0/0000:65:00.0/"
						    "0000:66:08.0/0000:70:00.0",
						    0 };

	(void)state;
	assert_int_equal(nearest(nic, gpus, 3, "behind the same PCI bridge"), 2);
	assert_int_equal(nearest(other, gpus, 3, "behind the same PCI bridge"), 1);
	assert_int_equal(nearest(other, gpus, 1, "on the same NUMA node"), 0);
}

static void at_the_same_host_bridge(void **state)
{
	const struct devmem__pci_location gpus[] = {
		{ "pci0000:c0/0000:c0:03.1/0000:c1:00.0", 1 },
		{ "pci0000:40/0000:40:01.1/0000:41:00.0/0000:42:00.0", 1 },
		{ "pci0000:40/0000:40:03.1/0000:43:00.0", 0 },
	};

	(void)state;
	/* the way to the last one is shorter, though its node is another */
	assert_int_equal(nearest((struct devmem__pci_location){ "pci0000:40/0000:40:05.1/"
								"0000:45:00.0/net",
								1 },
				 gpus, 3, "at the same PCI host bridge"),
			 2);
	/* names that only begin alike are others */
	assert_int_equal(nearest((struct devmem__pci_location){ "pci0000:4/0000:04:00.0", -1 },
				 gpus, 3, "the first, since none is near"),
			 0);
}

static void on_the_same_node(void **state)
{
	const struct devmem__pci_location gpus[] = {
		{ "pci0000:16/0000:16:01.0/0000:17:00.0", 0 },
		{ "pci0000:97/0000:97:01.0/0000:98:00.0", 1 },
		{ "", 1 },
	};

	(void)state;
	assert_int_equal(nearest((struct devmem__pci_location){ "pci0000:b0/0000:b0:01.0/"
								"0000:b1:00.0",
								1 },
				 gpus, 3, "on the same NUMA node"),
			 1);
	assert_int_equal(nearest((struct devmem__pci_location){ "pci0000:b0/0000:b0:01.0/"
								"0000:b1:00.0",
								2 },
				 gpus, 3, "the first, since none is near"),
			 0);
}

static void what_is_on_no_bus_is_near_to_none(void **state)
{
	const struct devmem__pci_location gpus[] = { { "", -1 },
						     { "virtual/net/x", -1 },
						     { "pci0000:00/0000:00:01.0", -1 } };

	(void)state;
	assert_int_equal(nearest((struct devmem__pci_location){ "virtual/net/y", -1 }, gpus, 3,
				 "the first, since none is near"),
			 0);
	assert_int_equal(nearest((struct devmem__pci_location){ "", -1 }, gpus, 3,
				 "the first, since none is near"),
			 0);
}

static void interfaces(void **state)
{
	struct devmem__pci_location location = { "x", 7 };

	(void)state;
	assert_int_equal(devmem__pci_locate_interface("lo", &location), 0);
	assert_string_equal(location.path, "");
	assert_int_equal(location.node, -1);
	assert_int_equal(devmem__pci_locate_interface("nosuch0", &location), -ENODEV);
	assert_non_null(strstr(devmem_error(), "nosuch0"));
	devmem__pci_locate_address("ffff:ff:1f.7", &location);
	assert_string_equal(location.path, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behind_the_same_switch),
		cmocka_unit_test(at_the_same_host_bridge),
		cmocka_unit_test(on_the_same_node),
		cmocka_unit_test(what_is_on_no_bus_is_near_to_none),
		cmocka_unit_test(interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
