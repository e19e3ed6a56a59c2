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
#include <sys/time.h>
#include <unistd.h>

#include "iface.h"

#define ALT_NAME	53		/* IFLA_ALT_IFNAME, which older headers lack [include/uapi/linux/if_link.h] */
#define ALT_NAME_ROOM	128
#define ANSWER_BYTES	32768		/* one interface's: some KiB */
#define PATIENCE	30		/* seconds; the answer is there when the request returns */

/* ------------------------------------------------------------------------------------ rtnetlink */

struct question {
	struct nlmsghdr h;
	struct ifinfomsg info;
	struct rtattr attr;
	char name[ALT_NAME_ROOM];
};

/* A name may be longer than the attribute for names takes; the one for alternative names finds all, from Linux 5.5 on. */
static int send_question(int fd, const char *name)
{
	const size_t len = strlen(name) + 1;
	struct question q = {
		.h = { .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_family = AF_UNSPEC },
		.attr = { .rta_type = len > IFNAMSIZ ? ALT_NAME : IFLA_IFNAME, .rta_len = (unsigned short)RTA_LENGTH(len) },
	};

	memcpy(q.name, name, len);
	q.h.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(q.info)) + q.attr.rta_len);
	return send(fd, &q, q.h.nlmsg_len, 0) < 0 ? -errno : 0;
}

static int read_link(const unsigned char *p, size_t bytes, struct devmem__iface *iface)
{
	struct ifinfomsg info;
	struct rtattr a;

	if (bytes < NLMSG_SPACE(sizeof(info)))
		return -EBADMSG;
	memcpy(&info, p + NLMSG_HDRLEN, sizeof(info));
	iface->index = (unsigned int)info.ifi_index;
	p += NLMSG_SPACE(sizeof(info));
	bytes -= NLMSG_SPACE(sizeof(info));
	while (bytes >= sizeof(a)) {
		memcpy(&a, p, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > bytes)
			break;
		if (a.rta_type == IFLA_IFNAME && a.rta_len - sizeof(a) <= sizeof(iface->name)) {
			memcpy(iface->name, p + sizeof(a), a.rta_len - sizeof(a));
			iface->name[sizeof(iface->name) - 1] = '\0';
			return 0;
		}
		if (RTA_ALIGN((size_t)a.rta_len) >= bytes)
			break;
		p += RTA_ALIGN((size_t)a.rta_len);
		bytes -= RTA_ALIGN((size_t)a.rta_len);
	}
	return -EBADMSG;
}

static int read_answer(const unsigned char *p, size_t bytes, struct devmem__iface *iface)
{
	struct nlmsghdr h;
	int err = -EBADMSG;

	if (bytes < sizeof(h))
		return err;
	memcpy(&h, p, sizeof(h));
	if (h.nlmsg_len > bytes)
		return err;
	if (h.nlmsg_type == RTM_NEWLINK)
		return read_link(p, h.nlmsg_len, iface);
	if (h.nlmsg_type == NLMSG_ERROR && h.nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
		memcpy(&err, p + NLMSG_HDRLEN, sizeof(err));
	return err < 0 ? err : -EBADMSG;
}

/* From the kernel: others may send to us, too. */
static int receive(int fd, struct devmem__iface *iface)
{
	unsigned char *answer = malloc(ANSWER_BYTES);
	struct sockaddr_nl from = { .nl_pid = 1 };
	socklen_t len = sizeof(from);
	ssize_t n = -1;
	int err;

	if (!answer)
		return -ENOMEM;
	do {
		n = recvfrom(fd, answer, ANSWER_BYTES, MSG_TRUNC, (struct sockaddr *)&from, &len);
	} while (n < 0 ? errno == EINTR : from.nl_pid != 0);
	err = n < 0 ? -errno : (size_t)n > ANSWER_BYTES ? -EMSGSIZE : read_answer(answer, (size_t)n, iface);
	free(answer);
	return err;
}

static int find_by_rtnetlink(const char *name, struct devmem__iface *iface)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), err;

	if (fd < 0)
		return -errno;
	err = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ? -errno : send_question(fd, name);
	if (!err)
		err = receive(fd, iface);
	close(fd);
	return err;
}

/* ------------------------------------------------------------------------------------ without */

static int open_any(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 && errno == EAFNOSUPPORT)
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd;
}

static int find_by_ioctl(const char *name, struct devmem__iface *iface)
{
	struct ifreq ifr = { 0 };
	int fd, err = 0;

	if (strchr(name, ':'))
		return -ENODEV;		/* no interface may be called so, and the ioctl would look at what is before it */
	fd = open_any();
	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, SIOCGIFINDEX, &ifr) || ioctl(fd, SIOCGIFNAME, &ifr))
		err = -errno;
	close(fd);
	iface->index = (unsigned int)ifr.ifr_ifindex;
	memcpy(iface->name, ifr.ifr_name, sizeof(iface->name));
	return err;
}

/* Nothing that another way of asking would help against. */
static bool is_final(int err)
{
	return !err || err == -ENODEV || err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOBUFS;
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
	return find_by_ioctl(name, iface);	/* a policy or an emulator refuses rtnetlink */
}
