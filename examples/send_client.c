// SPDX-License-Identifier: MIT
/*
 * send_client: an ordinary TCP sender of the pattern that gpu_recv_server --verify checks. No device memory here:
 * any TCP program can be the other end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "pattern.h"
#include "sockets.h"

static const char usage[] =
	"usage: send_client [options] HOST PORT\n"
	"Sends a known pattern to gpu_recv_server over several TCP connections.\n"
	"  -c, --connections N   how many (default 1)\n"
	"  -n, --bytes N[KMG]    bytes on each connection (default 1G)\n"
	"  -x, --corrupt         send one wrong byte in each stream, to see that the receiver notices\n"
	"  -h, --help\n";

struct sender {
	pthread_t thread;
	const struct addrinfo *to;
	uint64_t bytes;
	bool corrupt;
	bool failed;
};

static bool send_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

static bool send_stream(int fd, uint64_t bytes, bool corrupt)
{
	uint64_t wrong = corrupt ? bytes / 2 : bytes;	/* the position of the wrong byte, if any */
	uint64_t position = 0;
	size_t n;

	while (position < bytes) {
		uint64_t until = position < wrong ? wrong : bytes;
		const unsigned char *p = pattern_at(position, until - position, &n);
		unsigned char flipped = *p ^ 0xff;

		if (position == wrong) {
			p = &flipped;
			n = 1;
		}
		if (!send_all(fd, p, n))
			return false;
		position += n;
	}
	return true;
}

static void *run(void *arg)
{
	struct sender *s = arg;
	int fd = connect_to(s->to);
	char byte;

	s->failed = true;
	if (fd < 0) {
		fprintf(stderr, "send_client: cannot connect: %s\n", strerror(errno));
		return NULL;
	}
	if (!send_stream(fd, s->bytes, s->corrupt))
		fprintf(stderr, "send_client: sending: %s\n", strerror(errno));
	else if (shutdown(fd, SHUT_WR) || recv(fd, &byte, 1, 0) != 0)	/* the other end closes when it has all */
		fprintf(stderr, "send_client: the receiver did not close the connection in order\n");
	else
		s->failed = false;
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "connections", required_argument, NULL, 'c' }, { "bytes", required_argument, NULL, 'n' },
		{ "corrupt", no_argument, NULL, 'x' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *to;
	struct sender common = { .bytes = 1ull << 30 }, *senders;
	int connections = 1, failed = 0, opt, err;

	while ((opt = getopt_long(argc, argv, "c:n:xh", options, NULL)) != -1) {
		switch (opt) {
		case 'c': connections = (int)arg_number(optarg, 65535); break;
		case 'n': common.bytes = arg_bytes(optarg); break;
		case 'x': common.corrupt = true; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	}
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return 2;
	}
	err = getaddrinfo(argv[optind], argv[optind + 1], &hints, &to);
	if (err) {
		fprintf(stderr, "send_client: %s port %s: %s\n", argv[optind], argv[optind + 1], gai_strerror(err));
		return 2;
	}
	common.to = to;
	senders = calloc((size_t)connections, sizeof(*senders));
	if (!senders)
		return 1;
	for (int i = 0; i < connections; i++) {
		senders[i] = common;
		if (pthread_create(&senders[i].thread, NULL, run, &senders[i])) {
			fprintf(stderr, "send_client: cannot start thread %d\n", i);
			return 1;
		}
	}
	for (int i = 0; i < connections; i++) {
		pthread_join(senders[i].thread, NULL);
		failed += senders[i].failed;
	}
	free(senders);
	freeaddrinfo(to);
	return failed ? 1 : 0;
}
