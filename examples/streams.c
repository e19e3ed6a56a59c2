// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "check.h"
#include "server.h"
#include "streams.h"

#define EVENTS 256

struct stream {
	struct client client;
	uint64_t position; /* bytes received so far */
};

void streams_accept(struct streams *s)
{
	struct stream *st;
	int fd;

	while ((fd = server_accept(s->server)) >= 0) {
		st = calloc(1, sizeof(*st));
		if (server_attach(s->server, st ? &st->client : NULL, fd, NULL))
			free(st);
	}
}

/* @why: the connection broke; NULL: the peer has sent everything, or this program ends. */
static void close_stream(struct streams *s, struct stream *st, const char *why)
{
	if (why)
		server_lose(s->server, &st->client, why);
	shutdown(st->client.fd, SHUT_RDWR);
	server_hang_up(s->server, &st->client);
	server_forget(s->server, &st->client);
	free(st);
}

/* A real program would launch a kernel on (offset, length). */
static void consume(struct streams *s, struct stream *st, const struct devmem_event *ev)
{
	if (s->server->opt.verify && !check_event(s->server->buffer, st->position, ev) &&
	    !s->wrong++)
		fprintf(stderr, "%s: wrong bytes at %llu of a stream\n",
			program_invocation_short_name, (unsigned long long)st->position);
	st->position += ev->length;
	server_moved(s->server, &st->client, ev->length);
}

static void take_event(struct streams *s, const struct devmem_event *ev)
{
	struct stream *st = (struct stream *)(uintptr_t)ev->user_data;

	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
	case DEVMEM_EVENT_HOST:
		consume(s, st, ev);
		break;
	case DEVMEM_EVENT_END:
	case DEVMEM_EVENT_ERROR:
		close_stream(s, st, ev->result ? s->server->why : NULL);
		break;
	case DEVMEM_EVENT_READY:
		if (ev->user_data == SERVER_LISTENER)
			streams_accept(s);
		else
			s->stop = true;
		break;
	case DEVMEM_EVENT_MISPLACED:
		server_misplaced(s->server);
		break;
	}
}

int streams_turn(struct streams *s, int timeout_ms)
{
	struct devmem_event ev[EVENTS];
	int n = server_wait(s->server, ev, EVENTS, timeout_ms);
	struct client *c;

	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++)
		take_event(s, &ev[i]);
	while ((c = server_overdue(s->server)))
		close_stream(s, (struct stream *)c, server_silent);
	return devmem_release(s->server->ring, ev, (unsigned int)n) ? server_failed("release") : n;
}

void streams_close(struct streams *s)
{
	while (s->server->clients)
		close_stream(s, (struct stream *)s->server->clients, NULL);
}
