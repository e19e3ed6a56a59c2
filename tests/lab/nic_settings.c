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
