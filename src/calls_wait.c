// SPDX-License-Identifier: MIT
/* Requests that wait for a descriptor. Each descriptor has one at most; epoll says when it is to be tried. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "calls_impl.h"

static int grow(struct devmem__calls *c, int fd)
{
	unsigned int fds = c->fds ? c->fds : 64;
	struct devmem__request **by_fd;

	while (fds <= (unsigned int)fd)
		fds *= 2;
	by_fd = realloc(c->by_fd, fds * sizeof(*by_fd));
	if (!by_fd)
		return -ENOMEM;
	memset(by_fd + c->fds, 0, (fds - c->fds) * sizeof(*by_fd));
	c->by_fd = by_fd;
	c->fds = fds;
	return 0;
}

void devmem__calls_forget(struct devmem__calls *c, struct devmem__request *r)
{
	struct epoll_event none = { 0 };

	c->made++;
	epoll_ctl(c->epoll, EPOLL_CTL_DEL, r->fd, &none);	/* fails if it was closed, and then it is gone */
	c->by_fd[r->fd] = NULL;
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	free(r);
}

int devmem__calls_wait_for(struct devmem__calls *c, const struct devmem__request *like)
{
	struct epoll_event ev = { .events = like->events, .data.fd = like->fd };
	struct devmem__request *r;

	if (like->fd < 0)
		return -EBADF;
	if ((unsigned int)like->fd >= c->fds && grow(c, like->fd))
		return -ENOMEM;
	if (c->by_fd[like->fd])
		return -EBUSY;
	r = malloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = *like;
	c->made++;
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, r->fd, &ev)) {
		free(r);
		return -errno;
	}
	r->next = c->waiting;
	r->link = &c->waiting;
	if (r->next)
		r->next->link = &r->next;
	c->waiting = r;
	c->by_fd[r->fd] = r;
	return 0;
}
