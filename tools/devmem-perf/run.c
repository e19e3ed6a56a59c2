// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "live.h"
#include "run.h"
#include "stop.h"

#define LAST_WORDS_MS 3000 /* time for the other end to say why it broke off a connection */

static int fail(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Keeps the first reason only. */
static int fail(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (r->why[0])
		return -1;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return -1;
}

static const char *other(const struct run *r)
{
	return r->which == TEST_CLIENT ? "server" : "client";
}

/* -------------------------------------------------------------------------------- the other end */

static int reason(struct run *r, struct lines *l)
{
	const char *key, *value, *why = "it gives no reason";

	while (message_next(l, &key, &value))
		if (!strcmp(key, "why"))
			why = value;
	return fail(r, "the %s: %s", other(r), why);
}

static int gone(struct run *r, int err)
{
	return err == -EINTR ? fail(r, "stopped by a signal")
			     : fail(r, "the %s has gone: %s", other(r), control_why(err));
}

/* Handles a message that may come at any time: figures, or a failure. */
static int take(struct run *r, struct lines *l)
{
	if (!strcmp(l->kind, "failed") || !strcmp(l->kind, "refused"))
		return reason(r, l);
	if (strcmp(l->kind, "result") || !r->peer)
		return fail(r, "the %s sent \"%s\", which was not expected", other(r), l->kind);
	r->have_peer = result_parse(r->peer, l);
	return r->have_peer ? 0 : fail(r, "the figures of the %s are damaged", other(r));
}

int run_await(struct run *r, const char *kind, struct lines *l, int timeout_ms)
{
	int got = control_await(r->control, l, timeout_ms);

	if (got < 0)
		return gone(r, got);
	if (strcmp(l->kind, kind) || !strcmp(kind, "result"))
		return take(r, l);
	return 0;
}

int run_say(struct run *r, const char *kind)
{
	struct message m = { 0 };
	int err;

	message_begin(&m, kind);
	err = control_send(r->control, &m);
	return err ? gone(r, err) : 0;
}

/* ------------------------------------------------------------------------- the time of the test */

void run_bytes(struct run *r)
{
	if (r->test->bytes)
		crew_measure(r->crew, clock_now(), CLOCK_NEVER, true);
}

void run_turn_away(struct run *r)
{
	lobby_turn_away(r->lobby, "a test is under way: try again when it is over");
}

/* The server's deadline for the test. A test of a number of bytes ends when they have arrived. */
static uint64_t deadline(const struct run *r, uint64_t from)
{
	const uint64_t planned = r->test->bytes ? r->limit : r->test->time_ms * CLOCK_MS;

	return r->limit ? from + planned + r->grace : CLOCK_NEVER;
}

void run_go(struct run *r)
{
	const uint64_t from = clock_now() + r->test->warmup_ms * CLOCK_MS;

	r->control->until = deadline(r, from);
	if (!r->test->bytes)
		crew_measure(r->crew, from, from + r->test->time_ms * CLOCK_MS, false);
	crew_go(r->crew);
}

static void look_at_pools(struct run *r)
{
	const struct pagepool_state now = memory_pools(r->crew->memory);
	struct side *s = &r->own->side;

	s->pools = now.pools;
	if (now.bytes >= s->pool_bytes) {
		s->pool_bytes = now.bytes;
		s->pool_pages = now.pages;
	}
}

static void end_interval(struct run *r, bool keep)
{
	struct point p;

	crew_interval(r->crew, &p);
	if (!keep)
		return; /* this was the warm-up */
	look_at_pools(r);
	if (result_add_point(r->own, &p) && r->opt->progress)
		live_line(&p, r->own->points > 1 ? &r->own->point[r->own->points - 2] : NULL);
}

/* The end of interval @n; 0: the warm-up. */
static uint64_t end_of(const struct run *r, uint64_t n)
{
	const uint64_t end = r->crew->measure + n * r->test->interval_ms * CLOCK_MS;

	return end < r->crew->until ? end : r->crew->until;
}

/* Handles what poll() has found: events of threads, the other end, other clients. */
static int listen_to(struct run *r, const struct pollfd *fds)
{
	struct lines l;
	uint64_t count;
	int got;

	if (fds[0].revents && read(fds[0].fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return fail(r, "cannot wait: %s", strerror(errno));
	if (r->crew->failed)
		return -1;
	if (fds[2].revents)
		run_turn_away(r);
	if (!fds[1].revents)
		return 0;
	got = control_take(r->control, &l);
	return got < 0 ? gone(r, got) : got ? take(r, &l) : 0;
}

static int wait_until(struct run *r, uint64_t when)
{
	struct pollfd fds[3] = {
		{ .fd = r->crew->event, .events = POLLIN },
		{ .fd = r->have_peer ? -1 : r->control->fd, .events = POLLIN },
		{ .fd = r->lobby ? r->lobby->ready : -1, .events = POLLIN },
	};
	const uint64_t now = clock_now();
	const uint64_t ms = when > now ? (when - now + CLOCK_MS - 1) / CLOCK_MS : 0;

	if (stopped())
		return fail(r, "stopped by a signal");
	if (now >= r->control->until)
		return fail(r, "the %s did not end the test in the time that the server allows",
			    other(r));
	if (r->control->until < when)
		return wait_until(r, r->control->until);
	if (poll(fds, 3, ms < 60000 ? (int)ms : 60000) < 0)
		return errno == EINTR ? 0 : fail(r, "cannot wait: %s", strerror(errno));
	return listen_to(r, fds);
}

int run_all(struct run *r)
{
	uint64_t n = r->test->bytes ? 1 : 0, end = end_of(r, n), reported = 0;
	int err = 0;

	while (!err && !crew_is_done(r->crew)) {
		err = wait_until(r, reported == r->crew->until ? CLOCK_NEVER : end);
		if (err || clock_now() < end || reported == r->crew->until)
			continue;
		end_interval(r, n++);
		reported = end;
		end = end_of(r, n);
	}
	if (!err && reported != r->crew->until && n)
		end_interval(r, true); /* the last interval, which was not whole */
	if (err)
		crew_stop(r->crew);
	return err;
}

void run_last_words(struct run *r)
{
	struct lines l;
	int got;

	if (r->why[0] || r->have_peer || stopped())
		return;
	got = control_await(r->control, &l, LAST_WORDS_MS);
	if (got == 1 && (!strcmp(l.kind, "failed") || !strcmp(l.kind, "refused")))
		reason(r, &l);
	else if (got < 0 && got != -ETIMEDOUT)
		gone(r, got);
}

int run_finish(struct run *r, int err)
{
	if (err)
		crew_stop(r->crew);
	if (crew_close(r->crew, r->own))
		err = -1;
	if (r->crew->broken)
		run_last_words(r);
	return err ? fail(r, "%s", r->crew->why) : 0;
}
