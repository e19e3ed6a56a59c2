// SPDX-License-Identifier: MIT
/*
 * The other end of the receivers here: connects, waits for a byte, sends zeros or bytes that can be
 * verified, and closes. When paced, it sends a portion at fixed times, whatever became of the one
 * before, so that the receiver's work repeats from run to run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../examples/args.h"
#include "far.h"

static const char usage[] = "usage: send [--pattern] ADDRESS PORT CONNECTIONS BYTES PORTION "
			    "[MICROSECONDS [SOURCE-PORT]]\n";

static bool pattern;

static void send_all(int fd, uint64_t position, size_t n)
{
	while (n) {
		size_t available;
		const unsigned char *bytes = far_bytes(pattern, position, n, &available);
		ssize_t sent = send(fd, bytes, available, MSG_NOSIGNAL);

		if (sent < 0)
			far_failed("send");
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
	int fd[FAR_MAX_CONNECTIONS];
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
	n = arg_number(argv[3], FAR_MAX_CONNECTIONS);
	left = arg_bytes(argv[4]) / n;
	portion = arg_bytes(argv[5]);
	us = argc > 6 ? atol(argv[6]) : 0;
	from = argc > 7 ? arg_number(argv[7], 65535) : 0;
	for (unsigned int i = 0; i < n; i++)
		fd[i] = far_connect(argv[1], arg_number(argv[2], 65535), from);
	/* a fixed source port is for ncdevmem, which sends no byte */
	for (unsigned int i = 0; i < n && !from; i++)
		far_await_go(fd[i]);
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
	for (unsigned int i = 0; i < n; i++) { /* wait until the receiver closes too */
		while (recv(fd[i], &go, 1, 0) > 0)
			;
		close(fd[i]);
	}
	return 0;
}
