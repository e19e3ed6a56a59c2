// SPDX-License-Identifier: MIT
/*
 * The other end of the receivers here: connects, waits for a byte, sends zeros (or bytes that can be verified), and
 * closes. Paced, it sends a portion at fixed times, whatever became of the one before: then what a receiver does
 * repeats from run to run.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../examples/args.h"
#include "../examples/pattern.h"

#define MOST_CONNECTIONS 1024

static const char usage[] =
	"usage: send [--pattern] ADDRESS PORT CONNECTIONS BYTES PORTION [MICROSECONDS [SOURCE-PORT]]\n";

static unsigned char zeros[1 << 20];
static bool pattern;

static void failed(const char *what)
{
	fprintf(stderr, "send: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int connect_to(const char *address, unsigned int port, unsigned int from)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in6 own = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)from) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (inet_pton(AF_INET6, address, &to.sin6_addr) != 1) {
		fputs(usage, stderr);
		exit(2);
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (from && bind(fd, (struct sockaddr *)&own, sizeof(own)))
		failed("bind");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		failed("connect");
	return fd;
}

static const unsigned char *bytes_at(uint64_t position, size_t n, size_t *available)
{
	if (pattern)
		return pattern_at(position, n, available);
	*available = n < sizeof(zeros) ? n : sizeof(zeros);
	return zeros;
}

static void send_all(int fd, uint64_t position, size_t n)
{
	while (n) {
		size_t available;
		const unsigned char *bytes = bytes_at(position, n, &available);
		ssize_t sent = send(fd, bytes, available, MSG_NOSIGNAL);

		if (sent < 0)
			failed("send");
		position += (size_t)sent;
		n -= (size_t)sent;
	}
}

static void sleep_until(struct timespec *when, long us)
{
	when->tv_nsec += us * 1000;
	while (when->tv_nsec >= 1000000000) {
		when->tv_nsec -= 1000000000;
		when->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL);
}

int main(int argc, char **argv)
{
	unsigned int n, from;
	uint64_t left, portion, position = 0;
	int fd[MOST_CONNECTIONS];
	struct timespec when;
	long us;
	char go;

	if (argc > 1 && !strcmp(argv[1], "--pattern")) {
		pattern = true;
		argc--;
		argv++;
	}
	if (argc < 6 || argc > 8) {
		fputs(usage, stderr);
		return 2;
	}
	n = arg_number(argv[3], MOST_CONNECTIONS);
	left = arg_bytes(argv[4]) / n;
	portion = arg_bytes(argv[5]);
	us = argc > 6 ? atol(argv[6]) : 0;
	from = argc > 7 ? arg_number(argv[7], 65535) : 0;
	for (unsigned int i = 0; i < n; i++)
		fd[i] = connect_to(argv[1], arg_number(argv[2], 65535), from);
	for (unsigned int i = 0; i < n && !from; i++)	/* with a port of its own it is for ncdevmem, which is silent */
		if (recv(fd[i], &go, 1, 0) != 1)
			failed("the receiver did not start");
	clock_gettime(CLOCK_MONOTONIC, &when);
	for (; left; left -= portion, position += portion) {
		portion = portion < left ? portion : left;
		for (unsigned int i = 0; i < n; i++) {
			if (us)
				sleep_until(&when, us);
			send_all(fd[i], position, portion);
		}
	}
	for (unsigned int i = 0; i < n; i++)
		shutdown(fd[i], SHUT_WR);
	for (unsigned int i = 0; i < n; i++) {	/* until the receiver closes too */
		while (recv(fd[i], &go, 1, 0) > 0)
			;
		close(fd[i]);
	}
	return 0;
}
