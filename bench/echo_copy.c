// SPDX-License-Identifier: MIT
/*
 * An echo as one would write it without libdevmem: epoll, recv() and send() with ordinary memory,
 * in large portions. echo.c is compared with it. It has no low-water mark: a peer that waits for
 * the rest of an answer sends no more, so a mark that is not lowered would wait forever.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "setup.h"

#define ROOM   (1u << 20)
#define EVENTS 64

/* Bytes that were received and not yet sent back. While there are any, nothing more is received. */
struct echo {
	unsigned char *memory;
	size_t from, to;
};

static size_t room;

static int watch(const struct bench *b)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	for (unsigned int i = 0; i < b->connections; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, b->fd[i], &e))
			bench_die("epoll: %s", strerror(errno));
	}
	return epoll;
}

static struct echo *prepare(const struct bench *b)
{
	struct echo *e = calloc(b->connections, sizeof(*e));

	room = b->buffer_bytes ? b->buffer_bytes : ROOM;
	for (unsigned int i = 0; e && i < b->connections; i++) {
		e[i].memory = mmap(NULL, room, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (e[i].memory == MAP_FAILED)
			bench_die("no memory");
	}
	if (!e)
		bench_die("no memory");
	return e;
}

/* True: everything that was received has been sent back. */
static bool send_back(const struct bench *b, unsigned int connection, struct echo *e,
		      struct bench_result *r)
{
	while (e->from < e->to) {
		ssize_t n = send(b->fd[connection], e->memory + e->from, e->to - e->from,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		r->enter_calls++;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0)
			bench_die("a connection broke: %s", strerror(errno));
		e->from += (size_t)n;
		r->bytes += (uint64_t)n;
	}
	return true;
}

static void wait_for(int epoll, const struct bench *b, unsigned int connection, uint32_t events,
		     struct bench_result *r)
{
	struct epoll_event e = { .events = events, .data.u32 = connection };

	r->enter_calls++;
	if (epoll_ctl(epoll, EPOLL_CTL_MOD, b->fd[connection], &e))
		bench_die("epoll: %s", strerror(errno));
}

/* A receive that did not fill the buffer has left nothing: epoll reports what comes later. True:
 * the stream has ended. */
static bool readable(int epoll, const struct bench *b, unsigned int connection, struct echo *e,
		     struct bench_result *r)
{
	ssize_t n;

	do {
		n = recv(b->fd[connection], e->memory, room, MSG_DONTWAIT);
		r->enter_calls++;
		if (n < 0 && errno != EAGAIN)
			bench_die("a connection broke: %s", strerror(errno));
		if (n <= 0)
			return !n;
		r->completions++;
		e->from = 0;
		e->to = (size_t)n;
		if (!send_back(b, connection, e, r)) {
			wait_for(epoll, b, connection, EPOLLOUT, r);
			return false;
		}
	} while ((size_t)n == room);
	return false;
}

static void echo(int epoll, const struct bench *b, struct echo *echoes, struct bench_result *r)
{
	unsigned int open = b->connections;
	struct epoll_event e[EVENTS];

	while (open) {
		int n = epoll_wait(epoll, e, EVENTS, -1);

		r->enter_calls++;
		for (int i = 0; i < n; i++) {
			unsigned int connection = e[i].data.u32;

			if (e[i].events & EPOLLOUT) {
				if (send_back(b, connection, &echoes[connection], r))
					wait_for(epoll, b, connection, EPOLLIN, r);
			} else if (readable(epoll, b, connection, &echoes[connection], r)) {
				epoll_ctl(epoll, EPOLL_CTL_DEL, b->fd[connection], NULL);
				open--;
			}
		}
	}
}

int main(int argc, char **argv)
{
	struct bench_result r = { .engine = "none, epoll" };
	struct echo *echoes;
	struct bench b;
	int epoll;

	bench_parse(&b, "echo_copy", argc, argv);
	echoes = prepare(&b);
	bench_listen(&b);
	bench_accept(&b);
	epoll = watch(&b);
	bench_begin(&b, &r);
	echo(epoll, &b, echoes, &r);
	bench_end(&r);
	bench_result(&b, &r);
	close(epoll);
	bench_close(&b);
	for (unsigned int i = 0; i < b.connections; i++)
		munmap(echoes[i].memory, room);
	free(echoes);
	return 0;
}
