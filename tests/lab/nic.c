// SPDX-License-Identifier: MIT
/* The lab's NIC: its faults, its counters, its settings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

void lab_fault_alone(const char *name, unsigned long value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/labnic/" NIC "/%s", name);
	f = fopen(path, "we");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	fprintf(f, "%lu", value);
	assert_int_equal(fclose(f), 0);
}

static bool unsplit_have_pages(void)
{
	return !system("grep -qx 1 /sys/kernel/debug/labnic/" NIC "/unsplit_pages");
}

/*
 * What GRO makes of such packets zcrx cannot have, nor any engine where they are page-backed, as
 * the error says (test_zcrx.c, test_faults.c): it is off as long as there are any.
 */
void lab_fault(const char *name, unsigned long value)
{
	const bool unsplit =
		!strcmp(name, "nosplit_every") && (lab_in("zcrx") || unsplit_have_pages());

	if (unsplit && value)
		assert_int_equal(system("ethtool -K " NIC " gro off"), 0);
	lab_fault_alone(name, value);
	if (unsplit && !value)
		assert_int_equal(system("ethtool -K " NIC " gro on"), 0);
}

void lab_faults_off(void)
{
	static const char *const names[] = { "drop_every",	 "reorder_every",    "delay_every",
					     "nosplit_every",	 "misroute_every",   "starve",
					     "fail_queue_alloc", "fail_queue_start", "down_again",
					     "tx_pieces",	 "corrupt_every" };

	if (lab_in("lo")) /* it has none */
		return;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		lab_fault(names[i], 0);
	lab_fault("nosplit_bytes", 128);
	lab_fault("delay_us", 1000);
	lab_fault("link", 1);
}

void lab_expect_warning(const char *function)
{
	FILE *f = fopen("/dev/kmsg", "we");

	assert_non_null(f);
	fprintf(f, "lab: expected warning: %s\n", function);
	assert_int_equal(fclose(f), 0);
}

uint64_t lab_counter(const char *name)
{
	FILE *f = popen("ethtool -S " NIC, "re");
	unsigned long long value, found = 0;
	char line[128], key[64];
	bool any = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %63[^:]: %llu", key, &value) == 2 && !strcmp(key, name)) {
			found = value;
			any = true;
		}
	assert_int_equal(pclose(f), 0);
	if (!any)
		fail_msg("ethtool -S " NIC " has no counter %s", name);
	return found;
}

char *lab_nic_view(void)
{
	FILE *f = lab_in("lo") ? NULL : popen("/devmem/lab/guest/nic-view near", "re");
	char *text = calloc(1, 65536);

	if (lab_in("lo"))
		return text;
	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 200);
	assert_int_equal(pclose(f), 0);
	return text;
}
