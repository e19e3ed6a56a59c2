/* SPDX-License-Identifier: MIT */
/* Link news: interfaces that go down, come back, are moved, or go away. Knows nothing of rings. */
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
	/* of one that was moved: the device behind it, by which it is known again */
	char parent[32];
	bool news;  /* it changed, and nobody was told yet */
	bool there; /* when that was asked last */
};

struct devmem__links {
	int fd; /* a socket of the kernel's link notifications, or -1 */
	struct devmem__link *link;
	size_t count;
	unsigned int news; /* how many have news */
	bool lost;	   /* the kernel had no room for a notification */
	bool asked;	   /* how all interfaces are, and not answered yet */
};

void devmem__links_init(struct devmem__links *links);

/*
 * devmem__links_add() - listen for an interface in this thread's network namespace. Again: nothing
 * happens. Where rtnetlink is refused there is no news. devmem__links_refused() - is it? 0: no;
 * else a negative errno and the sentence.
 */
int devmem__links_refused(void);
int devmem__links_add(struct devmem__links *links, unsigned int ifindex);
void devmem__links_close(struct devmem__links *links);

/* devmem__links_read() - take in what the kernel told, without waiting. */
void devmem__links_read(struct devmem__links *links);

/* devmem__links_parse() - notifications from a buffer. Pure; for the tests. */
void devmem__links_parse(struct devmem__links *links, const void *messages, size_t bytes);

/* devmem__links_next() - one that has news, which are told with this; NULL if there are none. */
const struct devmem__link *devmem__links_next(struct devmem__links *links);

#endif
