// SPDX-License-Identifier: MIT
/*
 * gpu_gather_server: receive messages of a fixed size into device memory, each of them in one piece.
 *
 * Fragments lie where the NIC had room. When those of a message are complete they are gathered into a slot of a second
 * buffer of the same device: by a kernel on the GPU with backend cuda. The GATHERED event says that the message is there, and that
 * its fragments are back at the NIC. Messages for which no slot is free wait for one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pattern.h"
#include "server.h"

#define EVENTS	256
#define SLOTS	16

static const char usage[] =
	"usage: gpu_gather_server [options] INTERFACE\n"
	"Receives messages of one size from send_client into device memory, and puts each of them in one piece.\n"
	"  -g, --message KIB     size of a message (default 256)\n"
	"  -p, --port N          listen here, IPv4 and IPv6 (default 5201)\n"
	"  -e, --engine NAME     devmem, zcrx, copy or syscall (default: the best that can be)\n"
	"  -b, --backend NAME    where the memory comes from: cuda, drm, udmabuf, ... (default: the best host memory)\n"
	"  -d, --device NAME     which device of it (default: cuda's nearest to INTERFACE, the first of others)\n"
	"  -m, --buffer MIB      size of the buffer (default 64)\n"
	"  -q, --queues N        RX queues to bind (default 1)\n"
	"  -c, --connections N   end after so many connections (default: at SIGINT or SIGTERM)\n"
	"  -v, --verify          check that the bytes are what send_client sends\n"
	"  -j, --json FILE       write the summary to FILE (- for standard output)\n"
	"  -P, --progress        a line each second (the default on a terminal; --no-progress: never)\n"
	"  -h, --help\n";

struct message {
	struct message *next;
	struct message *all;		/* the one that was made before it */
	uint64_t position;		/* of the connection's stream */
	uint32_t bytes;
	int slot;
	unsigned int n, room;
	struct devmem_event *part;	/* its fragments */
};

struct connection {
	struct connection *next;
	struct devmem_sock *sock;
	int fd;
	uint64_t position;
	struct message *message;	/* which is not complete, or NULL */
};

struct gatherer {
	struct server server;
	struct devmem_buffer *messages;	/* SLOTS of them */
	uint32_t message_bytes;
	bool used[SLOTS];
	struct connection *open;
	struct message *waiting, **last; /* for a slot */
	struct message *spare, *all;
	uint64_t gathered, wrong;	/* messages */
	unsigned char *copy;		/* of one, to be verified */
};

/* ------------------------------------------------------------------------------------ messages */

static struct message *new_message(struct gatherer *g, uint64_t position)
{
	struct message *m = g->spare;

	if (m) {
		g->spare = m->next;
	} else {
		m = calloc(1, sizeof(*m));
		if (!m)
			return NULL;
		m->all = g->all;
		g->all = m;
	}
	m->next = NULL;
	m->position = position;
	m->bytes = m->n = 0;
	return m;
}

static void free_message(struct gatherer *g, struct message *m)
{
	m->next = g->spare;
	g->spare = m;
}

static int add_part(struct message *m, const struct devmem_event *ev)
{
	if (m->n == m->room) {
		unsigned int room = m->room ? m->room * 2 : 64;
		struct devmem_event *part = realloc(m->part, room * sizeof(*part));

		if (!part)
			return -1;
		m->part = part;
		m->room = room;
	}
	m->part[m->n++] = *ev;
	m->bytes += ev->length;
	return 0;
}

static int free_slot(const struct gatherer *g)
{
	for (int i = 0; i < SLOTS; i++)
		if (!g->used[i])
			return i;
	return -1;
}

/* As long as there are slots, in the order in which the messages came. */
static int gather_waiting(struct gatherer *g)
{
	struct message *m;

	while ((m = g->waiting) && (m->slot = free_slot(g)) >= 0) {
		if (devmem_gather(g->server.ring, m->part, m->n, g->messages, (uint64_t)m->slot * g->message_bytes, (uintptr_t)m))
			return server_failed("gather");
		g->used[m->slot] = true;
		g->waiting = m->next;
		if (!g->waiting)
			g->last = &g->waiting;
	}
	return 0;
}

static int complete(struct gatherer *g, struct connection *c)
{
	*g->last = c->message;
	g->last = &c->message->next;
	c->message = NULL;
	return gather_waiting(g);
}

/* A real program would launch a kernel on the slot; this one may look at it, and gives it back. */
static int gathered(struct gatherer *g, const struct devmem_event *ev)
{
	struct message *m = (struct message *)(uintptr_t)ev->offset;

	if (ev->result) {
		fprintf(stderr, "gpu_gather_server: the device failed: %s\n", strerror(-ev->result));
		return -1;
	}
	if (g->copy && (devmem_buffer_read(g->messages, (uint64_t)m->slot * g->message_bytes, g->copy, m->bytes) ||
			!pattern_matches(m->position, g->copy, m->bytes)) && !g->wrong++)
		fprintf(stderr, "gpu_gather_server: wrong bytes in the message at %llu of a stream\n",
			(unsigned long long)m->position);
	g->gathered++;
	g->used[m->slot] = false;
	free_message(g, m);
	return gather_waiting(g);
}

/* ------------------------------------------------------------------------------------ connections */

static int accept_all(struct gatherer *g)
{
	struct connection *c;
	int fd;

	while ((fd = server_accept(&g->server)) >= 0) {
		c = calloc(1, sizeof(*c));
		if (!c || devmem_attach(g->server.ring, fd, g->server.binding, (uintptr_t)c, NULL, &c->sock)) {
			free(c);
			close(fd);
			return server_failed("attach");
		}
		c->fd = fd;
		c->next = g->open;
		g->open = c;
	}
	return 0;
}

/* A fragment may hold the end of one message and the beginning of the next. */
static int received(struct gatherer *g, struct connection *c, struct devmem_event ev)
{
	struct devmem_event rest;
	bool more;

	do {
		if (!c->message && !(c->message = new_message(g, c->position)))
			return -1;
		more = ev.length > g->message_bytes - c->message->bytes;
		if (more && devmem_event_split(&ev, g->message_bytes - c->message->bytes, &rest))
			return server_failed("split");
		c->position += ev.length;
		if (add_part(c->message, &ev))
			return -1;
		if (c->message->bytes == g->message_bytes && complete(g, c))
			return -1;
		if (more)
			ev = rest;
	} while (more);
	return 0;
}

/* What is left of a stream is a short message. @error: 0 if the peer has sent all it had. */
static int close_connection(struct gatherer *g, struct connection *c, int error)
{
	struct connection **link = &g->open;
	int status = 0;

	if (error && ++g->server.broken)
		fprintf(stderr, "gpu_gather_server: a connection broke: %s\n", strerror(-error));
	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	if (c->message)
		status = complete(g, c);
	devmem_detach(c->sock);
	close(c->fd);
	free(c);
	g->server.ended++;
	return status;
}

static int handle(struct gatherer *g, const struct devmem_event *ev)
{
	struct connection *c = (struct connection *)(uintptr_t)ev->user_data;

	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
	case DEVMEM_EVENT_HOST:
		return received(g, c, *ev);
	case DEVMEM_EVENT_GATHERED:
		return gathered(g, ev);
	case DEVMEM_EVENT_END:
	case DEVMEM_EVENT_ERROR:
		return close_connection(g, c, ev->result);
	case DEVMEM_EVENT_MISPLACED:
		server_failed("warning");
	}
	return 0;
}

/* ------------------------------------------------------------------------------------ the loop */

static bool is_done(const struct gatherer *g)
{
	struct devmem_stats st = { .size = sizeof(st) };

	devmem_ring_stats(g->server.ring, &st);
	return server_is_done(&g->server) && !g->waiting && !st.gathers_outstanding;
}

static int serve(struct gatherer *g)
{
	struct server *s = &g->server;
	struct devmem_event ev[EVENTS];

	while (!is_done(g)) {
		int n = devmem_wait(s->ring, ev, EVENTS, 1000);

		if (n < 0)
			return server_failed("wait");
		for (int i = 0; i < n; i++) {
			if (ev[i].type == DEVMEM_EVENT_READY && ev[i].user_data == SERVER_SIGNALS)
				return 0;
			if (ev[i].type == DEVMEM_EVENT_READY ? accept_all(g) : handle(g, &ev[i]))
				return -1;
		}
		server_progress(s);
	}
	return server_settle(s);
}

static int open_messages(struct gatherer *g)
{
	const struct server_options *o = &g->server.opt;

	g->message_bytes = o->message_kib << 10;
	g->last = &g->waiting;
	if (server_buffer(&g->server, (size_t)g->message_bytes * SLOTS, &g->messages))
		return server_failed("messages");
	if (o->verify)
		g->copy = malloc(g->message_bytes);
	return o->verify && !g->copy ? -1 : 0;
}

/* The ring is closed before: it waits for what the device has. */
static void close_all(struct gatherer *g)
{
	struct connection *c;
	struct message *m;

	while ((c = g->open)) {		/* it was stopped, or has failed */
		g->open = c->next;
		close(c->fd);
		free(c);
	}
	while ((m = g->all)) {
		g->all = m->all;
		free(m->part);
		free(m);
	}
	devmem_buffer_close(g->messages);
	free(g->copy);
}

int main(int argc, char **argv)
{
	struct gatherer g = { .server = { .opt = server_parse(argc, argv, usage, "vg"), .listener = -1, .signals = -1 } };
	struct server *s = &g.server;
	struct report report = { .verify = s->opt.verify };
	bool ok = !server_open(s) && !open_messages(&g);

	if (ok) {
		fprintf(stderr, "gpu_gather_server: listening on port %u\n", s->opt.port);
		ok = !serve(&g) && !g.wrong && !s->broken;
		server_report(s, &report);
		report.verified = s->opt.verify && g.gathered && ok;
		fprintf(stderr, "gathered     %llu messages of %u KiB\n", (unsigned long long)g.gathered, s->opt.message_kib);
	}
	report.nic_restored = server_close(s);
	close_all(&g);
	return report_summary(&report, s->opt.json) || !ok || !report.nic_restored;
}
