// SPDX-License-Identifier: MIT
/*
 * message_client: sends messages of random sizes to gpu_message_server, each with its length in
 * front: 8 bytes, in network byte order. It is an ordinary TCP program.
 */
#include <endian.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "pattern.h"
#include "sockets.h"

static const char usage[] = "usage: message_client [options] HOST PORT\n"
			    "Sends messages of random sizes to gpu_message_server, on one "
			    "connection.\n"
			    "  -n, --messages N      how many (default 10000)\n"
			    "  -g, --message KIB     the longest (default 256)\n"
			    "  -s, --seed N          other sizes (default 1)\n"
			    "  -x, --corrupt         send one wrong byte, to see that the receiver "
			    "notices\n"
			    "  -h, --help\n";

struct options {
	unsigned int messages, longest, seed;
	bool corrupt;
};

static struct options parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "messages", required_argument, NULL, 'n' },
		{ "message", required_argument, NULL, 'g' },
		{ "seed", required_argument, NULL, 's' },
		{ "corrupt", no_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = { .messages = 10000, .longest = 256 << 10, .seed = 1 };
	int opt;

	while ((opt = getopt_long(argc, argv, "n:g:s:xh", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			o.messages = arg_number(optarg, 1u << 30);
			break;
		case 'g':
			o.longest = arg_number(optarg, 1 << 16) << 10;
			break;
		case 's':
			o.seed = arg_number(optarg, 1u << 30);
			break;
		case 'x':
			o.corrupt = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (argc - optind != 2) {
		fputs(usage, stderr);
		exit(2);
	}
	return o;
}

/* Most messages are small, some are empty, and a few are as long as they may be. */
static uint32_t size(struct options *o)
{
	const uint32_t kind = (uint32_t)rand_r(&o->seed) % 64, any = (uint32_t)rand_r(&o->seed);

	if (kind == 0)
		return o->longest;
	if (kind == 1)
		return any % (o->longest + 1);
	return any % (kind < 16 ? 17 : 4097);
}

static bool send_message(FILE *to, uint64_t position, uint32_t bytes, bool corrupt)
{
	const uint64_t header = htobe64(bytes);
	size_t some;

	if (fwrite(&header, sizeof(header), 1, to) != 1)
		return false;
	if (corrupt) {
		fputc(*pattern_at(position, 1, &some) ^ 0xff, to);
		position++;
		bytes--;
	}
	for (; bytes; bytes -= (uint32_t)some) {
		const unsigned char *p = pattern_at(position, bytes, &some);

		if (fwrite(p, 1, some, to) != some)
			return false;
		position += some;
	}
	return true;
}

/* Returns false if the connection failed. */
static bool send_all(struct options *o, FILE *to)
{
	bool good = true, corrupt = o->corrupt;
	uint64_t position = 0;

	for (unsigned int i = 0; good && i < o->messages; i++) {
		uint32_t bytes = size(o);
		bool wrong = corrupt && bytes && i >= o->messages / 2;

		good = send_message(to, position, bytes, wrong);
		corrupt &= !wrong;
		position += bytes;
	}
	if (good)
		good = !fflush(to);
	if (!good)
		fprintf(stderr, "message_client: sending: %s\n", strerror(errno));
	else
		printf("%u messages of %llu bytes\n", o->messages, (unsigned long long)position);
	return good;
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *to;
	int err = getaddrinfo(argv[optind], argv[optind + 1], &hints, &to), fd;
	char byte;
	FILE *f;
	bool ok;

	if (err) {
		fprintf(stderr, "message_client: %s port %s: %s\n", argv[optind], argv[optind + 1],
			gai_strerror(err));
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	fd = connect_to(to, 0);
	freeaddrinfo(to);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		fprintf(stderr, "message_client: cannot connect: %s\n", strerror(errno));
		return 1;
	}
	ok = send_all(&o, f);
	shutdown(fd, SHUT_WR);
	if (ok && recv(fd, &byte, 1, 0)) { /* it closes when it has everything */
		fprintf(stderr, "message_client: the receiver did not close the connection in "
				"order\n");
		ok = false;
	}
	fclose(f);
	return ok ? 0 : 1;
}
