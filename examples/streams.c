// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "server.h"
#include "streams.h"

#define EVENTS 256

struct stream {
	struct stream *next;
	struct devmem_sock *sock;
	int fd;
	uint64_t position;	/* bytes of it so far */
};

int streams_accept(struct streams *s)
{
	struct server *server = s->server;
	struct stream *st;
	int fd;

	while ((fd = server_accept(server)) >= 0) {
		st = calloc(1, sizeof(*st));
		if (!st || devmem_attach(server->ring, fd, server->binding, (uintptr_t)st, NULL, &st->sock)) {
			free(st);
			close(fd);
			return server_failed("attach");
		}
		st->fd = fd;
		st->next = s->open;
		s->open = st;
	}
	return 0;
}

/* @error: 0 if the peer has sent all it had. */
static void close_stream(struct streams *s, struct stream *st, int error)
{
	struct stream **link = &s->open;

	if (error && ++s->server->broken)
		fprintf(stderr, "%s: a connection broke: %s\n", program_invocation_short_name, strerror(-error));
	while (*link != st)
		link = &(*link)->next;
	*link = st->next;
	shutdown(st->fd, SHUT_RDWR);
	devmem_detach(st->sock);
	close(st->fd);
	free(st);
	s->server->ended++;
}

/* A real program would launch a kernel on (offset, length). */
static void consume(struct streams *s, struct stream *st, const struct devmem_event *ev)
{
	if (s->server->opt.verify && !check_event(s->server->buffer, st->position, ev) && !s->wrong++)
		fprintf(stderr, "%s: wrong bytes at %llu of a stream\n", program_invocation_short_name,
			(unsigned long long)st->position);
	st->position += ev->length;
}

static int take_event(struct streams *s, const struct devmem_event *ev)
{
	struct stream *st = (struct stream *)(uintptr_t)ev->user_data;

	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
	case DEVMEM_EVENT_HOST:
		consume(s, st, ev);
		break;
	case DEVMEM_EVENT_END:
	case DEVMEM_EVENT_ERROR:
		close_stream(s, st, ev->result);
		break;
	case DEVMEM_EVENT_READY:
		if (ev->user_data == SERVER_LISTENER)
			return streams_accept(s);
		s->stop = true;
		break;
	case DEVMEM_EVENT_MISPLACED:
		server_failed("warning");
		break;
	}
	return 0;
}

int streams_turn(struct streams *s, int timeout_ms)
{
	struct devmem_event ev[EVENTS];
	int n = devmem_wait(s->server->ring, ev, EVENTS, timeout_ms);

	if (n < 0)
		return server_failed("wait");
	for (int i = 0; i < n; i++)
		if (take_event(s, &ev[i]))
			return -1;
	return devmem_release(s->server->ring, ev, (unsigned int)n) ? server_failed("release") : n;
}

void streams_close(struct streams *s)
{
	while (s->open)
		close_stream(s, s->open, 0);
}
