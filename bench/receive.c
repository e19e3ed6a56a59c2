// SPDX-License-Identifier: MIT
/*
 * What the leanest loops and epoll.c do, with libdevmem: the loop that the public header shows, and nothing else.
 */
#include <errno.h>
#include <string.h>

#include "setup.h"

#define EVENTS 256

static void attach(struct bench *b, struct devmem_ring *ring)
{
	struct devmem_sock *sock;

	for (unsigned int i = 0; i < b->connections; i++)
		if (devmem_attach(ring, b->fd[i], b->binding, i,
				  DEVMEM_OPTS(devmem_attach_opts, .lowat = b->lowat), &sock))
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
			bench_check(b, (unsigned int)ev[i].user_data, memory + ev[i].offset, ev[i].length);
	if (devmem_buffer_sync(b->buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_READ))
		bench_die("%s", devmem_error());
}

/* Returns how many connections ended. */
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

static void receive(struct bench *b, struct devmem_ring *ring, uint64_t *bytes)
{
	unsigned int open = b->connections;
	struct devmem_event ev[EVENTS];

	while (open) {
		int n = devmem_wait(ring, ev, EVENTS, -1);

		if (n < 0)
			bench_die("%s", devmem_error());
		open -= consume(ev, n, bytes);
		if (b->verify)
			verify(b, ev, n);
		if (devmem_release(ring, ev, (unsigned int)n))
			bench_die("%s", devmem_error());
	}
}

int main(int argc, char **argv)
{
	struct devmem_stats before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct bench_result r = { 0 };
	struct devmem_ring *ring;
	struct bench b;

	bench_parse(&b, "libdevmem", argc, argv);
	bench_bind(&b);
	bench_listen(&b);
	bench_accept(&b);
	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = b.engine), &ring))
		bench_die("%s", devmem_error());
	attach(&b, ring);
	devmem_ring_stats(ring, &before);
	bench_begin(&b, &r);
	receive(&b, ring, &r.bytes);
	bench_end(&r);
	devmem_ring_stats(ring, &after);
	bench_difference(&before, &after, &r);
	r.engine = after.engine;
	r.page_size = devmem_binding_page_size(b.binding, NULL);
	bench_result(&b, &r);
	devmem_ring_close(ring);
	bench_close(&b);
	return 0;
}
