// SPDX-License-Identifier: MIT
/* What leanest.c does, with libdevmem: the loop that the public header shows, and nothing else. */
#include <errno.h>
#include <string.h>

#include "../lab/count/mark.h"
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
			bench_die("bytes were copied");
		case DEVMEM_EVENT_ERROR:
			bench_die("a connection broke: %s", strerror(-ev[i].result));
		case DEVMEM_EVENT_END:
			ended++;
			break;
		}
	}
	return ended;
}

static void receive(struct devmem_ring *ring, unsigned int connections, uint64_t *bytes)
{
	struct devmem_event ev[EVENTS];

	while (connections) {
		int n = devmem_wait(ring, ev, EVENTS, -1);

		if (n < 0)
			bench_die("%s", devmem_error());
		connections -= consume(ev, n, bytes);
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

	bench_listen(&b, "libdevmem", argc, argv);
	bench_accept(&b);
	if (devmem_ring_open(NULL, &ring))
		bench_die("%s", devmem_error());
	attach(&b, ring);
	lab_count_name(b.name);
	devmem_ring_stats(ring, &before);
	bench_go(&b);
	r.seconds = -bench_clock();
	lab_count_begin();
	receive(ring, b.connections, &r.bytes);
	lab_count_end();
	r.seconds += bench_clock();
	devmem_ring_stats(ring, &after);
	lab_count_bytes(r.bytes);
	r.enter_calls = after.enter_calls - before.enter_calls;
	r.completions = after.completions - before.completions;
	r.releases = after.release_operations - before.release_operations;
	r.fragments = after.fragments - before.fragments;
	r.descriptors = after.descriptors - before.descriptors;
	r.lowat_changes = after.lowat_changes - before.lowat_changes;
	devmem_ring_close(ring);
	bench_result(&b, &r);
	bench_close(&b);
	return 0;
}
