// SPDX-License-Identifier: MIT
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <devmem/devmem.h>

#include "sockets.h"

/* Lets several programs listen on one port, each for an interface, or for the same one. */
static int set_apart(int fd, const char *interface)
{
	int one = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	       setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface));
}

int open_listener(unsigned int port, const char *interface)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, zero = 0;

	/* a failure is not reported here: devmem_attach() insists on the guard where it matters */
	devmem_guard(fd);
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) &&
	    !(interface && set_apart(fd, interface)) &&
	    !bind(fd, (struct sockaddr *)&any, sizeof(any)) && !listen(fd, 1024))
		return fd;
	fprintf(stderr, "%s: port %u: %s\n", program_invocation_short_name, port, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int connect_once(const struct addrinfo *ai)
{
	int fd, err = 0;

	for (; ai; ai = ai->ai_next) {
		fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && !connect(fd, ai->ai_addr, ai->ai_addrlen))
			return fd;
		err = errno;
		if (fd >= 0)
			close(fd);
	}
	errno = err;
	return -1;
}

int connect_to(const struct addrinfo *ai, unsigned int seconds)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	unsigned int tries = 20 * seconds;
	int fd;

	while ((fd = connect_once(ai)) < 0 && errno == ECONNREFUSED && tries--)
		nanosleep(&pause, NULL);
	return fd;
}
