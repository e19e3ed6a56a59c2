// SPDX-License-Identifier: MIT
/*
 * gpu_gather_server: receives messages of a fixed size into device memory, each of them in one
 * piece. Fragments lie wherever the NIC had room. Each connection has a slot in a second buffer of
 * the same device. On each turn, what came of its message is gathered there, after what came
 * before; with backend cuda, by a kernel on the GPU. So a fragment is released to the NIC at once,
 * however large the message is and however slowly it comes. The GATHERED event of its last bytes
 * says that the message is complete.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pattern.h"
#include "server.h"

#define EVENTS	  256
#define MAX_BYTES (64u << 20) /* of all slots together */
#define MIN_SLOTS 16u	      /* unless so many slots take more */

static const char usage[] =
	"usage: gpu_gather_server [options] INTERFACE\n"
	"Receives messages of one size from send_client into device memory, and puts each of them "
	"in one piece.\n"
	"  -g, --message KIB     size of a message (default 256)\n"
	"  -p, --port N          listen here, IPv4 and IPv6 (default 5201)\n"
	"  -e, --engine NAME     devmem, zcrx, copy or syscall (default: the best that can be)\n"
	"  -b, --backend NAME    where the memory comes from: cuda, drm, udmabuf, ... (default: "
	"the best host memory)\n"
	"  -d, --device NAME     which device of it (default: cuda's nearest to INTERFACE, the "
	"first of others)\n"
	"  -m, --buffer MIB      size of the buffer (default 64)\n"
	"  -q, --queues N        RX queues to bind (default 1)\n"
	"  -c, --connections N   end after so many connections (default: at SIGINT or SIGTERM)\n"
	"  -v, --verify          check that the bytes are what send_client sends\n"
	"  -j, --json FILE       write the summary to FILE (- for standard output)\n"
	"  -P, --progress        a line each second (the default on a terminal; --no-progress: "
	"never)\n" CLIENTS_USAGE "                        Each has memory for a message, of 64 MiB "
	"together, or for 16 messages if that is more\n"
	"  -h, --help\n";

struct connection {
	struct client client;
	struct connection *next; /* list of connections that have something to gather */
	bool queued, ended;
	unsigned int slot;
	uint64_t position;	   /* of the message, in the stream */
	uint32_t bytes;		   /* bytes of the message that were passed to devmem_gather() */
	bool whole;		   /* the whole message was passed */
	unsigned int out;	   /* gathers that are not complete */
	struct devmem_event *part; /* received fragments that were not passed yet */
	unsigned int n, room;
};

struct gatherer {
	struct server server;
	struct devmem_buffer *messages; /* one slot per connection */
	uint32_t message_bytes;
	struct connection **slot; /* the slots' users; NULL: unused */
	struct connection *queued;
	uint64_t gathered, wrong; /* messages */
	unsigned char *copy;	  /* of a message, to be verified */
};

/* ------------------------------------------------------------------------------------- messages */

/* Queues a connection for the end of the turn. */
static void queue(struct gatherer *g, struct connection *c)
{
	if (c->queued)
		return;
	c->queued = true;
	c->next = g->queued;
	g->queued = c;
}

static int add_part(struct connection *c, const struct devmem_event *ev)
{
	if (c->n == c->room) {
		unsigned int room = c->room ? c->room * 2 : 64;
		struct devmem_event *part = realloc(c->part, room * sizeof(*part));

		if (!part)
			return -1;
		c->part = part;
		c->room = room;
	}
	c->part[c->n++] = *ev;
	return 0;
}

static void drop_parts(struct connection *c, unsigned int n)
{
	c->n -= n;
	memmove(c->part, c->part + n, c->n * sizeof(*c->part));
}

/* Returns how many of its parts belong to the message. A fragment may hold the end of one message
 * and the beginning of the next. Then it is divided, and the rest takes its place. */
static int parts_of_message(struct gatherer *g, struct connection *c, uint32_t *bytes,
			    struct devmem_event *rest)
{
	const uint32_t left = g->message_bytes - c->bytes;
	unsigned int n = 0;

	rest->length = 0;
	for (*bytes = 0; n < c->n && *bytes < left; n++) {
		if (c->part[n].length > left - *bytes &&
		    devmem_event_split(&c->part[n], left - *bytes, rest))
			return server_failed("split");
		*bytes += c->part[n].length;
	}
	return (int)n;
}

/* Gathers what came of its message into the slot. */
static int gather(struct gatherer *g, struct connection *c)
{
	struct devmem_event rest;
	uint32_t bytes;
	int n;

	if (!c->n || c->whole)
		return 0;
	n = parts_of_message(g, c, &bytes, &rest);
	if (n < 0 || devmem_gather(g->server.ring, c->part, (unsigned int)n, g->messages,
				   (uint64_t)c->slot * g->message_bytes + c->bytes, (uintptr_t)c))
		return n < 0 ? -1 : server_failed("gather");
	c->out++;
	c->bytes += bytes;
	c->whole = c->bytes == g->message_bytes;
	if (rest.length)
		c->part[--n] = rest;
	drop_parts(c, (unsigned int)n);
	return 0;
}

/* A real program would launch a kernel on the slot; this one looks at it with the processor. */
static void take_message(struct gatherer *g, struct connection *c)
{
	if (g->copy &&
	    (devmem_buffer_read(g->messages, (uint64_t)c->slot * g->message_bytes, g->copy,
				c->bytes) ||
	     !pattern_matches(c->position, g->copy, c->bytes)) &&
	    !g->wrong++)
		fprintf(stderr,
			"gpu_gather_server: wrong bytes in the message at %llu of a stream\n",
			(unsigned long long)c->position);
	g->gathered++;
	c->position += c->bytes;
	c->bytes = 0;
	c->whole = false;
}

static int gathered(struct gatherer *g, const struct devmem_event *ev)
{
	struct connection *c = (struct connection *)(uintptr_t)ev->cookie;

	if (ev->result < 0) {
		fprintf(stderr, "gpu_gather_server: the device failed: %s\n",
			strerror(-ev->result));
		return -1;
	}
	c->out--;
	if (!c->out && c->whole)
		take_message(g, c);
	queue(g, c);
	return 0;
}

/* ---------------------------------------------------------------------------------- connections */

static void accept_all(struct gatherer *g)
{
	struct connection *c;
	unsigned int slot = 0;
	int fd;

	while ((fd = server_accept(&g->server)) >= 0) {
		c = calloc(1, sizeof(*c));
		if (server_attach(&g->server, c ? &c->client : NULL, fd, NULL)) {
			free(c);
			continue;
		}
		while (g->slot[slot]) /* there is a slot for each connection */
			slot++;
		c->slot = slot;
		g->slot[slot] = c;
	}
}

/* Closes a connection and drops its unfinished message, which its sender will not complete. It is
 * freed when its gathers are complete. */
static void close_connection(struct gatherer *g, struct connection *c, const char *why)
{
	server_lose(&g->server, &c->client, why);
	devmem_release(g->server.ring, c->part, c->n);
	c->n = 0;
	shutdown(c->client.fd, SHUT_RDWR);
	server_hang_up(&g->server, &c->client);
	queue(g, c);
}

static void free_connection(struct gatherer *g, struct connection *c)
{
	if (c->client.sock)
		server_hang_up(&g->server, &c->client);
	server_forget(&g->server, &c->client);
	g->slot[c->slot] = NULL;
	free(c->part);
	free(c);
}

/* Called at the end of a turn. The rest of a stream that ended in order is a short message. */
static int go_on(struct gatherer *g, struct connection *c)
{
	if (c->client.sock && gather(g, c))
		return -1;
	if (c->client.sock && c->ended && !c->n && c->bytes) {
		c->whole = true;
		if (!c->out)
			take_message(g, c);
	}
	if (!c->out && !c->n && (c->ended || !c->client.sock))
		free_connection(g, c);
	return 0;
}

static int go_on_with_all(struct gatherer *g)
{
	struct connection *c;
	int err = 0;

	while ((c = g->queued) && !err) {
		g->queued = c->next;
		c->queued = false;
		err = go_on(g, c);
	}
	return err;
}

static int handle(struct gatherer *g, const struct devmem_event *ev)
{
	struct connection *c = (struct connection *)(uintptr_t)ev->user_data;

	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
	case DEVMEM_EVENT_HOST:
		server_moved(&g->server, &c->client, ev->length);
		queue(g, c);
		return add_part(c, ev);
	case DEVMEM_EVENT_GATHERED:
		return gathered(g, ev);
	case DEVMEM_EVENT_END:
		c->ended = true;
		queue(g, c);
		return 0;
	case DEVMEM_EVENT_ERROR:
		close_connection(g, c, g->server.why);
		return 0;
	case DEVMEM_EVENT_MISPLACED:
		server_misplaced(&g->server);
	}
	return 0;
}

/* ------------------------------------------------------------------------------------- the loop */

static int serve(struct gatherer *g)
{
	struct server *s = &g->server;
	struct devmem_event ev[EVENTS];
	struct client *c;

	while (!server_is_done(s)) {
		int n = server_wait(s, ev, EVENTS, 1000);

		if (n < 0)
			return -1;
		for (int i = 0; i < n; i++) {
			if (ev[i].type == DEVMEM_EVENT_READY && ev[i].user_data == SERVER_SIGNALS)
				return 0;
			if (ev[i].type == DEVMEM_EVENT_READY)
				accept_all(g);
			else if (handle(g, &ev[i]))
				return -1;
		}
		while ((c = server_overdue(s)))
			close_connection(g, (struct connection *)c, server_silent);
		if (go_on_with_all(g))
			return -1;
		server_progress(s);
	}
	return server_settle(s);
}

/* Makes the slots. There can be as many connections at a time as slots. */
static int open_messages(struct gatherer *g)
{
	const struct server_options *o = &g->server.opt;
	struct server *s = &g->server;
	unsigned int slots;

	g->message_bytes = o->message_kib << 10;
	slots = MAX_BYTES / g->message_bytes > MIN_SLOTS ? MAX_BYTES / g->message_bytes : MIN_SLOTS;
	s->room = s->room < slots ? s->room : slots;
	g->slot = calloc(s->room, sizeof(struct connection *));
	if (!g->slot || server_buffer(s, (size_t)g->message_bytes * s->room, &g->messages))
		return server_failed("messages");
	if (o->verify)
		g->copy = malloc(g->message_bytes);
	return o->verify && !g->copy ? -1 : 0;
}

/* Called after the ring was closed, which waits for what the device is doing. */
static void close_all(struct gatherer *g)
{
	struct client *c;

	while ((c = g->server.clients)) { /* connections that are open after a stop or a failure */
		c->sock = NULL;
		server_forget(&g->server, c);
		close(c->fd);
		free(((struct connection *)c)->part);
		free(c);
	}
	devmem_buffer_close(g->messages);
	free(g->slot);
	free(g->copy);
}

int main(int argc, char **argv)
{
	struct gatherer g = { .server = { .opt = server_parse(argc, argv, usage, "vg"),
					  .listener = -1,
					  .signals = -1 } };
	struct server *s = &g.server;
	struct report report = { .verify = s->opt.verify };
	bool ok = !server_open(s) && !open_messages(&g);

	if (ok) {
		fprintf(stderr, "gpu_gather_server: listening on port %u\n", s->opt.port);
		ok = !serve(&g) && !g.wrong && !s->broken;
		server_report(s, &report);
		report.ok = ok;
		fprintf(stderr, "gathered     %llu messages of %u KiB\n",
			(unsigned long long)g.gathered, s->opt.message_kib);
	}
	report.nic_restored = server_close(s);
	close_all(&g);
	return report_summary(&report, s->opt.json) || !ok || !report.nic_restored;
}
