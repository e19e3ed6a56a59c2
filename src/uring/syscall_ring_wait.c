// SPDX-License-Identifier: MIT
/* Requests that wait for a descriptor, at most one for each. Epoll tells when to try them. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "uring/syscall_ring_impl.h"

static int grow(struct devmem__syscall_ring *c, int fd)
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

void devmem__syscall_ring_forget(struct devmem__syscall_ring *c, struct devmem__request *r)
{
	struct epoll_event none = { 0 };

	c->made++;
	if (r->unwatched)
		c->unwatched--;
	else
		/* fails if the descriptor was closed, which has removed it from the set */
		epoll_ctl(c->epoll, EPOLL_CTL_DEL, r->fd, &none);
	c->by_fd[r->fd] = NULL;
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	free(r);
}

static int watch(struct devmem__syscall_ring *c, const struct devmem__request *r)
{
	struct epoll_event ev = { .events = r->events, .data.fd = r->fd };

	c->made++;
	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, r->fd, &ev) ? -errno : 0;
}

bool devmem__syscall_ring_watch(struct devmem__syscall_ring *c, struct devmem__request *r)
{
	if (watch(c, r))
		return false;
	r->unwatched = false;
	c->unwatched--;
	return true;
}

/* Will epoll perhaps accept it later? -ENOSPC: the user has reached the limit of descriptors in
 * epoll sets (fs.epoll.max_user_watches); -ENOMEM: the kernel has no memory. */
static bool may_be_later(int err)
{
	return err == -ENOSPC || err == -ENOMEM;
}

int devmem__syscall_ring_wait_for(struct devmem__syscall_ring *c,
				  const struct devmem__request *like)
{
	struct devmem__request *r;
	int err;

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
	err = watch(c, r);
	if (err && !may_be_later(err)) {
		free(r);
		return err;
	}
	r->unwatched = err;
	c->unwatched += r->unwatched;
	r->next = c->waiting;
	r->link = &c->waiting;
	if (r->next)
		r->next->link = &r->next;
	c->waiting = r;
	c->by_fd[r->fd] = r;
	return 0;
}

/*
 * This sleeps in ppoll(), not in epoll_wait(). The latter returns EINTR even when the kernel
 * interrupts this thread for purposes of its own, such as the end of an io_uring that the thread
 * had. ppoll() continues after that, and after a stop. [fs/select.c: ERESTARTNOHAND]
 */
int devmem__syscall_ring_sleep(struct devmem__syscall_ring *c,
			       const struct __kernel_timespec *timeout)
{
	struct pollfd any = { .fd = c->epoll, .events = POLLIN };
	struct timespec ts = { .tv_nsec = DEVMEM__SYSCALL_RING_LOOK_NS };
	int n;

	if (timeout && (!c->unwatched || (!timeout->tv_sec && timeout->tv_nsec < ts.tv_nsec)))
		ts = (struct timespec){ .tv_sec = timeout->tv_sec,
					.tv_nsec = (long)timeout->tv_nsec };
	c->made++;
	n = ppoll(&any, 1, timeout || c->unwatched ? &ts : NULL, NULL);
	return n < 0 ? -errno : n ? 0 : -ETIME;
}
