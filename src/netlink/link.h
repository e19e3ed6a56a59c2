/* SPDX-License-Identifier: MIT */
/* Watches links: interfaces that go down, come up again, are moved, or disappear. Knows nothing of
 * rings. */
#ifndef DEVMEM__NETLINK_LINK_H
#define DEVMEM__NETLINK_LINK_H

#include <stddef.h>

#include "base/internal.h"

enum devmem__link_state {
	DEVMEM__LINK_MOVED = -2, /* to another network namespace */
	DEVMEM__LINK_GONE = -1,
	DEVMEM__LINK_DOWN = 0,
	DEVMEM__LINK_UP = 1,
};

struct devmem__link {
	unsigned int ifindex;
	enum devmem__link_state state;
	/* if it was moved: its parent device, by which it is recognized when it comes back */
	char parent[32];
	bool news;  /* its state changed and has not been reported yet */
	bool there; /* it was in the kernel's answer to our latest question */
};

struct devmem__links {
	int fd; /* a socket that receives the kernel's link notifications, or -1 */
	struct devmem__link *link;
	size_t count;
	unsigned int news; /* how many links have news */
	bool lost;	   /* a notification was lost, for want of room */
	bool asked;	   /* we asked for all interfaces; the answer is not complete yet */
};

void devmem__links_init(struct devmem__links *links);

/*
 * devmem__links_add() - watch an interface in this thread's network namespace. Adding it again has
 * no effect. Where rtnetlink is refused it succeeds, but there will be no news.
 * devmem__links_refused() - is rtnetlink refused? 0: no; otherwise a negative errno and its error
 * message.
 */
int devmem__links_refused(void);
int devmem__links_add(struct devmem__links *links, unsigned int ifindex);
void devmem__links_close(struct devmem__links *links);

/* devmem__links_read() - read the notifications that have arrived, without waiting. */
void devmem__links_read(struct devmem__links *links);

/* devmem__links_parse() - take in notifications from a buffer. No I/O. */
void devmem__links_parse(struct devmem__links *links, const void *messages, size_t bytes);

/* devmem__links_next() - the next link that has news, which then count as reported; NULL: none. */
const struct devmem__link *devmem__links_next(struct devmem__links *links);

#endif
