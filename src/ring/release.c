// SPDX-License-Identifier: MIT
/*
 * Releasing fragments: each goes back to where it came from, the socket's engine, the receive
 * buffers or the spill buffer. Only the ring's own thread does that. Other threads push their
 * fragments on a lock-free stack, ring->remote.released.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"
#include "recv/messages.h"
#include "ring/loop.h"

struct devmem__remote_release {
	struct devmem__remote_release *next;
	unsigned int n;
	struct devmem_event event[];
};

/* Releases the first of @events, and as many of those that follow as the engine takes with it.
 * Returns how many, or -errno. */
static int release_some(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	struct devmem_sock *sock =
		events->sock < ring->socks.slots ? ring->socks.slot[events->sock] : NULL;
	int got;

	if (devmem__spill_owns(ring, events))
		return devmem__spill_put(ring, events->token, events->tokens) ?: 1;
	if (!sock)
		return devmem__fail(EINVAL, "the socket of a released fragment is not on this "
					    "ring");
	got = sock->engine->release(sock, events, n);
	devmem__sock_let_go(sock);
	return got;
}

/* On the ring's own thread. @forgive: go on after a fragment that is not out. Returns the first
 * failure. */
static int release_here(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n,
			bool forgive)
{
	unsigned int i = 0;
	int got, err = 0;

	while (i < n) {
		if (!devmem__event_is_fragment(&events[i]))
			got = 1;
		else if (events[i].type == DEVMEM_EVENT_DATA || events[i].tokens)
			got = release_some(ring, events + i, n - i);
		else
			got = devmem__messages_put_host(ring, events[i].token) ?: 1;
		if (got < 0 && !forgive)
			return got;
		err = err || got > 0 ? err : got;
		i += got > 0 ? (unsigned int)got : 1;
	}
	return err;
}

/* Releases all fragments that are out. */
int devmem__release_all(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	return release_here(ring, events, n, true);
}

static int release_remotely(struct devmem_ring *ring, const struct devmem_event *events,
			    unsigned int n)
{
	struct devmem__remote_release *h = malloc(sizeof(*h) + n * sizeof(h->event[0]));
	int cancel;

	if (!h)
		return devmem__fail(ENOMEM, "no memory to hand %u fragments to the ring's thread",
				    n);
	h->n = 0;
	for (unsigned int i = 0; i < n; i++)
		if (devmem__event_is_fragment(&events[i]))
			h->event[h->n++] = events[i];
	cancel = devmem__visit(ring);
	h->next = atomic_load_explicit(&ring->remote.released, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&ring->remote.released, &h->next, h))
		;
	devmem__wake(ring);
	devmem__visit_over(ring, cancel);
	return 0;
}

/* Nobody can be told of a bad fragment that another thread released, so it is skipped. */
void devmem__remote_releases_take(struct devmem_ring *ring)
{
	struct devmem__remote_release *h, *next;

	if (!atomic_load(&ring->remote.released))
		return;
	for (h = atomic_exchange(&ring->remote.released, NULL); h; h = next) {
		next = h->next;
		release_here(ring, h->event, h->n, true);
		free(h);
	}
}

void devmem__remote_releases_free(struct devmem_ring *ring)
{
	struct devmem__remote_release *h, *next;

	for (h = atomic_exchange(&ring->remote.released, NULL); h; h = next) {
		next = h->next;
		free(h);
	}
}

/* A loop may release what each turn brought, however little that was: it would wake itself for
 * ever if nothing counted as something. */
static bool has_fragments(const struct devmem_event *events, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (devmem__event_is_fragment(&events[i]))
			return true;
	return false;
}

static int release(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	if (devmem__uring_is_this_thread_s(&ring->uring)) {
		if (ring->wake.quiet && has_fragments(events, n))
			devmem__pending(ring);
		return release_here(ring, events, n, false);
	}
	return devmem__uring_check_process(&ring->uring) ?: release_remotely(ring, events, n);
}

int devmem_release(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	return devmem__result(release(ring, events, n));
}
