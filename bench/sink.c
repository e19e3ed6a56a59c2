// SPDX-License-Identifier: MIT
/* The other end of the senders here: an ordinary receiver that discards what comes. */
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../examples/args.h"
#include "far.h"

#define ROOM (1u << 20)

/* False: the stream has ended. */
static bool read_some(int fd)
{
	static unsigned char memory[ROOM];
	ssize_t n = recv(fd, memory, sizeof(memory), 0);

	if (n < 0)
		far_failed("recv");
	return n;
}

static void read_all(struct pollfd *fd, unsigned int n)
{
	for (unsigned int open = n; open;) {
		if (poll(fd, n, -1) < 0)
			far_failed("poll");
		for (unsigned int i = 0; i < n; i++) {
			if (!fd[i].revents || read_some(fd[i].fd))
				continue;
			close(fd[i].fd);
			fd[i].fd = -1; /* poll() ignores it */
			fd[i].revents = 0;
			open--;
		}
	}
}

int main(int argc, char **argv)
{
	static struct pollfd fd[FAR_MAX_CONNECTIONS];
	unsigned int n;

	if (argc != 4) {
		fputs("usage: sink ADDRESS PORT CONNECTIONS\n", stderr);
		return 2;
	}
	n = arg_number(argv[3], FAR_MAX_CONNECTIONS);
	for (unsigned int i = 0; i < n; i++)
		fd[i] = (struct pollfd){ far_connect(argv[1], arg_number(argv[2], 65535), 0),
					 POLLIN, 0 };
	for (unsigned int i = 0; i < n; i++)
		far_await_go(fd[i].fd);
	read_all(fd, n);
	return 0;
}
