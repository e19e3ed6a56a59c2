// SPDX-License-Identifier: MIT
/*
 * The loop. One turn is one io_uring_enter: it carries token releases, receives to arm and socket options, and
 * waits for completions; one pass over those fills the caller's events.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"

#define MAX_ENTRIES	32768
#define MAX_BUFFERS	4096
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

/* ------------------------------------------------------------------------------------ handing out */

static struct io_uring_cqe *next_cqe(struct devmem_ring *ring)
{
	struct io_uring_cqe *cqe;
	unsigned int head;

	/* not io_uring_peek_cqe(): that may enter the kernel */
	io_uring_for_each_cqe(&ring->io, head, cqe)
		return cqe;
	return NULL;
}

static struct devmem_event end_event(const struct devmem_sock *sock, int error)
{
	return (struct devmem_event){
		.user_data = sock->stream.user_data,
		.result = error,
		.sock = sock->stream.slot,
		.type = error ? DEVMEM_EVENT_ERROR : DEVMEM_EVENT_END,
	};
}

static unsigned int end_stream(struct devmem_sock *sock, int error, struct devmem_event *event)
{
	if (sock->ended || sock->detached)
		return 0;
	sock->ended = true;
	devmem__list_del(&sock->rearm);
	devmem__list_del(&sock->raised);
	*event = end_event(sock, error);
	return 1;
}

/* A receive ended without bytes. Returns how many events that makes. */
static unsigned int receive_failed(struct devmem_sock *sock, int res, struct devmem_event *event)
{
	switch (res) {
	case -ENOBUFS:
		sock->ring->stats.no_buffers++;
		return 0;
	case -ECANCELED:
	case -EINTR:
	case -EAGAIN:
		return 0;	/* armed again unless the socket is being detached */
	}
	return end_stream(sock, res, event);
}

/* A completion of a socket's receive. What it brought is left in ring->rx; what else happened is an event. */
static unsigned int receive_done(struct devmem_sock *sock, const struct io_uring_cqe *cqe, struct devmem_event *event)
{
	struct devmem_ring *ring = sock->ring;
	unsigned int out = 0;

	ring->stats.completions++;
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		sock->armed = false;
		if (!sock->ended && !sock->detached)
			devmem__list_append(&ring->rearm, &sock->rearm);
	}
	if (!(cqe->flags & IORING_CQE_F_BUFFER)) {
		out = cqe->res < 0 ? receive_failed(sock, cqe->res, event) : end_stream(sock, 0, event);
	} else if (ring->engine->begin(sock, cqe, &ring->rx)) {
		ring->rx_sock = sock;
		devmem__lowat_received(sock, ring->rx.bytes_left);
	} else {
		ring->engine->handed(ring, &ring->rx, 0, true);
		out = end_stream(sock, 0, event);
	}
	devmem__sock_reap(sock);
	return out;
}

/* One completion of any kind. Returns how many events it made at once. */
static unsigned int dispatch(struct devmem_ring *ring, const struct io_uring_cqe *cqe, struct devmem_event *event)
{
	void *object = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)DEVMEM__CQE_KINDS);

	switch ((enum devmem__cqe_kind)(cqe->user_data & DEVMEM__CQE_KINDS)) {
	case DEVMEM__CQE_RECV:
		return receive_done(object, cqe, event);
	case DEVMEM__CQE_RELEASE:
		devmem__release_failed(object);
		break;
	case DEVMEM__CQE_WAKE:
		ring->wake_armed = false;
		break;
	case DEVMEM__CQE_WATCH:
		return devmem__watch_done(object, cqe->res, event);
	case DEVMEM__CQE_OTHER:
		break;
	}
	return 0;
}

/* Bytes of a socket that the application has let go: nobody will release them, so we do. */
static void discard(struct devmem_sock *sock, const struct devmem_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		if (events[i].type == DEVMEM_EVENT_DATA)
			devmem__release_tokens(sock, events[i].token, events[i].tokens);
		else
			sock->ring->engine->put_host(sock->ring, events[i].token);
	}
}

/* Events from the completion that is open; it stays open (ring->rx_sock) until used up. Or -ENOMEM. */
static int hand_out_open(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	struct devmem_sock *sock = ring->rx_sock;
	unsigned int host = ring->rx.host_events;
	int got = devmem__rx_next(&ring->rx, &sock->stream, &ring->count, events, n);
	bool done = got == 0 || got == -EBADMSG;

	ring->engine->handed(ring, &ring->rx, ring->rx.host_events - host, done);
	if (sock->detached && got > 0) {
		discard(sock, events, got);
		return 0;
	}
	if (done)
		ring->rx_sock = NULL;
	if (got == -EBADMSG)
		got = (int)end_stream(sock, -EBADMSG, events);
	if (done)
		devmem__sock_reap(sock);
	return got;
}

static int hand_out(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	struct io_uring_cqe *cqe;
	unsigned int out = 0;

	while (out < n) {
		if (ring->rx_sock) {
			int got = hand_out_open(ring, events + out, n - out);

			if (got < 0)
				return out ? (int)out : got;
			out += (unsigned int)got;
			continue;
		}
		cqe = next_cqe(ring);
		if (!cqe) {
			devmem__release_settle(ring);
			break;
		}
		out += dispatch(ring, cqe, events + out);
		io_uring_cqe_seen(&ring->io, cqe);
	}
	return (int)out;
}

/* ------------------------------------------------------------------------------------ waiting */

static uint64_t read_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void arm_wake(struct devmem_ring *ring)
{
	struct io_uring_sqe *sqe;

	if (ring->wake_armed)
		return;
	sqe = devmem__ring_sqe(ring, DEVMEM__CQE_WAKE, NULL);
	if (!sqe)
		return;
	io_uring_prep_read(sqe, ring->wake_fd, &ring->wake_value, sizeof(ring->wake_value), 0);
	sqe->user_data = DEVMEM__CQE_WAKE;
	ring->wake_armed = true;
}

/* Somebody holds something back that must not be held for long: a mark or a few tokens. */
static bool needs_tick(const struct devmem_ring *ring)
{
	return devmem__lowat_waits(ring) || !devmem__list_empty(&ring->dirty);
}

/* What is to ride on the next io_uring_enter. */
static void prepare(struct devmem_ring *ring, bool idle)
{
	devmem__release_take_over(ring);
	devmem__release_flush(ring, idle);
	devmem__sock_arm_pending(ring);
	devmem__watch_arm(ring);
	arm_wake(ring);
	if (devmem__lowat_waits(ring))
		devmem__lowat_fall(ring);
}

static int enter(struct devmem_ring *ring, uint64_t wait_ns)
{
	struct __kernel_timespec ts = { (int64_t)(wait_ns / 1000000000u), (long long)(wait_ns % 1000000000u) };
	struct io_uring_cqe *cqe;
	bool forever = wait_ns == UINT64_MAX;
	int ret;

	/* Pairs with the exchange in wake(): what was pushed before we said that we sleep is seen here. */
	atomic_store(&ring->sleeping, true);
	if (atomic_load(&ring->handover)) {
		ts = (struct __kernel_timespec){ 0 };
		forever = false;
	}
	ring->stats.enter_calls++;
	ret = io_uring_submit_and_wait_timeout(&ring->io, &cqe, 1, forever ? NULL : &ts, NULL);
	atomic_store_explicit(&ring->sleeping, false, memory_order_relaxed);
	if (ret >= 0 || ret == -ETIME || ret == -EAGAIN || ret == -EBUSY)
		return 0;
	if (ret == -EINTR)
		return devmem__fail(EINTR, "waiting was interrupted by a signal");
	return devmem__fail(-ret, "io_uring: %s", strerror(-ret));
}

/* How long this turn may wait: to the caller's deadline, but not past the tick. */
static uint64_t turn_ns(const struct devmem_ring *ring, uint64_t deadline, bool *tick)
{
	uint64_t left = UINT64_MAX;

	if (deadline != UINT64_MAX)
		left = deadline > ring->now ? deadline - ring->now : 0;
	*tick = needs_tick(ring) && left > DEVMEM__TICK_NS;
	return *tick ? DEVMEM__TICK_NS : left;
}

int devmem_wait(struct devmem_ring *ring, struct devmem_event *events, unsigned int n, int timeout_ms)
{
	uint64_t deadline = UINT64_MAX;
	bool tick = false, idle = false;
	int got, err;

	got = hand_out(ring, events, n);
	if (got || !n)
		return got;
	ring->now = read_clock();
	if (timeout_ms >= 0)
		deadline = ring->now + (uint64_t)timeout_ms * 1000000u;
	for (;;) {
		prepare(ring, idle);
		err = enter(ring, turn_ns(ring, deadline, &tick));
		got = hand_out(ring, events, n);
		if (got || err)
			return got ? got : err;
		ring->now = read_clock();
		if (!tick && ring->now >= deadline)
			return 0;
		idle = tick;
	}
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
	if (o->merge > DEVMEM__MAX_FRAGS)
		return devmem__fail(EINVAL, "ring option merge: at most %d tokens", DEVMEM__MAX_FRAGS);
	return 0;
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
	while (hand_out(ring, scratch, ARRAY_SIZE(scratch)) > 0)
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
	ring->engine->close(ring);
	io_uring_queue_exit(&ring->io);
	close(ring->wake_fd);
	free(ring->socks);
	free(ring);
}

const char *devmem_ring_engine(const struct devmem_ring *ring)
{
	return ring->engine->name;
}
