// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/iface.h"
#include "netlink/rtnl.h"

/* IFLA_ALT_IFNAME, which older headers lack. [include/uapi/linux/if_link.h] */
#define ALT_NAME      53
#define ALT_NAME_ROOM 128

/* ------------------------------------------------------------------------------------ rtnetlink */

struct question {
	struct nlmsghdr h;
	struct ifinfomsg info;
	struct rtattr attr;
	char name[ALT_NAME_ROOM];
};

/* IFLA_IFNAME takes only short names. The attribute for alternative names, Linux 5.5, takes long
 * ones and finds both kinds. */
static struct question question(const char *name)
{
	const size_t len = strlen(name) + 1;
	struct question q = {
		.h = { .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_family = AF_UNSPEC },
		.attr = { .rta_type = len > IFNAMSIZ ? ALT_NAME : IFLA_IFNAME,
			  .rta_len = (unsigned short)RTA_LENGTH(len) },
	};

	memcpy(q.name, name, len);
	q.h.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(q.info)) + q.attr.rta_len);
	return q;
}

static int read_link(const struct nlmsghdr *h, struct devmem__iface *iface)
{
	struct ifinfomsg info;
	size_t bytes;
	const char *name = devmem__rtnl_attr(h, sizeof(info), IFLA_IFNAME, &bytes);

	if (h->nlmsg_type != RTM_NEWLINK || !name || bytes > sizeof(iface->name))
		return -EBADMSG;
	memcpy(&info, (const char *)h + NLMSG_HDRLEN, sizeof(info));
	iface->index = (unsigned int)info.ifi_index;
	memcpy(iface->name, name, bytes);
	iface->name[sizeof(iface->name) - 1] = '\0';
	return 0;
}

static int find_by_rtnetlink(const char *name, struct devmem__iface *iface)
{
	const struct question q = question(name);
	struct nlmsghdr *answer = malloc(DEVMEM__RTNL_ANSWER);
	int fd = answer ? devmem__rtnl_open() : -ENOMEM;
	ssize_t n = fd < 0 ? fd : devmem__rtnl_ask(fd, &q.h, answer, DEVMEM__RTNL_ANSWER);
	int err = n < 0 ? (int)n : read_link(answer, iface);

	if (fd >= 0)
		close(fd);
	free(answer);
	return err;
}

/* ---------------------------------------------------------------------------------------- ioctl */

int devmem__iface_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 && errno == EAFNOSUPPORT)
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* cppcheck-suppress resourceLeak ; the first one was not opened */
	return fd < 0 ? -errno : fd;
}

static int find_by_ioctl(const char *name, struct devmem__iface *iface)
{
	struct ifreq ifr = { 0 };
	int fd, err = 0;

	if (strchr(name, ':'))
		/* no interface name contains a colon; the ioctl would ignore the rest of the
		 * name */
		return -ENODEV;
	fd = devmem__iface_socket();
	if (fd < 0)
		return fd;
	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, SIOCGIFINDEX, &ifr) || ioctl(fd, SIOCGIFNAME, &ifr))
		err = -errno;
	close(fd);
	iface->index = (unsigned int)ifr.ifr_ifindex;
	memcpy(iface->name, ifr.ifr_name, sizeof(iface->name));
	return err;
}

/* Would the ioctl give the same answer as rtnetlink? */
static bool is_final(int err)
{
	return !err || err == -ENODEV || err == -EMFILE || err == -ENFILE || err == -ENOMEM ||
	       err == -ENOBUFS;
}

int devmem__iface_find(const char *name, struct devmem__iface *iface)
{
	const size_t len = strlen(name);
	int err;

	*iface = (struct devmem__iface){ 0 };
	if (!len || len >= ALT_NAME_ROOM)
		return -ENODEV;
	err = find_by_rtnetlink(name, iface);
	if (is_final(err) || len >= IFNAMSIZ)
		return err;
	return find_by_ioctl(name, iface); /* a policy or an emulator refuses rtnetlink */
}
