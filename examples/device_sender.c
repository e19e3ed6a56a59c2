// SPDX-License-Identifier: MIT
/*
 * Each connection has some slots of the buffer. A slot is written and sent, and is written again
 * when the SENT event says that its bytes are no longer needed. What comes back is received into
 * host memory: every way to send goes with every way to receive.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <devmem/devmem.h>

#include "device_sender.h"
#include "pattern.h"
#include "sockets.h"

#define SLOT   (128u << 10) /* bytes per send */
#define SLOTS  256u	    /* for all connections together, but at least two for each */
#define EVENTS 256
#define MIB    1048576.0

struct flow {
	int fd;
	struct devmem_sock *sock;
	uint64_t queued, returned; /* bytes */
	/* totals: sends complete in order, so a send's number identifies its slot */
	uint64_t sends, back;
	bool refused, over;
	int failure; /* a send's errno, until the connection's own error is known; or 0 */
};

struct sender {
	const struct device_job *job;
	struct devmem_buffer *buffer;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	struct flow *flow;
	uint32_t slots; /* per connection */
	unsigned int open, failed;
};

static int failed(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
	return -1;
}

/* ------------------------------------------------------------------------------- one connection */

static void close_flow(struct sender *s, struct flow *f)
{
	f->over = true;
	s->open--;
	devmem_detach(f->sock);
	close(f->fd);
}

/* Gives up a connection and what it has under way. */
static void give_up(struct sender *s, struct flow *f, const char *what, const char *why)
{
	failed(what, why);
	s->failed++;
	devmem_abort(f->sock);
	close_flow(s, f);
}

/* Writes @bytes of the stream, from @position on, to @offset in the buffer. */
static int write_bytes(const struct sender *s, uint64_t offset, uint64_t position, size_t bytes)
{
	const uint64_t wrong = s->job->corrupt ? s->job->bytes / 2 : UINT64_MAX;
	const unsigned char *p;
	size_t n;
	int err = 0;

	for (size_t done = 0; done < bytes && !err; done += n) {
		p = pattern_at(position + done, bytes - done, &n);
		err = devmem_buffer_write(s->buffer, offset + done, p, n);
	}
	if (err || wrong < position || wrong - position >= bytes)
		return err;
	p = pattern_at(wrong, 1, &n);
	return devmem_buffer_write(s->buffer, offset + (wrong - position),
				   &(unsigned char){ *p ^ 0xff }, 1);
}

/* Sends the next slot. */
static int send_slot(struct sender *s, struct flow *f)
{
	const uint64_t left = s->job->bytes - f->queued,
		       slot = (uint64_t)(f - s->flow) * s->slots + f->sends % s->slots;
	const struct devmem_range range = { .offset = slot * SLOT,
					    .length = left < SLOT ? left : SLOT };
	int err = write_bytes(s, range.offset, f->queued, range.length);

	if (!err)
		err = devmem_send(f->sock, s->binding, &range, 1, f->sends);
	if (err)
		return err;
	f->queued += range.length;
	f->sends++;
	return 0;
}

/* Sends as much as there are free slots for. */
static void send_some(struct sender *s, struct flow *f)
{
	int err = 0;

	while (!f->over && !f->refused && !f->failure && f->queued < s->job->bytes &&
	       f->sends - f->back < s->slots && !err)
		err = send_slot(s, f);
	if (err == -EAGAIN)
		f->refused = true; /* until the SENDABLE event */
	/* with -ECANCELED the connection's ERROR event says more */
	else if (err && err != -ECANCELED)
		give_up(s, f, "sending from device memory", devmem_error());
}

/* Waits for the connection's ERROR event, which has a better reason than the send's errno. If only
 * the send failed, the event reports our own abort. */
static void await_reason(struct flow *f, int failure)
{
	if (!f->failure)
		devmem_abort(f->sock);
	f->failure = f->failure ? f->failure : failure;
}

static void broke(struct sender *s, struct flow *f, int result)
{
	if (f->failure && result == -ECONNABORTED)
		give_up(s, f, "sending from device memory", strerror(-f->failure));
	else
		give_up(s, f, "a connection broke", devmem_error());
}

static void sent(struct sender *s, struct flow *f, int result)
{
	f->back++;
	if (result < 0)
		await_reason(f, result);
	else if (f->queued == s->job->bytes && f->back == f->sends)
		shutdown(f->fd, SHUT_WR);
	else
		send_some(s, f);
}

static void came_back(struct sender *s, struct flow *f, const struct devmem_event *ev)
{
	if (!s->job->echo)
		give_up(s, f, "what is sent", "something came back");
	else if (!pattern_matches(f->returned, (const void *)(uintptr_t)ev->address, ev->length))
		give_up(s, f, "what came back", "it is not what was sent");
	f->returned += ev->length;
}

static void ended(struct sender *s, struct flow *f)
{
	if (f->failure)
		give_up(s, f, "sending from device memory", strerror(-f->failure));
	else if (f->queued < s->job->bytes || f->back < f->sends)
		give_up(s, f, "sending from device memory",
			"the receiver closed the connection before it had all");
	else if (s->job->echo && f->returned != s->job->bytes)
		give_up(s, f, "what came back", "it is less than what was sent, or more");
	else
		close_flow(s, f);
}

static void take_event(struct sender *s, const struct devmem_event *ev)
{
	struct flow *f = &s->flow[ev->user_data];

	if (ev->type == DEVMEM_EVENT_LINK || f->over)
		return;
	switch (ev->type) {
	case DEVMEM_EVENT_SENT:
		sent(s, f, ev->result);
		break;
	case DEVMEM_EVENT_SENDABLE:
		f->refused = false;
		send_some(s, f);
		break;
	case DEVMEM_EVENT_HOST:
		came_back(s, f, ev);
		break;
	case DEVMEM_EVENT_END:
		ended(s, f);
		break;
	case DEVMEM_EVENT_ERROR:
		broke(s, f, ev->result);
		break;
	case DEVMEM_EVENT_MISPLACED:
		failed("warning", devmem_error());
		break;
	}
}

/* ------------------------------------------------------------------------------ all connections */

static int open_flow(struct sender *s, unsigned int i)
{
	struct flow *f = &s->flow[i];

	f->fd = connect_to(s->job->to, s->job->wait ? PATIENCE : 0);
	if (f->fd < 0)
		return failed("cannot connect", strerror(errno));
	if (devmem_attach(s->ring, f->fd, NULL, i, NULL, &f->sock)) {
		close(f->fd);
		return failed("attach", devmem_error());
	}
	s->open++;
	return 0;
}

static int open_sender(struct sender *s)
{
	const struct device_job *job = s->job;
	const bool by_calls = job->engine && !strcmp(job->engine, "syscall");

	s->slots = job->connections < SLOTS / 2 ? SLOTS / job->connections : 2;
	s->flow = calloc(job->connections, sizeof(*s->flow));
	if (!s->flow)
		return failed("connections", strerror(ENOMEM));
	if (devmem_buffer_create(NULL, (size_t)job->connections * s->slots * SLOT, NULL,
				 &s->buffer))
		return failed("buffer", devmem_error());
	if (devmem_bind_tx(job->interface, s->buffer,
			   DEVMEM_OPTS(devmem_bind_tx_opts, .engine = job->engine), &s->binding))
		return failed("bind", devmem_error());
	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = by_calls ? "syscall" : NULL),
			     &s->ring))
		return failed("ring", devmem_error());
	for (unsigned int i = 0; i < job->connections; i++)
		if (open_flow(s, i))
			return -1;
	return 0;
}

static int serve(struct sender *s)
{
	struct devmem_event ev[EVENTS];
	int n;

	for (unsigned int i = 0; i < s->job->connections; i++)
		send_some(s, &s->flow[i]);
	while (s->open) {
		n = devmem_wait(s->ring, ev, EVENTS, -1);
		if (n == -EINTR || n == -ENOMEM) /* for example SIGCONT; nothing is lost */
			continue;
		if (n < 0)
			return failed("wait", devmem_error());
		for (int i = 0; i < n; i++)
			take_event(s, &ev[i]);
		if (devmem_release(s->ring, ev, (unsigned int)n))
			return failed("release", devmem_error());
	}
	return 0;
}

static void tell(const struct sender *s)
{
	struct devmem_stats st = { .size = sizeof(st) };
	const char *reason, *engine = devmem_binding_engine(s->binding, &reason);

	devmem_ring_stats(s->ring, &st);
	fprintf(stderr,
		"%s: %.1f MiB sent from device memory, %.1f MiB copied on their way; engine %s: "
		"%s\n",
		program_invocation_short_name, (double)st.bytes_sent / MIB,
		(double)st.bytes_sent_copied / MIB, engine, reason);
}

unsigned int device_send(const struct device_job *job)
{
	struct sender s = { .job = job };

	if (open_sender(&s) || serve(&s))
		s.failed += s.open ? s.open : 1;
	if (s.ring)
		tell(&s);
	devmem_ring_close(s.ring);
	devmem_binding_close(s.binding);
	devmem_buffer_close(s.buffer);
	free(s.flow);
	return s.failed;
}
