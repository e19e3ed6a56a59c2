// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "stop.h"

int control_open(struct control *c, int fd, size_t room)
{
	const int on = 1, idle = 5, each = 5, times = 3;

	*c = (struct control){ .fd = fd, .room = room, .text = malloc(room), .until = CLOCK_NEVER };
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &each, sizeof(each));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (c->text)
		return 0;
	control_close(c);
	return -ENOMEM;
}

void control_close(struct control *c)
{
	free(c->text);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct control){ .fd = -1 };
}

/* Milliseconds that are left, for poll(2); -1: no limit. */
static int left_ms(uint64_t until)
{
	const uint64_t now = clock_now(), ns = until > now ? until - now : 0;

	return until == CLOCK_NEVER	 ? -1
	       : ns / CLOCK_MS < INT_MAX ? (int)((ns + CLOCK_MS - 1) / CLOCK_MS)
					 : INT_MAX;
}

/* Returns 0 if the connection is ready, or a signal came that does not stop the program. */
static int wait_for(const struct control *c, short events, uint64_t until)
{
	struct pollfd pfd = { .fd = c->fd, .events = events };
	int n = stopped() ? -1 : poll(&pfd, 1, left_ms(until));

	return stopped() ? -EINTR : !n ? -ETIMEDOUT : 0;
}

int control_send(struct control *c, struct message *m)
{
	size_t done = 0;
	ssize_t n = 0;
	int err;

	message_end(m);
	err = m->lost ? -ENOMEM : 0;
	while (!err && done < m->bytes) {
		n = send(c->fd, m->text + done, m->bytes - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			done += (size_t)n;
		else
			err = errno == EAGAIN || errno == EINTR ? wait_for(c, POLLOUT, c->until)
								: -errno;
	}
	message_free(m);
	return err;
}

/* Looks for a complete message in the buffer. */
static int find(struct control *c, struct lines *l)
{
	int n = message_find(c->text, c->have);

	if (n <= 0)
		return n;
	message_open(l, c->text, (size_t)n);
	c->used = (size_t)n;
	return 1;
}

int control_take(struct control *c, struct lines *l)
{
	ssize_t n;
	int got;

	c->have -= c->used;
	memmove(c->text, c->text + c->used, c->have);
	c->used = 0;
	got = find(c, l);
	if (got)
		return got;
	if (c->have == c->room)
		return -EMSGSIZE;
	n = recv(c->fd, c->text + c->have, c->room - c->have, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -EPIPE;
	c->have += (size_t)n;
	return find(c, l);
}

int control_await(struct control *c, struct lines *l, int timeout_ms)
{
	uint64_t until =
		timeout_ms < 0 ? CLOCK_NEVER : clock_now() + (uint64_t)timeout_ms * CLOCK_MS;
	int got = 0, err = 0;

	if (c->until < until)
		until = c->until;
	while (!got && !err) {
		got = control_take(c, l);
		if (!got)
			err = wait_for(c, POLLIN, until);
	}
	return got ? got : err;
}

const char *control_why(int err)
{
	switch (err) {
	case -EPIPE:
		return "it has closed the connection";
	case -EPROTO:
		return "it is not devmem-perf: its message is of another kind";
	case -EPROTONOSUPPORT:
		return "it is a devmem-perf of another version: use the same at both ends";
	case -EMSGSIZE:
		return "its message is too long";
	case -ETIMEDOUT:
		return "it did not send a message in time";
	default:
		return strerror(-err);
	}
}
