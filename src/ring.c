// SPDX-License-Identifier: MIT
/* The ring: opened, given requests, closed. What it does in between: wait.c, handout.c, sock.c, release.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ring.h"

#define MAX_ENTRIES	32768
#define MAX_BUFFERS	4096
#define MAX_BUSY_POLL	10000	/* microseconds; the kernel's own limit */
#define CQ_PER_SQ	8	/* completions that may wait: releases need none, so sockets have all the room */

/* ------------------------------------------------------------------------------------ submitting */

int devmem__ring_submit(struct devmem_ring *ring)
{
	ring->stats.enter_calls++;
	return io_uring_submit(&ring->io);
}

struct io_uring_sqe *devmem__ring_sqe(struct devmem_ring *ring, enum devmem__cqe_kind kind, const void *object)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->io);

	if (!sqe && devmem__ring_submit(ring) >= 0)
		sqe = io_uring_get_sqe(&ring->io);
	if (!sqe)
		return NULL;
	memset(sqe, 0, sizeof(*sqe));	/* liburing before 2.4 leaves old contents */
	sqe->user_data = (uintptr_t)object | kind;
	return sqe;
}

/*
 * setsockopt at level SOL_SOCKET, without a completion if it succeeds. liburing 2.3 has no names for the fields:
 * level and optname share the place of addr, optlen that of splice_fd_in, optval that of addr3.
 * [include/uapi/linux/io_uring.h, 6.7]
 */
void devmem__ring_setsockopt(struct io_uring_sqe *sqe, int fd, int name, const void *value, size_t bytes)
{
	const uint32_t level_and_name[2] = { SOL_SOCKET, (uint32_t)name };

	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe->cmd_op = DEVMEM_SOCKET_URING_OP_SETSOCKOPT;
	memcpy(&sqe->addr, level_and_name, sizeof(level_and_name));
	sqe->splice_fd_in = (int)bytes;
	sqe->addr3 = (uintptr_t)value;
}

/* ------------------------------------------------------------------------------------ opening, closing */

static int check_options(struct devmem_ring_opts *o)
{
	o->entries = o->entries ? o->entries : 256;
	o->buffers = o->buffers ? o->buffers : 16;
	o->buffer_bytes = o->buffer_bytes ? o->buffer_bytes : 1u << 20;
	o->merge = o->merge ? o->merge : DEVMEM__MAX_FRAGS;
	if (o->entries > MAX_ENTRIES)
		return devmem__fail(EINVAL, "ring option entries: at most %d", MAX_ENTRIES);
	if (o->buffers > MAX_BUFFERS || (o->buffers & (o->buffers - 1)))
		return devmem__fail(EINVAL, "ring option buffers: a power of two, at most %d", MAX_BUFFERS);
	if (o->buffer_bytes % 4096 || o->buffer_bytes > 1u << 30)
		return devmem__fail(EINVAL, "ring option buffer_bytes: a multiple of 4096, at most 1 GiB");
	if (o->busy_poll_us > MAX_BUSY_POLL)
		return devmem__fail(EINVAL, "ring option busy_poll_us: at most %d", MAX_BUSY_POLL);
	if (o->merge > DEVMEM__MAX_FRAGS)
		return devmem__fail(EINVAL, "ring option merge: at most %d tokens", DEVMEM__MAX_FRAGS);
	return devmem__place_check(o);
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
static int setup_io(struct io_uring *io, unsigned int entries)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP,
		.cq_entries = entries * CQ_PER_SQ,
	};
	int err = io_uring_queue_init_params(entries, io, &p);

	if (err == -EINVAL) {
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

int devmem_ring_open(const struct devmem_ring_opts *opts, struct devmem_ring **out)
{
	struct devmem_ring_opts o;
	struct devmem_ring *ring;
	int err;

	err = devmem__options(&o, sizeof(o), opts, "devmem_ring_opts");
	if (!err)
		err = check_options(&o);
	if (err)
		return err;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return devmem__fail(ENOMEM, "no memory for a ring");
	ring->engine = &devmem__engine_devmem;
	ring->owner = pthread_self();
	ring->merge = o.merge;
	ring->place.bytes = o.spill_bytes;
	devmem__links_init(&ring->links);
	devmem__list_init(&ring->dirty);
	devmem__list_init(&ring->rearm);
	devmem__list_init(&ring->raised);
	devmem__list_init(&ring->watches);
	devmem__list_init(&ring->batches_spare);
	devmem__list_init(&ring->batches_out);
	ring->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (ring->wake_fd < 0) {
		err = devmem__fail(errno, "cannot make an eventfd: %s", strerror(errno));
		goto err_ring;
	}
	err = setup_io(&ring->io, o.entries);
	if (err)
		goto err_wake;
	err = set_busy_poll(&ring->io, o.busy_poll_us);
	if (!err)
		err = ring->engine->open(ring, &o);
	if (err)
		goto err_io;
	*out = ring;
	return 0;

err_io:
	io_uring_queue_exit(&ring->io);
err_wake:
	close(ring->wake_fd);
err_ring:
	free(ring);
	return err;
}

/*
 * Requests end before the memory that they write to is unmapped. Completions that nobody will see may carry
 * tokens: reading them puts those into the sockets' sets, from where they go back.
 */
static void stop_requests(struct devmem_ring *ring)
{
	struct io_uring_sync_cancel_reg all = {
		.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
		.timeout = { -1, -1 },
	};
	struct devmem_event scratch[64];

	io_uring_submit(&ring->io);
	io_uring_register_sync_cancel(&ring->io, &all);
	io_uring_get_events(&ring->io);
	while (devmem__hand_out(ring, scratch, ARRAY_SIZE(scratch)) > 0)
		;
}

void devmem_ring_close(struct devmem_ring *ring)
{
	if (!ring)
		return;
	stop_requests(ring);
	for (unsigned int i = 0; i < ring->slots; i++) {
		if (!ring->socks[i])
			continue;
		devmem__release_all_now(ring->socks[i]);
		devmem__sock_free(ring->socks[i]);
	}
	devmem__release_close(ring);
	devmem__watch_close(ring);
	devmem__links_close(&ring->links);
	devmem__place_close(ring);
	ring->engine->close(ring);
	io_uring_queue_exit(&ring->io);
	close(ring->wake_fd);
	free(ring->socks);
	free(ring);
}

struct devmem_buffer *devmem_ring_spill(const struct devmem_ring *ring)
{
	return ring->place.buffer;
}

const char *devmem_ring_engine(const struct devmem_ring *ring)
{
	return ring->engine->name;
}
