// SPDX-License-Identifier: MIT
/*
 * Ends connections whose sends cannot get out. A driver may drop a packet, and each retransmission
 * of it, because it cannot send a packet of that shape. TCP would go on for a quarter of an hour,
 * and nobody would know why. packets.c avoids the known reason; this is for others. A connection is
 * ended only if TCP retransmitted again and again, the peer acknowledged nothing, and the interface
 * counted those packets as dropped while its link was up. A peer that does not read, or a network
 * that loses packets, is left to TCP.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include <linux/tcp.h>

#include "netlink/dropped.h"
#include "tx/tx_impl.h"

/* successive retransmissions, each after twice the time of the last: at least 12 seconds, ... */
#define UNANSWERED 6u
#define SEEN	   3u /* ... and so many of them since the stall was noticed */

static bool get_info(const struct devmem__tx *tx, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	*info = (struct tcp_info){ 0 };
	return !getsockopt(tx->fd, IPPROTO_TCP, TCP_INFO, info, &len) &&
	       len >= offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info->tcpi_bytes_acked);
}

static void begin(struct devmem__tx *tx, const struct tcp_info *info, uint64_t dropped)
{
	tx->stall = (struct devmem__tx_stall){
		.on = true,
		.freed = tx->q.freed,
		.acked = info->tcpi_bytes_acked,
		.again = info->tcpi_total_retrans,
		.dropped = dropped,
	};
}

static int fail(const struct devmem__tx *tx)
{
	char name[IF_NAMESIZE] = "?";

	if_indextoname(tx->routed, name);
	return devmem__fail(ECOMM,
			    "%s drops what a connection sends from device memory: it was sent "
			    "again %u times, and tx_dropped rose by %llu. The connection is ended: "
			    "see \"%s %s\"",
			    name, tx->stall.again, (unsigned long long)tx->stall.dropped,
			    tx->dropped ? "ethtool -S" : "ip -s link show", name);
}

static void give_up(struct devmem__tx *tx, uint32_t again, uint64_t dropped)
{
	tx->stall = (struct devmem__tx_stall){ .over = true, .again = again, .dropped = dropped };
	devmem__tx_reset(tx, fail(tx));
	devmem__log(DEVMEM_LOG_WARNING, "%s", devmem_error());
}

void devmem__tx_explain(const struct devmem_sock *sock)
{
	if (!sock->tx || !sock->tx->stall.over)
		return;
	fail(sock->tx);
	sock->ring->report.explained = true;
}

static void check(struct devmem__tx *tx)
{
	struct tcp_info info;
	uint64_t dropped;
	uint32_t again;

	if (tx->stall.over)
		return;
	if (tx->closed || !tx->routed || !devmem__sendq_in_flight(&tx->q)) {
		tx->stall.on = false;
		return;
	}
	if (tx->stall.freed != tx->q.freed) {
		tx->stall = (struct devmem__tx_stall){ .freed = tx->q.freed };
		return;
	}
	if (!get_info(tx, &info) || !devmem__tx_dropped(tx->routed, tx->dropped, &dropped)) {
		tx->stall.on = false;
		return;
	}
	if (!tx->stall.on || info.tcpi_bytes_acked != tx->stall.acked || !info.tcpi_unacked) {
		begin(tx, &info, dropped);
		return;
	}
	again = info.tcpi_total_retrans - tx->stall.again;
	if (info.tcpi_retransmits < UNANSWERED || again < SEEN)
		return;
	if (dropped - tx->stall.dropped >= again)
		give_up(tx, again, dropped - tx->stall.dropped);
	else
		begin(tx, &info, dropped); /* the packets went out, and were lost elsewhere */
}

void devmem__tx_look_at_stalls(struct devmem_ring *ring)
{
	if (ring->now - ring->sends.checked_at < DEVMEM__TX_LOOK_NS)
		return;
	ring->sends.checked_at = ring->now;
	for (unsigned int i = 0; i < ring->socks.slots; i++)
		if (ring->socks.slot[i] && ring->socks.slot[i]->tx)
			check(ring->socks.slot[i]->tx);
}
