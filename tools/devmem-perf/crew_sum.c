// SPDX-License-Identifier: MIT
/* Sums up the threads' counters to one end's figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "clock.h"
#include "crew.h"

static void add_worker(const struct crew *c, const struct worker *w, struct result *r)
{
	const struct snapshot *a = &w->begin, *b = &w->end;
	struct side *s = &r->side;
	struct thread_share *share = &r->thread[w->number];

	s->total_received += w->tally.bytes_in;
	s->total_sent += w->tally.bytes_out;
	share->cpu = w->cpu < 0 ? CPU_ANY : (uint64_t)w->cpu;
	if (w->warning[0])
		snprintf(s->warning, sizeof(s->warning), "%s", w->warning);
	if (!a->at || !b->at)
		return;
	share->user_us = b->user_us - a->user_us;
	share->system_us = b->system_us - a->system_us;
	share->bytes_received = b->tally.bytes_in - a->tally.bytes_in;
	share->bytes_sent = b->tally.bytes_out - a->tally.bytes_out;
	s->user_us += share->user_us;
	s->system_us += share->system_us;
	s->bytes_received += share->bytes_received;
	s->bytes_sent += share->bytes_sent;
	s->messages_received += b->tally.messages_in - a->tally.messages_in;
	s->messages_sent += b->tally.messages_out - a->tally.messages_out;
	s->unsent += w->unsent;
	s->retransmits += w->retransmits;
	s->copied_connections += w->copied_connections;
	s->rtt_us += w->rtt_us / c->test->connections;
	result_add_stats(s, &a->stats, &b->stats);
}

/* The time from when the first thread began until the last one ended. */
static uint64_t measured(const struct crew *c)
{
	uint64_t first = CLOCK_NEVER, last = 0;

	for (unsigned int i = 0; i < c->workers; i++) {
		const struct worker *w = &c->worker[i];

		if (!w->begin.at || !w->end.at)
			return 0;
		first = w->begin.at < first ? w->begin.at : first;
		last = w->end.at > last ? w->end.at : last;
	}
	return last > first ? last - first : 0;
}

static void describe(const struct crew *c, struct side *s)
{
	const struct worker *w = &c->worker[0];
	struct utsname kernel = { 0 };
	const char *reason;

	uname(&kernel);
	snprintf(s->kernel, sizeof(s->kernel), "%s", kernel.release);
	snprintf(s->interface, sizeof(s->interface), "%s",
		 c->opt->interface ? c->opt->interface : "");
	if (test_receives(c->test, c->which) && w->end.at) {
		snprintf(s->engine, sizeof(s->engine), "%s", w->engine);
		snprintf(s->engine_reason, sizeof(s->engine_reason), "%s", w->engine_reason);
	}
	if (w->tx) {
		snprintf(s->tx_engine, sizeof(s->tx_engine), "%s",
			 devmem_binding_engine(w->tx, &reason));
		snprintf(s->tx_engine_reason, sizeof(s->tx_engine_reason), "%s", reason);
	}
	if (w->lane->buffer || w->buffer)
		snprintf(s->backend, sizeof(s->backend), "%s",
			 devmem_buffer_backend(w->lane->buffer ? w->lane->buffer : w->buffer,
					       NULL));
	for (unsigned int i = 0; i < c->memory->lanes && w->lane->binding; i++) {
		s->page_size = devmem_binding_page_size(c->memory->lane[i].binding, NULL);
		s->queues += devmem_binding_queues(c->memory->lane[i].binding, NULL, 0);
	}
}

int crew_sum(const struct crew *c, struct result *r)
{
	r->thread = calloc(c->workers, sizeof(*r->thread));
	if (!r->thread)
		return -1;
	r->threads = c->workers;
	result_take_latency(&r->latency, c->all);
	describe(c, &r->side);
	r->side.nanoseconds = measured(c);
	for (unsigned int i = 0; i < c->workers; i++)
		add_worker(c, &c->worker[i], r);
	return 0;
}
