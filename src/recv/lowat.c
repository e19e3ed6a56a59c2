// SPDX-License-Identifier: MIT
/*
 * SO_RCVLOWAT is how many bytes must be queued before the kernel completes a receive. A wake-up
 * costs ten thousand instructions, so a socket that streams gets a high mark: as much as it
 * receives in a few milliseconds, up to a limit. A mark holds back a tail that is shorter. So it
 * falls when the socket has been silent for about twice the time that reaching the mark should
 * take. The kernel then reports what is queued. [net/ipv4/tcp.c: tcp_set_rcvlowat()]
 */
#include "bind.h"
#include "recv/receiving.h"

#define HIGH_MARK (768u << 10) /* bytes; with small pages, a higher one saves nothing */
/* bytes; with large pages, wake-ups are most of the cost that can be saved */
#define HIGHER_MARK   (3u << 20)
#define LARGE_PAGE    (16u << 10)
#define FILL_NS	      5000000u	  /* a mark is at most what comes in this time */
#define WORTH_RAISING (64u << 10) /* bytes; a lower mark would save nothing */
#define FULL_RECEIVE  (32u << 10) /* bytes in one completion that count as streaming */
#define STREAMING     2		  /* so many of them in a row */
#define REMEMBERED    1024u	  /* fragments */
/* bytes that make a stream after a mark has held bytes back; doubled for each time ... */
#define PROVEN	  (1u << 20)
#define DOUBLINGS 10u /* ... up to so many times */
#define FORGIVEN  64u /* reached marks that cancel one such time */

/* How many of the socket's bytes fit into @bytes of the buffer. Packets that were not merged may
 * leave most of a large page empty. */
static uint64_t held_in(const struct devmem_sock *sock, uint64_t bytes, uint32_t page_size)
{
	const uint64_t pages = (uint64_t)sock->lowat.fill_pages * page_size;

	return pages > sock->lowat.fill_bytes ? bytes * sock->lowat.fill_bytes / pages : bytes;
}

/*
 * Sockets that wait for their marks must not fill the buffer together; idle ones do not count. If
 * they filled it, the queue would have no pages and would drop acknowledgements too: sends from the
 * same buffer would never complete.
 */
static uint32_t high_mark(const struct devmem_sock *sock)
{
	const uint32_t page_size = devmem_binding_page_size(sock->binding, NULL);
	const uint64_t bytes =
		devmem__binding_bytes(sock->binding) / 4 / (sock->ring->lowat.count + 1);
	const uint64_t share = held_in(sock, bytes, page_size);
	const uint32_t most = page_size < LARGE_PAGE ? HIGH_MARK : HIGHER_MARK;

	return share < most ? (uint32_t)share : most;
}

/* false: the ring takes no request now, and nothing has changed. */
static bool set_mark(struct devmem_sock *sock, uint32_t mark)
{
	struct io_uring_sqe *sqe = devmem__uring_sqe(&sock->ring->uring, DEVMEM__CQE_OTHER, NULL);

	if (!sqe)
		return false;
	sock->lowat.value = mark;
	sock->saved.lowat_set = true;
	devmem__uring_setsockopt(sqe, sock->fd, SO_RCVLOWAT, &sock->lowat.value,
				 sizeof(sock->lowat.value));
	sock->ring->stats.lowat_changes++;
	return true;
}

void devmem__lowat_forget(struct devmem_sock *sock)
{
	if (devmem__list_empty(&sock->lowat.node))
		return;
	devmem__list_del(&sock->lowat.node);
	sock->ring->lowat.count--;
}

/* The application goes on to use the socket without us, and nobody would lower our mark. */
void devmem__lowat_leave(struct devmem_sock *sock)
{
	devmem__lowat_forget(sock);
	sock->lowat.managed = false;
}

static bool lower_mark(struct devmem_sock *sock)
{
	if (!set_mark(sock, 1))
		return false;
	devmem__lowat_forget(sock);
	sock->lowat.full_receives = 0;
	sock->lowat.streamed = 0;
	sock->lowat.fell_at = sock->ring->now;
	return true;
}

/*
 * Large responses look like a stream, but the tail of each is held back until the mark falls, and
 * the next request waits for it. Bytes that come as soon as a mark has fallen were held back. From
 * then on, only a longer stream raises the mark again. A stream without end reaches its marks,
 * which cancels this step by step.
 */
static void learn(struct devmem_sock *sock, uint32_t bytes)
{
	if (sock->lowat.fell_at && sock->ring->now - sock->lowat.fell_at < DEVMEM__TICK_NS) {
		sock->lowat.held_back += sock->lowat.held_back < DOUBLINGS;
		sock->lowat.reached = 0;
	}
	sock->lowat.fell_at = 0;
	sock->lowat.streamed += bytes;
	sock->lowat.reached += sock->lowat.value > 1 && bytes >= sock->lowat.value;
	if (sock->lowat.reached < FORGIVEN)
		return;
	sock->lowat.reached = 0;
	sock->lowat.held_back -= sock->lowat.held_back > 0;
}

static bool is_stream(const struct devmem_sock *sock)
{
	return sock->lowat.full_receives >= STREAMING &&
	       (!sock->lowat.held_back || sock->lowat.streamed >= (uint64_t)PROVEN
									  << sock->lowat.held_back);
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* @bytes came in @elapsed ns. At that rate, allow about twice the time that @mark bytes take. */
static void be_patient(struct devmem_sock *sock, uint64_t mark, uint64_t bytes, uint64_t elapsed)
{
	sock->lowat.patience = 2 * mark * elapsed / bytes;
	if (sock->lowat.patience < DEVMEM__TICK_NS)
		sock->lowat.patience = DEVMEM__TICK_NS;
}

static void raise_mark(struct devmem_sock *sock, uint64_t bytes, uint64_t elapsed)
{
	uint64_t mark = at_most(bytes * FILL_NS / elapsed, high_mark(sock));

	if (mark < WORTH_RAISING || !set_mark(sock, (uint32_t)mark))
		return;
	be_patient(sock, mark, bytes, elapsed);
	devmem__list_append(&sock->ring->lowat.raised, &sock->lowat.node);
	sock->ring->lowat.count++;
}

/* A stream begins slowly, so a mark that was set at its beginning is too low later. */
static void follow_rate(struct devmem_sock *sock, uint64_t bytes, uint64_t elapsed)
{
	uint64_t mark = at_most(bytes * FILL_NS / elapsed, high_mark(sock));

	if (mark / 5 * 4 < sock->lowat.value || !set_mark(sock, (uint32_t)mark))
		return;
	be_patient(sock, mark, bytes, elapsed);
}

/* Keeps account of how full pages were lately. */
void devmem__lowat_fragments(struct devmem_sock *sock, size_t pages)
{
	sock->lowat.fill_pages += (uint32_t)pages;
	if (sock->lowat.fill_pages < REMEMBERED)
		return;
	sock->lowat.fill_pages /= 2;
	sock->lowat.fill_bytes /= 2;
}

void devmem__lowat_received(struct devmem_sock *sock, uint32_t bytes)
{
	uint64_t elapsed = sock->ring->now - sock->lowat.last_receive,
		 recent = sock->lowat.recent + bytes;

	if (!sock->lowat.managed)
		return;
	learn(sock, bytes);
	sock->lowat.fill_bytes += bytes;
	sock->lowat.recent = elapsed ? 0 : recent; /* completions of one turn count together */
	if (!elapsed)
		return;
	sock->lowat.last_receive = sock->ring->now;
	if (sock->lowat.value > 1) {
		devmem__list_append(&sock->ring->lowat.raised, &sock->lowat.node);
		follow_rate(sock, recent, elapsed);
		return;
	}
	sock->lowat.full_receives = recent >= FULL_RECEIVE ? sock->lowat.full_receives + 1 : 0;
	if (is_stream(sock))
		raise_mark(sock, recent, elapsed);
}

/* Checks the socket that has been silent longest first. Those behind it wait for it, because their
 * patience differs by little. */
void devmem__lowat_fall(struct devmem_ring *ring)
{
	while (devmem__lowat_waits(ring)) {
		struct devmem_sock *sock =
			container_of(ring->lowat.raised.next, struct devmem_sock, lowat.node);

		if (ring->now - sock->lowat.last_receive < sock->lowat.patience ||
		    !lower_mark(sock))
			return;
	}
}

uint64_t devmem__lowat_due(const struct devmem_ring *ring)
{
	const struct devmem_sock *sock =
		container_of(ring->lowat.raised.next, struct devmem_sock, lowat.node);
	uint64_t silent = ring->now - sock->lowat.last_receive;

	return silent < sock->lowat.patience ? sock->lowat.patience - silent : 0;
}
