// SPDX-License-Identifier: MIT
/*
 * Fragments on their way back to where they came from: the socket's engine, the receive buffers, the spill buffer. That
 * is the affair of the ring's own thread; others hand fragments over to it on a lock-free stack.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "rxmsg.h"

struct devmem__handover {
	struct devmem__handover *next;
	unsigned int n;
	struct devmem_event event[];
};

int devmem__release_tokens(struct devmem_sock *sock, const struct devmem_event *event, unsigned int tokens)
{
	return sock->engine->release(sock, event, tokens);
}

/* Of a buffer, or of a ring's own memory: counted with the socket. */
static int release_counted(struct devmem_ring *ring, const struct devmem_event *ev, unsigned int tokens)
{
	struct devmem_sock *sock = ev->sock < ring->slots ? ring->socks[ev->sock] : NULL;
	int err;

	if (devmem__place_owns(ring, ev))
		return devmem__place_put(ring, ev->token, tokens);
	if (!sock)
		return devmem__fail(EINVAL, "a fragment was released whose socket is not on this ring");
	err = devmem__release_tokens(sock, ev, tokens);
	if (sock->detached)
		devmem__sock_reap(sock);
	return err;
}

/* How many of the events after the first go on where the one before ended: same socket, next token. */
static unsigned int follow(const struct devmem_ring *ring, const struct devmem_event *events, unsigned int n,
			   unsigned int *tokens)
{
	const struct devmem_event *first = events;
	const uint64_t of = devmem__event_of(first);
	uint32_t next = first->token + first->tokens;
	unsigned int i;

	*tokens = first->tokens;
	if (first->sock >= ring->slots || !ring->socks[first->sock] ||
	    ring->socks[first->sock]->engine != &devmem__engine_devmem)
		return 1;	/* only the kernel's own tokens are numbers that may run on */
	for (i = 1; i < n; i++) {
		const struct devmem_event *ev = &events[i];

		if (devmem__event_of(ev) != of || ev->token != next)
			break;
		next += ev->tokens;
	}
	*tokens = next - first->token;
	return i;
}

/* As many of the first events as make one run. Returns how many that was, or -errno. */
static int release_run(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	struct devmem_sock *sock = events->sock < ring->slots ? ring->socks[events->sock] : NULL;
	unsigned int tokens, taken;
	int err;

	if (sock && sock->engine->release_many && !devmem__place_owns(ring, events)) {
		err = sock->engine->release_many(sock, events, n);
		if (sock->detached)
			devmem__sock_reap(sock);
		return err;
	}
	taken = follow(ring, events, n, &tokens);
	err = release_counted(ring, events, tokens);
	if (err && taken > 1) {	/* one of them is bad: those before it are taken one by one */
		taken = 1;
		err = release_counted(ring, events, events->tokens);
	}
	return err ? err : (int)taken;
}

/* On the ring's own thread. @forgive: go on after one that is not out. Returns the first failure. */
static int release_here(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n, bool forgive)
{
	unsigned int i = 0;
	int got, err = 0;

	while (i < n) {
		if (events[i].type == DEVMEM_EVENT_DATA)
			got = release_run(ring, events + i, n - i);
		else if (events[i].type == DEVMEM_EVENT_HOST && events[i].tokens)
			got = release_counted(ring, events + i, events[i].tokens) ?: 1;
		else if (events[i].type == DEVMEM_EVENT_HOST)
			got = devmem__rxmsg_put_host(ring, events[i].token) ?: 1;
		else
			got = 1;
		if (got < 0 && !forgive)
			return got;
		err = err || got > 0 ? err : got;
		i += got > 0 ? (unsigned int)got : 1;
	}
	return err;
}

/* All that can be. */
int devmem__release_all(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	return release_here(ring, events, n, true);
}

static int hand_over(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	struct devmem__handover *h = malloc(sizeof(*h) + n * sizeof(h->event[0]));

	if (!h)
		return devmem__fail(ENOMEM, "no memory to hand %u fragments to the ring's thread", n);
	h->n = 0;
	for (unsigned int i = 0; i < n; i++)
		if (events[i].type == DEVMEM_EVENT_DATA || events[i].type == DEVMEM_EVENT_HOST)
			h->event[h->n++] = events[i];
	h->next = atomic_load_explicit(&ring->handover, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&ring->handover, &h->next, h))
		;
	devmem__wake(ring);
	return 0;
}

/* What other threads released. Nobody is there to be told of a bad one, so it is passed over. */
void devmem__release_take_over(struct devmem_ring *ring)
{
	struct devmem__handover *h, *next;

	if (!atomic_load(&ring->handover))
		return;
	for (h = atomic_exchange(&ring->handover, NULL); h; h = next) {
		next = h->next;
		release_here(ring, h->event, h->n, true);
		free(h);
	}
}

static int release(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	if (!pthread_equal(pthread_self(), ring->owner))
		return hand_over(ring, events, n);
	return release_here(ring, events, n, false);
}

int devmem_release(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	return devmem__result(release(ring, events, n));
}
