// SPDX-License-Identifier: MIT
/*
 * Releases tokens of engine "devmem" to the kernel. Tokens are collected in the socket's batch, and
 * batches are submitted with the next io_uring_enter, as SO_DEVMEM_DONTNEED. Their completions are
 * skipped, because one would satisfy the wait in the same call. That hides how many fragments the
 * kernel freed. So a batch never exceeds the kernel's limits, and holds only tokens that are known
 * to be out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recv/token_release.h"

/*
 * A socket's tokens wait until there are this many. Releasing after each small message costs a few
 * per cent of its latency, and about 64 tokens still keep the kernel's token table one level deep.
 * With large pages fewer wait, since each may keep a page from the NIC.
 */
#define FEW_TOKENS 64
#define FEW_BYTES  (1u << 20)

/*
 * If only a few sockets hold tokens back, these are released at each tick, in the middle of traffic
 * too. A tick's turn delays no message, while 64 tokens at once make the turn that submits them a
 * tenth more expensive. With many sockets it would be a request each.
 */
#define FEW_SOCKETS 4u

static struct devmem__batch *get_batch(struct devmem_sock *sock)
{
	struct devmem_ring *ring = sock->ring;
	struct devmem__batch *batch;

	if (!devmem__list_empty(&ring->tokens.spare)) {
		batch = container_of(ring->tokens.spare.next, struct devmem__batch, node);
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
	devmem__list_append(&ring->tokens.spare, &batch->node);
}

/* The kernel is done with a batch. */
static void settle(struct devmem__batch *batch, bool released)
{
	struct devmem_ring *ring = batch->sock->ring;

	if (released) {
		ring->stats.release_operations++;
		ring->stats.tokens_released += batch->tokens.frags;
	}
	batch->sock->tokens.batches_in_flight--;
	spare_batch(ring, batch);
}

/* Returns the number of fragments freed, or -1. */
static int dontneed_now(int fd, const struct devmem__token_batch *tokens)
{
	return setsockopt(fd, SOL_SOCKET, DEVMEM_SO_DONTNEED, tokens->run,
			  (socklen_t)(tokens->runs * sizeof(tokens->run[0])));
}

/* Queues the batch for the next io_uring_enter. */
static void queue_batch(struct devmem__batch *batch)
{
	struct devmem_sock *sock = batch->sock;
	struct devmem_ring *ring = sock->ring;
	struct io_uring_sqe *sqe = devmem__uring_sqe(&ring->uring, DEVMEM__CQE_RELEASE, batch);

	/* the submission queue is full and the kernel does not take it: use a system call */
	if (!sqe) {
		settle(batch, dontneed_now(sock->fd, &batch->tokens) >= 0);
		return;
	}
	devmem__uring_setsockopt(sqe, sock->fd, DEVMEM_SO_DONTNEED, batch->tokens.run,
				 batch->tokens.runs * sizeof(batch->tokens.run[0]));
	batch->sq_tail = ring->uring.io.sq.sqe_tail;
	devmem__list_append(&ring->tokens.in_flight, &batch->node);
}

static void submit(struct devmem_sock *sock)
{
	struct devmem__batch *batch = sock->tokens.batch;

	sock->tokens.batch = NULL;
	devmem__list_del(&sock->tokens.node);
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): callers have a batch */
	sock->ring->tokens.pending -= batch->tokens.frags;
	sock->tokens.batches_in_flight++;
	queue_batch(batch);
}

/* Releases a run of any length by system call. */
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

/* Adds tokens to the socket's batch, and to a new one when that is full. */
static void batch_tokens(struct devmem_sock *sock, uint32_t token, unsigned int count)
{
	while (count) {
		unsigned int taken;

		if (!sock->tokens.batch) {
			sock->tokens.batch = get_batch(sock);
			/* no memory: nothing records these tokens any more, so release them now */
			if (!sock->tokens.batch) {
				release_now(sock, token, count);
				return;
			}
			devmem__list_append(&sock->ring->tokens.held, &sock->tokens.node);
		}
		taken = devmem__batch_add(&sock->tokens.batch->tokens, token, count);
		sock->ring->tokens.pending += taken;
		token += taken;
		count -= taken;
		if (count || devmem__batch_full(&sock->tokens.batch->tokens))
			submit(sock);
	}
}

/*
 * A socket that streams is woken seldom, and its fragments are released each time. If its batch
 * waited for more, it would take a turn of its own, after a tick. A detached socket has nothing
 * more to wait for.
 */
static bool is_worth_submitting(const struct devmem_sock *sock)
{
	const unsigned int tokens = sock->tokens.batch->tokens.frags;

	return tokens >= FEW_TOKENS || sock->lowat.value > 1 || sock->detached ||
	       (uint64_t)tokens * devmem_binding_page_size(sock->binding, NULL) >= FEW_BYTES;
}

/* ring->tokens.due has the sockets with enough, so that no turn has to look through many sockets
 * that hold back a few tokens each. */
void devmem__dontneed_look(struct devmem_sock *sock)
{
	if (sock->tokens.batch && is_worth_submitting(sock))
		devmem__list_append(&sock->ring->tokens.due, &sock->tokens.node);
}

int devmem__dontneed(struct devmem_sock *sock, uint32_t token, unsigned int count)
{
	int err = devmem__set_take(&sock->stream.out, token, count);

	if (err)
		return devmem__fail(EINVAL, "a fragment was released that is not out: released "
					    "twice, or not of this ring");
	devmem__backpressure_back(sock, count);
	batch_tokens(sock, token, count);
	devmem__dontneed_look(sock);
	return 0;
}

static void submit_all(struct devmem__list *list)
{
	while (!devmem__list_empty(list)) {
		struct devmem_sock *sock =
			container_of(list->next, struct devmem_sock, tokens.node);

		submit(sock);
		devmem__sock_let_go(sock);
	}
}

void devmem__dontneed_flush(struct devmem_ring *ring, bool all)
{
	submit_all(&ring->tokens.due);
	if (all || ring->tokens.pending >= DEVMEM__MANY_TOKENS)
		submit_all(&ring->tokens.held);
}

bool devmem__dontneed_is_few(const struct devmem_ring *ring)
{
	const struct devmem__list *node = ring->tokens.held.next;
	unsigned int n;

	for (n = 0; node != &ring->tokens.held && n <= FEW_SOCKETS; n++)
		node = node->next;
	return n <= FEW_SOCKETS;
}

/* True if the kernel has taken the batch's request off the submission queue. */
static bool was_submitted(const struct devmem_ring *ring, const struct devmem__batch *batch)
{
	return ring->uring.io.sq.sqe_tail - batch->sq_tail >= io_uring_sq_ready(&ring->uring.io);
}

/*
 * Called when all completions have been seen. None was a failure, so all submitted batches are
 * done. Batches that are not submitted yet are behind them on the list. While much is received
 * there are always some of those, so this must not wait until there are none. If the completion
 * queue has overflowed, a failure may stay with the kernel until the ring is entered again.
 */
void devmem__dontneed_settle(struct devmem_ring *ring)
{
	if (io_uring_cq_has_overflow(&ring->uring.io))
		return;
	while (!devmem__list_empty(&ring->tokens.in_flight)) {
		struct devmem__batch *batch =
			container_of(ring->tokens.in_flight.next, struct devmem__batch, node);
		struct devmem_sock *sock = batch->sock;

		if (!was_submitted(ring, batch))
			return;
		settle(batch, true);
		devmem__sock_let_go(sock);
	}
}

/*
 * The ring could not release the batch (no memory, say), so the system call is tried. If that fails
 * too, the tokens stay with the socket, and the kernel frees them when the socket is closed.
 */
void devmem__dontneed_failed(struct devmem__batch *batch)
{
	struct devmem_sock *sock = batch->sock;

	settle(batch, dontneed_now(sock->fd, &batch->tokens) >= 0);
	devmem__sock_let_go(sock);
}

void devmem__dontneed_all_now(struct devmem_sock *sock)
{
	struct devmem__token_run run = { 0 };

	if (sock->tokens.batch) {
		dontneed_now(sock->fd, &sock->tokens.batch->tokens);
		spare_batch(sock->ring, sock->tokens.batch);
		sock->tokens.batch = NULL;
	}
	devmem__backpressure_back(sock, sock->stream.out.count);
	while (devmem__set_next_run(&sock->stream.out, (size_t)run.start + run.count, &run))
		release_now(sock, run.start, run.count);
}

void devmem__dontneed_close(struct devmem_ring *ring)
{
	struct devmem__list *node;

	while (!devmem__list_empty(&ring->tokens.in_flight))
		spare_batch(ring,
			    container_of(ring->tokens.in_flight.next, struct devmem__batch, node));
	while (!devmem__list_empty(&ring->tokens.spare)) {
		node = ring->tokens.spare.next;
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a node that is gone is in no list */
		devmem__list_del(node);
		free(container_of(node, struct devmem__batch, node));
	}
}
