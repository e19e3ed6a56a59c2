// SPDX-License-Identifier: MIT
/* A ring's counters. */
#include <errno.h>
#include <string.h>

#include "ring/loop.h"
#include "uring/syscall_ring.h"

static int ring_stats(const struct devmem_ring *ring, struct devmem_stats *stats)
{
	struct devmem_stats s = ring->stats;
	size_t size = stats->size;
	int err = devmem__uring_check_process(&ring->uring);

	if (err)
		return err;
	if (size < sizeof(size))
		return devmem__fail(EINVAL, "struct devmem_stats: set its size before the call");
	s.size = size < sizeof(s) ? size : sizeof(s);
	s.bytes_device = ring->received.device;
	s.bytes_linear = ring->received.linear;
	s.bytes_plain = ring->received.plain;
	s.fragments = ring->received.fragments;
	s.descriptors = ring->received.descriptors;
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
