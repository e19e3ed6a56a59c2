// SPDX-License-Identifier: MIT
/*
 * The other end of the echoes here: sends, reads what comes back and, on request, verifies it. At
 * most a window is under way, for which both sides have room, and reading never waits for sending,
 * so there can be no deadlock. It shuts down its side only when everything is back. When paced,
 * another portion may be sent at fixed times.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../examples/args.h"
#include "../examples/pattern.h"
#include "far.h"

#define ROOM (1u << 20)

static const char usage[] = "usage: echo_client [--pattern] ADDRESS PORT CONNECTIONS BYTES PORTION "
			    "WINDOW [MICROSECONDS]\n";

static bool pattern;

struct client {
	unsigned int n;
	uint64_t bytes, portion, window; /* bytes, per connection */
	uint64_t interval;		 /* ns between the portions of a connection; 0: no pause */
	uint64_t start;
	struct pollfd fd[FAR_MAX_CONNECTIONS];
	uint64_t sent[FAR_MAX_CONNECTIONS], back[FAR_MAX_CONNECTIONS];
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The number of bytes that may have been sent by now. */
static uint64_t due(const struct client *c, uint64_t now)
{
	if (!c->interval)
		return c->bytes;
	return at_most(c->bytes, ((now - c->start) / c->interval + 1) * c->portion);
}

/* The number of bytes to send now: a whole portion or nothing, so that the window's end does not
 * cut portions into small pieces. */
static uint64_t may_send(const struct client *c, unsigned int i, uint64_t now)
{
	uint64_t wanted = at_most(c->portion, c->bytes - c->sent[i]);
	uint64_t most = at_most(due(c, now), c->back[i] + c->window);

	return c->sent[i] + wanted <= most ? wanted : 0;
}

static void send_some(struct client *c, unsigned int i, uint64_t n)
{
	size_t available;
	const unsigned char *bytes = far_bytes(pattern, c->sent[i], n, &available);
	ssize_t sent = send(c->fd[i].fd, bytes, available, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		far_failed("send");
	c->sent[i] += sent > 0 ? (uint64_t)sent : 0;
}

static void read_some(struct client *c, unsigned int i)
{
	static unsigned char memory[ROOM];
	ssize_t n = recv(c->fd[i].fd, memory, sizeof(memory), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		far_failed("the echo ended");
	if (pattern && !pattern_matches(c->back[i], memory, (size_t)n)) {
		fputs("echo_client: what came back is not what was sent\n", stderr);
		exit(1);
	}
	c->back[i] += (uint64_t)n;
}

/* Sends and reads what is possible, or waits. False: everything is back. */
static bool turn(struct client *c)
{
	uint64_t now = clock_ns(),
		 left = c->interval - (c->interval ? (now - c->start) % c->interval : 0);
	struct timespec timeout = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
	bool any = false;

	for (unsigned int i = 0; i < c->n; i++) {
		c->fd[i].events = may_send(c, i, now) ? POLLIN | POLLOUT : POLLIN;
		any |= c->back[i] < c->bytes;
	}
	if (!any)
		return false;
	if (ppoll(c->fd, c->n, c->interval ? &timeout : NULL, NULL) < 0)
		far_failed("poll");
	for (unsigned int i = 0; i < c->n; i++) {
		if (c->fd[i].revents & ~POLLOUT)
			read_some(c, i);
		if (c->fd[i].revents & POLLOUT)
			send_some(c, i, may_send(c, i, now));
	}
	return true;
}

static void close_all(struct client *c)
{
	char more;

	for (unsigned int i = 0; i < c->n; i++)
		shutdown(c->fd[i].fd, SHUT_WR);
	for (unsigned int i = 0; i < c->n; i++) {
		if (recv(c->fd[i].fd, &more, 1, 0) > 0) {
			fputs("echo_client: more came back than was sent\n", stderr);
			exit(1);
		}
		close(c->fd[i].fd);
	}
}

int main(int argc, char **argv)
{
	static struct client c;

	if (argc > 1 && !strcmp(argv[1], "--pattern")) {
		pattern = true;
		argc--;
		argv++;
	}
	if (argc != 7 && argc != 8) {
		fputs(usage, stderr);
		return 2;
	}
	c.n = arg_number(argv[3], FAR_MAX_CONNECTIONS);
	c.bytes = arg_bytes(argv[4]) / c.n;
	c.portion = arg_bytes(argv[5]);
	c.window = arg_bytes(argv[6]) / c.n;
	c.interval = argc > 7 ? (uint64_t)atol(argv[7]) * 1000 * c.n : 0;
	if (c.window < c.portion) {
		fputs("echo_client: the window is smaller than a portion\n", stderr);
		return 2;
	}
	for (unsigned int i = 0; i < c.n; i++)
		c.fd[i].fd = far_connect(argv[1], arg_number(argv[2], 65535), 0);
	for (unsigned int i = 0; i < c.n; i++)
		far_await_go(c.fd[i].fd);
	c.start = clock_ns();
	while (turn(&c))
		;
	close_all(&c);
	return 0;
}
