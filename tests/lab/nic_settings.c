// SPDX-License-Identifier: MIT
/* Settings of the NIC under test that drivers have different words for. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lab.h"

#define VIEW_BYTES 65536u

static void ask(void *what)
{
	struct ifreq ifr = { .ifr_data = what };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(ifr.ifr_name, NIC);
	assert_int_equal(ioctl(fd, SIOCETHTOOL, &ifr), 0);
	close(fd);
}

static void ethtool(const char *what, unsigned int n)
{
	char command[128];

	snprintf(command, sizeof(command), "ethtool %s %u", what, n);
	run(command);
}

void lab_set_queues(unsigned int n)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };

	ask(&c);
	ethtool(c.max_combined ? "-L " NIC " combined" : "-L " NIC " rx", n);
}

unsigned int lab_ring_entries(void)
{
	struct ethtool_ringparam r = { .cmd = ETHTOOL_GRINGPARAM };

	ask(&r);
	return r.rx_pending;
}

/* Drivers do not tell it. */
unsigned int lab_ring_entries_min(void)
{
	return lab_nic_is("gve") ? 512 : 64;
}

void lab_set_ring_entries(unsigned int n)
{
	ethtool("-G " NIC " rx", n);
	assert_int_equal(lab_ring_entries(), n);
}

void lab_delete_rules(void)
{
	run("for r in $(ethtool -n " NIC " | sed -n 's/^Filter: //p'); do "
	    "ethtool -N " NIC " delete $r || exit; done");
}

char *lab_nic_view(void)
{
	FILE *f = lab_in("lo") ? NULL : popen("/devmem/lab/guest/nic-view near", "re");
	char *text = calloc(1, VIEW_BYTES);

	if (lab_in("lo"))
		return text;
	assert_non_null(f);
	assert_true(fread(text, 1, VIEW_BYTES - 1, f) > 200);
	assert_int_equal(pclose(f), 0);
	return text;
}

/* --------------------------------------------------------------------- after a test that failed */

static struct {
	char *view;
	char features[512];
	unsigned int entries;
} at_first;

/* For ethtool -K, whose words are not those of ethtool -k. */
#define FEATURES                                                                \
	"ethtool -k " NIC " | sed -n -e 's/ \\[fixed\\]$/ fixed/; / fixed$/d' " \
	"-e 's/^rx-checksumming: /rx /p; s/^generic-receive-offload: /gro /p; " \
	"s/^ntuple-filters: /ntuple /p; s/^rx-gro-hw: /rx-gro-hw /p' | tr '\\n' ' '"

void lab_nic_remember(void)
{
	FILE *f;

	if (lab_in("lo"))
		return;
	free(at_first.view);
	at_first.view = lab_nic_view();
	at_first.entries = lab_ring_entries();
	f = popen(FEATURES, "re");
	assert_non_null(f);
	(void)!fgets(at_first.features, sizeof(at_first.features), f);
	assert_int_equal(pclose(f), 0);
}

static void try(const char *command)
{
	(void)!system(command);
}

/* One after the other, whatever fails: what there was before it is found by looking. */
static void put_back_settings(void)
{
	char command[640];

	devmem_nic_restore(NULL, NULL);
	try("ip link set " NIC " up; tc qdisc del dev " NIC " clsact 2>/dev/null");
	try("for r in $(ethtool -n " NIC " 2>/dev/null | sed -n 's/^Filter: //p'); do "
	    "ethtool -N " NIC " delete $r; done");
	try("for c in 1 2 3 4; do ethtool -X " NIC " context $c delete 2>/dev/null; done");
	try("ethtool -X " NIC " default; ethtool -G " NIC " tcp-data-split off 2>/dev/null");
	snprintf(command, sizeof(command), "ethtool -K " NIC " %s >/dev/null", at_first.features);
	try(command);
	snprintf(command, sizeof(command), "ethtool -G " NIC " rx %u 2>/dev/null",
		 at_first.entries);
	try(command);
}

bool lab_nic_put_back(void)
{
	if (lab_in("lo"))
		return true;
	if (access("/sys/class/net/" NIC, F_OK))
		return false;
	lab_faults_off();
	far_faults_off();
	if (lab_same_view(at_first.view))
		return true;
	put_back_settings();
	return lab_same_view(at_first.view);
}
