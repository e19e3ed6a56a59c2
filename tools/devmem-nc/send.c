// SPDX-License-Identifier: MIT
/*
 * Sends standard input from device memory. The buffer is a ring of slots. A slot holds the bytes of
 * one read and belongs to the kernel from devmem_send() until its SENT event. As many sends are
 * under way as there are slots, whereas ncdevmem waits after each line.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "queues.h"
#include "report.h"
#include "say.h"
#include "stop.h"
#include "trace.h"

#define EVENTS 256
#define SLOT   (128u << 10) /* bytes */
/* at most so many pieces per send (-z), as the kernel takes no more at a time */
#define CHUNKS 1024u
#define READS  16 /* reads between two checks for completions */

struct sender {
	const struct nc_options *opt;
	struct nc_report report;
	struct address to, from;
	struct devmem_buffer *buffer;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	struct devmem_sock *sock;
	int fd;
	uint32_t slots;
	/* totals: sends complete in order, so a send's number identifies its slot */
	uint64_t sends, completed;
	uint32_t ready;	   /* bytes in the next slot that are not sent yet */
	bool refused, end; /* @end: standard input has ended */
	bool peer_ended;
	int failure;	    /* a send's errno, until the connection's own error is known; or 0 */
	uint64_t discarded; /* bytes that the peer sent, which are discarded */
	unsigned char *piece;
	struct devmem_range range[CHUNKS];
};

/* -------------------------------------------------------------------------------------- sending */

static unsigned int make_ranges(struct sender *s, uint64_t offset)
{
	const uint32_t chunk = s->opt->chunk && s->opt->chunk < s->ready ? s->opt->chunk : s->ready;
	unsigned int n = 0;

	for (uint32_t at = 0; at < s->ready; at += chunk)
		s->range[n++] =
			(struct devmem_range){ .offset = offset + at,
					       .length = s->ready - at < chunk ? s->ready - at
									       : chunk };
	return n;
}

static int push(struct sender *s)
{
	const uint64_t offset = (uint64_t)(s->sends % s->slots) * SLOT;
	int err;

	if (!s->ready || s->refused || s->failure)
		return 0;
	err = devmem_send(s->sock, s->binding, s->range, make_ranges(s, offset), s->sends);
	s->refused = err == -EAGAIN;
	/* an event says when to go on, or why it failed */
	if (err == -EAGAIN || err == -ECANCELED)
		return 0;
	if (err)
		return failed_by_library("cannot send");
	nc_trace_send(s->opt, s->ready);
	s->ready = 0;
	s->sends++;
	if (s->sends - s->completed > s->report.most_sends)
		s->report.most_sends = s->sends - s->completed;
	return 0;
}

static bool has_room(const struct sender *s)
{
	return !s->end && !s->ready && s->sends - s->completed < s->slots;
}

static int read_some(struct sender *s)
{
	const uint32_t most =
		s->opt->chunk && s->opt->chunk < SLOT / CHUNKS ? s->opt->chunk * CHUNKS : SLOT;
	ssize_t n = read(STDIN_FILENO, s->piece, most);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN
			       ? 0
			       : failed("cannot read standard input: %s", strerror(errno));
	s->end = !n;
	if (!n)
		return 0;
	if (devmem_buffer_write(s->buffer, (uint64_t)(s->sends % s->slots) * SLOT, s->piece,
				(size_t)n))
		return failed_by_library("cannot write to the buffer");
	s->ready = (uint32_t)n;
	return push(s);
}

/* Reads what standard input has now. Returns the number of reads, or -1. */
static int feed(struct sender *s)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int n = 0;

	while (n < READS && has_room(s) && poll(&in, 1, 0) > 0) {
		if (read_some(s))
			return -1;
		n++;
	}
	return n;
}

/* ---------------------------------------------------------------------------------- completions */

static int failed_by_send(const struct sender *s)
{
	return failed("cannot send: %s", strerror(-s->failure));
}

/* Waits for the connection's ERROR event, which has a better reason than the send's errno. If only
 * the send failed, the event reports our own abort. */
static int await_reason(struct sender *s, int failure)
{
	if (!s->failure && !s->peer_ended)
		devmem_abort(s->sock);
	s->failure = s->failure ? s->failure : failure;
	return s->peer_ended ? failed_by_send(s) : 0;
}

static int broke(const struct sender *s, int result)
{
	if (s->failure && result == -ECONNABORTED)
		return failed_by_send(s);
	return failed("the connection broke: %s", devmem_error());
}

static int sent(struct sender *s, const struct devmem_event *ev)
{
	s->completed++;
	if (ev->result < 0)
		return await_reason(s, ev->result);
	if (ev->flags & DEVMEM_EVENT_F_COPIED && s->opt->no_copies)
		return failed("what was sent was copied on its way, and -L does not allow it");
	nc_trace_sent(s->opt, ev->cookie);
	return 0;
}

static int take_event(struct sender *s, const struct devmem_event *ev)
{
	switch (ev->type) {
	case DEVMEM_EVENT_SENT:
		return sent(s, ev);
	case DEVMEM_EVENT_SENDABLE:
		s->refused = false;
		return push(s);
	case DEVMEM_EVENT_HOST:
		s->discarded += ev->length;
		return 0;
	case DEVMEM_EVENT_END:
		s->peer_ended = true;
		return s->failure ? failed_by_send(s) : 0;
	case DEVMEM_EVENT_ERROR:
		return broke(s, ev->result);
	case DEVMEM_EVENT_MISPLACED:
		say("warning: %s", devmem_error());
		return 0;
	default:
		return 0;
	}
}

static int take_events(struct sender *s)
{
	struct devmem_event ev[EVENTS];
	int err = 0, n = devmem_wait(s->ring, ev, EVENTS, 0);

	if (n < 0)
		return n == -EINTR ? 0 : failed_by_library("cannot wait");
	for (int i = 0; i < n && !err; i++)
		err = take_event(s, &ev[i]);
	if (devmem_release(s->ring, ev, (unsigned int)n))
		return failed_by_library("cannot give fragments back");
	return err ? err : n;
}

static int sleep_until_something(struct sender *s)
{
	struct pollfd fds[2] = {
		{ .fd = devmem_ring_fd(s->ring), .events = POLLIN },
		{ .fd = has_room(s) ? STDIN_FILENO : -1, .events = POLLIN },
	};

	if (fds[0].fd < 0)
		return failed_by_library("cannot wait");
	if (poll(fds, 2, s->opt->progress ? 1000 : -1) < 0 && errno != EINTR)
		return failed("cannot wait: %s", strerror(errno));
	return 0;
}

static int send_all(struct sender *s)
{
	int fed, taken;

	while (!s->end || s->ready || s->sends != s->completed || s->failure) {
		if (stopped())
			return -1;
		fed = feed(s);
		taken = fed < 0 ? -1 : take_events(s);
		if (taken < 0 || (!fed && !taken && sleep_until_something(s)))
			return -1;
		nc_report_progress(&s->report, s->ring);
	}
	nc_trace_all_sent(s->opt);
	return shutdown(s->fd, SHUT_WR) ? failed("cannot end the connection: %s", strerror(errno))
					: 0;
}

/* ------------------------------------------------------------------------------- the connection */

static int bind_buffer(struct sender *s)
{
	const struct nc_options *opt = s->opt;
	int err;

	s->piece = malloc(SLOT);
	if (!s->piece)
		return failed("no memory");
	s->slots = (uint32_t)(devmem_buffer_size(s->buffer) / SLOT);
	err = devmem_bind_tx(opt->interface, s->buffer,
			     DEVMEM_OPTS(devmem_bind_tx_opts, .engine = opt->engine), &s->binding);
	if (err)
		return nc_cannot_bind(opt, err);
	nc_report_binding(&s->report, s->buffer, s->binding);
	nc_trace_bound_tx(s->opt, s->binding);
	if (s->opt->no_copies && !strcmp(s->report.engine, "copy"))
		return failed("what is sent would be copied, and -L does not allow it: %s",
			      s->report.engine_reason);
	return 0;
}

/* What the peer sends back never arrives in device memory, whatever engine sends. */
static int open_ring(struct sender *s)
{
	const bool by_calls = s->opt->engine && !strcmp(s->opt->engine, "syscall");

	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = by_calls ? "syscall" : NULL),
			     &s->ring))
		return failed_by_library("cannot open a ring");
	return 0;
}

static int get_connection(struct sender *s)
{
	char text[ADDRESS_TEXT];

	nc_trace_connecting(s->opt, &s->to);
	s->fd = stopped() ? -1
			  : address_connect(&s->to, s->opt->sender ? &s->from : NULL,
					    s->opt->interface);
	if (s->fd < 0)
		return -1;
	nc_report_connected(&s->report, address_text(&s->to, text));
	if (devmem_attach(s->ring, s->fd, NULL, 0,
			  DEVMEM_OPTS(devmem_attach_opts, .max_sends = s->slots), &s->sock))
		return failed_by_library("cannot send on the connection");
	return 0;
}

static int resolve(struct sender *s)
{
	const struct nc_options *opt = s->opt;

	if (address_resolve(opt->receiver, opt->port, opt->family, &s->to) ||
	    (opt->sender && address_resolve(opt->sender, opt->port, opt->family, &s->from)))
		return -1;
	if (opt->sender && s->from.sa.sa_family != s->to.sa.sa_family)
		return failed("%s and %s are not of the same family: both IPv4 or both IPv6",
			      opt->receiver, opt->sender);
	return 0;
}

static int finish(struct sender *s, int err)
{
	stop_end();
	if (s->discarded)
		say("discarded %llu bytes that the receiver sent",
		    (unsigned long long)s->discarded);
	if (s->ring)
		devmem_ring_stats(s->ring, &s->report.stats);
	devmem_ring_close(s->ring);
	if (s->fd >= 0)
		close(s->fd);
	devmem_binding_close(s->binding);
	devmem_buffer_close(s->buffer);
	free(s->piece);
	return nc_report_close(&s->report,
			       stopped() ? 128 + stopped()
			       : err	 ? NC_FAILED
					 : NC_OK,
			       true);
}

int nc_send(const struct nc_options *opt)
{
	struct sender s = { .opt = opt, .fd = -1 };
	int err;

	if (resolve(&s) || nc_report_open(&s.report, opt))
		return NC_USAGE;
	err = devmem_buffer_create(opt->backend, (size_t)opt->buffer_mib << 20, NULL, &s.buffer);
	if (err) {
		failed_by_library("cannot create the buffer");
		return nc_report_close(&s.report, err == -ENOENT ? NC_USAGE : NC_FAILED, true);
	}
	err = bind_buffer(&s) || open_ring(&s) || get_connection(&s) || send_all(&s);
	return finish(&s, err);
}
