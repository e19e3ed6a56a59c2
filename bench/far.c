// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../examples/pattern.h"
#include "far.h"

static unsigned char zeros[1 << 20];

void far_failed(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

int far_connect(const char *address, unsigned int port, unsigned int from)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in6 own = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)from) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (inet_pton(AF_INET6, address, &to.sin6_addr) != 1) {
		fprintf(stderr, "%s: \"%s\" is not an IPv6 address\n",
			program_invocation_short_name, address);
		exit(2);
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (from && bind(fd, (struct sockaddr *)&own, sizeof(own)))
		far_failed("bind");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		far_failed("connect");
	return fd;
}

void far_await_go(int fd)
{
	char go;

	if (recv(fd, &go, 1, 0) != 1)
		far_failed("the other end did not start");
}

const unsigned char *far_bytes(bool pattern, uint64_t position, size_t n, size_t *available)
{
	if (pattern)
		return pattern_at(position, n, available);
	*available = n < sizeof(zeros) ? n : sizeof(zeros);
	return zeros;
}
