// SPDX-License-Identifier: MIT
/* Protection against urgent data: filters at the interface's ingress and in each socket. */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netlink/tc.h"

#include "checks.h"

#define IFINDEX_LO 1 /* in every network namespace */

/* Tries to install a filter on the loopback interface of a new network namespace, which ends with
 * the child process. */
static int make_one(void)
{
	const struct sockaddr_in any = { .sin_family = AF_INET };
	struct devmem__rule flow;
	struct devmem__tc tc;
	int err = unshare(CLONE_NEWNET) ? -errno : devmem__tc_open(&tc);

	if (!err)
		err = devmem__rule_flow(&flow, (const struct sockaddr *)&any, NULL);
	if (!err)
		err = devmem__tc_add_qdisc(&tc, IFINDEX_LO);
	return err ? err : devmem__tc_guard(&tc, IFINDEX_LO, &flow, 1);
}

/* Returns 0 if the kernel has such filters, otherwise a negative errno. */
static int try_ingress(void)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(-make_one() & 0xff);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int try_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -errno : devmem_guard(fd);

	if (fd >= 0)
		close(fd);
	return err;
}

static void no_ingress(struct report *r, int err)
{
	if (err == -EPERM) {
		report_add(r, OK, "urgent",
			   "each socket's filter drops urgent data; only root can find out whether "
			   "a filter at the ingress does so, too");
		return;
	}
	report_add(r, WARNING, "urgent",
		   "each socket's filter drops urgent data, but the kernel takes no filter at the "
		   "ingress (%s)",
		   strerror(-err));
	report_todo(r, "modprobe -a sch_ingress cls_bpf act_gact act_sample");
}

void check_urgent(struct report *r, const char *ifname, unsigned int ifindex)
{
	struct devmem__tc_guards guards = { 0 };
	struct devmem__tc tc;
	int err = try_socket();

	if (err) {
		report_add(r, PROBLEM, "urgent",
			   "sockets cannot be guarded against urgent data: %s", devmem_error());
		report_todo(r, "allow SO_ATTACH_FILTER (seccomp)");
		return;
	}
	if (!devmem__tc_open(&tc)) {
		devmem__tc_guards(&tc, ifindex, &guards);
		devmem__tc_close(&tc);
	}
	if (guards.count) {
		report_add(r, OK, "urgent",
			   "dropped at the ingress of %s for %u flow(s), %llu segments so far; and "
			   "by each socket's filter",
			   ifname, guards.count, (unsigned long long)guards.dropped);
		return;
	}
	err = try_ingress();
	if (err)
		no_ingress(r, err);
	else
		report_add(r, OK, "urgent",
			   "for steered flows it will be dropped at the ingress of %s; and by each "
			   "socket's filter",
			   ifname);
}
