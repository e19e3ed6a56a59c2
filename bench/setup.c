// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../examples/args.h"
#include "../examples/pattern.h"
#include "../lab/count/mark.h"
#include "setup.h"

#define BUFFER_BYTES (64u << 20)

static const char usage[] =
	"usage: %s [options]\n"
	"Receives from the far end, or sends to it, and prints what it took, as a line of JSON.\n"
	"  --interface NAME  default lab0\n"
	"  --engine NAME     libdevmem's; default: its choice\n"
	"  --page N[KMG]     of the NIC's pages; default: the largest that it takes\n"
	"  --buffer N[KMG]   default 64M; of epoll what it receives at a time\n"
	"  --queues N        default 1\n"
	"  --hold N          tokens that are kept before the oldest go back, default none "
	"(receive)\n"
	"  --connections N   default 1\n"
	"  --bytes N[KMG]    in all, default 256M\n"
	"  --pin CPU         stay on this processor\n"
	"  --port N          default 5400\n"
	"  --lowat N[KMG]    SO_RCVLOWAT, default: what this receiver does best with\n"
	"  --coalesce US     libdevmem's coalesce_us, default 0\n"
	"  --send N[KMG]     bytes of a send, default 1M (senders)\n"
	"  --guard WHICH     against urgent data: both (default), sockets, ingress, none "
	"(receive)\n"
	"  --verify          every byte, from send --pattern (receive and epoll)\n"
	"  --name NAME       of the count and in the result\n";

void bench_die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

double bench_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_die("processor %d: %s", cpu, strerror(errno));
}

static void set_guard(struct bench *b, const char *which)
{
	const bool none = !strcmp(which, "none"), sockets = !strcmp(which, "sockets"),
		   ingress = !strcmp(which, "ingress");

	if (!none && !sockets && !ingress && strcmp(which, "both"))
		bench_die("--guard %s: both, sockets, ingress or none", which);
	b->nic_flags = none || sockets ? DEVMEM_NIC_NO_GUARD : 0;
	b->attach_flags = none || ingress ? DEVMEM_ATTACH_NO_GUARD : 0;
}

static const struct option longs[] = {
	{ "connections", required_argument, NULL, 'c' },
	{ "bytes", required_argument, NULL, 'n' },
	{ "pin", required_argument, NULL, 'i' },
	{ "port", required_argument, NULL, 'p' },
	{ "lowat", required_argument, NULL, 'l' },
	{ "name", required_argument, NULL, 'N' },
	{ "interface", required_argument, NULL, 'I' },
	{ "engine", required_argument, NULL, 'e' },
	{ "page", required_argument, NULL, 'g' },
	{ "buffer", required_argument, NULL, 'b' },
	{ "send", required_argument, NULL, 's' },
	{ "queues", required_argument, NULL, 'q' },
	{ "hold", required_argument, NULL, 'H' },
	{ "coalesce", required_argument, NULL, 'C' },
	{ "guard", required_argument, NULL, 'G' },
	{ "verify", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void parse_options(struct bench *b, int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 'c':
			b->connections = arg_number(optarg, 1024);
			break;
		case 'n':
			b->bytes = arg_bytes(optarg);
			break;
		case 'i':
			b->cpu = atoi(optarg);
			break;
		case 'p':
			b->port = arg_number(optarg, 65535);
			break;
		case 'l':
			b->lowat = (uint32_t)arg_bytes(optarg);
			break;
		case 'N':
			b->name = optarg;
			break;
		case 'I':
			b->interface = optarg;
			break;
		case 'e':
			b->engine = optarg;
			break;
		case 'g':
			b->page_size = (uint32_t)arg_bytes(optarg);
			break;
		case 'b':
			b->buffer_bytes = arg_bytes(optarg);
			break;
		case 's':
			b->portion = (uint32_t)arg_bytes(optarg);
			break;
		case 'q':
			b->queues = arg_number(optarg, 64);
			break;
		case 'H':
			b->hold = arg_number(optarg, 1u << 20);
			break;
		case 'C':
			b->coalesce = arg_number(optarg, 100000);
			break;
		case 'G':
			set_guard(b, optarg);
			break;
		case 'v':
			b->verify = true;
			break;
		case 'h':
			printf(usage, program_invocation_short_name);
			exit(0);
		default:
			fprintf(stderr, usage, program_invocation_short_name);
			exit(2);
		}
	}
	b->bytes -= b->bytes % b->connections;
}

void bench_parse(struct bench *b, const char *name, int argc, char **argv)
{
	*b = (struct bench){ .name = name,
			     .interface = "lab0",
			     .connections = 1,
			     .bytes = 256u << 20,
			     .portion = 1u << 20,
			     .port = 5400,
			     .cpu = -1 };
	parse_options(b, argc, argv);
}

static struct sockaddr_in6 any_address(const struct bench *b)
{
	return (struct sockaddr_in6){ .sin6_family = AF_INET6,
				      .sin6_port = htons((uint16_t)b->port) };
}

/* Touches the destination of copies once, as epoll.c's buffer was: the first access to a dma-buf's
 * memory maps all of it, which is set-up. */
static void touch(const struct bench *b)
{
	void *memory;

	if (devmem_buffer_map(b->buffer, &memory) ||
	    devmem_buffer_sync(b->buffer, DEVMEM_SYNC_START | DEVMEM_SYNC_WRITE))
		bench_die("%s", devmem_error());
	memset(memory, 0, devmem_buffer_size(b->buffer));
	if (devmem_buffer_sync(b->buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_WRITE))
		bench_die("%s", devmem_error());
}

static void make_buffer(struct bench *b)
{
	if (devmem_buffer_create(NULL, b->buffer_bytes ? b->buffer_bytes : BUFFER_BYTES, NULL,
				 &b->buffer))
		bench_die("%s", devmem_error());
}

void bench_bind(struct bench *b)
{
	struct sockaddr_in6 any = any_address(b);

	make_buffer(b);
	if (devmem_nic_open(b->interface, DEVMEM_OPTS(devmem_nic_opts, .flags = b->nic_flags),
			    &b->nic) ||
	    devmem_bind_rx(b->nic, b->buffer,
			   DEVMEM_OPTS(devmem_bind_opts, .engine = b->engine,
				       .page_size = b->page_size, .queues = b->queues),
			   &b->binding) ||
	    devmem_steer(b->binding, (struct sockaddr *)&any, NULL))
		bench_die("%s", devmem_error());
	if (!strcmp(devmem_binding_engine(b->binding, NULL), "copy"))
		touch(b);
}

void bench_bind_tx(struct bench *b)
{
	if (!b->buffer)
		make_buffer(b);
	if (devmem_bind_tx(b->interface, b->buffer,
			   DEVMEM_OPTS(devmem_bind_tx_opts, .engine = "devmem"), &b->tx))
		bench_die("%s", devmem_error());
}

void bench_listen(struct bench *b)
{
	struct sockaddr_in6 any = any_address(b);
	int one = 1;

	b->listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(b->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(b->listener, (const struct sockaddr *)&any, sizeof(any)) ||
	    listen(b->listener, 1024))
		bench_die("port %u: %s", b->port, strerror(errno));
	fprintf(stderr, "%s: listening\n", b->name);
}

void bench_accept(struct bench *b)
{
	int one = 1;

	b->fd = calloc(b->connections, sizeof(*b->fd));
	b->position = calloc(b->connections, sizeof(*b->position));
	if (!b->fd || !b->position)
		bench_die("no memory");
	for (unsigned int i = 0; i < b->connections; i++) {
		b->fd[i] = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC);
		if (b->fd[i] < 0)
			bench_die("accept: %s", strerror(errno));
		setsockopt(b->fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	if (b->cpu >= 0)
		bench_pin(b->cpu);
}

void bench_lowat(const struct bench *b, uint32_t best)
{
	int lowat = (int)(b->lowat ? b->lowat : best);

	for (unsigned int i = 0; lowat && i < b->connections; i++)
		if (setsockopt(b->fd[i], SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)))
			bench_die("SO_RCVLOWAT: %s", strerror(errno));
}

static double seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

static void add_time(struct bench_result *r, int sign)
{
	struct rusage spent;

	r->seconds += sign * bench_clock();
	getrusage(RUSAGE_SELF, &spent);
	r->user += sign * seconds(spent.ru_utime);
	r->system += sign * seconds(spent.ru_stime);
}

/* The marks are next to the caller's loop, so that nothing of this file is counted. */
void bench_begin(const struct bench *b, struct bench_result *r)
{
	lab_count_name(b->name);
	for (unsigned int i = 0; i < b->connections; i++)
		if (send(b->fd[i], "", 1, MSG_NOSIGNAL) != 1)
			bench_die("send: %s", strerror(errno));
	add_time(r, -1);
	lab_count_begin();
}

void bench_end(struct bench_result *r)
{
	lab_count_end();
	add_time(r, 1);
	lab_count_bytes(r->bytes);
}

void bench_check(struct bench *b, unsigned int connection, const void *bytes, size_t n)
{
	if (!pattern_matches(b->position[connection], bytes, n))
		bench_die("wrong bytes after %llu of connection %u",
			  (unsigned long long)b->position[connection], connection);
	b->position[connection] += n;
}

void bench_difference(const struct devmem_stats *before, const struct devmem_stats *after,
		      struct bench_result *r)
{
	r->enter_calls = after->enter_calls - before->enter_calls;
	r->completions = after->completions - before->completions;
	r->releases = after->release_operations - before->release_operations;
	r->fragments = after->fragments - before->fragments;
	r->descriptors = after->descriptors - before->descriptors;
	r->lowat_changes = after->lowat_changes - before->lowat_changes;
	r->send_operations = after->send_operations - before->send_operations;
	r->send_notices = after->send_notices - before->send_notices;
	r->send_waits = after->send_waits - before->send_waits;
}

static void check_bytes(const struct bench *b, const struct bench_result *r)
{
	uint64_t verified = 0;

	for (unsigned int i = 0; i < b->connections; i++)
		verified += b->position[i];
	if (r->bytes != b->bytes)
		bench_die("%llu bytes came instead of %llu", (unsigned long long)r->bytes,
			  (unsigned long long)b->bytes);
	if (b->verify && verified != b->bytes)
		bench_die("%llu bytes were verified instead of %llu", (unsigned long long)verified,
			  (unsigned long long)b->bytes);
}

void bench_result(const struct bench *b, const struct bench_result *r)
{
	check_bytes(b, r);
	printf("{\"name\": \"%s\", \"engine\": \"%s\", \"tx_engine\": \"%s\", \"backend\": \"%s\", "
	       "\"page_size\": %u, \"connections\": %u, \"bytes\": %llu, \"verified\": %s, "
	       "\"seconds\": %.6f, \"user_seconds\": %.6f, \"system_seconds\": %.6f, "
	       "\"enter_calls\": %llu, \"completions\": %llu, \"releases\": %llu, \"fragments\": "
	       "%llu, \"descriptors\": %llu, \"lowat_changes\": %llu, \"send_operations\": %llu, "
	       "\"send_notices\": %llu, \"send_waits\": %llu}\n",
	       b->name, r->engine, r->tx_engine ? r->tx_engine : "none",
	       b->buffer ? devmem_buffer_backend(b->buffer, NULL) : "none", r->page_size,
	       b->connections, (unsigned long long)r->bytes, b->verify ? "true" : "false",
	       r->seconds, r->user, r->system, (unsigned long long)r->enter_calls,
	       (unsigned long long)r->completions, (unsigned long long)r->releases,
	       (unsigned long long)r->fragments, (unsigned long long)r->descriptors,
	       (unsigned long long)r->lowat_changes, (unsigned long long)r->send_operations,
	       (unsigned long long)r->send_notices, (unsigned long long)r->send_waits);
}

void bench_close(struct bench *b)
{
	for (unsigned int i = 0; i < b->connections; i++)
		close(b->fd[i]);
	close(b->listener);
	devmem_binding_close(b->tx);
	devmem_binding_close(b->binding);
	if (b->nic && devmem_nic_close(b->nic))
		bench_die("the NIC could not be restored: %s", devmem_error());
	devmem_buffer_close(b->buffer);
	free(b->position);
	free(b->fd);
}
