// SPDX-License-Identifier: MIT
/* The NIC under test: which one it is, what it can, its faults and its counters. */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../lab/gve/faults.h"
#include "lab.h"

#define LABNIC "/sys/kernel/debug/labnic/"

/* What lab_faults_off() does with a fault. */
enum off {
	RESET,	/* writes its value at first */
	KEPT,	/* nothing: a run is for it (--nic 'labnic pack=1') */
	ACTION, /* nothing: what happens is over */
};

struct nic_fault {
	const char *name;
	unsigned long at_first;
	enum off off;
	enum fault knob; /* of gve's model */
};

struct nic {
	const char *driver;
	const struct nic_fault *faults; /* up to one without a name */
	int (*set)(const char *end, const struct nic_fault *fault, unsigned long value);
	uint64_t (*count)(const char *name);
	const char *cannot[8]; /* see nic.h */
};

/* -------------------------------------------------------------------------------------- labnic */

static const struct nic_fault labnic_faults[] = {
	{ "drop_every", 0, RESET, 0 },
	{ "reorder_every", 0, RESET, 0 },
	{ "delay_every", 0, RESET, 0 },
	{ "delay_us", 1000, RESET, 0 },
	{ "nosplit_every", 0, RESET, 0 },
	{ "nosplit_bytes", 128, RESET, 0 },
	{ "misroute_every", 0, RESET, 0 },
	{ "corrupt_every", 0, RESET, 0 },
	{ "starve", 0, RESET, 0 },
	{ "fail_queue_alloc", 0, RESET, 0 },
	{ "fail_queue_start", 0, RESET, 0 },
	{ "down_again", 0, RESET, 0 },
	{ "tx_pieces", 0, RESET, 0 },
	{ "link", 1, RESET, 0 },
	{ "pack", 0, KEPT, 0 },
	{ "unsplit_pages", 0, KEPT, 0 },
	{ "wire_apart", 0, KEPT, 0 },
	{ "reset", 0, ACTION, 0 },
	{ "reset_forget", 0, ACTION, 0 },
	{ "remove", 0, ACTION, 0 },
	{ NULL, 0, KEPT, 0 },
};

static int labnic_set(const char *end, const struct nic_fault *fault, unsigned long value)
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

/* The sum of those that ethtool -S shows and that match the pattern. */
static uint64_t statistics(const char *names)
{
	FILE *f = popen("ethtool -S " NIC, "re");
	unsigned long long value, sum = 0;
	char line[128], key[64];
	bool any = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %63[^:]: %llu", key, &value) == 2 && !fnmatch(names, key, 0)) {
			sum += value;
			any = true;
		}
	assert_int_equal(pclose(f), 0);
	if (!any)
		fail_msg("ethtool -S " NIC " has no counter %s", names);
	return sum;
}

static uint64_t labnic_count(const char *name)
{
	if (!strcmp(name, "too_many_pieces"))
		return statistics("tx*_too_many_pieces");
	if (!strcmp(name, "overruns"))
		return statistics("rx*_overruns");
	return statistics(name);
}

static const struct nic labnic = {
	.driver = "labnic",
	.faults = labnic_faults,
	.set = labnic_set,
	.count = labnic_count,
};

/* ----------------------------------------------------------------------------------------- gve */

/* The model's registers in PCI configuration space, which reach it without the driver. */
#define KNOB	0x84 /* write: the knob's number in the top byte, its value below */
#define WHICH	0x88 /* write: the number of a counter ... */
#define COUNTER 0x8c /* read: ... which is here then */

static const struct nic_fault gve_faults[] = {
	{ "drop_every", 0, RESET, FAULT_DROP_EVERY },
	{ "reorder_every", 0, RESET, FAULT_REORDER_EVERY },
	{ "delay_every", 0, RESET, FAULT_DELAY_EVERY },
	{ "delay_us", 1000, RESET, FAULT_DELAY_US },
	{ "nosplit_every", 0, RESET, FAULT_NOSPLIT_EVERY },
	{ "nosplit_bytes", 64, RESET, FAULT_NOSPLIT_BYTES },
	{ "corrupt_every", 0, RESET, FAULT_CORRUPT_EVERY },
	{ "misroute_every", 0, RESET, FAULT_MISROUTE_EVERY },
	{ "starve", 0, RESET, FAULT_STARVE },
	{ "link", 1, RESET, FAULT_LINK },
	{ "remove", 0, ACTION, FAULT_REMOVE },
	{ "reset", 0, ACTION, FAULT_RESET },
	{ "tx_stall", 0, RESET, FAULT_TX_STALL },
	{ "fail_queue_start", 0, RESET, FAULT_FAIL_CREATE_RX },
	{ "fail_queue_stop", 0, RESET, FAULT_FAIL_DESTROY_RX },
	{ "fail_rule", 0, RESET, FAULT_FAIL_RULE },
	{ "fail_rss", 0, RESET, FAULT_FAIL_RSS },
	{ "duplicate_every", 0, RESET, FAULT_DUPLICATE_EVERY },
	{ "rsc_limit", 16, KEPT, FAULT_RSC_LIMIT },
	{ NULL, 0, KEPT, 0 },
};

/* Where an end's device is, which init has written down (lab/guest/init). False: nobody knows, as
 * in a mount namespace with another /run. */
static bool device_path(const char *end, char path[256])
{
	FILE *f;
	bool known;

	snprintf(path, 256, "/run/lab/%s.device", end);
	f = fopen(path, "re");
	if (!f)
		return false;
	known = fgets(path, 256 - 32, f);
	path[strcspn(path, "\n")] = '\0';
	fclose(f);
	return known;
}

static int open_device(const char *end, const char *file, int flags)
{
	char path[256];

	if (!device_path(end, path))
		fail_msg("/run/lab/%s.device does not say where it is", end);
	strcat(path, file);
	return open(path, flags | O_CLOEXEC);
}

bool lab_device_is_gone(void)
{
	char path[256];

	return device_path(NIC, path) && access(path, F_OK);
}

static bool write_all(int fd, const void *bytes, size_t n, off_t at)
{
	bool all = fd >= 0 && pwrite(fd, bytes, n, at) == (ssize_t)n;

	close(fd);
	return all;
}

static int gve_set(const char *end, const struct nic_fault *fault, unsigned long value)
{
	const uint32_t word = (uint32_t)fault->knob << 24 | (uint32_t)value;

	assert_true(value < 1u << 24);
	if (!strcmp(fault->name, "nosplit_bytes") && !value)
		fail_msg("the kernel would die: dev_gro_receive() of no packet [gve_rx_dqo()]");
	if (!write_all(open_device(end, "/config", O_RDWR), &word, sizeof(word), KNOB))
		return -ENODEV;
	/* the device is dead then: a hotplug driver would remove it */
	if (!strcmp(fault->name, "remove") &&
	    !write_all(open_device(end, "/remove", O_WRONLY), "1", 1, 0))
		return -EIO;
	return 0;
}

static uint64_t model_counter(uint32_t which)
{
	int fd = open_device(NIC, "/config", O_RDWR);
	uint32_t value = 0;

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &which, sizeof(which), WHICH), sizeof(which));
	assert_int_equal(pread(fd, &value, sizeof(value), COUNTER), sizeof(value));
	close(fd);
	return value;
}

static uint64_t gve_count(const char *name)
{
	static const struct {
		const char *name;
		enum counter number;
	} models[] = {
		{ "fault_dropped", COUNT_DROPPED },	{ "overruns", COUNT_NO_BUFFER },
		{ "fault_unsplit", COUNT_UNSPLIT },	{ "resets", COUNT_RESETS },
		{ "fault_corrupted", COUNT_CORRUPTED }, { "fault_misrouted", COUNT_MISROUTED },
		{ "fault_reordered", COUNT_REORDERED }, { "fault_delayed", COUNT_DELAYED },
	};
	unsigned int queue;
	char pattern[64];

	for (unsigned int i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (!strcmp(name, models[i].name))
			return model_counter(models[i].number);
	if (!strcmp(name, "too_many_pieces")) /* nothing else makes it drop what it is to send */
		return statistics("tx_dropped");
	if (sscanf(name, "rx%u_split", &queue) != 1)
		fail_msg("gve has no counter %s", name);
	snprintf(pattern, sizeof(pattern), "rx_hsplit_bytes\\[%u]", queue);
	return statistics(pattern);
}

static const struct nic gve = {
	.driver = "gve",
	.faults = gve_faults,
	.set = gve_set,
	.count = gve_count,
	.cannot = { "unsplit", "bare-packets", "kept-rules", "bound-down" },
};

/* -------------------------------------------------------------------------------------- or none */

static const struct nic_fault no_faults[] = { { NULL, 0, KEPT, 0 } };

static int set_nothing(const char *end, const struct nic_fault *fault, unsigned long value)
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
	.count = statistics,
};

/* ------------------------------------------------------------------------------------ which one */

/* What is bound to the device, which may have another name for itself (mimic=gve). It is looked at
 * once: the device may be gone later. */
static const struct nic *the_nic(void)
{
	static const struct nic *const known[] = { &labnic, &gve };
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

static const struct nic_fault *find_fault(const char *name)
{
	for (const struct nic_fault *f = the_nic()->faults; f->name; f++)
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
	const struct nic_fault *fault = find_fault(name);
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

/* gve's are page-backed: the part that is not split off is in a fragment of a page. */
static bool unsplit_have_pages(void)
{
	return lab_nic_is("gve") || !system("grep -qx 1 " LABNIC NIC "/unsplit_pages");
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
	for (const struct nic_fault *f = the_nic()->faults; f->name; f++)
		if (f->off == RESET)
			lab_fault(f->name, f->at_first);
}

void far_fault(const char *name, unsigned long value)
{
	set_fault("lab1", name, value);
}

void far_faults_off(void)
{
	for (const struct nic_fault *f = the_nic()->faults; f->name; f++)
		if (f->off == RESET)
			far_fault(f->name, f->at_first);
}

/* ------------------------------------------------------------------------------------- counters */

uint64_t lab_counter(const char *name)
{
	return the_nic()->count(name);
}
