// SPDX-License-Identifier: MIT
/*
 * gpu_message_server: receives messages of any size, each with its length in front, and puts each
 * of them in one piece in device memory. A message is 8 bytes, its length in network byte order,
 * and as many bytes. message_client sends them.
 *
 * The header is read by devmem_events_read(), wherever it lies: the memory need not be mappable.
 * Where a header or a message ends within a fragment, devmem_event_split() divides it. A fragment
 * whose bytes were all read is released by the next gather, since the one before may still copy
 * from it: so nothing here waits before it gives a fragment back. A connection has a piece of a
 * second buffer, in which its messages lie one behind the other. While its piece is full, what came
 * stays where it is until the gathers before it are over, which no peer can delay.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"
#include "server.h"

#define EVENTS	  256
#define HEADER	  8u
#define MAX_OUT	  64u	      /* gathers of one connection that are under way */
#define MAX_BYTES (64u << 20) /* of all connections' pieces together */
#define MIN_ROOM  16u	      /* connections, unless so many take more */

static const char usage[] =
	"usage: gpu_message_server [options] INTERFACE\n"
	"Receives messages of any size from message_client, each with its length in front, and "
	"puts "
	"each of them\n"
	"in one piece in device memory.\n"
	"  -g, --message KIB     the longest message; a longer one ends its connection (default "
	"256)\n"
	"  -p, --port N          listen here, IPv4 and IPv6 (default 5201)\n"
	"  -e, --engine NAME     devmem, zcrx, copy or syscall (default: the best that can be)\n"
	"  -b, --backend NAME    where the memory comes from: cuda, drm, udmabuf, ... (default: "
	"the best host memory)\n"
	"  -d, --device NAME     which device of it (default: cuda's nearest to INTERFACE, the "
	"first of others)\n"
	"  -m, --buffer MIB      size of the buffer (default 64)\n"
	"  -q, --queues N        RX queues to bind (default 1)\n"
	"  -c, --connections N   end after so many connections (default: at SIGINT or SIGTERM)\n"
	"  -v, --verify          check that the bytes are what message_client sends\n"
	"  -j, --json FILE       write the summary to FILE (- for standard output)\n"
	"  -P, --progress        a line each second (the default on a terminal; --no-progress: "
	"never)\n" CLIENTS_USAGE "                        Each has memory for the longest message, "
	"of 64 MiB together, or for 16 if that is more\n"
	"  -h, --help\n";

struct list {
	struct devmem_event *event;
	unsigned int n, room;
};

struct connection {
	struct client client;
	struct connection *next; /* list of connections that have something to do */
	bool queued, ended;
	unsigned int slot;  /* its piece of the buffer for messages */
	struct list came;   /* fragments that were not parsed yet */
	struct list parsed; /* what the next gather copies and releases ... */
	uint32_t bytes;	    /* ... and how many bytes that is */
	unsigned int have;  /* bytes of the header */
	unsigned char header[HEADER];
	bool begun;	   /* the message has its place */
	uint32_t length;   /* of the message */
	uint32_t got;	   /* bytes of it that were parsed */
	uint32_t at;	   /* where it lies in the piece */
	uint64_t position; /* of its first byte, among the bytes of all messages before it */
	unsigned int out;  /* gathers that are not over */
};

/* A gather that is under way. They end in order. The last one of a message says that the message is
 * complete. */
struct job {
	struct job *next;
	struct connection *connection;
	bool last;
	uint32_t at, length;
	uint64_t position;
};

struct messages {
	struct server server;
	struct devmem_buffer *buffer; /* of complete messages: a piece for each connection */
	uint32_t longest;	      /* bytes, of a message and of a piece */
	struct connection **slot;     /* the pieces' users; NULL: unused */
	struct connection *queued;
	struct job *first, **last;    /* gathers that are under way */
	uint64_t count, bytes, wrong; /* messages; their bytes; messages with wrong bytes */
};

static void queue(struct messages *m, struct connection *c)
{
	if (c->queued)
		return;
	c->queued = true;
	c->next = m->queued;
	m->queued = c;
}

static int add(struct list *l, const struct devmem_event *ev)
{
	if (l->n == l->room) {
		unsigned int room = l->room ? l->room * 2 : 64;
		struct devmem_event *event = realloc(l->event, room * sizeof(*event));

		if (!event)
			return -1;
		l->event = event;
		l->room = room;
	}
	l->event[l->n++] = *ev;
	return 0;
}

/* ------------------------------------------------------------------------------------- messages */

/* Gathers what was parsed, and has it released. It may have no bytes: headers alone. */
static int gather(struct messages *m, struct connection *c, bool last)
{
	struct job *job = malloc(sizeof(*job));
	uint64_t to = (uint64_t)c->slot * m->longest + c->at + c->got - c->bytes;

	if (!job)
		return -1;
	*job = (struct job){ NULL, c, last, c->at, c->length, c->position };
	if (devmem_gather(m->server.ring, c->parsed.event, c->parsed.n, m->buffer, to, 0)) {
		free(job);
		return server_failed("gather");
	}
	*m->last = job;
	m->last = &job->next;
	c->parsed.n = c->bytes = 0;
	c->out++;
	return 0;
}

/* Moves the first @bytes of what came to what was parsed; @kept: to be gathered, otherwise they
 * were read. Takes fragments from *first on. */
static int parse_bytes(struct connection *c, unsigned int *first, uint32_t bytes, bool kept)
{
	struct devmem_event rest;

	while (bytes) {
		struct devmem_event *ev = &c->came.event[*first];
		uint32_t some = ev->length < bytes ? ev->length : bytes;

		bytes -= some;
		if (kept && some == ev->length) { /* a whole fragment */
			++*first;
			if (add(&c->parsed, ev))
				return -1;
			continue;
		}
		if (devmem_event_split(ev, some, &rest))
			return server_failed("split");
		if (kept && add(&c->parsed, ev))
			return -1;
		*ev = rest;
		if (rest.length)
			continue;
		++*first; /* nothing is left but the fragment itself */
		if (add(&c->parsed, &rest))
			return -1;
	}
	return 0;
}

static uint32_t bytes_from(const struct connection *c, unsigned int first, uint32_t most)
{
	uint32_t bytes = 0;

	for (; first < c->came.n && bytes < most; first++) {
		uint32_t some = c->came.event[first].length;

		bytes = some < most - bytes ? bytes + some : most;
	}
	return bytes;
}

/* Reads as much of a header as is there. */
static int parse_header(struct messages *m, struct connection *c, unsigned int *first)
{
	uint32_t bytes = bytes_from(c, *first, HEADER - c->have);
	uint64_t length;

	if (devmem_events_read(m->server.ring, c->came.event + *first, c->came.n - *first, 0,
			       c->header + c->have, bytes))
		return server_failed("read");
	c->have += bytes;
	if (parse_bytes(c, first, bytes, false))
		return -1;
	memcpy(&length, c->header, HEADER);
	length = be64toh(length);
	if (c->have == HEADER && length > m->longest)
		return 1;
	c->length = (uint32_t)length;
	return 0;
}

/* Finds a place for the message. False: when those before it were taken. */
static bool begin(const struct messages *m, struct connection *c)
{
	if (c->length > m->longest - c->at) {
		if (c->out)
			return false;
		c->at = 0;
	}
	c->got = 0;
	return c->begun = true;
}

static int end_message(struct messages *m, struct connection *c)
{
	if (gather(m, c, true))
		return -1;
	c->at += c->length;
	c->position += c->length;
	c->have = c->got = 0;
	c->begun = false;
	return 0;
}

static int parse_payload(struct messages *m, struct connection *c, unsigned int *first)
{
	uint32_t bytes = bytes_from(c, *first, c->length - c->got);

	if (parse_bytes(c, first, bytes, true))
		return -1;
	c->bytes += bytes;
	c->got += bytes;
	return c->got == c->length ? end_message(m, c) : 0;
}

/* Parses what came, as far as there is a place for it. 1: a message is too long. */
static int parse(struct messages *m, struct connection *c)
{
	unsigned int first = 0;
	int err = 0;

	while (!err && c->out < MAX_OUT && (first < c->came.n || c->have == HEADER)) {
		if (c->have < HEADER)
			err = parse_header(m, c, &first);
		else if (!c->begun && !begin(m, c))
			break;
		else if (first == c->came.n && c->got < c->length)
			break;
		else
			err = parse_payload(m, c, &first);
	}
	c->came.n -= first;
	if (c->came.n)
		memmove(c->came.event, c->came.event + first, c->came.n * sizeof(*c->came.event));
	if (!err && c->parsed.n)
		err = gather(m, c, false);
	return err;
}

/* A real program would launch a kernel on the message; this one looks at it with the processor. */
static void take_message(struct messages *m, const struct job *job)
{
	const uint64_t from = (uint64_t)job->connection->slot * m->longest + job->at;
	static unsigned char piece[64 << 10];
	bool good = true;
	uint32_t some;

	for (uint32_t at = 0; m->server.opt.verify && good && at < job->length; at += some) {
		some = job->length - at < sizeof(piece) ? job->length - at : sizeof(piece);
		good = !devmem_buffer_read(m->buffer, from + at, piece, some) &&
		       pattern_matches(job->position + at, piece, some);
	}
	if (!good && !m->wrong++)
		fprintf(stderr, "gpu_message_server: wrong bytes in message %llu\n",
			(unsigned long long)m->count);
	m->count++;
	m->bytes += job->length;
}

static int gathered(struct messages *m, const struct devmem_event *ev)
{
	struct job *job = m->first;
	struct connection *c = job->connection;

	m->first = job->next;
	if (!m->first)
		m->last = &m->first;
	if (ev->result < 0)
		fprintf(stderr, "gpu_message_server: the device failed: %s\n",
			strerror(-ev->result));
	else if (job->last)
		take_message(m, job);
	free(job);
	c->out--;
	queue(m, c);
	return ev->result < 0 ? -1 : 0;
}

/* ---------------------------------------------------------------------------------- connections */

static void accept_all(struct messages *m)
{
	struct connection *c;
	unsigned int slot = 0;
	int fd;

	while ((fd = server_accept(&m->server)) >= 0) {
		c = calloc(1, sizeof(*c));
		if (server_attach(&m->server, c ? &c->client : NULL, fd, NULL)) {
			free(c);
			continue;
		}
		while (m->slot[slot]) /* there is a piece for each connection */
			slot++;
		c->slot = slot;
		m->slot[slot] = c;
	}
}

/* Closes a connection. Its fragments are released behind the gathers that are under way, in case
 * one of them copies from the same fragment. */
static int close_connection(struct messages *m, struct connection *c, const char *why)
{
	server_lose(&m->server, &c->client, why);
	for (unsigned int i = 0; i < c->came.n; i++) {
		c->came.event[i].length = 0;
		if (add(&c->parsed, &c->came.event[i]))
			return -1;
	}
	for (unsigned int i = 0; i < c->parsed.n; i++)
		c->parsed.event[i].length = 0;
	c->came.n = c->bytes = 0;
	c->got = 0;
	if (c->parsed.n && gather(m, c, false))
		return -1;
	devmem_abort(c->client.sock); /* the peer is not to believe that all has come */
	server_hang_up(&m->server, &c->client);
	queue(m, c);
	return 0;
}

static void free_connection(struct messages *m, struct connection *c)
{
	if (c->client.sock)
		server_hang_up(&m->server, &c->client);
	server_forget(&m->server, &c->client);
	m->slot[c->slot] = NULL;
	free(c->came.event);
	free(c->parsed.event);
	free(c);
}

/* Called at the end of a turn. */
static int go_on(struct messages *m, struct connection *c)
{
	int err = c->client.sock ? parse(m, c) : 0;
	char why[96];

	if (err > 0) {
		snprintf(why, sizeof(why), "a message is longer than %u KiB (--message)",
			 m->server.opt.message_kib);
		return close_connection(m, c, why);
	}
	if (err)
		return -1;
	if (c->out || c->came.n)
		return 0;
	if (c->client.sock && c->ended && c->have)
		return close_connection(m, c, "it ended within a message");
	if (c->ended || !c->client.sock)
		free_connection(m, c);
	return 0;
}

static int go_on_with_all(struct messages *m)
{
	struct connection *c;
	int err = 0;

	while ((c = m->queued) && !err) {
		m->queued = c->next;
		c->queued = false;
		err = go_on(m, c);
	}
	return err;
}

static int handle(struct messages *m, const struct devmem_event *ev)
{
	struct connection *c = (struct connection *)(uintptr_t)ev->user_data;

	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
	case DEVMEM_EVENT_HOST:
		server_moved(&m->server, &c->client, ev->length);
		queue(m, c);
		return add(&c->came, ev);
	case DEVMEM_EVENT_GATHERED:
		return gathered(m, ev);
	case DEVMEM_EVENT_END:
		c->ended = true;
		queue(m, c);
		return 0;
	case DEVMEM_EVENT_ERROR:
		return close_connection(m, c, m->server.why);
	case DEVMEM_EVENT_MISPLACED:
		server_misplaced(&m->server);
	}
	return 0;
}

/* ------------------------------------------------------------------------------------- the loop */

static int serve(struct messages *m)
{
	struct server *s = &m->server;
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
				accept_all(m);
			else if (handle(m, &ev[i]))
				return -1;
		}
		while ((c = server_overdue(s)))
			if (close_connection(m, (struct connection *)c, server_silent))
				return -1;
		if (go_on_with_all(m))
			return -1;
		server_progress(s);
	}
	return server_settle(s);
}

/* Makes the pieces. There can be as many connections at a time. */
static int open_messages(struct messages *m)
{
	struct server *s = &m->server;
	unsigned int pieces;

	m->longest = s->opt.message_kib << 10;
	pieces = MAX_BYTES / m->longest > MIN_ROOM ? MAX_BYTES / m->longest : MIN_ROOM;
	s->room = s->room < pieces ? s->room : pieces;
	m->slot = calloc(s->room, sizeof(struct connection *));
	if (!m->slot || server_buffer(s, (size_t)m->longest * s->room, &m->buffer))
		return server_failed("messages");
	return 0;
}

/* Called after the ring was closed, which waits for what the device is doing. */
static void close_all(struct messages *m)
{
	struct client *c;
	struct job *job;

	while ((job = m->first)) {
		m->first = job->next;
		free(job);
	}
	while ((c = m->server.clients)) { /* connections that are open after a stop or a failure */
		struct connection *open = (struct connection *)c;

		c->sock = NULL;
		server_forget(&m->server, c);
		close(c->fd);
		free(open->came.event);
		free(open->parsed.event);
		free(c);
	}
	devmem_buffer_close(m->buffer);
	free(m->slot);
}

int main(int argc, char **argv)
{
	struct messages m = { .server = { .opt = server_parse(argc, argv, usage, "vg"),
					  .listener = -1,
					  .signals = -1 } };
	struct server *s = &m.server;
	struct report report = { .verify = s->opt.verify };
	bool ok = !server_open(s) && !open_messages(&m);

	m.last = &m.first;
	if (ok) {
		fprintf(stderr, "gpu_message_server: listening on port %u\n", s->opt.port);
		ok = !serve(&m) && !m.wrong && !s->broken;
		server_report(s, &report);
		report.ok = ok;
		fprintf(stderr, "messages     %llu of %llu bytes, %llu wrong\n",
			(unsigned long long)m.count, (unsigned long long)m.bytes,
			(unsigned long long)m.wrong);
	}
	report.nic_restored = server_close(s);
	close_all(&m);
	return report_summary(&report, s->opt.json) || !ok || !report.nic_restored;
}
