// SPDX-License-Identifier: MIT
/*
 * gpu_recv_server: receive TCP streams straight into device memory.
 *
 * The order of things: a buffer, the NIC, a binding of the one to queues of the other, a rule that steers our
 * port there, and a ring whose events say which bytes of the buffer came for which connection.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <devmem/devmem.h>

#include "args.h"
#include "pattern.h"
#include "report.h"
#include "sockets.h"

#define EVENTS 256

static const char usage[] =
	"usage: gpu_recv_server [options] INTERFACE\n"
	"Receives TCP streams into device memory: without a copy if it has CAP_NET_ADMIN and INTERFACE can.\n"
	"  -p, --port N          listen here, IPv4 and IPv6 (default 5201)\n"
	"  -e, --engine NAME     devmem, zcrx, copy or syscall (default: the best that can be)\n"
	"  -b, --backend NAME    where the memory comes from (default: the best there is)\n"
	"  -m, --buffer MIB      size of the buffer (default 64)\n"
	"  -q, --queues N        RX queues to bind (default 1)\n"
	"  -c, --connections N   end after so many connections (default: at SIGINT or SIGTERM)\n"
	"  -v, --verify          check that the bytes are what send_client sends\n"
	"  -j, --json FILE       write the summary to FILE (- for standard output)\n"
	"  -P, --progress        a line each second (the default on a terminal; --no-progress: never)\n"
	"  -h, --help\n";
struct options {
	const char *interface, *backend, *engine, *json;
	unsigned int port, buffer_mib, queues, connections;
	bool verify, progress;
};

struct connection {
	struct connection *next;
	struct devmem_sock *sock;
	int fd;
	uint64_t position;	/* bytes of the stream so far */
};

struct server {
	struct options opt;
	int listener, signals;
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	struct connection *open;
	unsigned char *memory;		/* the buffer, for --verify */
	unsigned int accepted, ended, broken;
	uint64_t wrong;			/* fragments that were not what was sent */
	uint64_t queues_seen;		/* a bit for each RX queue that brought a connection */
	double started;
};

/* What an event belongs to: these two, or a connection. */
enum { LISTENER = 1, SIGNALS = 2 };

static int failed(const char *what)
{
	fprintf(stderr, "gpu_recv_server: %s: %s\n", what, devmem_error());
	return -1;
}

/* Any local address, this port, both families. */
static int steer(struct server *s)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)s->opt.port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)s->opt.port) };

	return devmem_steer(s->binding, (struct sockaddr *)&v4, NULL) ? -1 :
	       devmem_steer(s->binding, (struct sockaddr *)&v6, NULL);
}

static int open_server(struct server *s)
{
	const struct options *o = &s->opt;

	s->signals = open_signals();
	s->listener = open_listener(o->port);
	if (s->signals < 0 || s->listener < 0)
		return -1;
	if (devmem_buffer_create(o->backend, (size_t)o->buffer_mib << 20, NULL, &s->buffer))
		return failed("buffer");
	if (devmem_nic_open(o->interface, NULL, &s->nic))
		return failed(o->interface);
	if (devmem_bind_rx(s->nic, s->buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = o->queues, .engine = o->engine),
			   &s->binding))
		return failed("bind");
	if (steer(s))
		return failed("steering");
	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = o->engine), &s->ring))
		return failed("ring");
	if (devmem_watch(s->ring, s->listener, LISTENER) || devmem_watch(s->ring, s->signals, SIGNALS))
		return failed("watch");
	if (o->verify && devmem_buffer_map(s->buffer, (void **)&s->memory))
		return failed("--verify");
	return 0;
}

/* In the order of what uses what. Returns false if the NIC is not as it was. */
static bool close_server(struct server *s)
{
	int err;

	devmem_ring_close(s->ring);
	devmem_binding_close(s->binding);
	err = devmem_nic_close(s->nic);
	if (err)
		failed("the NIC could not be restored");
	devmem_buffer_close(s->buffer);
	close(s->listener);
	close(s->signals);
	return !err;
}

static int accept_all(struct server *s)
{
	struct connection *c;
	int fd;

	while ((fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		c = calloc(1, sizeof(*c));
		if (!c || devmem_attach(s->ring, fd, s->binding, (uintptr_t)c, NULL, &c->sock)) {
			free(c);
			close(fd);
			return failed("attach");
		}
		c->fd = fd;
		c->next = s->open;
		s->open = c;
		if (!s->accepted++)
			s->started = report_clock();
	}
	return 0;
}

/* The one place where this program looks at bytes; a real one would launch a kernel on (offset, length). */
static void consume(struct server *s, struct connection *c, const struct devmem_event *ev)
{
	bool host = ev->type == DEVMEM_EVENT_HOST;
	const void *bytes = host ? (const void *)(uintptr_t)ev->offset : s->memory + ev->offset;

	if (s->opt.verify && !pattern_matches(c->position, bytes, ev->length) && !s->wrong++)
		fprintf(stderr, "gpu_recv_server: wrong bytes at %llu of a stream\n", (unsigned long long)c->position);
	c->position += ev->length;
}

/* @error: 0 if the peer has sent all it had. */
static void close_connection(struct server *s, struct connection *c, int error)
{
	struct connection **link = &s->open;
	int queue = devmem_sock_queue(c->sock);

	if (error && ++s->broken)
		fprintf(stderr, "gpu_recv_server: a connection broke: %s\n", strerror(-error));
	if (queue >= 0 && queue < 64)
		s->queues_seen |= 1ull << queue;
	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	shutdown(c->fd, SHUT_RDWR);
	devmem_detach(c->sock);
	close(c->fd);
	free(c);
	s->ended++;
}

static void connection_event(struct server *s, const struct devmem_event *ev)
{
	struct connection *c = (struct connection *)(uintptr_t)ev->user_data;

	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
	case DEVMEM_EVENT_HOST:
		consume(s, c, ev);
		break;
	case DEVMEM_EVENT_END:
	case DEVMEM_EVENT_ERROR:
		close_connection(s, c, ev->result);
		break;
	case DEVMEM_EVENT_MISPLACED:
		failed("warning");
		break;
	}
}

/* Until a signal comes, or as many connections as were asked for have ended. */
static int serve(struct server *s)
{
	struct devmem_event ev[EVENTS];
	bool stop = false;
	int n;

	while (!stop && (!s->opt.connections || s->ended < s->opt.connections)) {
		n = devmem_wait(s->ring, ev, EVENTS, 1000);
		if (n < 0)
			return failed("wait");
		if (s->memory)
			devmem_buffer_sync(s->buffer, DEVMEM_SYNC_START | DEVMEM_SYNC_READ);
		for (int i = 0; i < n; i++) {
			if (ev[i].type != DEVMEM_EVENT_READY)
				connection_event(s, &ev[i]);
			else if (ev[i].user_data == SIGNALS)
				stop = true;
			else if (accept_all(s))
				return -1;
		}
		if (s->memory)
			devmem_buffer_sync(s->buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_READ);
		if (devmem_release(s->ring, ev, (unsigned int)n))
			return failed("release");
		if (s->accepted && s->opt.progress)
			report_progress(s->ring, s->started, s->accepted - s->ended);
	}
	while (s->open)
		close_connection(s, s->open, 0);
	/* the last fragments go home on a turn in which nothing else happens */
	if (devmem_unwatch(s->ring, s->listener) || devmem_unwatch(s->ring, s->signals))
		return failed("unwatch");
	return devmem_wait(s->ring, ev, EVENTS, 50) < 0 ? failed("wait") : 0;
}

static struct options parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "port", required_argument, NULL, 'p' }, { "backend", required_argument, NULL, 'b' },
		{ "buffer", required_argument, NULL, 'm' }, { "queues", required_argument, NULL, 'q' },
		{ "connections", required_argument, NULL, 'c' }, { "verify", no_argument, NULL, 'v' },
		{ "json", required_argument, NULL, 'j' }, { "progress", no_argument, NULL, 'P' },
		{ "no-progress", no_argument, NULL, 'Q' }, { "help", no_argument, NULL, 'h' },
		{ "engine", required_argument, NULL, 'e' }, { 0 },
	};
	struct options o = { .port = 5201, .buffer_mib = 64, .queues = 1,
			     .progress = isatty(STDERR_FILENO) };
	int opt;

	while ((opt = getopt_long(argc, argv, "p:b:e:m:q:c:vj:Ph", longs, NULL)) != -1) {
		switch (opt) {
		case 'p': o.port = arg_number(optarg, 65535); break;
		case 'b': o.backend = optarg; break;
		case 'e': o.engine = optarg; break;
		case 'm': o.buffer_mib = arg_number(optarg, 1 << 20); break;
		case 'q': o.queues = arg_number(optarg, 64); break;
		case 'c': o.connections = arg_number(optarg, 1 << 20); break;
		case 'v': o.verify = true; break;
		case 'j': o.json = optarg; break;
		case 'P': o.progress = true; break;
		case 'Q': o.progress = false; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (argc - optind != 1) {
		fputs(usage, stderr);
		exit(2);
	}
	o.interface = argv[optind];
	return o;
}

int main(int argc, char **argv)
{
	struct server s = { .opt = parse(argc, argv), .listener = -1, .signals = -1 };
	struct report r = { .stats.size = sizeof(r.stats), .verify = s.opt.verify };
	bool ok = !open_server(&s);

	if (ok) {
		fprintf(stderr, "gpu_recv_server: listening on port %u\n", s.opt.port);
		ok = !serve(&s) && !s.wrong && !s.broken;
		devmem_ring_stats(s.ring, &r.stats);
		r.engine = r.stats.engine;
		snprintf(r.engine_reason, sizeof(r.engine_reason), "%s", r.stats.engine_reason);
		r.page_size = devmem_binding_page_size(s.binding, NULL);
		r.seconds = s.accepted ? report_clock() - s.started : 0;
		r.connections = s.accepted;
		r.queues_used = (unsigned int)__builtin_popcountll(s.queues_seen);
		r.verified = s.opt.verify && s.accepted && ok;
	}
	r.nic_restored = close_server(&s);
	return report_summary(&r, s.opt.json) || !ok || !r.nic_restored;
}
