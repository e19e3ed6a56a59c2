// SPDX-License-Identifier: MIT
/* What carries a ring's requests out: the kernel's io_uring or, where that cannot be had, plain system calls (calls.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "calls.h"
#include "port.h"

#define CQ_PER_SQ	8	/* completions that may wait: releases need none, so sockets have all the room */

int devmem__port_cancel(struct io_uring *io)
{
	struct io_uring_sync_cancel_reg all = {
		.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
		.timeout = { -1, -1 },
	};

	return io_uring_register_sync_cancel(io, &all);
}

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

/* ------------------------------------------------------------------------------------ an io_uring on trial */

static int refused(const char *call, int err)
{
	return devmem__fail(err, "there is an io_uring, but %s is refused, by a policy or a limit: %s", call, strerror(err));
}

/* Zero-copy sends came with multishot receives (6.0); provided-buffer rings before them. */
static int check_features(struct io_uring *io)
{
	const unsigned int ops = 256;
	struct io_uring_probe *probe = calloc(1, sizeof(*probe) + ops * sizeof(probe->ops[0]));
	int err = probe ? io_uring_register_probe(io, probe, ops) : -ENOMEM;
	bool good = !err && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);

	free(probe);
	if (err)
		return refused("io_uring_register", -err);
	return good ? 0 : devmem__fail(ENOSYS, "this kernel's io_uring has no multishot receive (Linux 6.0)");
}

/* As large as the first one is going to be: newer kernels count it against RLIMIT_MEMLOCK. */
static int try_buffers(struct io_uring *io, unsigned int buffers)
{
	size_t bytes = (buffers ? buffers : DEVMEM__RXBUFS_MANY) * sizeof(struct io_uring_buf);
	struct devmem__buf_reg reg = { .ring_entries = (uint32_t)(bytes / sizeof(struct io_uring_buf)) };
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err = -ENOMEM;

	if (p != MAP_FAILED) {
		reg.ring_addr = (uintptr_t)p;
		err = io_uring_register((unsigned int)io->ring_fd, IORING_REGISTER_PBUF_RING, &reg, 1);
		if (err >= 0)
			io_uring_unregister_buf_ring(io, 0);
		munmap(p, bytes);
	}
	return err < 0 ? refused("providing buffers", -err) : 0;
}

static int try_cancel(struct io_uring *io)
{
	int err = devmem__port_cancel(io);

	return err < 0 && err != -ENOENT ? refused("cancelling requests", -err) : 0;
}

static int try_enter(struct io_uring *io)
{
	struct io_uring_cqe *cqe;
	int n;

	io_uring_prep_nop(io_uring_get_sqe(io));
	n = io_uring_submit_and_wait(io, 1);
	if (n < 0)
		return refused("io_uring_enter", -n);
	if (!io_uring_peek_cqe(io, &cqe))
		io_uring_cqe_seen(io, cqe);
	return 0;
}

/*
 * A policy may let a program have an io_uring and refuse what is to be done with it: the other two calls, or some of their
 * operations. Each kind that is needed later is done once now, while there is still a choice.
 */
static int try_all(struct io_uring *io, const struct devmem_ring_opts *o)
{
	int err = check_features(io);

	if (!err)
		err = try_enter(io);
	if (!err)
		err = try_buffers(io, o->buffers);
	if (!err)
		err = try_cancel(io);
	return err ? err : set_busy_poll(io, o->busy_poll_us);
}

static int open_uring(struct devmem_ring *ring)
{
	int err = setup_io(&ring->io, ring->opts.entries, ring->way == DEVMEM__WAY_ZCRX);

	if (err)
		return err;
	err = try_all(&ring->io, &ring->opts);
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

/* io_uring if it can be had, and why not if not: whatever the reason, plain system calls are better than no ring. */
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
	if (!err || ring->way != DEVMEM__WAY_ANY)
		return err;
	snprintf(ring->no_uring, sizeof(ring->no_uring), "%s", devmem_error());
	snprintf(ring->why, sizeof(ring->why), "%s", ring->no_uring);
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
