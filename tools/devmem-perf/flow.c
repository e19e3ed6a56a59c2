// SPDX-License-Identifier: MIT
/*
 * One connection. The buffer that is sent from is a ring of slots. A slot holds one message and
 * belongs to the kernel from devmem_send() until its SENT event. --depth says how many sends may be
 * under way.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>

#include "../../examples/pattern.h"
#include "clock.h"
#include "crew.h"
#include "worker.h"

#define PIECE CREW_PIECE

/* ---------------------------------------------------------------------------------------- times */

static double between(const struct worker *w)
{
	return (double)CLOCK_SECOND / (double)w->test->rate;
}

/* Connections take turns, so that messages are spread evenly over time. */
uint64_t flow_due(const struct worker *w, const struct flow *f, uint64_t n)
{
	if (!w->test->rate)
		return 0;
	return crew_started(w->crew) +
	       (uint64_t)(((double)n * (double)w->test->connections + (double)f->index) *
			  between(w));
}

uint64_t flow_unsent(const struct worker *w, const struct flow *f, uint64_t end)
{
	const double each = between(w) * (double)w->test->connections;
	const uint64_t first = flow_due(w, f, 0);
	uint64_t due;

	if (!w->test->rate || (w->part != PART_SENDS && w->part != PART_ASKS) || end <= first)
		return 0;
	due = (uint64_t)ceil((double)(end - first) / each);
	return due > f->sends ? due - f->sends : 0;
}

/* Records every message that began in the measured time, whenever it ends. Otherwise the slow ones
 * would be left out. */
static void record(struct worker *w, uint64_t start, uint64_t now)
{
	if (crew_measures(w->crew, start))
		hdr_record(w->times, now - start);
}

/* -------------------------------------------------------------------------------------- sending */

static uint64_t slot_of(const struct worker *w, const struct flow *f, uint64_t n)
{
	return ((uint64_t)(f - w->flow) * w->slots + n % w->slots) * w->stride;
}

static int write_pattern(struct worker *w, uint64_t offset, uint64_t position, uint64_t bytes)
{
	const unsigned char *p;
	size_t n;

	for (uint64_t done = 0; done < bytes; done += n) {
		p = pattern_at(position + done, bytes - done, &n);
		if (devmem_buffer_write(w->buffer, offset + done, p, n))
			return worker_fail(w, "cannot write to the buffer that is sent from: %s",
					   devmem_error());
	}
	return 0;
}

int flow_fill(struct worker *w)
{
	return w->test->verify ? 0 : write_pattern(w, 0, 0, devmem_buffer_size(w->buffer));
}

/* Writes message @n, with one wrong byte if --corrupt asks for it. */
static int write_message(struct worker *w, const struct flow *f, uint64_t n)
{
	const uint64_t position = n * w->out_size, offset = slot_of(w, f, n),
		       wrong = w->test->corrupt;
	unsigned char byte;
	size_t one;

	if (write_pattern(w, offset, position, w->out_size))
		return -1;
	if (wrong < position || wrong - position >= w->out_size)
		return 0;
	byte = *pattern_at(wrong, 1, &one) ^ 0xff;
	return devmem_buffer_write(w->buffer, offset + (wrong - position), &byte, 1)
		       ? worker_fail(w, "cannot write to the buffer that is sent from: %s",
				     devmem_error())
		       : 0;
}

static bool may_send(const struct worker *w, const struct flow *f)
{
	if (f->refused || f->shut || f->failure || f->sends - f->completed >= w->slots)
		return false;
	if (w->part == PART_ANSWERS)
		return f->sends < f->received / w->in_size;
	if (w->part == PART_LISTENS || !w->going || w->enough || f->sends >= f->limit)
		return false;
	return w->part != PART_ASKS || f->sends - f->answered < w->test->depth;
}

uint64_t flow_next(const struct worker *w, const struct flow *f)
{
	return may_send(w, f) ? flow_due(w, f, f->sends) : CLOCK_NEVER;
}

/* Returns 0 if it was sent, 1 if it cannot be sent now. */
static int send_one(struct worker *w, struct flow *f, uint64_t due)
{
	const struct devmem_range range = { .offset = slot_of(w, f, f->sends),
					    .length = w->out_size };
	int err;

	if (w->test->verify && write_message(w, f, f->sends))
		return -1;
	f->start[f->sends % w->slots] = due ? due : clock_now();
	err = devmem_send(f->sock, w->tx, &range, 1, f->sends);
	f->refused = err == -EAGAIN;
	/* an event says when to go on, or why it failed */
	if (err == -EAGAIN || err == -ECANCELED)
		return 1;
	if (err == -EPIPE || err == -ECONNRESET)
		return worker_break(w, f, devmem_error());
	if (err)
		return worker_fail(w, "cannot send: %s", devmem_error());
	f->sends++;
	return 0;
}

/* True if there is nothing more to send and all sends are complete. */
static bool is_done(const struct worker *w, const struct flow *f)
{
	if (f->sends != f->completed)
		return false;
	switch (w->part) {
	case PART_LISTENS:
		return f->ended;
	case PART_ANSWERS:
		return f->ended && f->sends == f->received / w->in_size;
	case PART_ASKS:
		return f->answered == f->sends && (w->enough || f->sends >= f->limit);
	default:
		return w->enough || f->sends >= f->limit;
	}
}

static void end_if_done(struct worker *w, struct flow *f)
{
	if (f->shut || !is_done(w, f))
		return;
	shutdown(f->fd, SHUT_WR);
	f->shut = true;
	w->open -= f->ended;
}

int flow_push(struct worker *w, struct flow *f)
{
	uint64_t due;
	int err = 0;

	while (!err && may_send(w, f)) {
		due = w->part == PART_ANSWERS ? 0 : flow_due(w, f, f->sends);
		if (due && due > clock_now())
			break;
		err = send_one(w, f, due);
	}
	end_if_done(w, f);
	return err < 0 ? -1 : 0;
}

/* ------------------------------------------------------------------------------------ receiving */

static int verify_bytes(struct worker *w, const struct flow *f, uint64_t position,
			const unsigned char *p, size_t bytes)
{
	size_t n, one;

	if (pattern_matches(position, p, bytes))
		return 0;
	for (n = 0; pattern_matches(position + n, p + n, 1); n++)
		;
	return worker_fail(w,
			   "a wrong byte: byte %" PRIu64 " of connection "
			   "%" PRIu64 " is 0x%02x instead of 0x%02x",
			   position + n, f->index, p[n], *pattern_at(position + n, 1, &one));
}

static int read_bytes(struct worker *w, uint64_t offset, size_t bytes)
{
	int err;

	pthread_mutex_lock(&w->lane->lock);
	err = devmem_buffer_read(w->lane->buffer, offset, w->piece, bytes);
	pthread_mutex_unlock(&w->lane->lock);
	return err ? worker_fail(w, "cannot read the received bytes: %s", devmem_error()) : 0;
}

static int verify(struct worker *w, const struct flow *f, const struct devmem_event *ev)
{
	size_t n;

	if (ev->type == DEVMEM_EVENT_HOST)
		return verify_bytes(w, f, f->received,
				    (const unsigned char *)(uintptr_t)ev->address, ev->length);
	for (size_t done = 0; done < ev->length; done += n) {
		n = ev->length - done < PIECE ? ev->length - done : PIECE;
		if (read_bytes(w, ev->offset + done, n) ||
		    verify_bytes(w, f, f->received + done, w->piece, n))
			return -1;
	}
	return 0;
}

static int take_bytes(struct worker *w, struct flow *f, const struct devmem_event *ev, uint64_t now)
{
	const uint64_t before = f->received / w->in_size;

	if (ev->type == DEVMEM_EVENT_DATA &&
	    (!w->lane->buffer || ev->buffer != devmem_buffer_id(w->lane->buffer)))
		return worker_fail(w, "bytes arrived in another program's device memory, through "
				      "its queue: see \"devmemctl show\" for the rule that steers "
				      "them there");
	if (w->test->verify && verify(w, f, ev))
		return -1;
	f->received += ev->length;
	w->tally.bytes_in += ev->length;
	w->tally.messages_in += f->received / w->in_size - before;
	for (; w->part == PART_ASKS && f->answered < f->received / w->in_size; f->answered++)
		record(w, f->start[f->answered % w->slots], now);
	if (w->part == PART_ASKS && f->answered > f->sends)
		return worker_fail(w, "more responses came than requests were sent");
	return 0;
}

/* Waits for the connection's ERROR event, which has a better reason than the send's errno. If only
 * the send failed, the event reports our own abort. */
static int await_reason(struct worker *w, struct flow *f, int failure)
{
	if (f->ended)
		return worker_break(w, f, strerror(-failure));
	if (!f->failure)
		devmem_abort(f->sock);
	f->failure = f->failure ? f->failure : failure;
	return 0;
}

static int broke(struct worker *w, const struct flow *f, int result)
{
	return worker_break(w, f,
			    f->failure && result == -ECONNABORTED ? strerror(-f->failure)
								  : devmem_error());
}

static int sent(struct worker *w, struct flow *f, const struct devmem_event *ev, uint64_t now)
{
	if (ev->result < 0)
		return await_reason(w, f, ev->result);
	if (w->part == PART_SENDS)
		record(w, f->start[f->completed % w->slots], now);
	f->completed++;
	w->tally.bytes_out += (uint32_t)ev->result;
	w->tally.messages_out++;
	return 0;
}

/* Handles the end of the peer's stream. With --direction both, one end is first, which is no
 * failure. */
static int ended(struct worker *w, struct flow *f)
{
	f->ended = true;
	if (f->failure)
		return worker_break(w, f, strerror(-f->failure));
	if (!f->shut &&
	    (w->part == PART_ASKS || (w->part == PART_SENDS && w->test->direction != TEST_BOTH)))
		return worker_break(w, f, "the other end closed it before the test was over");
	w->open -= f->shut;
	return 0;
}

int flow_event(struct worker *w, struct flow *f, const struct devmem_event *ev, uint64_t now)
{
	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
	case DEVMEM_EVENT_HOST:
		return take_bytes(w, f, ev, now);
	case DEVMEM_EVENT_SENT:
		return sent(w, f, ev, now);
	case DEVMEM_EVENT_SENDABLE:
		f->refused = false;
		return 0;
	case DEVMEM_EVENT_END:
		return ended(w, f);
	case DEVMEM_EVENT_ERROR:
		return broke(w, f, ev->result);
	case DEVMEM_EVENT_MISPLACED:
		snprintf(w->warning, sizeof(w->warning), "%s", devmem_error());
		return 0;
	default:
		return 0;
	}
}

int flow_open(struct worker *w, struct flow *f)
{
	const struct perf_options *opt = crew_options(w->crew);
	int err;

	pthread_mutex_lock(&w->lane->lock);
	err = devmem_attach(w->ring, f->fd, w->lane->binding, (uintptr_t)f,
			    DEVMEM_OPTS(devmem_attach_opts, .lowat = opt->lowat,
					.max_sends = (uint32_t)w->slots),
			    &f->sock);
	pthread_mutex_unlock(&w->lane->lock);
	return err ? worker_fail(w, "cannot use a connection: %s", devmem_error()) : 0;
}
