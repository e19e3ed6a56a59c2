// SPDX-License-Identifier: MIT
/*
 * A guarded connection whose peer has sent urgent data stands still: the peer sends that segment again and again, and the
 * guard drops it each time. What shows is that segments are dropped which TCP has not seen, while no byte comes. The
 * kernel counts a segment for TCP after the socket filter. [net/ipv4/tcp_ipv4.c: tcp_v4_rcv(), tcp_segs_in()]
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tx.h"

#define AT_ONCE	1024u	/* sockets that are looked at in one turn */
#define CERTAIN	2u	/* segments: the urgent one, and once more */

int devmem__urgent_error(void)
{
	return devmem__fail(EPROTO, "the peer has sent urgent data (TCP's URG flag), which the kernel cannot take from device "
			    "memory: its segments were dropped, and the connection was aborted");
}

/*
 * While segments with data are seen it may be those that are dropped, behind a gap when memory is short; keepalive probes are
 * seen and dropped too. So only what is dropped beyond what is seen counts, and only while none has data.
 */
bool devmem__urgent_judge(struct devmem__urgent *u, const struct devmem__urgent *now)
{
	const uint32_t dropped = now->drops - u->drops, seen = now->segments - u->segments;
	const bool received = now->received != u->received;

	if (received)
		u->unseen = 0;
	else if (now->data_segments == u->data_segments && dropped > seen)
		u->unseen += dropped - seen;
	u->drops = now->drops;
	u->segments = now->segments;
	u->data_segments = now->data_segments;
	u->received = now->received;
	return u->unseen >= CERTAIN;
}

static bool read_drops(int fd, uint32_t *drops)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) || len < sizeof(info))
		return false;
	*drops = info[SK_MEMINFO_DROPS];
	return true;
}

static bool read_tcp(int fd, struct devmem__urgent *now)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return false;
	now->segments = info.tcpi_segs_in;
	now->data_segments = info.tcpi_data_segs_in;
	now->received = info.tcpi_bytes_received;
	return true;
}

void devmem__urgent_watch(struct devmem_sock *sock)
{
	struct devmem__urgent *u = &sock->urgent;

	if (!read_drops(sock->fd, &u->drops) || !read_tcp(sock->fd, u))
		return;
	u->watched = true;
	if (!sock->ring->watched++)
		sock->ring->urgent_due = sock->ring->now + DEVMEM__URGENT_NS;
}

void devmem__urgent_leave(struct devmem_sock *sock)
{
	sock->ring->watched -= sock->urgent.watched;
	sock->urgent.watched = false;
}

/* The first question takes no lock of the socket, and is the only one of nearly all sockets. */
static bool stands_still(struct devmem_sock *sock)
{
	struct devmem__urgent now = { 0 };

	if (!read_drops(sock->fd, &now.drops) || now.drops == sock->urgent.drops || !read_tcp(sock->fd, &now))
		return false;
	return devmem__urgent_judge(&sock->urgent, &now);
}

static void look_at(struct devmem_sock *sock)
{
	if (!sock || !sock->urgent.watched || sock->paused || !stands_still(sock))
		return;
	devmem__urgent_leave(sock);
	sock->urgent.found = true;
	devmem__tx_abort(sock, -EPROTO);
}

void devmem__urgent_look(struct devmem_ring *ring)
{
	unsigned int n = ring->slots < AT_ONCE ? ring->slots : AT_ONCE;

	if (ring->now < ring->urgent_due)
		return;
	ring->urgent_due = ring->now + DEVMEM__URGENT_NS;
	while (n--) {
		ring->urgent_slot = ring->urgent_slot + 1 < ring->slots ? ring->urgent_slot + 1 : 0;
		look_at(ring->socks[ring->urgent_slot]);
	}
}

uint64_t devmem__urgent_due(const struct devmem_ring *ring)
{
	return ring->urgent_due > ring->now ? ring->urgent_due - ring->now : 0;
}
