// SPDX-License-Identifier: MIT
/*
 * The same as the leanest loops and epoll.c, with libdevmem: the loop that the public header shows,
 * and nothing else. With --hold it keeps the latest fragments, as a program does that works on
 * them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "setup.h"

#define EVENTS 256
/* events, a power of two; more than the number of tokens that may be kept */
#define HELD (1u << 20)

/* The kept events, the oldest first. */
struct held {
	struct devmem_event *ev;
	uint32_t first, last, tokens;
};

static void attach(struct bench *b, struct devmem_ring *ring)
{
	struct devmem_sock *sock;

	for (unsigned int i = 0; i < b->connections; i++)
		if (devmem_attach(ring, b->fd[i], b->binding, i,
				  DEVMEM_OPTS(devmem_attach_opts, .lowat = b->lowat,
					      .flags = b->attach_flags),
				  &sock))
			bench_die("%s", devmem_error());
}

static void verify(struct bench *b, const struct devmem_event *ev, int n)
{
	unsigned char *memory;

	if (devmem_buffer_map(b->buffer, (void **)&memory) ||
	    devmem_buffer_sync(b->buffer, DEVMEM_SYNC_START | DEVMEM_SYNC_READ))
		bench_die("%s", devmem_error());
	for (int i = 0; i < n; i++)
		if (ev[i].type == DEVMEM_EVENT_DATA)
			bench_check(b, (unsigned int)ev[i].user_data, memory + ev[i].offset,
				    ev[i].length);
	if (devmem_buffer_sync(b->buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_READ))
		bench_die("%s", devmem_error());
}

/* Returns the number of connections that ended. */
static unsigned int consume(const struct devmem_event *ev, int n, uint64_t *bytes)
{
	unsigned int ended = 0;

	for (int i = 0; i < n; i++) {
		switch (ev[i].type) {
		case DEVMEM_EVENT_DATA:
			*bytes += ev[i].length;
			break;
		case DEVMEM_EVENT_HOST:
			bench_die("bytes came to host memory");
		case DEVMEM_EVENT_ERROR:
			bench_die("a connection broke: %s", strerror(-ev[i].result));
		case DEVMEM_EVENT_END:
			ended++;
			break;
		}
	}
	return ended;
}

static void release(struct devmem_ring *ring, const struct devmem_event *ev, unsigned int n)
{
	if (devmem_release(ring, ev, n))
		bench_die("%s", devmem_error());
}

/* Releases the oldest events until at most @most tokens are kept. Takes one call, or two where the
 * array wraps. */
static void keep(struct devmem_ring *ring, struct held *h, uint32_t most)
{
	uint32_t first = h->first % HELD, n;

	while (h->tokens > most)
		h->tokens -= h->ev[h->first++ % HELD].tokens;
	n = h->first % HELD >= first ? h->first % HELD - first : HELD - first;
	release(ring, h->ev + first, n);
	if (first + n == HELD)
		release(ring, h->ev, h->first % HELD);
}

static void hold(struct devmem_ring *ring, struct held *h, const struct devmem_event *ev, int n,
		 uint32_t most)
{
	for (int i = 0; i < n; i++) {
		if (ev[i].type != DEVMEM_EVENT_DATA)
			continue;
		h->ev[h->last++ % HELD] = ev[i];
		h->tokens += ev[i].tokens;
	}
	keep(ring, h, most);
}

static void receive(struct bench *b, struct devmem_ring *ring, struct held *h, uint64_t *bytes)
{
	unsigned int open = b->connections;
	struct devmem_event ev[EVENTS];

	while (open) {
		int n = devmem_wait(ring, ev, EVENTS, -1);

		if (n == -EINTR)
			continue;
		if (n < 0)
			bench_die("%s", devmem_error());
		open -= consume(ev, n, bytes);
		if (b->verify)
			verify(b, ev, n);
		if (b->hold)
			hold(ring, h, ev, n, b->hold);
		else
			release(ring, ev, (unsigned int)n);
	}
}

int main(int argc, char **argv)
{
	struct devmem_stats before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct bench_result r = { 0 };
	struct devmem_ring *ring;
	struct held h = { 0 };
	struct bench b;

	bench_parse(&b, "libdevmem", argc, argv);
	bench_bind(&b);
	h.ev = calloc(b.hold ? HELD : 1, sizeof(*h.ev));
	if (!h.ev)
		bench_die("no memory");
	bench_listen(&b);
	bench_accept(&b);
	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = b.engine,
					 .coalesce_us = b.coalesce),
			     &ring))
		bench_die("%s", devmem_error());
	attach(&b, ring);
	devmem_ring_stats(ring, &before);
	bench_begin(&b, &r);
	receive(&b, ring, &h, &r.bytes);
	keep(ring, &h, 0);
	bench_end(&r);
	devmem_ring_stats(ring, &after);
	bench_difference(&before, &after, &r);
	r.engine = after.engine;
	r.page_size = devmem_binding_page_size(b.binding, NULL);
	bench_result(&b, &r);
	devmem_ring_close(ring);
	free(h.ev);
	bench_close(&b);
	return 0;
}
