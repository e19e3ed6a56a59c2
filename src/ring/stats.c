// SPDX-License-Identifier: MIT
/* Counters of a ring and of its sockets. */
#include <errno.h>
#include <string.h>

#include "ring/loop.h"
#include "uring/syscall_ring.h"

/* Receiving counts for each socket alone. */
static struct devmem__rx_count received(const struct devmem_ring *ring)
{
	struct devmem__rx_count sum = ring->received;

	for (unsigned int i = 0; i < ring->socks.slots; i++)
		if (ring->socks.slot[i])
			devmem__rx_count_add(&sum, &ring->socks.slot[i]->received);
	return sum;
}

static int ring_stats(const struct devmem_ring *ring, struct devmem_stats *stats)
{
	struct devmem_stats s = ring->stats;
	struct devmem__rx_count sum;
	size_t size = stats->size;
	int err = devmem__uring_check_process(&ring->uring);

	if (err)
		return err;
	if (size < sizeof(size))
		return devmem__fail(EINVAL, "struct devmem_stats: set its size before the call");
	s.size = size < sizeof(s) ? size : sizeof(s);
	sum = received(ring);
	s.bytes_device = sum.device;
	s.bytes_linear = sum.linear;
	s.bytes_plain = sum.plain;
	s.fragments = sum.fragments;
	s.descriptors = sum.descriptors;
	s.engine = devmem_ring_engine(ring, &s.engine_reason);
	s.enter_calls = ring->uring.syscalls ? devmem__syscall_ring_made(ring->uring.syscalls)
					     : ring->uring.enters;
	s.tokens_outstanding = s.fragments - s.tokens_released;
	s.sends_outstanding = s.sends - ring->sends.over;
	s.gathers_outstanding = s.gathers - ring->gathers.reported;
	memset(stats, 0, size);
	memcpy(stats, &s, s.size);
	return 0;
}

int devmem_ring_stats(const struct devmem_ring *ring, struct devmem_stats *stats)
{
	return devmem__result(ring_stats(ring, stats));
}

static int sock_stats(const struct devmem_sock *sock, struct devmem_sock_counters *stats)
{
	struct devmem_sock_counters s = sock->stats;
	size_t size = stats->size;
	int err = devmem__uring_check_process(&sock->ring->uring);

	if (err)
		return err;
	if (size < sizeof(size))
		return devmem__fail(EINVAL, "struct devmem_sock_counters: set its size before the "
					    "call");
	s.size = size < sizeof(s) ? size : sizeof(s);
	s.bytes_device = sock->received.device;
	s.bytes_linear = sock->received.linear;
	s.bytes_plain = sock->received.plain;
	s.fragments = sock->received.fragments;
	s.descriptors = sock->received.descriptors;
	s.fragments_out = sock->stream.out.count;
	memset(stats, 0, size);
	memcpy(stats, &s, s.size);
	return 0;
}

int devmem_sock_stats(const struct devmem_sock *sock, struct devmem_sock_counters *stats)
{
	return devmem__result(sock_stats(sock, stats));
}
