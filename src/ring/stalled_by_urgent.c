// SPDX-License-Identifier: MIT
/*
 * A guarded connection whose peer has sent urgent data stands still: the peer sends that segment
 * again and again, and the guard drops it each time. The sign of it: the socket's count of drops
 * grows, TCP's count of segments does not, and no byte is received. The kernel counts a segment for
 * TCP after the socket filter. [net/ipv4/tcp_ipv4.c: tcp_v4_rcv(), tcp_segs_in()]
 *
 * Segments that are dropped at the interface's ingress are counted by no socket. For each of them
 * the kernel reports the headers (samples.h).
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "bind.h"
#include "recv/samples.h"
#include "ring/loop.h"
#include "tx.h"

#define AT_ONCE	      1024u /* sockets checked in one turn */
#define MIN_HOP_COUNT 73    /* IPV6_MINHOPCOUNT */
#define CERTAIN	      2u    /* dropped segments: the urgent one, and its retransmission */

void devmem__urgent_explain(struct devmem_sock *sock)
{
	if (!sock->urgent.found || sock->end.error != -EPROTO || sock->end.reported)
		return;
	devmem__fail(EPROTO, "the peer has sent urgent data (TCP's URG flag), which the kernel "
			     "cannot take from device memory: its segments were dropped, and the "
			     "connection was aborted");
	devmem__log(DEVMEM_LOG_WARNING, "%s", devmem_error());
	sock->ring->report.explained = true;
}

/*
 * TCP itself drops segments that it has seen: those with data, behind a gap when memory is short,
 * and keepalive probes. So only drops beyond the segments seen count, and only while none of those
 * has data.
 */
bool devmem__urgent_judge(struct devmem__sock_urgent *u, const struct devmem__sock_urgent *now)
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

static bool read_tcp(int fd, struct devmem__sock_urgent *now)
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

/* The addresses of both ends of a connection; IPv4 addresses are mapped. */
static bool read_ends(int fd, struct sockaddr_in6 ends[2])
{
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in6 *end = &ends[i];
		struct sockaddr_in v4;
		socklen_t len = sizeof(*end);

		memset(end, 0, sizeof(*end));
		if (i ? getpeername(fd, (struct sockaddr *)end, &len)
		      : getsockname(fd, (struct sockaddr *)end, &len))
			return false;
		if (end->sin6_family != AF_INET)
			continue;
		memcpy(&v4, end, sizeof(v4));
		end->sin6_port = v4.sin_port;
		end->sin6_addr = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
		memcpy(end->sin6_addr.s6_addr + 12, &v4.sin_addr, sizeof(v4.sin_addr));
	}
	return true;
}

/*
 * A socket with a minimum TTL drops what strangers send, and the kernel counts that like a drop by
 * the guard. Such a socket is not watched, or strangers could end it. [net/ipv4/tcp_ipv4.c:
 * tcp_v4_rcv(), min_ttl]
 */
static bool has_least_ttl(int fd)
{
	int v4 = 0, v6 = 0;
	socklen_t len4 = sizeof(v4), len6 = sizeof(v6);

	getsockopt(fd, IPPROTO_IP, IP_MINTTL, &v4, &len4);
	getsockopt(fd, IPPROTO_IPV6, MIN_HOP_COUNT, &v6, &len6);
	return v4 > 0 || v6 > 0;
}

/* Once for each ring. It needs CAP_NET_ADMIN, which whoever bound the queues had. */
static void open_samples(struct devmem_ring *ring)
{
	if (ring->urgent.samples || ring->urgent.refused)
		return;
	ring->urgent.refused = devmem__samples_open(&ring->urgent.samples);
	if (ring->urgent.refused)
		devmem__log(DEVMEM_LOG_INFO, "connections whose peers send urgent data stand still "
					     "without an error: it is dropped at the interface's "
					     "ingress, and the kernel does not report whose it "
					     "was");
}

void devmem__urgent_watch(struct devmem_sock *sock)
{
	struct devmem__sock_urgent *u = &sock->urgent;
	struct sockaddr_in6 ends[2];

	if (has_least_ttl(sock->fd) || !read_drops(sock->fd, &u->drops) || !read_tcp(sock->fd, u) ||
	    !read_ends(sock->fd, ends))
		return;
	u->local_port = ends[0].sin6_port;
	u->peer_port = ends[1].sin6_port;
	if (devmem__binding_guarded(sock->binding))
		open_samples(sock->ring);
	u->watched = true;
	if (!sock->ring->urgent.watched++)
		sock->ring->urgent.due = sock->ring->now + DEVMEM__URGENT_NS;
}

void devmem__urgent_leave(struct devmem_sock *sock)
{
	sock->ring->urgent.watched -= sock->urgent.watched;
	sock->urgent.watched = false;
}

/* Reading the drops takes no lock of the socket. For nearly all sockets nothing else is read. */
static bool stands_still(struct devmem_sock *sock)
{
	struct devmem__sock_urgent now = { 0 };

	if (!read_drops(sock->fd, &now.drops) || now.drops == sock->urgent.drops ||
	    !read_tcp(sock->fd, &now))
		return false;
	return devmem__urgent_judge(&sock->urgent, &now);
}

static void end(struct devmem_sock *sock)
{
	devmem__urgent_leave(sock);
	sock->urgent.found = true;
	devmem__tx_abort(sock, -EPROTO);
}

static void check(struct devmem_sock *sock)
{
	if (sock && sock->urgent.watched && !sock->backpressure.paused && stands_still(sock))
		end(sock);
}

/* -------------------------------------------------------------------------------------- samples */

static bool is_of(const struct devmem_sock *sock, const struct devmem__sample *s)
{
	struct sockaddr_in6 ends[2];

	return sock && sock->urgent.watched && sock->urgent.peer_port == s->peer_port &&
	       sock->urgent.local_port == s->local_port && read_ends(sock->fd, ends) &&
	       !memcmp(&ends[0].sin6_addr, &s->local, sizeof(s->local)) &&
	       !memcmp(&ends[1].sin6_addr, &s->peer, sizeof(s->peer));
}

/* The same segment was dropped twice, and no byte was received between: it will come for ever. */
static void note(struct devmem_sock *sock, const struct devmem__sample *s)
{
	struct devmem__sock_urgent *u = &sock->urgent, now;

	if (!read_tcp(sock->fd, &now))
		return;
	if (u->sampled && u->sampled_seq == s->seq && u->sampled_received == now.received) {
		end(sock);
		return;
	}
	u->sampled = true;
	u->sampled_seq = s->seq;
	u->sampled_received = now.received;
}

static void sampled(const struct devmem__sample *s, void *arg)
{
	struct devmem_ring *ring = arg;

	for (unsigned int i = 0; i < ring->socks.slots; i++)
		if (is_of(ring->socks.slot[i], s)) {
			note(ring->socks.slot[i], s);
			return;
		}
}

void devmem__urgent_close(struct devmem_ring *ring)
{
	devmem__samples_close(ring->urgent.samples);
}

/* ------------------------------------------------------------------------------------ the check */

void devmem__urgent_look(struct devmem_ring *ring)
{
	unsigned int n = ring->socks.slots < AT_ONCE ? ring->socks.slots : AT_ONCE;

	if (ring->now < ring->urgent.due)
		return;
	ring->urgent.due = ring->now + DEVMEM__URGENT_NS;
	if (ring->urgent.samples) /* reads some hundreds at most: somebody may send many */
		devmem__samples_read(ring->urgent.samples, sampled, ring);
	while (n--) {
		ring->urgent.slot =
			ring->urgent.slot + 1 < ring->socks.slots ? ring->urgent.slot + 1 : 0;
		check(ring->socks.slot[ring->urgent.slot]);
	}
}

uint64_t devmem__urgent_due(const struct devmem_ring *ring)
{
	return ring->urgent.due > ring->now ? ring->urgent.due - ring->now : 0;
}
