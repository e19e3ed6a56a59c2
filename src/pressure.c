// SPDX-License-Identifier: MIT
/*
 * Back-pressure. Fragments that are out do not shrink the TCP window, and a queue whose buffer is empty stalls its
 * connections for seconds: so what is out is counted, a socket can be held to a limit, and a buffer that runs low
 * is told of while there is time. A fragment counts as a page, though several may share one; what is copied, as the
 * pages of its chunk.
 */
#include "bind.h"
#include "ring.h"

/*
 * The socket has enough: what the kernel holds for it fills the TCP window, and the sender waits. The cancel goes with the next
 * turn, before anything is received; but in the turn that brought too much the receive went on, as it does for as long as
 * bytes come, receive buffers are there and completions have room. Nothing tells the kernel to stop sooner: a multishot
 * receive of messages has no limit. [io_uring/net.c: io_recvmsg_prep; io_uring/poll.c: io_poll_check_events]
 */
static void pause_if_full(struct devmem_sock *sock)
{
	if (!sock->max_tokens || sock->paused || sock->stream.out.count < sock->max_tokens)
		return;
	sock->paused = true;
	sock->ring->stats.paused++;
	if (sock->armed)
		devmem__sock_cancel(sock);
}

/* devmem__pressure_out() - fragments were handed out, and with them so many more pages. */
void devmem__pressure_out(struct devmem_sock *sock, size_t pages)
{
	struct devmem_ring *ring = sock->ring;
	uint64_t bytes = pages ? devmem__binding_out(sock->binding, pages) : 0;

	if (bytes) {
		ring->low_bytes = bytes;
		ring->low_buffer = sock->stream.buffer;
		ring->stats.low++;
	}
	devmem__lowat_fragments(sock, pages);
	pause_if_full(sock);
}

/* devmem__pressure_back() - fragments came back. */
void devmem__pressure_back(struct devmem_sock *sock, size_t pages)
{
	if (pages)
		devmem__binding_back(sock->binding, pages);
	if (sock->paused && sock->stream.out.count <= sock->max_tokens / 2)
		sock->paused = false;	/* it is on the list of those to be armed */
}

unsigned int devmem__pressure_events(struct devmem_ring *ring, struct devmem_event *event)
{
	if (!ring->low_bytes)
		return 0;
	*event = (struct devmem_event){
		.offset = ring->low_bytes,
		.buffer = ring->low_buffer,
		.type = DEVMEM_EVENT_LOW,
	};
	devmem__log(DEVMEM_LOG_WARNING, "a buffer runs low: %llu bytes of it are out; connections stall when it is empty",
		    (unsigned long long)ring->low_bytes);
	ring->low_bytes = 0;
	return 1;
}
