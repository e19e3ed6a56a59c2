// SPDX-License-Identifier: MIT
/*
 * Sends that cannot get out. A driver may drop a packet, and each retransmission of it, since it cannot send what it looks like:
 * TCP would go on for a quarter of an hour, and nobody would know why. packets.c avoids the reason that is known; this is for
 * others. A connection is ended only if TCP sent again and again, the peer acknowledged nothing, and the interface counted those
 * packets as dropped. A peer that does not read, or a network that loses packets, is TCP's affair.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/tcp.h>

#include "bind.h"
#include "dropped.h"
#include "tx_impl.h"

#define UNANSWERED	5u	/* retransmissions one after the other, each after twice the time: 6 seconds at least, */
#define SEEN		2u	/* and so many of them while we looked */

static bool ask(const struct devmem__tx *tx, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	*info = (struct tcp_info){ 0 };
	return !getsockopt(tx->fd, IPPROTO_TCP, TCP_INFO, info, &len) &&
	       len >= offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info->tcpi_bytes_acked);
}

static void begin(struct devmem__tx *tx, const struct tcp_info *info)
{
	tx->stall = (struct devmem__tx_stall){
		.on = true,
		.freed = tx->q.freed,
		.acked = info->tcpi_bytes_acked,
		.again = info->tcpi_total_retrans,
		.dropped = devmem__tx_dropped(tx->routed),
	};
}

static void give_up(struct devmem__tx *tx, uint32_t again, uint64_t dropped)
{
	const struct devmem__send *send = devmem__sendq_oldest(&tx->q);

	devmem__fail(ECOMM, "%s drops what a connection sends from device memory: it was sent again %u times, and tx_dropped rose by "
		     "%llu. The connection is ended: see \"ip -s link show %s\"", devmem__binding_ifname(send->binding), again,
		     (unsigned long long)dropped, devmem__binding_ifname(send->binding));
	devmem__log(DEVMEM_LOG_WARNING, "%s", devmem_error());
	devmem__tx_reset(tx, -ECOMM);
}

static void look(struct devmem__tx *tx)
{
	struct tcp_info info;
	uint64_t dropped;
	uint32_t again;

	if (tx->closed || !tx->routed || !devmem__sendq_in_flight(&tx->q)) {
		tx->stall.on = false;
		return;
	}
	if (tx->stall.freed != tx->q.freed) {
		tx->stall = (struct devmem__tx_stall){ .freed = tx->q.freed };
		return;
	}
	if (!ask(tx, &info))
		return;
	if (!tx->stall.on || info.tcpi_bytes_acked != tx->stall.acked || !info.tcpi_unacked) {
		begin(tx, &info);
		return;
	}
	again = info.tcpi_total_retrans - tx->stall.again;
	if (info.tcpi_retransmits < UNANSWERED || again < SEEN)
		return;
	dropped = devmem__tx_dropped(tx->routed) - tx->stall.dropped;
	if (dropped >= again)
		give_up(tx, again, dropped);
	else
		begin(tx, &info);	/* it went out, and was lost elsewhere */
}

void devmem__tx_look_at_stalls(struct devmem_ring *ring)
{
	if (ring->now - ring->sends_looked < DEVMEM__TX_LOOK_NS)
		return;
	ring->sends_looked = ring->now;
	for (unsigned int i = 0; i < ring->slots; i++)
		if (ring->socks[i] && ring->socks[i]->tx)
			look(ring->socks[i]->tx);
}
