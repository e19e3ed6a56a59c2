// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "server.h"
#include "sockets.h"

int server_failed(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, devmem_error());
	return -1;
}

enum { MAX_CONNECTIONS = 256, IDLE }; /* options without a letter */

static void wrong_usage(const char *usage)
{
	fputs(usage, stderr);
	exit(2);
}

static const struct option longs[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "backend", required_argument, NULL, 'b' },
	{ "buffer", required_argument, NULL, 'm' },
	{ "queues", required_argument, NULL, 'q' },
	{ "connections", required_argument, NULL, 'c' },
	{ "json", required_argument, NULL, 'j' },
	{ "progress", no_argument, NULL, 'P' },
	{ "no-progress", no_argument, NULL, 'Q' },
	{ "help", no_argument, NULL, 'h' },
	{ "engine", required_argument, NULL, 'e' },
	{ "device", required_argument, NULL, 'd' },
	{ "verify", no_argument, NULL, 'v' },
	{ "sends", required_argument, NULL, 's' },
	{ "message", required_argument, NULL, 'g' },
	{ "max-connections", required_argument, NULL, MAX_CONNECTIONS },
	{ "idle", required_argument, NULL, IDLE },
	{ 0 },
};

struct server_options server_parse(int argc, char **argv, const char *usage, const char *own)
{
	struct server_options o = { .port = 5201,
				    .buffer_mib = 64,
				    .queues = 1,
				    .message_kib = 256,
				    .max_connections = 1024,
				    .idle = 60,
				    .progress = isatty(STDERR_FILENO) };
	int opt;

	while ((opt = getopt_long(argc, argv, "p:b:d:e:m:q:c:vs:g:j:Ph", longs, NULL)) != -1) {
		if (opt < MAX_CONNECTIONS && strchr("vsg", opt) && !strchr(own, opt))
			wrong_usage(usage);
		switch (opt) {
		case 'p':
			o.port = arg_number(optarg, 65535);
			break;
		case 'b':
			o.backend = optarg;
			break;
		case 'd':
			o.device = optarg;
			break;
		case 'e':
			o.engine = optarg;
			break;
		case 'm':
			o.buffer_mib = arg_number(optarg, 1 << 20);
			break;
		case 'q':
			o.queues = arg_number(optarg, 64);
			break;
		case 'c':
			o.connections = arg_number(optarg, 1 << 20);
			break;
		case 'v':
			o.verify = true;
			break;
		case 's':
			o.sends = arg_number(optarg, 1 << 20);
			break;
		case 'g':
			o.message_kib = arg_number(optarg, 1 << 16);
			break;
		case MAX_CONNECTIONS:
			o.max_connections = arg_number(optarg, 1 << 20);
			break;
		case IDLE:
			o.idle = arg_seconds(optarg);
			break;
		case 'j':
			o.json = optarg;
			break;
		case 'P':
			o.progress = true;
			break;
		case 'Q':
			o.progress = false;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			wrong_usage(usage);
		}
	}
	if (argc == optind || (argc - optind > 1 && !strchr(own, '+')))
		wrong_usage(usage);
	o.interfaces = argv + optind;
	o.n_interfaces = (unsigned int)(argc - optind);
	o.interface = o.interfaces[0];
	return o;
}

/* Unless a device is named, takes the GPU that is nearest to the interface. */
int server_buffer(const struct server *s, size_t bytes, struct devmem_buffer **out)
{
	const struct server_options *o = &s->opt;
	struct devmem_buffer_opts opts = { .size = sizeof(opts), .device = o->device };

	if (!o->device && o->backend && !strcmp(o->backend, "cuda"))
		opts.near = o->interface;
	return devmem_buffer_create(o->backend, bytes, &opts, out);
}

/* Steers this port, on any local address, of both families. */
static int steer(struct server *s)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)s->opt.port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)s->opt.port) };
	int err = devmem_steer(s->binding, (struct sockaddr *)&v4, NULL);

	if (!err)
		err = devmem_steer(s->binding, (struct sockaddr *)&v6, NULL);
	s->each = own_rule_needed(s->binding, s->opt.port, err);
	return s->each ? 0 : err;
}

int server_prepare(struct server *s)
{
	const struct server_options *o = &s->opt;

	s->signals = open_signals();
	if (s->signals < 0)
		return -1;
	if (server_buffer(s, (size_t)o->buffer_mib << 20, &s->buffer))
		return server_failed("buffer");
	if (devmem_nic_open(o->interface, NULL, &s->nic))
		return server_failed(o->interface);
	if (devmem_bind_rx(s->nic, s->buffer,
			   DEVMEM_OPTS(devmem_bind_opts, .queues = o->queues, .engine = o->engine),
			   &s->binding))
		return server_failed("bind");
	if (steer(s))
		return server_failed("steering");
	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = o->engine), &s->ring))
		return server_failed("ring");
	if (devmem_ring_prepare(s->ring, s->binding))
		return server_failed("queue");
	/* only now: bytes that arrive before the rule is installed are copied */
	s->listener = open_listener(o->port, o->apart ? o->interface : NULL);
	if (s->listener < 0)
		return -1;
	s->now = report_clock();
	server_make_room(s);
	return 0;
}

int server_open(struct server *s)
{
	if (server_prepare(s))
		return -1;
	if (devmem_watch(s->ring, s->listener, SERVER_LISTENER) ||
	    devmem_watch(s->ring, s->signals, SERVER_SIGNALS))
		return server_failed("watch");
	return 0;
}

int server_wait(struct server *s, struct devmem_event *ev, unsigned int n, int timeout_ms)
{
	const int most = server_patience(s);
	int got;

	server_listen(s);
	got = devmem_wait(s->ring, ev, n, timeout_ms < 0 || timeout_ms > most ? most : timeout_ms);
	s->now = report_clock();
	/* for example SIGCONT; nothing is lost */
	if (got == -EINTR || got == -ENOMEM || got == -ENOBUFS)
		return 0;
	if (got < 0)
		return server_failed("wait");
	/* before another call fails and replaces the error message */
	if (got && ev[got - 1].type == DEVMEM_EVENT_ERROR)
		snprintf(s->why, sizeof(s->why), "%s", devmem_error());
	return got;
}

bool server_is_done(const struct server *s)
{
	return s->opt.connections && s->ended >= s->opt.connections;
}

void server_progress(const struct server *s)
{
	if (s->accepted && s->opt.progress)
		report_progress(s->ring, s->started, s->accepted - s->ended);
}

void server_misplaced(const struct server *s)
{
	if (!s->each)
		server_failed("warning");
}

int server_stop_listening(struct server *s)
{
	if ((!s->deaf && devmem_unwatch(s->ring, s->listener)) ||
	    devmem_unwatch(s->ring, s->signals))
		return server_failed("unwatch");
	s->deaf = true;
	s->room = 0; /* for good */
	return 0;
}

int server_settle(struct server *s)
{
	struct devmem_event ev[16];

	if (server_stop_listening(s))
		return -1;
	return server_wait(s, ev, 16, 50) < 0 ? -1 : 0;
}

void server_report(const struct server *s, struct report *r)
{
	r->stats.size = sizeof(r->stats);
	devmem_ring_stats(s->ring, &r->stats);
	r->engine = r->stats.engine;
	snprintf(r->engine_reason, sizeof(r->engine_reason), "%s", r->stats.engine_reason);
	r->page_size = devmem_binding_page_size(s->binding, NULL);
	r->seconds = s->accepted ? report_clock() - s->started : 0;
	r->connections = s->accepted;
}

bool server_close(struct server *s)
{
	int err;

	devmem_ring_close(s->ring);
	devmem_binding_close(s->binding);
	err = devmem_nic_close(s->nic);
	if (err)
		server_failed("the NIC could not be restored");
	devmem_buffer_close(s->buffer);
	close(s->listener);
	close(s->signals);
	return !err;
}
