// SPDX-License-Identifier: MIT
/*
 * Waiting. One turn is one io_uring_enter: it submits token releases, receives and socket options,
 * and waits for completions.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "recv/token_release.h"
#include "ring/loop.h"
#include "tx.h"
#include "uring/syscall_ring.h"

static uint64_t read_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/*
 * The descriptor is an eventfd and not the io_uring itself: before Linux 7.3, work that waits for
 * the ring's thread signals an eventfd, but does not wake those who poll the io_uring. Signalling
 * costs something for each completion, so the eventfd is made only when it is asked for.
 * [io_uring/tw.c: io_req_local_work_add] With plain system calls it is in the epoll set, whose
 * descriptor is the one that is given away.
 */
static int make_notify_fd(struct devmem_ring *ring)
{
	int fd, err;

	fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK); /* 1: something may be pending already */
	if (fd < 0)
		return devmem__fail(errno, "cannot make an eventfd: %s", strerror(errno));
	err = ring->uring.syscalls ? devmem__syscall_ring_add(ring->uring.syscalls, fd)
				   : io_uring_register_eventfd(&ring->uring.io, fd);
	if (err) {
		close(fd);
		return devmem__fail(-err, "%s does not accept an eventfd: %s",
				    ring->uring.syscalls ? "epoll" : "io_uring", strerror(-err));
	}
	atomic_store(&ring->remote.notify_fd, fd);
	return 0;
}

static int ring_fd(struct devmem_ring *ring)
{
	int err = devmem__uring_check_process(&ring->uring);

	if (!err && atomic_load(&ring->remote.notify_fd) < 0)
		err = devmem__uring_check_thread(&ring->uring) ?: make_notify_fd(ring);
	if (err)
		return err;
	return ring->uring.syscalls ? devmem__syscall_ring_fd(ring->uring.syscalls)
				    : atomic_load(&ring->remote.notify_fd);
}

int devmem_ring_fd(struct devmem_ring *ring)
{
	return devmem__result(ring_fd(ring));
}

static bool has_notify_fd(const struct devmem_ring *ring)
{
	return atomic_load_explicit(&ring->remote.notify_fd, memory_order_relaxed) >= 0;
}

/* Only what happens from here on makes the descriptor readable again. Plain system calls sleep on
 * the descriptor themselves, so it must be quiet before each turn. */
static void quiet_notify_fd(struct devmem_ring *ring, int timeout_ms)
{
	eventfd_t times;

	if (!has_notify_fd(ring) || (timeout_ms && !ring->uring.syscalls))
		return;
	eventfd_read(ring->remote.notify_fd, &times); /* fails if it was not readable */
	ring->wake.quiet_head = *ring->uring.io.cq.khead;
}

/* Must this thread not sleep, since there is an event to report, or another thread did something
 * that needs a turn? */
static bool has_news(struct devmem_ring *ring)
{
	return atomic_load(&ring->remote.released) || atomic_load(&ring->remote.woken) ||
	       atomic_load(&ring->gathers.news) || !devmem__list_empty(&ring->ends.known);
}

static void arm_wake(struct devmem_ring *ring)
{
	struct io_uring_sqe *sqe;

	if (ring->wake.armed)
		return;
	sqe = devmem__uring_sqe(&ring->uring, DEVMEM__CQE_WAKE, NULL);
	if (!sqe)
		return;
	io_uring_prep_read(sqe, ring->wake.fd, &ring->wake.value, sizeof(ring->wake.value), 0);
	sqe->user_data = DEVMEM__CQE_WAKE;
	ring->wake.armed = true;
}

static void arm_links(struct devmem_ring *ring)
{
	struct io_uring_sqe *sqe;

	if (ring->links.armed || ring->links.watched.fd < 0)
		return;
	sqe = devmem__uring_sqe(&ring->uring, DEVMEM__CQE_LINK, NULL);
	if (!sqe)
		return;
	io_uring_prep_poll_add(sqe, ring->links.watched.fd, POLLIN);
	sqe->user_data = DEVMEM__CQE_LINK;
	ring->links.armed = true;
}

/*
 * In how many ns must a turn check what no completion reports?
 * - a low-water mark or a few tokens are held back, which must not last long
 * - another ring has the memory to receive into, and does not say when it releases some
 * - a paused socket may be deadlocked, or a socket may stand still after urgent data
 * - the connection of a socket that cannot receive may end
 */
static uint64_t tick_ns(const struct devmem_ring *ring)
{
	uint64_t due = devmem__lowat_waits(ring) ? devmem__lowat_due(ring) : UINT64_MAX;

	if ((devmem__backpressure_waits(ring) || !devmem__list_empty(&ring->requests.rearm) ||
	     ring->spill.held_of) &&
	    due > DEVMEM__STALL_NS)
		due = DEVMEM__STALL_NS;
	if (devmem__tx_waits(ring) && due > DEVMEM__TX_LOOK_NS)
		due = DEVMEM__TX_LOOK_NS;
	if ((ring->bindings.starved || !devmem__list_empty(&ring->tokens.held)) &&
	    due > DEVMEM__TICK_NS)
		due = DEVMEM__TICK_NS;
	if (ring->urgent.watched && due > devmem__urgent_due(ring))
		due = devmem__urgent_due(ring);
	return due;
}

/* The tick that is armed fires in @ns or sooner. */
static bool tick_comes(const struct devmem_ring *ring, uint64_t ns)
{
	return ring->tick.armed && ring->tick.due <= ring->now + ns;
}

/*
 * The tick has to be a completion: an application that sleeps on the descriptor instead of in
 * devmem_wait() must be woken by it. One tick for many waits also costs less than setting and
 * cancelling a timer for each, since short messages come many times faster than ticks. If the tick
 * that is armed would fire too late, another is armed, and the late one causes a turn for nothing.
 */
static void arm_tick(struct devmem_ring *ring, uint64_t ns)
{
	struct io_uring_sqe *sqe;

	if (ns == UINT64_MAX || tick_comes(ring, ns))
		return;
	sqe = devmem__uring_sqe(&ring->uring, DEVMEM__CQE_TICK, NULL);
	if (!sqe)
		return;
	ring->tick.time = (struct __kernel_timespec){ (int64_t)(ns / 1000000000u),
						      (long long)(ns % 1000000000u) };
	io_uring_prep_timeout(sqe, &ring->tick.time, 0, 0);
	sqe->user_data = DEVMEM__CQE_TICK;
	ring->tick.armed = true;
	ring->tick.due = ring->now + ns;
	ring->tick.had_events = false;
}

/*
 * Queues the requests for the next io_uring_enter. In most turns there is little to do, and finding
 * that out must cost a check and not a call, since each short message takes a turn. Returns
 * tick_ns().
 */
static uint64_t prepare(struct devmem_ring *ring, bool will_wait)
{
	uint64_t due;

	devmem__remote_releases_take(ring);
	if (ring->requests.uncancelled)
		devmem__sock_cancel_again(ring);
	if (ring->urgent.watched)
		devmem__urgent_look(ring);
	if (ring->tick.idle || devmem__dontneed_due(ring))
		devmem__dontneed_flush(ring, ring->tick.idle);
	devmem__binding_use_refill(ring);
	if (!devmem__list_empty(&ring->sends.todo))
		devmem__tx_prepare(ring);
	if (!devmem__list_empty(&ring->requests.rearm))
		devmem__sock_arm_pending(ring);
	if (!devmem__list_empty(&ring->requests.rearm))
		devmem__ends_look(ring);
	devmem__watch_arm(ring);
	arm_wake(ring);
	arm_links(ring);
	if (devmem__lowat_waits(ring))
		devmem__lowat_fall(ring);
	if (devmem__backpressure_waits(ring))
		devmem__backpressure_look(ring);
	if (devmem__tx_waits(ring))
		devmem__tx_look_at_stalls(ring);
	due = tick_ns(ring);
	/* no tick if this turn waits itself: with a raised mark it waits until that is due, and
	 * without an io_uring a timer would be a system call */
	if (!will_wait || (!devmem__lowat_waits(ring) && !ring->uring.syscalls))
		arm_tick(ring, due);
	ring->tick.idle = false;
	return due;
}

/* The result of entering the kernel, which answered @ret. */
static int enter_result(int ret)
{
	if (ret >= 0 || ret == -ETIME || ret == -EAGAIN || ret == -EBUSY)
		return 0;
	if (ret == -EINTR)
		return -EINTR; /* an answer: without an error message */
	if (ret == -EEXIST)
		return devmem__uring_elsewhere();
	return devmem__fail(-ret, "io_uring: %s", strerror(-ret));
}

/* Submits, and waits for a completion beyond the @known ones. */
static int enter(struct devmem_ring *ring, uint64_t wait_ns, unsigned int known)
{
	struct __kernel_timespec ts = { (int64_t)(wait_ns / 1000000000u),
					(long long)(wait_ns % 1000000000u) };
	struct io_uring_cqe *cqe;
	bool forever = wait_ns == UINT64_MAX;
	int ret;

	/* Pairs with the exchange in devmem__wake(): has_news() sees what other threads did before
	 * this store, and they see the store after it. */
	atomic_store(&ring->remote.sleeping, true);
	if (has_news(ring)) {
		ts = (struct __kernel_timespec){ 0 };
		forever = false;
	}
	ring->uring.enters++;
	if (ring->uring.syscalls)
		ret = devmem__syscall_ring_enter(ring->uring.syscalls, forever ? NULL : &ts, known);
	else
		ret = io_uring_submit_and_wait_timeout(&ring->uring.io, &cqe, known + 1,
						       forever ? NULL : &ts, NULL);
	atomic_store_explicit(&ring->remote.sleeping, false, memory_order_relaxed);
	return enter_result(ret);
}

/* How long this turn may wait: until the caller's deadline, or until the tick, which is due in @ns.
 * *tick: the tick comes first, and no completion reports it. */
static uint64_t turn_ns(const struct devmem_ring *ring, uint64_t deadline, uint64_t ns, bool *tick)
{
	uint64_t left = UINT64_MAX;

	if (deadline != UINT64_MAX)
		left = deadline > ring->now ? deadline - ring->now : 0;
	if (tick_comes(ring, ns))
		ns = UINT64_MAX; /* the tick's completion ends the wait */
	*tick = ns < left;
	return *tick ? ns : left;
}

/*
 * The end of a turn: from here on the caller may sleep on the descriptor. It is readable if the
 * kernel has made a completion since it was read. Otherwise what the caller or another thread does
 * next has to make it readable, and needs to know that.
 */
static void leave(struct devmem_ring *ring)
{
	if (!has_notify_fd(ring))
		return;
	ring->wake.quiet =
		ring->uring.syscalls || *ring->uring.io.cq.khead == ring->wake.quiet_head;
	if (ring->wake.quiet) /* before has_news(): pairs with the exchange in devmem__wake() */
		atomic_store(&ring->remote.sleeping, true);
}

/* Is there something for another turn, although nothing new has happened? */
static bool has_more(const struct devmem_ring *ring)
{
	return io_uring_cq_ready(&ring->uring.io) || io_uring_sq_ready(&ring->uring.io) ||
	       ring->messages.rx_sock || ring->backpressure.low_bytes ||
	       !devmem__list_empty(&ring->sends.to_report) || ring->links.watched.news;
}

/* Leaves with events, or with nothing reaped at all. The caller need not come back for the rest
 * before it sleeps on the descriptor. */
static void leave_with(struct devmem_ring *ring)
{
	leave(ring);
	if (ring->wake.quiet && (has_more(ring) || has_news(ring)))
		devmem__pending(ring);
}

/*
 * The caller's time is up. Several waits shorter than a tick count as an idle tick. A caller that
 * waited in vain for a whole tick may not come back soon, so tokens that are held back must be
 * released first. true: there are some.
 */
static bool must_flush(struct devmem_ring *ring, int timeout_ms)
{
	ring->tick.idle |= timeout_ms > 0;
	return timeout_ms >= (int)(DEVMEM__TICK_NS / 1000000u) &&
	       !devmem__list_empty(&ring->tokens.held);
}

/* Called last in a turn without events. false: another turn is needed. */
static bool may_leave(struct devmem_ring *ring, int timeout_ms)
{
	leave(ring);
	if (io_uring_sq_ready(&ring->uring.io)) /* the kernel has no memory now */
		devmem__pending(ring);
	return !has_news(ring) && !must_flush(ring, timeout_ms);
}

static int get_events(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	int got = devmem__completions_to_events(ring, events, n);

	if (!devmem__list_empty(&ring->socks.reap))
		devmem__socks_reap(ring);
	ring->tick.had_events |= got > 0;
	return got;
}

/*
 * The spill buffer has no room for host bytes. Other threads may have released some; or sends or
 * gathers hold it, which end only if the loop goes on; or the application waits for the end of a
 * connection. So make one turn, of a tick at most.
 */
static int make_room(struct devmem_ring *ring, struct devmem_event *events, unsigned int n,
		     bool may_wait)
{
	int got, err;

	devmem__remote_releases_take(ring);
	got = get_events(ring, events, n);
	if (got != -ENOBUFS)
		return got;
	devmem__ends_look_past(ring);
	prepare(ring, may_wait);
	err = enter(ring, may_wait ? DEVMEM__TICK_NS : 0, io_uring_cq_ready(&ring->uring.io));
	ring->now = read_clock();
	got = get_events(ring, events, n);
	return got == -ENOBUFS && err ? err : got;
}

static int sleep_until(struct devmem_ring *ring, uint64_t when)
{
	struct pollfd woken = { .fd = ring->wake.fd, .events = POLLIN };
	const uint64_t now = read_clock(), ns = when > now ? when - now : 0;
	const struct timespec ts = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	if (!ns)
		return 0;
	ring->uring.enters++;
	return ppoll(&woken, 1, &ts, NULL) < 0 && errno == EINTR ? -EINTR : 0;
}

/*
 * Each turn has a price, and so has each receive in it, however few bytes they bring; with many
 * sockets that is most of the cost of a byte. So the ring can be told to let completions come
 * together first (coalesce_us), as a NIC coalesces its interrupts. Requests wait as well. Nothing
 * is received meanwhile: the kernel's work for this thread waits until it enters the kernel
 * (IORING_SETUP_DEFER_TASKRUN).
 */
static int rest(struct devmem_ring *ring, uint64_t deadline)
{
	const uint64_t until = ring->events_at + (uint64_t)ring->opts.coalesce_us * 1000u;
	int err = 0;

	if (!ring->opts.coalesce_us || !ring->events_at)
		return 0;
	ring->events_at = 0;
	atomic_store(&ring->remote.resting, true); /* pairs with the exchange in devmem_wake() */
	if (!atomic_load(&ring->remote.woken))
		err = sleep_until(ring, until < deadline ? until : deadline);
	atomic_store_explicit(&ring->remote.resting, false, memory_order_relaxed);
	return err;
}

/* Hands in what is pending, tokens that would wait for more among it, and no more. With plain
 * system calls that makes completions, of which no descriptor tells. */
static int flush(struct devmem_ring *ring)
{
	int err;

	ring->now = read_clock();
	ring->tick.idle = true;
	prepare(ring, false);
	err = enter_result(devmem__uring_submit(&ring->uring));
	if (ring->wake.quiet && has_more(ring))
		devmem__pending(ring);
	return err;
}

static int take_turns(struct devmem_ring *ring, struct devmem_event *events, unsigned int n,
		      int timeout_ms)
{
	uint64_t deadline = UINT64_MAX;
	bool tick = false;
	int got, err;

	if (!devmem__uring_is_this_thread_s(&ring->uring))
		return devmem__uring_check_thread(&ring->uring);
	if (!n)
		return flush(ring);
	got = get_events(ring, events, n);
	if (got == -ENOBUFS)
		got = make_room(ring, events, n, timeout_ms != 0);
	if (got)
		return got;
	/* a wait without a deadline does with the clock of the last wait: the checks of this turn
	 * are only that much late */
	if (timeout_ms >= 0) {
		ring->now = read_clock();
		deadline = ring->now + (uint64_t)timeout_ms * 1000000u;
	}
	for (;;) {
		unsigned int seen;
		uint64_t due;

		quiet_notify_fd(ring, timeout_ms);
		err = timeout_ms ? rest(ring, deadline) : 0;
		if (err)
			return err;
		due = prepare(ring, timeout_ms != 0);
		err = enter(ring, turn_ns(ring, deadline, due, &tick), 0);
		ring->now = read_clock();
		seen = *ring->uring.io.cq.khead;
		got = get_events(ring, events, n);
		ring->events_at = got > 0 ? ring->now : 0;
		if (got || err) {
			leave_with(ring);
			return got ? got : err;
		}
		/*
		 * The caller may sleep on the descriptor next. A completion that made no event (a
		 * tick, a receive that ended) needs another turn, or nothing would make the
		 * descriptor readable again.
		 */
		if (!timeout_ms && *ring->uring.io.cq.khead != seen)
			continue;
		if (!tick && ring->now >= deadline && may_leave(ring, timeout_ms))
			return 0;
		ring->tick.idle |= tick;
	}
}

int devmem_wait(struct devmem_ring *ring, struct devmem_event *events, unsigned int n,
		int timeout_ms)
{
	return devmem__result(take_turns(ring, events, n, timeout_ms));
}

int devmem_flush(struct devmem_ring *ring)
{
	return devmem__result(devmem__uring_check_thread(&ring->uring) ?: flush(ring));
}
