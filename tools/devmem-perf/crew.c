// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "crew.h"

/* ------------------------------------------------------------------------------ for the threads */

const struct perf_options *crew_options(const struct crew *c)
{
	return c->opt;
}

uint64_t crew_started(const struct crew *c)
{
	return c->started;
}

bool crew_measures(const struct crew *c, uint64_t when)
{
	return when >= c->measure && when < c->until;
}

void crew_step(struct crew *c, enum crew_step step)
{
	pthread_mutex_lock(&c->lock);
	if (step == CREW_READY)
		c->ready++;
	else
		c->begun++;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

void crew_leave(struct crew *c, bool failed, bool broken)
{
	const uint64_t one = 1;

	if (broken)
		c->broken = true;
	if (failed)
		c->failed = true;
	c->done++;
	if (write(c->event, &one, sizeof(one)) < 0)
		abort(); /* an eventfd counts to almost 2^64 */
}

/* Waits until all threads have reached this step. */
static void await(struct crew *c, const unsigned int *count)
{
	pthread_mutex_lock(&c->lock);
	while (*count < c->workers)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

/* ----------------------------------------------------------------------------------------- open */

static enum part part_of(const struct test *t, enum test_end which)
{
	if (t->mode == TEST_RR)
		return which == TEST_CLIENT ? PART_ASKS : PART_ANSWERS;
	return test_sends(t, which) ? PART_SENDS : PART_LISTENS;
}

static int fail(struct crew *c, const char *why)
{
	if (!c->why[0])
		snprintf(c->why, sizeof(c->why), "%s", why);
	return -1;
}

/* A worker's flows are those whose number, modulo the number of threads, is the worker's. */
static int make_flows(struct crew *c, struct worker *w, const int *fd)
{
	const uint64_t n = c->test->connections, each = c->workers;

	w->flows = (unsigned int)((n - w->number + each - 1) / each);
	w->flow = calloc(w->flows, sizeof(*w->flow));
	if (!w->flow) {
		w->flows = 0;
		return fail(c, "no memory");
	}
	w->open = w->flows;
	for (unsigned int i = 0; i < w->flows; i++) {
		struct flow *f = &w->flow[i];

		f->index = w->number + i * each;
		f->fd = fd[f->index];
		f->limit = test_limit(c->test, f->index);
		f->start = calloc(w->slots, sizeof(*f->start));
		if (!f->start)
			return fail(c, "no memory");
	}
	return 0;
}

static int make_worker(struct crew *c, struct worker *w, unsigned int number, const int *fd)
{
	*w = (struct worker){ .crew = c,
			      .test = c->test,
			      .part = part_of(c->test, c->which),
			      .number = number,
			      .timer = -1,
			      .in_size = test_size(c->test, c->which == TEST_CLIENT ? TEST_SERVER
										    : TEST_CLIENT),
			      .out_size = test_size(c->test, c->which),
			      .lane = memory_lane(c->memory, number),
			      .cpu = c->pin.n ? c->pin.cpu[number % c->pin.n] : -1,
			      .slots = test_slots(c->test) };
	pthread_mutex_init(&w->lock, NULL);
	w->times = calloc(1, sizeof(*w->times));
	if (!w->times)
		fail(c, "no memory");
	return make_flows(c, w, fd) || !w->times ? -1 : 0;
}

/* Starts the threads with all signals blocked: only the main thread handles them. */
static int start(struct crew *c)
{
	sigset_t all, before;
	unsigned int started = 0;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (!err && started < c->workers) {
		err = pthread_create(&c->worker[started].thread, NULL, worker_main,
				     &c->worker[started]);
		started += !err;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		return 0;
	for (unsigned int i = started; i < c->workers; i++)
		for (unsigned int k = 0; k < c->worker[i].flows; k++)
			close(c->worker[i].flow[k].fd);
	c->workers = started; /* crew_close() waits for these */
	return fail(c, "cannot start a thread");
}

static int find_processors(struct crew *c)
{
	const char *why;

	c->pin.n = 0;
	if (!c->opt->pin)
		return 0;
	if (strcmp(c->opt->pin, "nic"))
		return pin_parse(&c->pin, c->opt->pin) ? 0 : fail(c, "--pin: no processors");
	return pin_near(&c->pin, "", c->opt->interface, &why) ? 0 : fail(c, why);
}

static int prepare(struct crew *c, const int *fd)
{
	int err = find_processors(c);

	c->worker = calloc(c->workers, sizeof(*c->worker));
	c->spare = calloc(1, sizeof(*c->spare));
	c->interval = calloc(1, sizeof(*c->interval));
	c->all = calloc(1, sizeof(*c->all));
	if (!c->worker || !c->spare || !c->interval || !c->all || c->event < 0)
		err = fail(c, "no memory");
	for (unsigned int i = 0; i < c->workers && !err; i++)
		err = make_worker(c, &c->worker[i], i, fd);
	return err;
}

int crew_open(struct crew *c, const struct perf_options *opt, const struct test *test,
	      enum test_end which, struct memory *memory, const int *fd)
{
	int err;

	*c = (struct crew){ .opt = opt,
			    .test = test,
			    .memory = memory,
			    .which = which,
			    .workers = (unsigned int)test->threads,
			    .started = CLOCK_NEVER,
			    .measure = CLOCK_NEVER,
			    .until = CLOCK_NEVER };
	c->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	err = prepare(c, fd);
	if (err) {
		for (uint64_t i = 0; i < test->connections; i++)
			close(fd[i]);
		c->workers = 0;
		return -1;
	}
	err = start(c);
	await(c, &c->ready);
	for (unsigned int i = 0; i < c->workers && !err; i++)
		if (c->worker[i].why[0])
			err = fail(c, c->worker[i].why);
	return err;
}

/* ------------------------------------------------------------------------- the time of the test */

static void wake(struct crew *c)
{
	for (unsigned int i = 0; i < c->workers; i++) {
		pthread_mutex_lock(&c->worker[i].lock);
		if (c->worker[i].ring)
			devmem_wake(c->worker[i].ring);
		pthread_mutex_unlock(&c->worker[i].lock);
	}
}

void crew_measure(struct crew *c, uint64_t from, uint64_t until, bool wait)
{
	c->until = until;
	c->measure = from;
	wake(c);
	if (wait)
		await(c, &c->begun);
}

void crew_go(struct crew *c)
{
	c->started = clock_now();
	wake(c);
}

void crew_stop(struct crew *c)
{
	c->stop = true;
	wake(c);
}

bool crew_is_done(const struct crew *c)
{
	return c->done >= c->workers;
}

/* Takes a thread's histogram and gives it an empty one, so that the merging does not hold up the
 * thread. */
static void merge_times(struct crew *c, struct worker *w, struct tally *sum)
{
	struct hdr *full;

	pthread_mutex_lock(&w->lock);
	full = w->times;
	w->times = c->spare;
	sum->bytes_in += w->tally.bytes_in;
	sum->bytes_out += w->tally.bytes_out;
	sum->messages_in += w->tally.messages_in;
	sum->messages_out += w->tally.messages_out;
	pthread_mutex_unlock(&w->lock);
	hdr_merge(c->interval, full);
	hdr_reset(full);
	c->spare = full;
}

void crew_interval(struct crew *c, struct point *p)
{
	struct tally sum = { 0 };

	hdr_reset(c->interval);
	for (unsigned int i = 0; i < c->workers; i++)
		merge_times(c, &c->worker[i], &sum);
	hdr_merge(c->all, c->interval);
	*p = (struct point){
		.end_us = (clock_now() - c->measure) / CLOCK_US,
		.bytes_received = sum.bytes_in - c->reported.bytes_in,
		.bytes_sent = sum.bytes_out - c->reported.bytes_out,
		.messages = test_receives(c->test, c->which)
				    ? sum.messages_in - c->reported.messages_in
				    : sum.messages_out - c->reported.messages_out,
		.count = c->interval->count,
		.p50 = hdr_percentile(c->interval, 50),
		.p99 = hdr_percentile(c->interval, 99),
	};
	c->reported = sum;
}

/* ---------------------------------------------------------------------------------------- close */

static void free_worker(struct worker *w)
{
	for (unsigned int i = 0; w->flow && i < w->flows; i++)
		free(w->flow[i].start);
	free(w->flow);
	free(w->times);
	devmem_binding_close(w->tx);
	devmem_buffer_close(w->buffer);
	pthread_mutex_destroy(&w->lock);
}

int crew_close(struct crew *c, struct result *r)
{
	struct point last;

	for (unsigned int i = 0; i < c->workers; i++)
		pthread_join(c->worker[i].thread, NULL);
	for (unsigned int i = 0; i < c->workers; i++)
		if (c->worker[i].why[0])
			fail(c, c->worker[i].why);
	if (c->stop)
		fail(c, "the test was stopped");
	if (c->workers) {
		crew_interval(c, &last); /* what completed after the measured time */
		if (crew_sum(c, r))
			fail(c, "no memory");
	}
	for (unsigned int i = 0; c->worker && i < c->test->threads; i++)
		free_worker(&c->worker[i]);
	free(c->worker);
	free(c->spare);
	free(c->interval);
	free(c->all);
	if (c->event >= 0)
		close(c->event);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	return c->why[0] ? -1 : 0;
}
