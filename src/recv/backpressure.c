// SPDX-License-Identifier: MIT
/*
 * Backpressure. Fragments that are out do not shrink the TCP window, and a queue whose buffer is
 * empty stalls its connections for seconds. So the pages that are out are counted, a socket can be
 * limited, and a buffer that runs low is reported while there is time. A fragment counts as a page,
 * though several may share one. A copied chunk counts as its pages.
 */
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "bind.h"
#include "recv/receiving.h"

/* by which a receive buffer may grow, each of 1 / STEPS of its original size */
#define STEPS 4u

/*
 * Pauses a socket that has enough. The kernel then queues its bytes until they fill the TCP window,
 * and the sender waits. The cancel is submitted with the next turn, before anything is received.
 * But in the turn that reached the limit the receive went on, as it does while bytes come, receive
 * buffers are free and completions have room. The kernel cannot be told to stop sooner: a multishot
 * receive of messages has no limit.
 * [io_uring/net.c: io_recvmsg_prep(); io_uring/poll.c: io_poll_check_events()]
 */
static void pause_if_full(struct devmem_sock *sock)
{
	if (!sock->backpressure.max_fragments || sock->backpressure.paused ||
	    sock->stream.out.count < sock->backpressure.max_fragments)
		return;
	sock->backpressure.paused = true;
	sock->ring->stats.paused++;
	sock->stats.paused++;
	sock->backpressure.stall.checked_at = sock->ring->now;
	devmem__list_append(&sock->ring->backpressure.paused, &sock->backpressure.node);
	if (sock->request.armed)
		devmem__sock_cancel(sock);
}

/* ------------------------------------------------------------------------------ both directions */

/* True if there are sends, and the kernel has freed none of their bytes since the last call. */
static bool sends_stand_still(struct devmem_sock *sock)
{
	const uint64_t before = sock->backpressure.stall.freed;

	if (!sock->sends.count)
		return false;
	sock->backpressure.stall.freed = sock->sends.freed;
	return before == sock->sends.freed;
}

/* True if segments with data came since the last call, and the kernel accepted none of the data. */
static bool is_data_refused(struct devmem__stall *stall, int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	bool refused;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return false;
	refused = info.tcpi_data_segs_in != stall->segments &&
		  info.tcpi_bytes_received == stall->received;
	stall->segments = info.tcpi_data_segs_in;
	stall->received = info.tcpi_bytes_received;
	return refused;
}

/*
 * A socket that may not receive until its sends are over, as in an echo, can stand still for ever.
 * The TCP window counts bytes, but the receive buffer counts memory. So bytes for which the kernel
 * had offered room may not fit: it drops them and takes the window back. The peer, which has sent
 * bytes beyond the new end of the window, now acknowledges with sequence numbers from that end. The
 * kernel takes these for older than what it dropped, and never learns that the peer has room again.
 * [net/ipv4/tcp_output.c: tcp_select_window(), tcp_acceptable_seq(); net/ipv4/tcp_input.c:
 * tcp_may_update_window()]
 *
 * The only sign of this is that no send completes while the peer retransmits what was refused. The
 * receive buffer then grows until that fits, to twice its size at most.
 */
static void grow(struct devmem_sock *sock)
{
	struct devmem__stall *stall = &sock->backpressure.stall;
	uint32_t info[SK_MEMINFO_VARS], bytes;
	socklen_t len = sizeof(info);

	if (stall->steps == STEPS || getsockopt(sock->fd, SOL_SOCKET, SO_MEMINFO, info, &len) ||
	    info[SK_MEMINFO_RMEM_ALLOC] < info[SK_MEMINFO_RCVBUF] / 2)
		return;
	if (!stall->steps++)
		stall->rcvbuf = info[SK_MEMINFO_RCVBUF];
	bytes = stall->rcvbuf + stall->rcvbuf / STEPS * stall->steps;
	devmem__sockopts_rcvbuf(sock, bytes);
	devmem__log(DEVMEM_LOG_WARNING,
		    "a paused connection stands still: its sends do not complete and the kernel "
		    "refuses what its peer sends; its receive buffer grows to %u bytes",
		    bytes);
}

void devmem__backpressure_look(struct devmem_ring *ring)
{
	struct devmem__list *node;

	for (node = ring->backpressure.paused.next; node != &ring->backpressure.paused;
	     node = node->next) {
		struct devmem_sock *sock =
			container_of(node, struct devmem_sock, backpressure.node);

		if (ring->now - sock->backpressure.stall.checked_at < DEVMEM__STALL_NS)
			continue;
		sock->backpressure.stall.checked_at = ring->now;
		if (sends_stand_still(sock) && is_data_refused(&sock->backpressure.stall, sock->fd))
			grow(sock);
	}
}

void devmem__backpressure_leave(struct devmem_sock *sock)
{
	devmem__list_del(&sock->backpressure.node);
	sock->backpressure.paused = false;
	if (sock->backpressure.stall.steps)
		devmem__sockopts_rcvbuf_back(sock, sock->backpressure.stall.rcvbuf);
	sock->backpressure.stall.steps = 0;
}

/* -------------------------------------------------------------------------------------- counted */

/* devmem__backpressure_out() - fragments went to the application, which occupy @pages more. */
void devmem__backpressure_out(struct devmem_sock *sock, size_t pages)
{
	struct devmem_ring *ring = sock->ring;
	uint64_t bytes = pages ? devmem__binding_out(sock->binding, pages) : 0;

	if (bytes) {
		ring->backpressure.low_bytes = bytes;
		ring->backpressure.low_buffer = sock->unbound ? 0 : sock->stream.buffer;
		ring->stats.low++;
	}
	devmem__lowat_fragments(sock, pages);
	pause_if_full(sock);
}

/* devmem__backpressure_back() - fragments were released, which occupied @pages. */
void devmem__backpressure_back(struct devmem_sock *sock, size_t pages)
{
	if (pages)
		devmem__binding_back(sock->binding, pages);
	if (sock->backpressure.paused &&
	    sock->stream.out.count <= sock->backpressure.max_fragments / 2)
		devmem__backpressure_leave(sock); /* ring->requests.rearm has it */
}

unsigned int devmem__backpressure_events(struct devmem_ring *ring, struct devmem_event *event)
{
	if (!ring->backpressure.low_bytes)
		return 0;
	*event = (struct devmem_event){
		.bytes_out = ring->backpressure.low_bytes,
		.buffer = ring->backpressure.low_buffer,
		.type = DEVMEM_EVENT_LOW,
	};
	devmem__log(DEVMEM_LOG_WARNING,
		    "a buffer runs low: %llu bytes of it are out; connections stall when it is "
		    "empty",
		    (unsigned long long)ring->backpressure.low_bytes);
	ring->backpressure.low_bytes = 0;
	return 1;
}
