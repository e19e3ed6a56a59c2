// SPDX-License-Identifier: MIT
/*
 * gpu_recv_server: receives TCP streams straight into device memory. The order: a buffer, the NIC,
 * a binding of the buffer to queues of the NIC, a rule that steers our port there, and a ring
 * (server.c does all that). Then events say which bytes of the buffer came for which connection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "pattern.h"
#include "server.h"

#define EVENTS 256

static const char usage[] =
	"usage: gpu_recv_server [options] INTERFACE\n"
	"Receives TCP streams into device memory: without a copy if it has CAP_NET_ADMIN and "
	"INTERFACE can.\n"
	"  -p, --port N          listen here, IPv4 and IPv6 (default 5201)\n"
	"  -e, --engine NAME     devmem, zcrx, copy or syscall (default: the best that can be)\n"
	"  -b, --backend NAME    where the memory comes from: cuda, drm, udmabuf, ... (default: "
	"the best host memory)\n"
	"  -d, --device NAME     which device of it: an ordinal or PCI address, a card, a heap "
	"(default: cuda's nearest to\n"
	"                        INTERFACE, the first of others)\n"
	"  -m, --buffer MIB      size of the buffer (default 64)\n"
	"  -q, --queues N        RX queues to bind (default 1)\n"
	"  -c, --connections N   end after so many connections (default: at SIGINT or SIGTERM)\n"
	"  -v, --verify          check that the bytes are what send_client sends\n"
	"  -j, --json FILE       write the summary to FILE (- for standard output)\n"
	"  -P, --progress        a line each second (the default on a terminal; --no-progress: "
	"never)\n" CLIENTS_USAGE "  -h, --help\n";

struct connection {
	struct client client;
	uint64_t position; /* bytes of the stream so far */
};

struct receiver {
	struct server server;
	/* the mapped buffer, for --verify; NULL: the processor cannot map it */
	unsigned char *memory;
	uint64_t wrong;	      /* fragments with wrong bytes */
	uint64_t queues_seen; /* a bit for each RX queue that connections came through */
};

static void accept_all(struct receiver *r)
{
	struct connection *c;
	int fd;

	while ((fd = server_accept(&r->server)) >= 0) {
		c = calloc(1, sizeof(*c));
		if (server_attach(&r->server, c ? &c->client : NULL, fd, NULL))
			free(c);
	}
}

static bool matches(struct receiver *r, uint64_t position, const struct devmem_event *ev)
{
	if (r->memory && ev->type == DEVMEM_EVENT_DATA)
		return pattern_matches(position, r->memory + ev->offset, ev->length);
	return check_event(r->server.buffer, position, ev);
}

/* The only place where this program looks at bytes; a real one would launch a kernel on (offset,
 * length). */
static void consume(struct receiver *r, struct connection *c, const struct devmem_event *ev)
{
	if (r->server.opt.verify && !matches(r, c->position, ev) && !r->wrong++)
		fprintf(stderr, "gpu_recv_server: wrong bytes at %llu of a stream\n",
			(unsigned long long)c->position);
	c->position += ev->length;
	server_moved(&r->server, &c->client, ev->length);
}

/* @why: the connection broke; NULL: the peer has sent everything, or this program ends. */
static void close_connection(struct receiver *r, struct connection *c, const char *why)
{
	int queue = devmem_sock_queue(c->client.sock);

	if (why)
		server_lose(&r->server, &c->client, why);
	if (queue >= 0 && queue < 64)
		r->queues_seen |= 1ull << queue;
	shutdown(c->client.fd, SHUT_RDWR);
	server_hang_up(&r->server, &c->client);
	server_forget(&r->server, &c->client);
	free(c);
}

static void close_all(struct receiver *r)
{
	while (r->server.clients)
		close_connection(r, (struct connection *)r->server.clients, NULL);
}

static void connection_event(struct receiver *r, const struct devmem_event *ev)
{
	struct connection *c = (struct connection *)(uintptr_t)ev->user_data;

	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
	case DEVMEM_EVENT_HOST:
		consume(r, c, ev);
		break;
	case DEVMEM_EVENT_END:
	case DEVMEM_EVENT_ERROR:
		close_connection(r, c, ev->result ? r->server.why : NULL);
		break;
	case DEVMEM_EVENT_MISPLACED:
		server_misplaced(&r->server);
		break;
	}
}

/* Runs until a signal comes, or the requested number of connections has ended. */
static int serve(struct receiver *r)
{
	struct server *s = &r->server;
	struct devmem_event ev[EVENTS];
	struct client *c;
	bool stop = false;
	int n;

	while (!stop && !server_is_done(s)) {
		n = server_wait(s, ev, EVENTS, 1000);
		if (n < 0)
			return -1;
		if (r->memory)
			devmem_buffer_sync(s->buffer, DEVMEM_SYNC_START | DEVMEM_SYNC_READ);
		for (int i = 0; i < n; i++) {
			if (ev[i].type != DEVMEM_EVENT_READY)
				connection_event(r, &ev[i]);
			else if (ev[i].user_data == SERVER_SIGNALS)
				stop = true;
			else
				accept_all(r);
		}
		if (r->memory)
			devmem_buffer_sync(s->buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_READ);
		if (devmem_release(s->ring, ev, (unsigned int)n))
			return server_failed("release");
		while ((c = server_overdue(s)))
			close_connection(r, (struct connection *)c, server_silent);
		server_progress(s);
	}
	close_all(r);
	return server_settle(s);
}

int main(int argc, char **argv)
{
	struct receiver r = { .server = { .opt = server_parse(argc, argv, usage, "v"),
					  .listener = -1,
					  .signals = -1 } };
	struct server *s = &r.server;
	struct report report = { .verify = s->opt.verify };
	bool ok = !server_open(s);

	if (ok && s->opt.verify)
		/* if that fails, bytes are copied out to be read */
		devmem_buffer_map(s->buffer, (void **)&r.memory);
	if (ok) {
		fprintf(stderr, "gpu_recv_server: listening on port %u\n", s->opt.port);
		ok = !serve(&r) && !r.wrong && !s->broken;
		server_report(s, &report);
		report.queues_used = (unsigned int)__builtin_popcountll(r.queues_seen);
		report.ok = ok;
	}
	close_all(&r); /* open connections after a failure */
	report.nic_restored = server_close(s);
	return report_summary(&report, s->opt.json) || !ok || !report.nic_restored;
}
