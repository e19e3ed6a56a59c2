// SPDX-License-Identifier: MIT
/*
 * Prints a line for each page pool that still exists in the network namespaces given as
 * arguments (names or paths). The kernel moves a pool whose device is gone but whose pages
 * are not to the namespace's loopback device, so it stays in the netlink dump. The kernel's
 * own complaint ("stalled pool shutdown") comes only after a minute.
 */
#include <fcntl.h>
#include <linux/netdev.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Pages return some time after the process has exited: sockets wait for RCU, for example. */
#define PATIENCE_MS 4000
#define STEP_MS	    50

struct count {
	const char *where;
	bool print;
	int pools;
};

/* Netlink's "uint" has four bytes or eight, as the value needs. */
static unsigned long long get_uint(const struct nlattr *attr)
{
	if (!attr)
		return 0;
	return nla_len(attr) == sizeof(uint64_t) ? nla_get_u64(attr) : nla_get_u32(attr);
}

static int one_pool(struct nl_msg *msg, void *arg)
{
	struct nlattr *attr[NETDEV_A_PAGE_POOL_MAX + 1];
	struct count *count = arg;

	if (genlmsg_parse(nlmsg_hdr(msg), 0, attr, NETDEV_A_PAGE_POOL_MAX, NULL))
		return NL_SKIP;
	count->pools++;
	if (!count->print)
		return NL_OK;
	printf("page pool %llu in %s, %llu pages still out", get_uint(attr[NETDEV_A_PAGE_POOL_ID]),
	       count->where, get_uint(attr[NETDEV_A_PAGE_POOL_INFLIGHT]));
	if (attr[NETDEV_A_PAGE_POOL_DMABUF])
		printf(", of a dma-buf");
	printf("\n");
	return NL_OK;
}

static int dump_pools(const char *where, bool print)
{
	struct count count = { .where = where, .print = print };
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg = nlmsg_alloc();
	int family;

	if (!sock || !msg || genl_connect(sock))
		goto out;
	family = genl_ctrl_resolve(sock, NETDEV_FAMILY_NAME);
	if (family < 0)
		goto out;
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_DUMP, NETDEV_CMD_PAGE_POOL_GET,
		    NETDEV_FAMILY_VERSION);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, one_pool, &count);
	if (nl_send_auto(sock, msg) >= 0)
		nl_recvmsgs_default(sock);
out:
	nlmsg_free(msg);
	nl_socket_free(sock);
	return count.pools;
}

static bool enter(const char *name)
{
	char path[256];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s%s", *name == '/' ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = !setns(fd, CLONE_NEWNET);
	close(fd);
	return done;
}

static int all_pools(char **names, bool print)
{
	int pools = 0;

	for (; *names; names++)
		if (enter(*names))
			pools += dump_pools(*names, print);
	return pools;
}

int main(int argc, char **argv)
{
	struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	int left;

	(void)argc;
	for (left = PATIENCE_MS; left > 0 && all_pools(argv + 1, false); left -= STEP_MS)
		nanosleep(&step, NULL);
	all_pools(argv + 1, true);
	return 0;
}
