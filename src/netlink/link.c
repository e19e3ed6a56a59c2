// SPDX-License-Identifier: MIT
/*
 * The kernel's link notifications. Without them a receiver whose NIC disappears would wait forever
 * without an error: packets just stop. [Documentation/userspace-api/netlink, RTNLGRP_LINK]
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/link.h"
#include "netlink/genl.h"

/* Attributes that older headers lack (5.1, 5.14). [include/uapi/linux/if_link.h] */
enum { NEW_NETNSID = 45, PARENT_DEV_NAME = 56 };

#define QUESTION 1u /* nlmsg_seq of our question and of its answer; notifications have 0 */

/* IFF_LOWER_UP of <linux/if.h>, which conflicts with <net/if.h> */
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

int devmem__links_refused(void)
{
	int fd = listen_for_links();

	if (fd < 0)
		return devmem__nl_short_of(fd) ? 0 : fd;
	close(fd);
	return 0;
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
	if (devmem__nl_short_of(links->fd))
		return links->fd;
	if (links->fd < 0)
		devmem__log(DEVMEM_LOG_WARNING, "there will be no LINK events: %s", devmem_error());
	links->link[links->count++] =
		(struct devmem__link){ .ifindex = ifindex, .state = DEVMEM__LINK_UP };
	return 0;
}

void devmem__links_close(struct devmem__links *links)
{
	if (links->fd >= 0)
		close(links->fd);
	free(links->link);
	devmem__links_init(links);
}

/* The contents of a notification. */
struct notice {
	unsigned int ifindex;
	enum devmem__link_state state;
	char parent[32]; /* or "" */
};

static bool concerns(struct devmem__link *link, const struct notice *n)
{
	if (link->state != DEVMEM__LINK_MOVED)
		return link->ifindex == n->ifindex;
	/* the interface may come back with another index, and another interface may have its old
	 * one; so compare the parent device if there is one */
	if (link->parent[0] ? strcmp(link->parent, n->parent) : link->ifindex != n->ifindex)
		return false;
	link->ifindex = n->ifindex;
	return true;
}

static void tell(const struct notice *n)
{
	char name[IF_NAMESIZE] = "";

	if (!devmem__log_wants(DEVMEM_LOG_WARNING))
		return;
	if (!if_indextoname(n->ifindex, name))
		snprintf(name, sizeof(name), "index %u", n->ifindex);
	devmem__log(n->state == DEVMEM__LINK_UP ? DEVMEM_LOG_INFO : DEVMEM_LOG_WARNING, "%s: %s",
		    name,
		    n->state == DEVMEM__LINK_UP	     ? "the link is up again"
		    : n->state == DEVMEM__LINK_DOWN  ? "the link is down: connections stall until "
						       "it is back"
		    : n->state == DEVMEM__LINK_MOVED ? "the interface was moved to another network "
						       "namespace"
						     : "the interface is gone: nothing more comes "
						       "through it");
}

static void note(struct devmem__links *links, const struct notice *n)
{
	for (size_t i = 0; i < links->count; i++) {
		struct devmem__link *link = &links->link[i];

		if (!concerns(link, n))
			continue;
		link->there = n->state == DEVMEM__LINK_UP || n->state == DEVMEM__LINK_DOWN;
		if (link->state == n->state)
			continue;
		link->state = n->state;
		tell(n);
		memcpy(link->parent, n->parent, sizeof(link->parent));
		links->news += !link->news;
		link->news = true;
	}
}

/* The kernel reports a move as the end of the interface, with the attribute NEW_NETNSID, its new
 * namespace. [net/core/dev.c: __dev_change_net_namespace()] */
static void read_attributes(struct notice *n, const unsigned char *p, size_t bytes)
{
	while (bytes >= sizeof(struct rtattr)) {
		size_t len, text;
		struct rtattr a;

		memcpy(&a, p, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > bytes)
			return;
		text = a.rta_len - sizeof(a);
		if (a.rta_type == NEW_NETNSID && n->state == DEVMEM__LINK_GONE)
			n->state = DEVMEM__LINK_MOVED;
		if (a.rta_type == PARENT_DEV_NAME)
			memcpy(n->parent, p + sizeof(a),
			       text < sizeof(n->parent) ? text : sizeof(n->parent) - 1);
		len = RTA_ALIGN(a.rta_len);
		if (len >= bytes)
			return;
		p += len;
		bytes -= len;
	}
}

static void read_link(struct devmem__links *links, uint16_t type, const unsigned char *message,
		      size_t bytes)
{
	struct notice n = { 0 };
	struct ifinfomsg info;

	if (bytes < NLMSG_LENGTH(sizeof(info)) || (type != RTM_NEWLINK && type != RTM_DELLINK))
		return;
	memcpy(&info, message + NLMSG_HDRLEN, sizeof(info));
	/* AF_BRIDGE: a bridge's port left the bridge; the interface still exists */
	if (info.ifi_family != AF_UNSPEC)
		return;
	n.ifindex = (unsigned int)info.ifi_index;
	n.state = info.ifi_flags & IFF_UP && info.ifi_flags & LOWER_UP ? DEVMEM__LINK_UP
								       : DEVMEM__LINK_DOWN;
	if (type == RTM_DELLINK)
		n.state = DEVMEM__LINK_GONE;
	read_attributes(&n, message + NLMSG_SPACE(sizeof(info)),
			bytes - NLMSG_LENGTH(sizeof(info)));
	note(links, &n);
}

/* It is unknown which notifications were lost, so ask for all interfaces. One question at a
 * time. */
static void ask(struct devmem__links *links)
{
	const struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} question = {
		.header = {
			.nlmsg_len = sizeof(question),
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			.nlmsg_seq = QUESTION,
		},
	};

	if (send(links->fd, &question, sizeof(question), MSG_DONTWAIT) < 0)
		return; /* the next read tries again */
	links->lost = false;
	links->asked = true;
	for (size_t i = 0; i < links->count; i++)
		links->link[i].there = false;
}

/* An interface that is not in the answer is gone. But if interfaces changed meanwhile
 * (links->lost), the answer may have left some out. */
static void answered(struct devmem__links *links)
{
	links->asked = false;
	for (size_t i = 0; i < links->count && !links->lost; i++) {
		const struct devmem__link *link = &links->link[i];
		const struct notice gone = { .ifindex = link->ifindex, .state = DEVMEM__LINK_GONE };

		if (!link->there && link->state != DEVMEM__LINK_MOVED)
			note(links, &gone);
	}
}

static void read_answer(struct devmem__links *links, const struct nlmsghdr *h)
{
	if (!links->asked || h->nlmsg_seq != QUESTION)
		return;
	links->lost |= !!(h->nlmsg_flags & NLM_F_DUMP_INTR);
	if (h->nlmsg_type == NLMSG_DONE)
		answered(links);
	else if (h->nlmsg_type == NLMSG_ERROR)
		/* the next notification brings the state of the interface that it is about */
		links->asked = false;
}

void devmem__links_parse(struct devmem__links *links, const void *messages, size_t bytes)
{
	const unsigned char *p = messages;

	while (bytes >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr h;

		memcpy(&h, p, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > bytes)
			return;
		read_link(links, h.nlmsg_type, p, h.nlmsg_len);
		read_answer(links, &h);
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

	while ((n = devmem__nl_receive(links->fd, messages, sizeof(messages), MSG_DONTWAIT)) > 0 ||
	       n == -ENOBUFS || n == -EMSGSIZE) {
		if (n > 0)
			devmem__links_parse(links, messages, (size_t)n);
		else
			links->lost = true;
	}
	if (links->lost && !links->asked)
		ask(links);
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
