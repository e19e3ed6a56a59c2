// SPDX-License-Identifier: MIT
/*
 * Fragments on their way back. The ring's own thread puts tokens into the socket's batch, and batches ride on the
 * next io_uring_enter as SO_DEVMEM_DONTNEED. Their completions are skipped: one would satisfy the wait that it
 * rides with. That hides how many fragments the kernel freed, so a batch never exceeds the kernel's limits and
 * holds only tokens that are known to be out. Other threads hand fragments over on a lock-free stack.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"

/*
 * Tokens of a socket wait until there are this many: releasing after each small message costs a few per cent of
 * its latency, and about 64 still keep the kernel's token table one level deep.
 */
#define FEW_TOKENS 64

/* However many sockets hold back a few, together they may not hold more than this. */
#define MANY_TOKENS 2048

struct devmem__handover {
	struct devmem__handover *next;
	unsigned int n;
	struct devmem_event event[];
};

static struct devmem__batch *get_batch(struct devmem_sock *sock)
{
	struct devmem_ring *ring = sock->ring;
	struct devmem__batch *batch;

	if (!devmem__list_empty(&ring->batches_spare)) {
		batch = container_of(ring->batches_spare.next, struct devmem__batch, node);
		devmem__list_del(&batch->node);
	} else {
		batch = malloc(sizeof(*batch));
		if (!batch)
			return NULL;
		devmem__list_init(&batch->node);
	}
	batch->sock = sock;
	batch->tokens.runs = 0;
	batch->tokens.frags = 0;
	return batch;
}

static void spare_batch(struct devmem_ring *ring, struct devmem__batch *batch)
{
	devmem__list_append(&ring->batches_spare, &batch->node);
}

/* The kernel has done with a batch. */
static void settle(struct devmem__batch *batch, bool released)
{
	struct devmem_ring *ring = batch->sock->ring;

	if (released) {
		ring->stats.release_operations++;
		ring->stats.tokens_released += batch->tokens.frags;
	}
	batch->sock->batches_out--;
	spare_batch(ring, batch);
}

/* Answers the number of fragments freed, or -1. */
static int dontneed_now(int fd, const struct devmem__token_batch *tokens)
{
	return setsockopt(fd, SOL_SOCKET, DEVMEM_SO_DONTNEED, tokens->run,
			  (socklen_t)(tokens->runs * sizeof(tokens->run[0])));
}

/* Hands the batch in with the next io_uring_enter. */
static void queue_batch(struct devmem__batch *batch)
{
	struct devmem_sock *sock = batch->sock;
	struct devmem_ring *ring = sock->ring;
	struct io_uring_sqe *sqe = devmem__ring_sqe(ring, DEVMEM__CQE_RELEASE, batch);

	if (!sqe) {	/* the submission queue is full and the kernel would not take it: do without it */
		settle(batch, dontneed_now(sock->fd, &batch->tokens) >= 0);
		return;
	}
	devmem__ring_setsockopt(sqe, sock->fd, DEVMEM_SO_DONTNEED, batch->tokens.run,
				batch->tokens.runs * sizeof(batch->tokens.run[0]));
	devmem__list_append(&ring->batches_out, &batch->node);
}

static void hand_in(struct devmem_sock *sock)
{
	struct devmem__batch *batch = sock->batch;

	sock->batch = NULL;
	devmem__list_del(&sock->dirty);
	sock->ring->tokens_pending -= batch->tokens.frags;
	sock->batches_out++;
	queue_batch(batch);
}

/* By system call: a run of any length. */
static void release_now(struct devmem_sock *sock, uint32_t token, unsigned int count)
{
	while (count) {
		struct devmem__token_batch one = { 0 };
		unsigned int taken = devmem__batch_add(&one, token, count);

		if (dontneed_now(sock->fd, &one) >= 0) {
			sock->ring->stats.release_operations++;
			sock->ring->stats.tokens_released += taken;
		}
		token += taken;
		count -= taken;
	}
}

/* Into the socket's batch, and the next one if that is full. */
static void batch_tokens(struct devmem_sock *sock, uint32_t token, unsigned int count)
{
	while (count) {
		unsigned int taken;

		if (!sock->batch) {
			sock->batch = get_batch(sock);
			if (!sock->batch) {	/* no memory: they are in no book any more, so they go back now */
				release_now(sock, token, count);
				return;
			}
			devmem__list_append(&sock->ring->dirty, &sock->dirty);
		}
		taken = devmem__batch_add(&sock->batch->tokens, token, count);
		sock->ring->tokens_pending += taken;
		token += taken;
		count -= taken;
		if (count || devmem__batch_full(&sock->batch->tokens))
			hand_in(sock);
	}
}

int devmem__release_tokens(struct devmem_sock *sock, uint32_t token, unsigned int count)
{
	int err = devmem__set_take(&sock->stream.out, token, count);

	if (err)
		return devmem__fail(EINVAL, "a fragment was released that is not out: released twice, or not of this ring");
	devmem__pressure_back(sock, count);
	batch_tokens(sock, token, count);
	return 0;
}

void devmem__release_flush(struct devmem_ring *ring, bool all)
{
	struct devmem__list *node, *next;

	all = all || ring->tokens_pending >= MANY_TOKENS;
	for (node = ring->dirty.next; node != &ring->dirty; node = next) {
		struct devmem_sock *sock = container_of(node, struct devmem_sock, dirty);

		next = node->next;
		if (all || sock->detached || sock->batch->tokens.frags >= FEW_TOKENS) {
			hand_in(sock);
			devmem__sock_reap(sock);
		}
	}
}

/* Called when all completions of what was handed in have been seen: no failure among them, so all is done. */
void devmem__release_settle(struct devmem_ring *ring)
{
	while (!devmem__list_empty(&ring->batches_out)) {
		struct devmem__batch *batch = container_of(ring->batches_out.next, struct devmem__batch, node);
		struct devmem_sock *sock = batch->sock;

		settle(batch, true);
		devmem__sock_reap(sock);
	}
}

/*
 * The ring could not do it (no memory, say): the system call is tried. What even that refuses stays with the
 * socket, and the kernel frees it when the socket is closed.
 */
void devmem__release_failed(struct devmem__batch *batch)
{
	struct devmem_sock *sock = batch->sock;

	settle(batch, dontneed_now(sock->fd, &batch->tokens) >= 0);
	devmem__sock_reap(sock);
}

/* For closing a ring: everything that the socket has out goes back by system call. */
void devmem__release_all_now(struct devmem_sock *sock)
{
	struct devmem__token_run run = { 0 };

	if (sock->batch) {
		dontneed_now(sock->fd, &sock->batch->tokens);
		spare_batch(sock->ring, sock->batch);
		sock->batch = NULL;
	}
	while (devmem__set_next_run(&sock->stream.out, (size_t)run.start + run.count, &run))
		release_now(sock, run.start, run.count);
}

static int release_host(struct devmem_ring *ring, uint32_t token)
{
	if (ring->engine->put_host(ring, token))
		return devmem__fail(EINVAL, "a HOST fragment was released that is not out");
	return 0;
}

static int release_device(struct devmem_ring *ring, const struct devmem_event *ev, unsigned int tokens)
{
	struct devmem_sock *sock = ev->sock < ring->slots ? ring->socks[ev->sock] : NULL;
	int err;

	if (devmem__place_owns(ring, ev))
		return devmem__place_put(ring, ev->token, tokens);
	if (!sock)
		return devmem__fail(EINVAL, "a fragment was released whose socket is not on this ring");
	err = devmem__release_tokens(sock, ev->token, tokens);
	if (sock->detached)
		devmem__sock_reap(sock);
	return err;
}

/* How many of the events after the first go on where the one before ended: same socket, next token. */
static unsigned int follow(const struct devmem_event *events, unsigned int n, unsigned int *tokens)
{
	const struct devmem_event *first = events;
	uint32_t next = first->token + first->tokens;
	unsigned int i;

	for (i = 1; i < n; i++) {
		const struct devmem_event *ev = &events[i];

		if (ev->type != DEVMEM_EVENT_DATA || ev->sock != first->sock || ev->buffer != first->buffer ||
		    ev->token != next)
			break;
		next += ev->tokens;
	}
	*tokens = next - first->token;
	return i;
}

/* As many of the first events as make one run. Returns how many that was, or -errno. */
static int release_run(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	unsigned int tokens, taken = follow(events, n, &tokens);
	int err = release_device(ring, events, tokens);

	if (err && taken > 1) {	/* one of them is bad: those before it are taken one by one */
		taken = 1;
		err = release_device(ring, events, events->tokens);
	}
	return err ? err : (int)taken;
}

/* On the ring's own thread. @forgive: go on after one that is not out. */
static int release_here(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n, bool forgive)
{
	unsigned int i = 0;
	int got;

	while (i < n) {
		if (events[i].type == DEVMEM_EVENT_DATA)
			got = release_run(ring, events + i, n - i);
		else if (events[i].type == DEVMEM_EVENT_HOST)
			got = release_host(ring, events[i].token) ?: 1;
		else
			got = 1;
		if (got < 0 && !forgive)
			return got;
		i += got > 0 ? (unsigned int)got : 1;
	}
	return 0;
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

void devmem__release_close(struct devmem_ring *ring)
{
	struct devmem__list *node;

	devmem__release_take_over(ring);
	while (!devmem__list_empty(&ring->batches_out))
		spare_batch(ring, container_of(ring->batches_out.next, struct devmem__batch, node));
	while (!devmem__list_empty(&ring->batches_spare)) {
		node = ring->batches_spare.next;
		devmem__list_del(node);
		free(container_of(node, struct devmem__batch, node));
	}
}

int devmem_release(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n)
{
	if (!pthread_equal(pthread_self(), ring->owner))
		return hand_over(ring, events, n);
	return release_here(ring, events, n, false);
}
