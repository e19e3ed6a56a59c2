// SPDX-License-Identifier: MIT
/*
 * hostile MODE PORT CONNECTIONS [BYTES | TEXT]: a peer that means no good, at 127.0.0.1.
 *
 * reset	connects, and resets each connection at once
 * leave	sends so many bytes on each connection, and closes it in order
 * together	the same, but closes none before the server had a second to read what came on all of
 *		them
 * idle		sends so many bytes on each connection, says "idle", and ends when the server has
 *		closed all of them
 * hoard	sends as much as the server takes on each connection, and reads nothing; says
 *		"hoards", and ends as idle does
 * drip		the same, with one byte of the text each 50 ms, from its beginning again when it is
 *		over; says "drips"
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int reach(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		err(1, "hostile: connect");
	return fd;
}

/* One whose window closes soon. */
static int reach_narrowly(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), bytes = 2048;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		err(1, "hostile: connect");
	return fd;
}

/* Without a FIN: what the other end finds is an error. */
static void reset(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void send_bytes(int fd, size_t bytes)
{
	static const char zeros[65536];
	ssize_t n;

	for (; bytes; bytes -= (size_t)n) {
		n = send(fd, zeros, bytes < sizeof(zeros) ? bytes : sizeof(zeros), MSG_NOSIGNAL);
		if (n < 0)
			return; /* the server has had enough of it */
	}
}

static bool is_closed(int fd)
{
	char text[4096]; /* what it has to say is of no interest */
	ssize_t n;

	do
		n = recv(fd, text, sizeof(text), MSG_DONTWAIT);
	while (n > 0);
	return !n || (n < 0 && errno != EAGAIN);
}

/* Until the server has closed all of them. @text: NULL, or what drips. */
static void stay(const int *fd, unsigned int n, const char *text)
{
	const size_t length = text ? strlen(text) : 0;
	unsigned int open = n;
	bool *over = calloc(n, sizeof(*over));

	if (!over)
		err(1, "hostile");
	puts(text ? "drips" : "idle");
	fflush(stdout);
	for (size_t turn = 0; open; turn++) {
		for (unsigned int i = 0; i < n; i++) {
			if (over[i])
				continue;
			if (text)
				send(fd[i], text + turn % length, 1, MSG_NOSIGNAL);
			over[i] = is_closed(fd[i]);
			open -= over[i];
		}
		poll(NULL, 0, 50);
	}
	free(over);
}

/* Until the server has closed all of them. What it sends stays where it is. */
static void hoard(const int *fd, unsigned int n)
{
	static const char zeros[1 << 20];
	unsigned int open = n, quiet = 0;
	bool *over = calloc(n, sizeof(*over));

	if (!over)
		err(1, "hostile");
	while (open) {
		bool moved = false;

		for (unsigned int i = 0; i < n; i++) {
			if (over[i])
				continue;
			over[i] =
				send(fd[i], zeros, sizeof(zeros), MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
			moved |= !over[i];
			over[i] &= errno != EAGAIN;
			open -= over[i];
		}
		quiet = moved ? 0 : quiet + 1;
		if (quiet == 20)
			puts("hoards");
		fflush(stdout);
		if (!moved)
			poll(NULL, 0, 50);
	}
	free(over);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct rlimit files;
	unsigned int n;
	int *fd;

	if (argc < 4)
		errx(2, "hostile reset|leave|together|idle|hoard|drip PORT CONNECTIONS "
			"[BYTES|TEXT]");
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	n = (unsigned int)atoi(argv[3]);
	fd = calloc(n, sizeof(*fd));
	if (!fd)
		err(1, "hostile");
	for (unsigned int i = 0; i < n; i++) {
		fd[i] = strcmp(argv[1], "hoard") ? reach(&to) : reach_narrowly(&to);
		if (!strcmp(argv[1], "reset"))
			reset(fd[i]);
		else if (argc > 4 && strcmp(argv[1], "drip"))
			send_bytes(fd[i], strtoul(argv[4], NULL, 10));
		if (!strcmp(argv[1], "leave"))
			close(fd[i]);
	}
	if (!strcmp(argv[1], "hoard"))
		hoard(fd, n);
	if (!strcmp(argv[1], "together"))
		poll(NULL, 0, 1000);
	if (!strcmp(argv[1], "idle") || !strcmp(argv[1], "drip"))
		stay(fd, n, !strcmp(argv[1], "drip") ? argc > 4 ? argv[4] : "x" : NULL);
	free(fd);
	return 0;
}
