// SPDX-License-Identifier: MIT
/*
 * The keeper: a thread that checks whether the NIC still has the transaction's settings, and
 * reapplies them after a reset. It runs from the first claim of a queue until the transaction ends.
 * The kernel reports a reset at most by a link notification, and a very quick one not at all. So
 * the thread checks at each link notification and every two seconds. A check only reads the RSS
 * table and waits for no other thread. Reapplying takes the NIC's lock: it may wait for calls that
 * change settings, and only such calls may have to wait for it. The thread is also woken to turn
 * GRO off: gro.c.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nic/nic_impl.h"

#define CHECK_MS 2000

static void drain(int fd)
{
	char news[4096];

	while (recv(fd, news, sizeof(news), MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		errno = 0;
}

/* False while another thread changes settings: the next check will tell. */
static bool must_reapply(struct devmem_nic *nic)
{
	bool lost;

	if (pthread_mutex_trylock(&nic->lock))
		return false;
	lost = nic->keeper.lost || devmem__nic_table_was_reset(nic);
	pthread_mutex_unlock(&nic->lock);
	return lost;
}

/* Log the outcome. A failure is logged once, and tried again at the next check. */
static void reapply_settings(struct devmem_nic *nic)
{
	int err = devmem__nic_begin(nic);

	if (err)
		return;
	err = devmem__nic_reapply(nic);
	if (err && !nic->keeper.lost)
		devmem__log(DEVMEM_LOG_WARNING,
			    "%s: the NIC was reset and lost its settings, which cannot be "
			    "reapplied, so other connections may fail with EFAULT: %s",
			    nic->et.name, devmem_error());
	if (!err)
		devmem__log(DEVMEM_LOG_WARNING,
			    "%s: the NIC was reset and lost its settings: they have been reapplied",
			    nic->et.name);
	nic->keeper.lost = err;
	devmem__nic_end(nic);
}

static void *keeper_thread(void *arg)
{
	struct devmem_nic *nic = arg;
	struct pollfd fds[] = { { .fd = nic->keeper.wake, .events = POLLIN },
				{ .fd = nic->keeper.news, .events = POLLIN } };
	uint64_t count;

	for (;;) {
		poll(fds, 2, CHECK_MS);
		if (fds[0].revents)
			(void)!read(fds[0].fd, &count, sizeof(count));
		if (atomic_load(&nic->keeper.ends))
			return NULL;
		if (fds[1].revents)
			drain(fds[1].fd);
		devmem__nic_turn_gro_off(nic);
		if (must_reapply(nic))
			reapply_settings(nic);
	}
}

/* Block all signals in the thread: they are for the program's own threads. */
static int start_thread(struct devmem_nic *nic)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&nic->keeper.thread, NULL, keeper_thread, nic);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

/* The socket must listen in the namespace where the NIC was opened. The thread that claims the
 * first queue may be in another one. */
void devmem__nic_keeper_open(struct devmem_nic *nic)
{
	nic->keeper.news =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
}

void devmem__nic_keeper_start(struct devmem_nic *nic)
{
	const int group = RTNLGRP_LINK;
	int err;

	if (nic->keeper.runs || nic->only_binds)
		return;
	if (nic->keeper.news >= 0)
		setsockopt(nic->keeper.news, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			   sizeof(group));
	nic->keeper.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = nic->keeper.wake < 0 ? errno : start_thread(nic);
	nic->keeper.runs = !err;
	if (!err)
		return;
	devmem__log(DEVMEM_LOG_WARNING,
		    "%s: cannot start a thread to check its settings (%s): they will not be "
		    "reapplied after a reset of the NIC",
		    nic->et.name, strerror(err));
	if (nic->keeper.wake >= 0)
		close(nic->keeper.wake);
	nic->keeper.wake = -1;
}

void devmem__nic_keeper_stop(struct devmem_nic *nic)
{
	const uint64_t one = 1;

	if (!nic->keeper.runs)
		return;
	atomic_store(&nic->keeper.ends, true);
	(void)!write(nic->keeper.wake, &one, sizeof(one));
	pthread_join(nic->keeper.thread, NULL);
	nic->keeper.runs = false;
}
