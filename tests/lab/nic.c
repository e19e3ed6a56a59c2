// SPDX-License-Identifier: MIT
/* The NIC under test: which one it is, what it can, its faults and its counters. */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lab.h"

#define LABNIC "/sys/kernel/debug/labnic/"

/* What lab_faults_off() does with a fault. */
enum off {
	RESET,	/* writes its value at first */
	KEPT,	/* nothing: a run is for it (--nic 'labnic pack=1') */
	ACTION, /* nothing: what happens is over */
};

struct fault {
	const char *name;
	unsigned long at_first;
	enum off off;
};

struct nic {
	const char *driver;
	const struct fault *faults; /* up to one without a name */
	int (*set)(const char *end, const struct fault *fault, unsigned long value);
	uint64_t (*count)(const char *name);
	const char *cannot[8]; /* see nic.h */
};

/* -------------------------------------------------------------------------------------- labnic */

static const struct fault labnic_faults[] = {
	{ "drop_every", 0, RESET },
	{ "reorder_every", 0, RESET },
	{ "delay_every", 0, RESET },
	{ "delay_us", 1000, RESET },
	{ "nosplit_every", 0, RESET },
	{ "nosplit_bytes", 128, RESET },
	{ "misroute_every", 0, RESET },
	{ "corrupt_every", 0, RESET },
	{ "starve", 0, RESET },
	{ "fail_queue_alloc", 0, RESET },
	{ "fail_queue_start", 0, RESET },
	{ "down_again", 0, RESET },
	{ "tx_pieces", 0, RESET },
	{ "link", 1, RESET },
	{ "pack", 0, KEPT },
	{ "unsplit_pages", 0, KEPT },
	{ "wire_apart", 0, KEPT },
	{ "reset", 0, ACTION },
	{ "reset_forget", 0, ACTION },
	{ "remove", 0, ACTION },
	{ NULL, 0, KEPT },
};

static int labnic_set(const char *end, const struct fault *fault, unsigned long value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), LABNIC "%s/%s", end, fault->name);
	f = fopen(path, "we");
	if (!f)
		return -errno;
	fprintf(f, "%lu", value);
	return fclose(f) ? -errno : 0;
}

/* As ethtool -S shows it. */
static uint64_t statistic(const char *name)
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

static const struct nic labnic = {
	.driver = "labnic",
	.faults = labnic_faults,
	.set = labnic_set,
	.count = statistic,
};

/* -------------------------------------------------------------------------------------- or none */

static const struct fault no_faults[] = { { NULL, 0, KEPT } };

static int set_nothing(const char *end, const struct fault *fault, unsigned long value)
{
	(void)end;
	(void)fault;
	(void)value;
	return -ENODEV;
}

static const struct nic loopback = {
	.driver = "",
	.faults = no_faults,
	.set = set_nothing,
	.count = statistic,
};

/* ------------------------------------------------------------------------------------ which one */

/* What is bound to the device, which may have another name for itself (mimic=gve). It is looked at
 * once: the device may be gone later. */
static const struct nic *the_nic(void)
{
	static const struct nic *const known[] = { &labnic };
	static const struct nic *found;
	char target[256] = "";

	if (found)
		return found;
	if (lab_in("lo"))
		return found = &loopback;
	if (readlink("/sys/class/net/" NIC "/device/driver", target, sizeof(target) - 1) < 0)
		fail_msg(NIC " has no driver: %s", strerror(errno));
	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(strrchr(target, '/') + 1, known[i]->driver))
			return found = known[i];
	fail_msg("the tests do not know the driver of " NIC ": %s", target);
	return NULL;
}

const char *lab_nic_driver(void)
{
	return the_nic()->driver;
}

bool lab_nic_is(const char *driver)
{
	return !strcmp(lab_nic_driver(), driver);
}

/* An RSS context that nobody has made is asked about: a NIC without any answers something else. */
static bool has_contexts(void)
{
	struct ethtool_rxfh want = { .cmd = ETHTOOL_GRSSH, .rss_context = 1 };
	struct ifreq ifr = { .ifr_data = (char *)&want };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	strcpy(ifr.ifr_name, NIC);
	err = ioctl(fd, SIOCETHTOOL, &ifr) ? errno : 0;
	close(fd);
	return err != EOPNOTSUPP;
}

bool lab_nic_can(const char *what)
{
	const struct nic *nic = the_nic();

	if (!strcmp(what, "contexts") && !lab_in("lo"))
		return has_contexts();
	for (unsigned int i = 0; nic->cannot[i]; i++)
		if (!strcmp(what, nic->cannot[i]))
			return false;
	return true;
}

/* --------------------------------------------------------------------------------------- faults */

static const struct fault *find_fault(const char *name)
{
	for (const struct fault *f = the_nic()->faults; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

bool lab_has_fault(const char *name)
{
	return find_fault(name);
}

static void set_fault(const char *end, const char *name, unsigned long value)
{
	const struct fault *fault = find_fault(name);
	int err;

	if (!fault)
		fail_msg("%s has no fault %s: a test asks first", lab_nic_driver(), name);
	err = the_nic()->set(end, fault, value);
	if (err)
		fail_msg("%s of %s: %s", name, end, strerror(-err));
}

void lab_fault_alone(const char *name, unsigned long value)
{
	set_fault(NIC, name, value);
}

static bool unsplit_have_pages(void)
{
	return lab_nic_is("labnic") && !system("grep -qx 1 " LABNIC NIC "/unsplit_pages");
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
	for (const struct fault *f = the_nic()->faults; f->name; f++)
		if (f->off == RESET)
			lab_fault(f->name, f->at_first);
}

void far_fault(const char *name, unsigned long value)
{
	set_fault("lab1", name, value);
}

void far_faults_off(void)
{
	for (const struct fault *f = the_nic()->faults; f->name; f++)
		if (f->off == RESET)
			far_fault(f->name, f->at_first);
}

/* ------------------------------------------------------------------------------------- counters */

uint64_t lab_counter(const char *name)
{
	return the_nic()->count(name);
}
