// SPDX-License-Identifier: MIT
/* Chooses what carries out a ring's requests, io_uring or plain system calls, and notes why. */
#include <errno.h>
#include <stdio.h>

#include "ring/choice.h"
#include "ring/loop.h"

static int open_uring(struct devmem_ring *ring)
{
	const struct devmem__uring_opts o = {
		.entries = ring->opts.entries,
		.buffers = ring->opts.buffers,
		.busy_poll_us = ring->opts.busy_poll_us,
		.large = ring->choice.asked == DEVMEM__ENGINE_ZCRX,
	};

	return devmem__uring_open(&ring->uring, &o);
}

static int open_calls(struct devmem_ring *ring)
{
	if (ring->opts.busy_poll_us)
		return devmem__fail(ENOSYS, "engine syscall cannot busy poll: leave busy_poll_us "
					    "at 0");
	ring->choice.engine = devmem__engine_name(DEVMEM__ENGINE_SYSCALL);
	return devmem__uring_open_syscall_ring(&ring->uring, ring->opts.entries);
}

/* Takes io_uring if it works. If not, whatever the reason, plain system calls are better than no
 * ring. */
int devmem__ring_choose_uring(struct devmem_ring *ring)
{
	int err;

	ring->choice.engine =
		devmem__engine_name(ring->choice.asked == DEVMEM__ENGINE_ANY ? DEVMEM__ENGINE_DEVMEM
									     : ring->choice.asked);
	snprintf(ring->choice.why, sizeof(ring->choice.why),
		 ring->choice.asked == DEVMEM__ENGINE_ANY ? "no socket is attached yet"
							  : "it was asked for");
	snprintf(ring->choice.no_uring, sizeof(ring->choice.no_uring),
		 "plain system calls were asked for");
	if (ring->choice.asked == DEVMEM__ENGINE_SYSCALL)
		return open_calls(ring);
	err = open_uring(ring);
	if (!err || ring->choice.asked != DEVMEM__ENGINE_ANY)
		return err;
	snprintf(ring->choice.no_uring, sizeof(ring->choice.no_uring), "%s", devmem_error());
	snprintf(ring->choice.why, sizeof(ring->choice.why), "%s", ring->choice.no_uring);
	devmem__log(DEVMEM_LOG_WARNING, "a ring uses plain system calls, which cost more: %s",
		    ring->choice.no_uring);
	return open_calls(ring);
}
