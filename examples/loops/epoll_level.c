// SPDX-License-Identifier: MIT
/* loop_epoll_level INTERFACE PORT CONNECTIONS: a ring in a level-triggered epoll loop. */
#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "receiver.h"

static void watch(int epoll, int fd)
{
	struct epoll_event readable = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &readable))
		err(1, "epoll_ctl");
}

int main(int argc, char **argv)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ready[2];
	struct receiver r;
	bool done = false;

	receiver_open(&r, argc, argv);
	watch(epoll, r.listener);
	watch(epoll, r.ring_fd);
	while (!done) {
		int n = epoll_wait(epoll, ready, 2, -1);

		if (n < 0 && errno != EINTR)
			err(1, "epoll_wait");
		for (int i = 0; i < n; i++)
			if (ready[i].data.fd == r.listener)
				receiver_accept(&r); /* makes the ring readable */
			else
				done = receiver_take(&r);
	}
	close(epoll);
	return receiver_close(&r);
}
