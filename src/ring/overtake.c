// SPDX-License-Identifier: MIT
/*
 * While host bytes wait for room in the spill buffer, only bytes have to wait behind them. Ends of
 * other connections, sends, watched descriptors and the rest overtake them: such an event may be
 * just what makes the application release fragments.
 */
#include <string.h>

#include "recv/messages.h"
#include "ring/loop.h"

static struct io_uring_cqe *cqe_at(const struct io_uring *io, uint32_t i)
{
	const bool large = io->flags & IORING_SETUP_CQE32;

	return &io->cq.cqes[(size_t)(i & io->cq.ring_mask) << large];
}

static bool has_bytes(const struct devmem_sock *sock, const struct io_uring_cqe *cqe)
{
	const bool messages = !sock->engine->take || sock->request.messages;

	if (messages)
		return cqe->flags & IORING_CQE_F_BUFFER &&
		       !devmem__messages_is_end(sock->ring, cqe);
	return cqe->res > 0;
}

/* Bytes have to wait, and so do completions of a connection that has bytes in front of them. */
static bool has_to_wait(const struct io_uring_cqe *cqe)
{
	struct devmem_sock *sock =
		(void *)(uintptr_t)(cqe->user_data & ~(uint64_t)DEVMEM__CQE_KINDS);

	switch ((enum devmem__cqe_kind)(cqe->user_data & DEVMEM__CQE_KINDS)) {
	case DEVMEM__CQE_RECV:
		sock->spill.blocked |= has_bytes(sock, cqe);
		return sock->spill.blocked;
	case DEVMEM__CQE_END:
	/* its receive may have ended: the completion of that comes first */
	case DEVMEM__CQE_CANCEL:
		return sock->spill.blocked;
	default:
		return false;
	}
}

static void reset_blocked(struct devmem_ring *ring)
{
	for (unsigned int i = 0; i < ring->socks.slots; i++)
		if (ring->socks.slot[i])
			ring->socks.slot[i]->spill.blocked = false;
	ring->spill.held_of->spill.blocked = true;
	if (ring->messages.rx_sock)
		ring->messages.rx_sock->spill.blocked = true;
}

/* The kernel does not look at entries between head and tail, so they can be moved: those that stay
 * move up to the tail. */
static void close_gaps(struct io_uring *io, uint32_t head, uint32_t tail)
{
	const size_t bytes = sizeof(struct io_uring_cqe) << !!(io->flags & IORING_SETUP_CQE32);
	uint32_t kept = tail;

	for (uint32_t i = tail; i-- != head;)
		if (cqe_at(io, i)->user_data != DEVMEM__CQE_OTHER && --kept != i)
			memcpy(cqe_at(io, kept), cqe_at(io, i), bytes);
	io_uring_cq_advance(io, kept - head);
}

unsigned int devmem__overtake(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	const struct devmem__rx open = ring->messages.rx;
	struct io_uring *io = &ring->uring.io;
	const uint32_t head = *io->cq.khead, tail = io_uring_smp_load_acquire(io->cq.ktail);
	unsigned int out = 0;

	reset_blocked(ring);
	for (uint32_t i = head; i != tail && out < n && !ring->report.last; i++) {
		struct io_uring_cqe *cqe = cqe_at(io, i);

		if (has_to_wait(cqe))
			continue;
		out += devmem__completion_to_event(ring, cqe, events + out);
		cqe->user_data = DEVMEM__CQE_OTHER;
	}
	ring->messages.rx = open; /* overwritten by messages that say that a stream has ended */
	close_gaps(io, head, tail);
	return out;
}
