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
#include <time.h>
#include <unistd.h>

#include "../examples/args.h"
#include "setup.h"

static const char usage[] =
	"usage: %s [options]\n"
	"Receives from bench/send into device memory and prints what it took, as a line of JSON.\n"
	"  --connections N   default 1\n"
	"  --bytes N[KMG]    in all, default 256M\n"
	"  --pin CPU         stay on this processor\n"
	"  --port N          default 5400\n"
	"  --lowat N[KMG]    SO_RCVLOWAT, default: what this receiver does best with\n"
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

static void parse(struct bench *b, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "connections", required_argument, NULL, 'c' }, { "bytes", required_argument, NULL, 'n' },
		{ "pin", required_argument, NULL, 'i' }, { "port", required_argument, NULL, 'p' },
		{ "lowat", required_argument, NULL, 'l' }, { "name", required_argument, NULL, 'N' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 'c': b->connections = arg_number(optarg, 1024); break;
		case 'n': b->bytes = arg_bytes(optarg); break;
		case 'i': b->cpu = atoi(optarg); break;
		case 'p': b->port = arg_number(optarg, 65535); break;
		case 'l': b->lowat = (uint32_t)arg_bytes(optarg); break;
		case 'N': b->name = optarg; break;
		case 'h': printf(usage, program_invocation_short_name); exit(0);
		default: fprintf(stderr, usage, program_invocation_short_name); exit(2);
		}
	}
	b->bytes -= b->bytes % b->connections;
}

static void listen_there(struct bench *b, const struct sockaddr_in6 *any)
{
	int one = 1;

	b->listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(b->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(b->listener, (const struct sockaddr *)any, sizeof(*any)) || listen(b->listener, 1024))
		bench_die("port %u: %s", b->port, strerror(errno));
}

void bench_accept(struct bench *b)
{
	int one = 1;

	b->fd = calloc(b->connections, sizeof(*b->fd));
	if (!b->fd)
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

void bench_listen(struct bench *b, const char *name, int argc, char **argv)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };

	*b = (struct bench){ .name = name, .connections = 1, .bytes = 256u << 20, .port = 5400, .cpu = -1 };
	parse(b, argc, argv);
	any.sin6_port = htons((uint16_t)b->port);
	if (devmem_buffer_create("udmabuf", BUFFER_BYTES, NULL, &b->buffer) ||
	    devmem_nic_open("lab0", NULL, &b->nic) ||
	    devmem_bind_rx(b->nic, b->buffer, NULL, &b->binding) ||
	    devmem_steer(b->binding, (struct sockaddr *)&any, NULL))
		bench_die("%s", devmem_error());
	listen_there(b, &any);
	fprintf(stderr, "%s: listening\n", b->name);
}

void bench_go(struct bench *b)
{
	for (unsigned int i = 0; i < b->connections; i++)
		if (send(b->fd[i], "", 1, MSG_NOSIGNAL) != 1)
			bench_die("send: %s", strerror(errno));
}

void bench_result(const struct bench *b, const struct bench_result *r)
{
	if (r->bytes != b->bytes)
		bench_die("%llu bytes came instead of %llu", (unsigned long long)r->bytes,
			  (unsigned long long)b->bytes);
	printf("{\"name\": \"%s\", \"connections\": %u, \"bytes\": %llu, \"seconds\": %.6f, \"enter_calls\": %llu, "
	       "\"completions\": %llu, \"releases\": %llu, \"fragments\": %llu, \"descriptors\": %llu, "
	       "\"lowat_changes\": %llu}\n",
	       b->name, b->connections, (unsigned long long)r->bytes, r->seconds, (unsigned long long)r->enter_calls,
	       (unsigned long long)r->completions, (unsigned long long)r->releases,
	       (unsigned long long)r->fragments, (unsigned long long)r->descriptors,
	       (unsigned long long)r->lowat_changes);
}

void bench_close(struct bench *b)
{
	for (unsigned int i = 0; i < b->connections; i++)
		close(b->fd[i]);
	close(b->listener);
	devmem_binding_close(b->binding);
	if (devmem_nic_close(b->nic))
		bench_die("the NIC could not be restored: %s", devmem_error());
	devmem_buffer_close(b->buffer);
	free(b->fd);
}
