// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "queues.h"
#include "say.h"

static int channels(const char *interface, struct ethtool_channels *ch, uint32_t cmd)
{
	struct ifreq request = { .ifr_data = (void *)ch };
	int err, fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	ch->cmd = cmd;
	err = ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
	close(fd);
	return err;
}

/* Returns the number of RX queues. 0: unknown, and the bind will report what is wrong. */
static uint32_t count(const char *interface, bool *combined)
{
	struct ethtool_channels ch = { 0 };
	int err = channels(interface, &ch, ETHTOOL_GCHANNELS);

	*combined = ch.combined_count;
	return err ? 0 : ch.rx_count + ch.combined_count;
}

static void list(struct nc_queues *queues, uint32_t first, unsigned int n)
{
	queues->listed = true;
	queues->n = n;
	for (unsigned int i = 0; i < n; i++)
		queues->list[i] = first + i;
}

int nc_queues(const struct nc_options *opt, struct nc_queues *queues)
{
	const unsigned int asked = opt->queues ? opt->queues : 1;
	bool combined;
	uint32_t n;

	*queues = (struct nc_queues){ .n = asked };
	if (opt->first_queue >= 0)
		list(queues, (uint32_t)opt->first_queue, asked);
	if (opt->first_queue >= 0 || opt->queues || opt->mode != NC_PROBE)
		return 0;
	n = count(opt->interface, &combined);
	if (n == 1)
		return failed("%s has one RX queue, and one must be left for ordinary traffic: "
			      "\"ethtool -L %s %s 2\" for more",
			      opt->interface, opt->interface, combined ? "combined" : "rx");
	if (n)
		list(queues, n / 2, n / 2 < NC_QUEUES ? n / 2 : NC_QUEUES);
	return 0;
}

int nc_cannot_bind(const struct nc_options *opt, int err)
{
	failed_by_library("cannot bind");
	if (opt->mode != NC_PROBE && opt->engine && !opt->no_copies &&
	    (err == -EOPNOTSUPP || err == -EPROTONOSUPPORT || err == -EPERM || err == -EXDEV))
		say("with --engine auto the kernel copies instead");
	return -1;
}

int nc_bind(const struct nc_options *opt, struct devmem_buffer *buffer, struct devmem_nic **nic,
	    struct devmem_binding **binding)
{
	struct nc_queues queues;
	int err;

	if (nc_queues(opt, &queues))
		return -1;
	if (devmem_nic_open(opt->interface,
			    DEVMEM_OPTS(devmem_nic_opts,
					.flags = opt->keep_settings ? DEVMEM_NIC_KEEP : 0),
			    nic))
		return failed_by_library(opt->interface);
	err = devmem_bind_rx(*nic, buffer,
			     DEVMEM_OPTS(devmem_bind_opts, .queues = queues.n,
					 .page_size = opt->page_size,
					 .queue_list = queues.listed ? queues.list : NULL,
					 .engine = opt->engine),
			     binding);
	return err ? nc_cannot_bind(opt, err) : 0;
}

int nc_unbind(struct devmem_nic *nic, struct devmem_binding *binding)
{
	devmem_binding_close(binding);
	return devmem_nic_close(nic) ? failed_by_library("cannot put the NIC's settings back") : 0;
}

/*
 * Requests so few channels that the queue is not among them. The kernel's error code does not
 * matter. If it does as it was told, the channels are restored at once. [net/ethtool/channels.c,
 * net/ethtool/ioctl.c]
 */
int nc_queue_cannot_go(const char *interface, uint32_t first)
{
	struct ethtool_channels before = { 0 }, fewer;

	if (!first || channels(interface, &before, ETHTOOL_GCHANNELS))
		return 0; /* queue 0 always exists */
	fewer = before;
	if (before.combined_count) {
		fewer.combined_count =
			first < before.combined_count ? first : before.combined_count;
		fewer.rx_count = first - fewer.combined_count;
	} else {
		fewer.rx_count = first;
	}
	if (channels(interface, &fewer, ETHTOOL_SCHANNELS))
		return 0;
	channels(interface, &before, ETHTOOL_SCHANNELS);
	return failed("%s: queue %u could be removed while it was bound: this is a fault of its "
		      "driver",
		      interface, first);
}
