// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "crew.h"
#include "worker.h"

#define EVENTS 256
#define TIMER  0 /* user_data of the timer's events; other events carry a flow */

int worker_fail(struct worker *w, const char *fmt, ...)
{
	va_list ap;

	if (w->why[0])
		return -1;
	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
	return -1;
}

int worker_break(struct worker *w, const struct flow *f, const char *what)
{
	w->broken |= !w->why[0];
	return worker_fail(w, "connection %" PRIu64 ": %s", f->index, what);
}

/* ------------------------------------------------------------------------------------ measuring */

static uint64_t microseconds(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000 + (uint64_t)tv.tv_usec;
}

static void take_snapshot(struct worker *w, struct snapshot *s)
{
	struct rusage spent;

	s->at = clock_now();
	s->tally = w->tally;
	s->stats.size = sizeof(s->stats);
	devmem_ring_stats(w->ring, &s->stats);
	getrusage(RUSAGE_THREAD, &spent);
	s->user_us = microseconds(spent.ru_utime);
	s->system_us = microseconds(spent.ru_stime);
}

/* Adds up the connections' retransmits since the last call, and their round-trip times. */
static void look_at_tcp(struct worker *w)
{
	struct tcp_info info;
	socklen_t bytes;

	w->rtt_us = 0;
	for (unsigned int i = 0; i < w->flows; i++) {
		bytes = sizeof(info);
		if (getsockopt(w->flow[i].fd, IPPROTO_TCP, TCP_INFO, &info, &bytes))
			continue;
		w->retransmits += info.tcpi_total_retrans - w->flow[i].retransmits;
		w->flow[i].retransmits = info.tcpi_total_retrans;
		w->rtt_us += info.tcpi_rtt;
	}
}

/* Which connections are copied, the whole of them or a part, cannot be told from the sums. */
static void look_at_sockets(struct worker *w)
{
	struct devmem_sock_counters st = { .size = sizeof(st) };

	for (unsigned int i = 0; i < w->flows; i++)
		if (w->flow[i].sock && !devmem_sock_stats(w->flow[i].sock, &st) &&
		    st.bytes_linear + st.bytes_plain + st.bytes_sent_copied)
			w->copied_connections++;
}

static void begin(struct worker *w)
{
	look_at_tcp(w);
	w->retransmits = 0;
	take_snapshot(w, &w->begin);
	crew_step(w->crew, CREW_BEGUN);
}

static void finish(struct worker *w)
{
	const struct devmem_stats *st = &w->end.stats;
	uint64_t until = w->crew->until;

	take_snapshot(w, &w->end);
	look_at_tcp(w);
	look_at_sockets(w);
	/* what was due later does not count as unsent in a test that was stopped */
	if (w->crew->stop && until > w->end.at)
		until = w->end.at;
	for (unsigned int i = 0; i < w->flows; i++)
		w->unsent += flow_unsent(w, &w->flow[i], until);
	snprintf(w->engine, sizeof(w->engine), "%s", st->engine);
	snprintf(w->engine_reason, sizeof(w->engine_reason), "%s", st->engine_reason);
}

/* ------------------------------------------------------------------------------------- the loop */

static int push_all(struct worker *w)
{
	for (unsigned int i = 0; i < w->flows; i++)
		if (flow_push(w, &w->flow[i]))
			return -1;
	return 0;
}

/* Begins and ends measuring and sending when their times have come. */
static int look_at_clock(struct worker *w, uint64_t now)
{
	const bool began = !w->going && w->crew->started <= now;
	const bool over = w->begin.at && !w->enough && w->crew->until <= now;

	if (!w->begin.at && w->crew->measure <= now)
		begin(w);
	/* messages that were due in time and had room must not count as unsent */
	if (over && push_all(w))
		return -1;
	if (over)
		finish(w);
	w->going |= began;
	w->enough |= over;
	return began || over ? push_all(w) : 0;
}

/* Time until the next of these. */
static int timeout_ms(const struct worker *w, uint64_t now)
{
	const uint64_t next = !w->begin.at ? w->crew->measure
			      : !w->enough ? w->crew->until
					   : CLOCK_NEVER;

	if (next == CLOCK_NEVER)
		return -1;
	if (next <= now)
		return 0;
	return (next - now) / CLOCK_MS < INT_MAX ? (int)((next - now + CLOCK_MS - 1) / CLOCK_MS)
						 : INT_MAX;
}

/* Arms the timer for the next message that waits only for its time. If that has passed meanwhile,
 * the timer expires at once. */
static void arm(struct worker *w)
{
	struct itimerspec when = { 0 };
	uint64_t next = CLOCK_NEVER, due;

	if (w->timer < 0)
		return;
	for (unsigned int i = 0; i < w->flows; i++) {
		due = flow_next(w, &w->flow[i]);
		if (due < next)
			next = due;
	}
	if (next == w->armed || next == CLOCK_NEVER)
		return;
	w->armed = next;
	when.it_value.tv_sec = (time_t)(next / CLOCK_SECOND);
	when.it_value.tv_nsec = (long)(next % CLOCK_SECOND);
	timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static int take_event(struct worker *w, const struct devmem_event *ev, uint64_t now)
{
	struct flow *f = (struct flow *)(uintptr_t)ev->user_data;
	uint64_t times;

	switch (ev->type) {
	case DEVMEM_EVENT_READY:
		w->armed = 0;
		return read(w->timer, &times, sizeof(times)) < 0 && errno != EAGAIN
			       ? worker_fail(w, "cannot use a timer: %s", strerror(errno))
			       : 0;
	case DEVMEM_EVENT_LINK:
		return ev->result == -ENODEV ? worker_fail(w, "the interface is gone") : 0;
	case DEVMEM_EVENT_WOKEN:
	case DEVMEM_EVENT_LOW:
		return 0;
	default:
		return flow_event(w, f, ev, now);
	}
}

static bool is_of_flow(const struct devmem_event *ev)
{
	return ev->type != DEVMEM_EVENT_READY && ev->type != DEVMEM_EVENT_LINK &&
	       ev->type != DEVMEM_EVENT_WOKEN && ev->type != DEVMEM_EVENT_LOW;
}

/* Releases received fragments at once, then sends what they have made room for. */
static int turn(struct worker *w, int timeout)
{
	struct devmem_event ev[EVENTS];
	int err = 0, n = devmem_wait(w->ring, ev, EVENTS, timeout);
	const uint64_t now = clock_now();
	bool timer = false;

	if (n < 0)
		return n == -EINTR || n == -ENOMEM
			       ? 0
			       : worker_fail(w, "cannot wait: %s", devmem_error());
	pthread_mutex_lock(&w->lock);
	for (int i = 0; i < n && !err; i++) {
		err = take_event(w, &ev[i], now);
		timer |= ev[i].type == DEVMEM_EVENT_READY;
	}
	pthread_mutex_unlock(&w->lock);
	if (devmem_release(w->ring, ev, (unsigned int)n))
		return worker_fail(w, "cannot give fragments back: %s", devmem_error());
	for (int i = 0; i < n && !err && !timer; i++)
		if (is_of_flow(&ev[i]))
			err = flow_push(w, (struct flow *)(uintptr_t)ev[i].user_data);
	return err ? err : timer ? push_all(w) : 0;
}

/* Waits for the last fragments: one turn hands them in, and another learns that they are back. */
static void settle(struct worker *w)
{
	struct devmem_stats st = { .size = sizeof(st) };

	for (int i = 0; i < 100; i++) {
		devmem_ring_stats(w->ring, &st);
		if (!st.tokens_outstanding || turn(w, i ? 10 : 0))
			break;
	}
}

/* The test ends early: the figures are of the time until now. */
static int stop(struct worker *w)
{
	if (w->begin.at && !w->end.at)
		finish(w);
	return -1;
}

static int work(struct worker *w)
{
	uint64_t now;

	while (w->open) {
		if (w->crew->stop)
			return stop(w);
		now = clock_now();
		if (look_at_clock(w, now))
			return -1;
		if (!w->open)
			break;
		arm(w);
		if (turn(w, timeout_ms(w, now)))
			return -1;
	}
	if (!w->begin.at)
		return worker_fail(w, "the test ended before anything was measured");
	if (!w->end.at)
		finish(w);
	settle(w);
	return 0;
}

/* ------------------------------------------------------------------------------- set-up and end */

static int open_tx(struct worker *w)
{
	const struct perf_options *opt = crew_options(w->crew);

	w->stride = test_stride(w->out_size);
	if (memory_create(opt, w->flows * w->slots * w->stride, &w->buffer))
		return worker_fail(w, "cannot create the buffer to send from: %s", devmem_error());
	if (memory_bind_tx(opt, w->buffer, &w->tx))
		return worker_fail(w, "cannot send from device memory: %s", devmem_error());
	return flow_fill(w);
}

static int open_timer(struct worker *w)
{
	if (!w->test->rate || (w->part != PART_SENDS && w->part != PART_ASKS))
		return 0;
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->timer < 0)
		return worker_fail(w, "cannot use a timer: %s", strerror(errno));
	return devmem_watch(w->ring, w->timer, TIMER)
		       ? worker_fail(w, "cannot use a timer: %s", devmem_error())
		       : 0;
}

static int open_ring(struct worker *w)
{
	const struct perf_options *opt = crew_options(w->crew);
	const char *engine = memory_ring_engine(opt, w->lane->binding);

	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = engine,
					 .busy_poll_us = opt->busy_poll_us,
					 .coalesce_us = opt->coalesce_us),
			     &w->ring))
		return worker_fail(w, "cannot open a ring: %s", devmem_error());
	for (unsigned int i = 0; i < w->flows; i++)
		if (flow_open(w, &w->flow[i]))
			return -1;
	return open_timer(w);
}

static int open_all(struct worker *w)
{
	int err = w->cpu >= 0 ? pin_thread(w->cpu) : 0;

	if (err)
		return worker_fail(w, "cannot use processor %d: %s", w->cpu, strerror(-err));
	w->piece = malloc(CREW_PIECE);
	if (!w->piece)
		return worker_fail(w, "no memory");
	if (w->part != PART_LISTENS && open_tx(w))
		return -1;
	return open_ring(w);
}

/* Aborts connections that are not over, so that the other end notices, and nobody uses the memory
 * any more. */
static void close_all(struct worker *w)
{
	struct devmem_ring *ring;

	pthread_mutex_lock(&w->lock); /* nobody may wake the ring any more */
	ring = w->ring;
	w->ring = NULL;
	pthread_mutex_unlock(&w->lock);
	pthread_mutex_lock(&w->lane->lock);
	for (unsigned int i = 0; i < w->flows; i++) {
		struct flow *f = &w->flow[i];

		if (f->sock && !(f->shut && f->ended))
			devmem_abort(f->sock);
		if (f->sock)
			devmem_detach(f->sock);
	}
	devmem_ring_close(ring);
	pthread_mutex_unlock(&w->lane->lock);
	for (unsigned int i = 0; i < w->flows; i++)
		close(w->flow[i].fd);
	if (w->timer >= 0)
		close(w->timer);
	free(w->piece);
}

void *worker_main(void *worker)
{
	struct worker *w = worker;
	int err = open_all(w);

	crew_step(w->crew, CREW_READY);
	if (!err)
		work(w);
	if (!w->begin.at)
		crew_step(w->crew, CREW_BEGUN); /* so that nobody waits for it */
	close_all(w);
	crew_leave(w->crew, w->why[0], w->broken);
	return NULL;
}
