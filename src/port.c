// SPDX-License-Identifier: MIT
/* What carries a ring's requests out: the kernel's io_uring or, where that cannot be had, plain system calls (calls.c). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "port.h"

#define CQ_PER_SQ	8	/* completions that may wait: releases need none, so sockets have all the room */

static int setup_failed(int err)
{
	switch (err) {
	case EPERM:
		return devmem__fail(EPERM, "io_uring is disabled by policy: see sysctl kernel.io_uring_disabled, or "
				    "the container's seccomp profile");
	case ENOSYS:
		return devmem__fail(ENOSYS, "this kernel has no io_uring");
	case ENOMEM:
		return devmem__fail(ENOMEM, "no memory for an io_uring, or RLIMIT_MEMLOCK is too low");
	}
	return devmem__fail(err, "cannot make an io_uring: %s", strerror(err));
}

/* Completions are made when we ask for them, on our thread: cheaper by a twentieth per wake-up (kernel 6.1). */
static int setup_io(struct io_uring *io, unsigned int entries, bool large)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP | (large ? IORING_SETUP_CQE32 : 0),
		.cq_entries = entries * CQ_PER_SQ,
	};
	int err = io_uring_queue_init_params(entries, io, &p);

	if (err == -EINVAL && !large) {
		p = (struct io_uring_params){ .flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
					      .cq_entries = entries * CQ_PER_SQ };
		err = io_uring_queue_init_params(entries, io, &p);
	}
	return err ? setup_failed(-err) : 0;
}

static int set_busy_poll(struct io_uring *io, uint32_t us)
{
	struct devmem__napi napi = { .busy_poll_us = us, .prefer_busy_poll = 1 };
	int err = us ? io_uring_register((unsigned int)io->ring_fd, DEVMEM_IORING_REGISTER_NAPI, &napi, 1) : 0;

	if (err >= 0)
		return 0;
	return devmem__fail(ENOSYS, "this kernel's io_uring cannot busy poll (Linux 6.9): %s", strerror(-err));
}

/* Zero-copy sends came with multishot receives (6.0); provided-buffer rings before them. */
static int check_features(struct io_uring *io)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(io);
	bool good = probe && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);

	io_uring_free_probe(probe);
	return good ? 0 : devmem__fail(ENOSYS, "this kernel's io_uring has no multishot receive (Linux 6.0)");
}

static int open_uring(struct devmem_ring *ring)
{
	int err = setup_io(&ring->io, ring->opts.entries, ring->way == DEVMEM__WAY_ZCRX);

	if (err)
		return err;
	err = check_features(&ring->io);
	if (!err)
		err = set_busy_poll(&ring->io, ring->opts.busy_poll_us);
	if (err)
		io_uring_queue_exit(&ring->io);
	return err;
}

static int open_calls(struct devmem_ring *ring)
{
	if (ring->opts.busy_poll_us)
		return devmem__fail(ENOSYS, "engine syscall cannot busy poll: leave busy_poll_us at 0");
	ring->engine = devmem__way_name(DEVMEM__WAY_SYSCALL);
	return devmem__calls_open(&ring->io, ring->opts.entries, ring->opts.entries * CQ_PER_SQ, &ring->calls);
}

/* io_uring if it can be had, and why not if not. */
int devmem__port_open(struct devmem_ring *ring)
{
	int err;

	ring->engine = devmem__way_name(ring->way == DEVMEM__WAY_ANY ? DEVMEM__WAY_DEVMEM : ring->way);
	snprintf(ring->why, sizeof(ring->why), ring->way == DEVMEM__WAY_ANY ? "no socket is attached yet" :
		 "it was asked for");
	snprintf(ring->no_uring, sizeof(ring->no_uring), "plain system calls were asked for");
	if (ring->way == DEVMEM__WAY_SYSCALL)
		return open_calls(ring);
	err = open_uring(ring);
	if (ring->way != DEVMEM__WAY_ANY || (err != -EPERM && err != -ENOSYS))
		return err;
	snprintf(ring->no_uring, sizeof(ring->no_uring), "%s", devmem_error());
	devmem__log(DEVMEM_LOG_WARNING, "a ring works by plain system calls, at a higher price: %s", ring->no_uring);
	return open_calls(ring);
}

void devmem__port_close(struct devmem_ring *ring)
{
	if (ring->calls)
		devmem__calls_close(ring->calls);
	else
		io_uring_queue_exit(&ring->io);
}
