// SPDX-License-Identifier: MIT
/*
 * Waiting. One turn is one io_uring_enter: it carries token releases, receives to arm and socket
 * options, and waits for completions.
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
 * Not the io_uring's own: before Linux 7.3 who polls it is not woken by work that waits for our
 * thread, an eventfd is. Signalling that costs something for each completion, so it is made for
 * those who ask. [io_uring/tw.c: io_req_local_work_add]
 */
static int ring_fd(struct devmem_ring *ring)
{
	int fd = atomic_load(&ring->remote.notify_fd), err;

	err = devmem__uring_check_process(&ring->uring);
	if (err)
		return err;
	if (ring->uring.calls)
		return devmem__syscall_ring_fd(ring->uring.calls);
	if (fd >= 0)
		return fd;
	err = devmem__uring_check_thread(&ring->uring);
	if (err)
		return err;
	fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK); /* completions may be there already */
	if (fd < 0)
		return devmem__fail(errno, "cannot make an eventfd: %s", strerror(errno));
	err = io_uring_register_eventfd(&ring->uring.io, fd);
	if (err) {
		close(fd);
		return devmem__fail(-err, "io_uring takes no eventfd: %s", strerror(-err));
	}
	atomic_store(&ring->remote.notify_fd, fd);
	return fd;
}

int devmem_ring_fd(struct devmem_ring *ring)
{
	return devmem__result(ring_fd(ring));
}

/* What comes from here on makes the descriptor readable again. */
static void quiet_notify_fd(struct devmem_ring *ring)
{
	uint64_t times;
	ssize_t ignored;

	if (atomic_load_explicit(&ring->remote.notify_fd, memory_order_relaxed) < 0)
		return;
	ignored = read(ring->remote.notify_fd, &times, sizeof(times));
	(void)ignored; /* fails if it is quiet */
}

/* Is there something to tell before this thread sleeps, or did another one do something that this
 * one must look at? */
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
 * Somebody holds something back that must not be held for long: a mark or a few tokens. Or another
 * ring has what we would receive into, and does not tell us when it gives it back. Or a paused
 * socket may stand still, or one whose peer sent urgent data; or the connection of one that cannot
 * receive may end. In how many ns is that to be looked at?
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

/* The completion of a tick comes in @ns, or before. */
static bool tick_comes(const struct devmem_ring *ring, uint64_t ns)
{
	return ring->tick.armed && ring->tick.due <= ring->now + ns;
}

/*
 * Who sleeps on the descriptor instead of in here cannot see the tick pass, so it has to be a
 * completion. And one for many waits costs less than a timer for each, set and taken back: short
 * messages come many times faster than the tick. If one that was armed is too late, it comes as
 * well: that is a turn for nothing.
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
 * What is to ride on the next io_uring_enter. Most of it is nothing in most turns: that costs a
 * look and no call, since short messages have a turn each. Returns in how many ns it is to be
 * looked at what is held back.
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
	/* marks have times of their own; and without an io_uring a timer of ours is a system
	 * call */
	if (!will_wait || (!devmem__lowat_waits(ring) && !ring->uring.calls))
		arm_tick(ring, due);
	ring->tick.idle = false;
	return due;
}

/* What the kernel answered to entering it. */
static int entered(int ret)
{
	if (ret >= 0 || ret == -ETIME || ret == -EAGAIN || ret == -EBUSY)
		return 0;
	if (ret == -EINTR)
		return devmem__fail(EINTR, "waiting was interrupted by a signal: call "
					   "devmem_wait() again");
	if (ret == -EEXIST)
		return devmem__uring_elsewhere();
	return devmem__fail(-ret, "io_uring: %s", strerror(-ret));
}

/* Waits for a completion beyond the @known ones. */
static int enter(struct devmem_ring *ring, uint64_t wait_ns, unsigned int known)
{
	struct __kernel_timespec ts = { (int64_t)(wait_ns / 1000000000u),
					(long long)(wait_ns % 1000000000u) };
	struct io_uring_cqe *cqe;
	bool forever = wait_ns == UINT64_MAX;
	int ret;

	/* Pairs with the exchange in devmem__wake(): what was handed over before we said that we
	 * sleep is seen. */
	atomic_store(&ring->remote.sleeping, true);
	if (has_news(ring)) {
		ts = (struct __kernel_timespec){ 0 };
		forever = false;
	}
	ring->uring.enters++;
	if (ring->uring.calls)
		ret = devmem__syscall_ring_enter(ring->uring.calls, forever ? NULL : &ts, known);
	else
		ret = io_uring_submit_and_wait_timeout(&ring->uring.io, &cqe, known + 1,
						       forever ? NULL : &ts, NULL);
	atomic_store_explicit(&ring->remote.sleeping, false, memory_order_relaxed);
	return entered(ret);
}

/* How long this turn may wait: to the caller's deadline, but not past the tick, which is due in
 * @ns. */
static uint64_t turn_ns(const struct devmem_ring *ring, uint64_t deadline, uint64_t ns, bool *tick)
{
	uint64_t left = UINT64_MAX;

	if (deadline != UINT64_MAX)
		left = deadline > ring->now ? deadline - ring->now : 0;
	if (tick_comes(ring, ns))
		ns = UINT64_MAX; /* its completion ends the wait */
	*tick = ns < left;
	return *tick ? ns : left;
}

/* The last thing of a turn that did not wait: from here on the caller may sleep on the
 * descriptor. */
static bool may_sleep_elsewhere(struct devmem_ring *ring)
{
	atomic_store(&ring->remote.sleeping, true);
	return !has_news(ring);
}

/*
 * The caller's time is over. Waits shorter than a tick add up to one; who waited in vain for as
 * long as that may not come again soon, and what is held back goes first: is there something?
 */
static bool must_flush(struct devmem_ring *ring, int timeout_ms)
{
	ring->tick.idle |= timeout_ms > 0;
	return timeout_ms >= (int)(DEVMEM__TICK_NS / 1000000u) &&
	       !devmem__list_empty(&ring->tokens.held);
}

static int hand_out(struct devmem_ring *ring, struct devmem_event *events, unsigned int n)
{
	int got = devmem__completions_to_events(ring, events, n);

	if (!devmem__list_empty(&ring->socks.reap))
		devmem__socks_reap(ring);
	ring->tick.had_events |= got > 0;
	return got;
}

/*
 * There is no room for host bytes. Other threads may have made some; or sends or gathers have it,
 * which are over only if the loop goes on, or the application waits for the end of a connection:
 * one turn, of a tick at most.
 */
static int make_room(struct devmem_ring *ring, struct devmem_event *events, unsigned int n,
		     bool may_wait)
{
	int got, err;

	devmem__remote_releases_take(ring);
	got = hand_out(ring, events, n);
	if (got != -ENOBUFS)
		return got;
	devmem__ends_look_past(ring);
	prepare(ring, may_wait);
	err = enter(ring, may_wait ? DEVMEM__TICK_NS : 0, io_uring_cq_ready(&ring->uring.io));
	ring->now = read_clock();
	got = hand_out(ring, events, n);
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
	if (ppoll(&woken, 1, &ts, NULL) >= 0 || errno != EINTR)
		return 0;
	return devmem__fail(EINTR, "waiting was interrupted by a signal: call devmem_wait() again");
}

/*
 * A turn has a price, and each receive in it, whatever they bring; with many sockets that is most
 * of what a byte costs. So the ring may be told to let them come together first, as a NIC does with
 * its interrupts. What is to be handed in waits too. Nothing is received meanwhile: work of ours
 * waits until we enter (IORING_SETUP_DEFER_TASKRUN).
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

/* Without room for an event there is nothing to wait for: what is pending goes to the kernel, and
 * that is all. */
static int only_hand_in(struct devmem_ring *ring)
{
	ring->now = read_clock();
	prepare(ring, false);
	return entered(devmem__uring_submit(&ring->uring));
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
		return only_hand_in(ring);
	got = hand_out(ring, events, n);
	if (got == -ENOBUFS)
		got = make_room(ring, events, n, timeout_ms != 0);
	if (got)
		return got;
	/* for ever: that of the last wait will do, and what is looked at in time comes that much
	 * later */
	if (timeout_ms >= 0) {
		ring->now = read_clock();
		deadline = ring->now + (uint64_t)timeout_ms * 1000000u;
	}
	for (;;) {
		unsigned int seen;
		uint64_t due;

		if (!timeout_ms)
			quiet_notify_fd(ring);
		err = timeout_ms ? rest(ring, deadline) : 0;
		if (err)
			return err;
		due = prepare(ring, timeout_ms != 0);
		err = enter(ring, turn_ns(ring, deadline, due, &tick), 0);
		ring->now = read_clock();
		seen = *ring->uring.io.cq.khead;
		got = hand_out(ring, events, n);
		ring->events_at = got > 0 ? ring->now : 0;
		if (got || err)
			return got ? got : err;
		/*
		 * Who sleeps on the descriptor: a completion that made no event (a tick, a receive
		 * that ended) is answered by another turn, or nothing would make it readable again.
		 */
		if (!timeout_ms && *ring->uring.io.cq.khead != seen)
			continue;
		if (!tick && ring->now >= deadline && may_sleep_elsewhere(ring) &&
		    !must_flush(ring, timeout_ms))
			return 0;
		ring->tick.idle |= tick;
	}
}

int devmem_wait(struct devmem_ring *ring, struct devmem_event *events, unsigned int n,
		int timeout_ms)
{
	return devmem__result(take_turns(ring, events, n, timeout_ms));
}
