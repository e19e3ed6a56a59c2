// SPDX-License-Identifier: MIT
/*
 * send_client: sends the pattern that gpu_recv_server --verify checks. Without --device it is an
 * ordinary TCP program, such as could be at the other end; with --device the bytes leave from
 * device memory (device_sender.c).
 */
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
#include "device_sender.h"
#include "pattern.h"
#include "sockets.h"

static const char usage[] = "usage: send_client [options] HOST PORT\n"
			    "Sends a known pattern to gpu_recv_server, or to gpu_echo_server, over "
			    "several TCP connections.\n"
			    "  -c, --connections N   how many (default 1)\n"
			    "  -n, --bytes N[KMG]    bytes on each connection (default 1G)\n"
			    "  -d, --device NAME     send from device memory, by this interface\n"
			    "  -e, --engine NAME     (--device) devmem, copy or syscall (default: "
			    "the best that can be)\n"
			    "  -r, --echo            the same bytes are to come back: check that "
			    "they do\n"
			    "  -w, --wait            while nobody listens there, try again for up "
			    "to 30 seconds\n"
			    "  -m, --modulo N        bytes that count modulo N, as the kernel's "
			    "\"ncdevmem -v N\" wants them\n"
			    "  -x, --corrupt         send one wrong byte in each stream, to see "
			    "that the receiver notices\n"
			    "  -h, --help\n";

struct sender {
	pthread_t thread;
	const struct addrinfo *to;
	uint64_t bytes;
	bool corrupt, echo, wait;
	int fd;
	uint64_t returned;  /* bytes */
	bool wrong, closed; /* @wrong: a byte was wrong; @closed: the other end closed in order */
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
	uint64_t wrong = corrupt ? bytes / 2 : bytes; /* the position of the wrong byte, if any */
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

/* Reads until the other end closes, which it does when it has received everything. */
static void *read_back(void *arg)
{
	static _Thread_local char bytes[64 << 10];
	struct sender *s = arg;
	ssize_t n;

	while ((n = recv(s->fd, bytes, sizeof(bytes), 0)) > 0) {
		s->wrong |= !pattern_matches(s->returned, bytes, (size_t)n);
		s->returned += (uint64_t)n;
	}
	s->closed = n == 0;
	return NULL;
}

/* Sends and reads at the same time: the sender would block if nobody read what comes back. */
static bool send_and_read(struct sender *s)
{
	pthread_t reader;
	bool sent;

	if (s->echo && pthread_create(&reader, NULL, read_back, s))
		return false;
	sent = send_stream(s->fd, s->bytes, s->corrupt);
	if (!sent)
		fprintf(stderr, "send_client: sending: %s\n", strerror(errno));
	shutdown(s->fd, sent ? SHUT_WR : SHUT_RDWR);
	if (s->echo)
		pthread_join(reader, NULL);
	else
		read_back(s);
	return sent;
}

static void *run(void *arg)
{
	struct sender *s = arg;

	s->failed = true;
	s->fd = connect_to(s->to, s->wait ? PATIENCE : 0);
	if (s->fd < 0) {
		fprintf(stderr, "send_client: cannot connect: %s\n", strerror(errno));
		return NULL;
	}
	if (!send_and_read(s))
		;
	else if (!s->closed)
		fprintf(stderr, "send_client: the receiver did not close the connection in "
				"order\n");
	else if (s->returned != (s->echo ? s->bytes : 0) || s->wrong)
		fprintf(stderr, "send_client: what came back is not what was sent\n");
	else
		s->failed = false;
	close(s->fd);
	return NULL;
}

/* An ordinary sender: a thread for each connection. Returns the number of failed connections. */
static unsigned int send_from_threads(const struct sender *common, unsigned int connections)
{
	struct sender *senders = calloc(connections, sizeof(*senders));
	unsigned int started = 0, failed;

	for (; senders && started < connections; started++) {
		senders[started] = *common;
		if (pthread_create(&senders[started].thread, NULL, run, &senders[started]))
			break;
	}
	failed = connections - started;
	if (failed)
		fprintf(stderr, "send_client: cannot start thread %u\n", started);
	for (unsigned int i = 0; i < started; i++) {
		pthread_join(senders[i].thread, NULL);
		failed += senders[i].failed;
	}
	free(senders);
	return failed;
}

/* Parses the options; an error ends the program. Leaves optind at the first other argument. */
static struct device_job parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "connections", required_argument, NULL, 'c' },
		{ "bytes", required_argument, NULL, 'n' },
		{ "device", required_argument, NULL, 'd' },
		{ "engine", required_argument, NULL, 'e' },
		{ "echo", no_argument, NULL, 'r' },
		{ "wait", no_argument, NULL, 'w' },
		{ "modulo", required_argument, NULL, 'm' },
		{ "corrupt", no_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct device_job job = { .bytes = 1ull << 30, .connections = 1 };
	int opt;

	while ((opt = getopt_long(argc, argv, "c:n:d:e:rwm:xh", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			job.connections = arg_number(optarg, 65535);
			break;
		case 'n':
			job.bytes = arg_bytes(optarg);
			break;
		case 'd':
			job.interface = optarg;
			break;
		case 'e':
			job.engine = optarg;
			break;
		case 'r':
			job.echo = true;
			break;
		case 'w':
			job.wait = true;
			break;
		case 'm':
			pattern_modulo(arg_number(optarg, 256));
			break;
		case 'x':
			job.corrupt = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (argc - optind != 2 || (job.engine && !job.interface)) {
		fputs(usage, stderr);
		exit(2);
	}
	return job;
}

int main(int argc, char **argv)
{
	struct device_job job = parse(argc, argv);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *to;
	unsigned int failed;
	int err = getaddrinfo(argv[optind], argv[optind + 1], &hints, &to);

	if (err) {
		fprintf(stderr, "send_client: %s port %s: %s\n", argv[optind], argv[optind + 1],
			gai_strerror(err));
		return 2;
	}
	job.to = to;
	if (job.interface)
		failed = device_send(&job);
	else
		failed = send_from_threads(&(struct sender){ .to = to,
							     .bytes = job.bytes,
							     .corrupt = job.corrupt,
							     .echo = job.echo,
							     .wait = job.wait },
					   job.connections);
	freeaddrinfo(to);
	return failed ? 1 : 0;
}
