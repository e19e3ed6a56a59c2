// SPDX-License-Identifier: MIT
/*
 * The kernel's link notifications. A receiver whose NIC went away would otherwise hang without an error: packets
 * just do not come. [Documentation/userspace-api/netlink, RTNLGRP_LINK]
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"

/* IFF_LOWER_UP of <linux/if.h>, which does not go with <net/if.h> */
#define LOWER_UP (1u << 16)

void devmem__links_init(struct devmem__links *links)
{
	*links = (struct devmem__links){ .fd = -1 };
}

static int listen_for_links(void)
{
	struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int err;

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&group, sizeof(group)))
		return fd;
	err = devmem__fail(errno, "cannot listen for link notifications: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

int devmem__links_add(struct devmem__links *links, unsigned int ifindex)
{
	struct devmem__link *more;

	for (size_t i = 0; i < links->count; i++)
		if (links->link[i].ifindex == ifindex)
			return 0;
	more = realloc(links->link, (links->count + 1) * sizeof(*more));
	if (!more)
		return devmem__fail(ENOMEM, "no memory to watch an interface");
	links->link = more;
	if (links->fd < 0)
		links->fd = listen_for_links();
	if (links->fd < 0)
		return links->fd;
	links->link[links->count++] = (struct devmem__link){ .ifindex = ifindex, .state = DEVMEM__LINK_UP };
	return 0;
}

void devmem__links_close(struct devmem__links *links)
{
	if (links->fd >= 0)
		close(links->fd);
	free(links->link);
	devmem__links_init(links);
}

static void note(struct devmem__links *links, unsigned int ifindex, enum devmem__link_state state)
{
	for (size_t i = 0; i < links->count; i++) {
		struct devmem__link *link = &links->link[i];

		if (link->ifindex != ifindex || link->state == state)
			continue;
		link->state = state;
		links->news += !link->news;
		link->news = true;
	}
}

void devmem__links_parse(struct devmem__links *links, const void *messages, size_t bytes)
{
	const unsigned char *p = messages;

	while (bytes >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr h;
		struct ifinfomsg info;
		bool up;

		memcpy(&h, p, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > bytes)
			return;
		if (h.nlmsg_len >= NLMSG_LENGTH(sizeof(info))) {
			memcpy(&info, p + NLMSG_HDRLEN, sizeof(info));
			up = info.ifi_flags & IFF_UP && info.ifi_flags & LOWER_UP;
			if (h.nlmsg_type == RTM_NEWLINK)
				note(links, (unsigned int)info.ifi_index, up ? DEVMEM__LINK_UP : DEVMEM__LINK_DOWN);
			else if (h.nlmsg_type == RTM_DELLINK)
				note(links, (unsigned int)info.ifi_index, DEVMEM__LINK_GONE);
		}
		if (NLMSG_ALIGN(h.nlmsg_len) >= bytes)
			return;
		p += NLMSG_ALIGN(h.nlmsg_len);
		bytes -= NLMSG_ALIGN(h.nlmsg_len);
	}
}

void devmem__links_read(struct devmem__links *links)
{
	char messages[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n;

	/* ENOBUFS: some were lost; the next one tells the state all the same */
	while ((n = recv(links->fd, messages, sizeof(messages), MSG_DONTWAIT)) > 0 ||
	       (n < 0 && (errno == ENOBUFS || errno == EINTR)))
		if (n > 0)
			devmem__links_parse(links, messages, (size_t)n);
}

const struct devmem__link *devmem__links_next(struct devmem__links *links)
{
	for (size_t i = 0; links->news && i < links->count; i++) {
		if (!links->link[i].news)
			continue;
		links->link[i].news = false;
		links->news--;
		return &links->link[i];
	}
	return NULL;
}
