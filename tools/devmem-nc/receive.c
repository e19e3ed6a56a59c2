// SPDX-License-Identifier: MIT
/*
 * Receives one connection into device memory. Bytes are read in place, for standard output or for
 * checking. All fragments of one wait are released with one call; the library releases them to the
 * kernel in batches.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../examples/own_rule.h"
#include "check.h"
#include "queues.h"
#include "report.h"
#include "say.h"
#include "stop.h"
#include "trace.h"

#define EVENTS	   256
#define LAST_TURNS 100 /* at most so many, of 10 ms each */
/* connections besides the attached one, until one of them sends a byte */
#define MAX_WAITING 8
#define PIECE	    (256u << 10) /* bytes read from the buffer at a time */

struct stranger {
	int fd;
	struct address peer;
};

struct receiver {
	const struct nc_options *opt;
	struct nc_report report;
	struct address local, peer; /* @peer: the expected sender (-c), then the actual one */
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	struct devmem_sock *sock;
	bool each; /* the connection gets a rule of its own, once it has been accepted */
	struct own_rule rule;
	int listener, fd;
	struct stranger waiting[MAX_WAITING]; /* in order of arrival */
	unsigned int waiting_n;
	struct nc_check check;
	uint64_t linear, in_place; /* bytes so far */
	unsigned char *piece;
	bool over;
	/* the connection broke before its first byte: it was not the one that is awaited */
	bool lost;
};

/* ------------------------------------------------------------------------------------ receiving */

static int write_out(const unsigned char *p, size_t n)
{
	ssize_t done;

	for (; n; p += done, n -= (size_t)done) {
		done = write(STDOUT_FILENO, p, n);
		if (done >= 0)
			continue;
		done = 0;
		/* standard output was set non-blocking by others; wait for it */
		if (errno == EAGAIN)
			poll(&(struct pollfd){ .fd = STDOUT_FILENO, .events = POLLOUT }, 1, -1);
		else if (errno != EINTR)
			return failed("cannot write to standard output: %s", strerror(errno));
		if (stopped())
			return -1;
	}
	return 0;
}

static int take_bytes(struct receiver *r, const unsigned char *p, size_t n)
{
	if (!r->opt->modulo)
		return write_out(p, n);
	/* the result is reported at the end */
	return nc_check_bytes(&r->check, p, n) ? 0 : -1;
}

static int take_fragment(struct receiver *r, const struct devmem_event *ev)
{
	size_t n;

	if (strcmp(r->report.engine, "copy")) /* that engine copies bytes into the buffer */
		r->in_place += ev->length;
	nc_trace_fragment(r->opt, ev, r->in_place, devmem_binding_id(r->binding));
	if (ev->buffer != devmem_buffer_id(r->buffer))
		return failed("bytes arrived in another program's device memory, through its "
			      "queue: see \"devmemctl show %s\" for the rule that steers them "
			      "there",
			      r->opt->interface);
	for (size_t done = 0; done < ev->length; done += n) {
		n = ev->length - done < PIECE ? ev->length - done : PIECE;
		if (devmem_buffer_read(r->buffer, ev->offset + done, r->piece, n))
			return failed_by_library("cannot read the buffer");
		if (take_bytes(r, r->piece, n))
			return -1;
	}
	if (r->opt->trace && r->opt->modulo)
		nc_trace_validated(r->opt);
	return 0;
}

static const char *why_misplaced(const struct receiver *r)
{
	return r->each ? "they came before the connection was steered, which takes a rule of its "
			 "own: use one queue (-q 1)"
		       : "flow steering error: they came through an ordinary queue";
}

static int take_copied(struct receiver *r, const struct devmem_event *ev)
{
	struct devmem_stats st = { .size = sizeof(st) };
	bool linear;

	devmem_ring_stats(r->ring, &st);
	linear = st.bytes_linear > r->linear;
	if (linear) {
		r->linear += ev->length;
		nc_trace_linear(r->opt, ev->length);
	}
	if (r->opt->no_copies)
		return failed("%u bytes were copied, and -L does not allow it: %s", ev->length,
			      linear ? "their packet was not split (SCM_DEVMEM_LINEAR)"
				     : why_misplaced(r));
	return take_bytes(r, (const unsigned char *)(uintptr_t)ev->address, ev->length);
}

static int link_news(struct receiver *r, int result)
{
	if (result == -ENODEV)
		return failed("%s is gone", r->opt->interface);
	say("%s: %s", r->opt->interface,
	    result == 1	  ? "the link is up again"
	    : result == 0 ? "the link is down: receiving goes on when it is up again"
			  : "it was moved to another network namespace");
	return 0;
}

static int take_event(struct receiver *r, const struct devmem_event *ev)
{
	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
		return take_fragment(r, ev);
	case DEVMEM_EVENT_HOST:
		return take_copied(r, ev);
	case DEVMEM_EVENT_END:
		r->over = true;
		nc_trace_end(r->opt);
		return 0;
	case DEVMEM_EVENT_ERROR:
		r->lost = r->listener >= 0;
		return r->lost ? 0 : failed("the connection broke: %s", devmem_error());
	case DEVMEM_EVENT_LINK:
		return link_news(r, ev->result);
	case DEVMEM_EVENT_MISPLACED:
		if (!r->each) /* otherwise what comes before the rule is expected */
			say("warning: %s", devmem_error());
		return 0;
	default:
		return 0;
	}
}

static struct stranger forget_waiting(struct receiver *r, unsigned int i)
{
	const struct stranger gone = r->waiting[i];

	memmove(&r->waiting[i], &r->waiting[i + 1], (--r->waiting_n - i) * sizeof(*r->waiting));
	return gone;
}

/* The awaited connection has been found: refuse all others. */
static void close_listener(struct receiver *r)
{
	while (r->waiting_n)
		close(forget_waiting(r, 0).fd);
	if (r->listener >= 0)
		close(r->listener);
	r->listener = -1;
}

/* Waits once, handles the events and releases all of them with one call. Returns their number. */
static int turn(struct receiver *r, int timeout_ms)
{
	struct devmem_event ev[EVENTS];
	uint64_t bytes = 0;
	int err = 0, n = devmem_wait(r->ring, ev, EVENTS, timeout_ms);

	if (n < 0)
		return n == -EINTR ? 0 : failed_by_library("cannot wait");
	for (int i = 0; i < n && !err; i++) {
		if (ev[i].type == DEVMEM_EVENT_DATA || ev[i].type == DEVMEM_EVENT_HOST) {
			bytes += ev[i].length;
			close_listener(r);
		}
		err = take_event(r, &ev[i]);
	}
	if (bytes)
		nc_trace_received(r->opt, bytes, r->in_place);
	if (devmem_release(r->ring, ev, (unsigned int)n))
		return failed_by_library("cannot give fragments back");
	return err ? err : n;
}

/* Waits until the last fragments are back: one turn hands them in, and later ones learn that they
 * are back. */
static int settle(struct receiver *r)
{
	struct devmem_stats st = { .size = sizeof(st) };
	int n = 0;

	for (int i = 0; i < LAST_TURNS && n >= 0; i++) {
		n = turn(r, i ? 10 : 0);
		devmem_ring_stats(r->ring, &st);
		if (!st.tokens_outstanding)
			break;
	}
	return n < 0 ? -1 : 0;
}

/* Reports the validation's result. Returns -1 if bytes were wrong. */
static int check_validation(const struct receiver *r)
{
	const struct nc_check *c = &r->check;

	if (!r->opt->modulo)
		return 0;
	if (c->wrong)
		return failed("validation failed: of %llu bytes at least %llu are wrong, the first "
			      "at %llu of the stream",
			      (unsigned long long)c->position, (unsigned long long)c->wrong,
			      (unsigned long long)c->first_wrong);
	if (c->position && !r->opt->trace)
		nc_trace_validated(r->opt);
	return 0;
}

/* ------------------------------------------------------------------------------- the connection */

/* A NIC may have no rules that match the sender, too. Then the rule matches only the receiver, as
 * in ncdevmem. */
static int steer(struct receiver *r)
{
	const struct sockaddr *local = &r->local.sa;
	struct address v4 = { .v4 = { .sin_family = AF_INET, .sin_port = htons(r->opt->port) } };
	const bool both = !r->opt->receiver && !r->opt->sender && r->opt->family == AF_UNSPEC;
	int err;

	if (r->opt->keep_settings)
		return 0;
	if (r->opt->sender && !devmem_steer(r->binding, local, &r->peer.sa))
		return 0;
	err = devmem_steer(r->binding, local, NULL);
	if (!err && both)
		err = devmem_steer(r->binding, &v4.sa, NULL);
	r->each = own_rule_needed(r->binding, r->opt->port, err);
	return err && !r->each ? failed_by_library("cannot steer the connection to the queues") : 0;
}

/* Once it has been accepted. What came before is copied, and so is all of it without a rule. */
static int steer_accepted(struct receiver *r)
{
	if (!r->each || !own_rule_make(&r->rule, r->binding, r->fd))
		return 0;
	if (r->opt->no_copies)
		return failed_by_library("cannot steer the connection to the queues");
	say("the connection cannot be steered, so it is copied: %s", devmem_error());
	return 0;
}

static int bind_queues(struct receiver *r)
{
	r->piece = malloc(PIECE);
	if (!r->piece)
		return failed("no memory");
	if (nc_bind(r->opt, r->buffer, &r->nic, &r->binding))
		return -1;
	nc_report_binding(&r->report, r->buffer, r->binding);
	nc_trace_bound(r->opt, r->binding);
	if (r->opt->no_copies && !strcmp(r->report.engine, "copy"))
		return failed("received bytes would be copied, and -L does not allow it: %s",
			      r->report.engine_reason);
	return steer(r);
}

/*
 * The binding decides whether bytes arrive in device memory, whether or not the ring has io_uring.
 * With --trace, fragments are not merged: like ncdevmem, it prints one line for each.
 */
static int open_ring(struct receiver *r)
{
	const char *engine =
		r->opt->engine && strcmp(r->opt->engine, "devmem") ? r->opt->engine : NULL;

	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = engine,
					 .merge = r->opt->trace ? 1 : 0),
			     &r->ring))
		return failed_by_library("cannot open a ring");
	if (devmem_ring_fd(r->ring) < 0)
		return failed_by_library("cannot wait");
	/* otherwise the first bytes of the connection would be copied */
	if (devmem_ring_prepare(r->ring, r->binding))
		return failed_by_library("cannot take the queue");
	return 0;
}

/* Called after the rule is installed: bytes that arrive earlier are copied. */
static int listen_for_it(struct receiver *r)
{
	const bool both = !r->opt->receiver && r->opt->family == AF_UNSPEC;

	r->listener = address_listen(&r->local, both, MAX_WAITING);
	if (r->listener < 0)
		return -1;
	nc_trace_listening(r->opt, &r->local);
	return 0;
}

static int take_connection(struct receiver *r, const struct stranger *who)
{
	char text[ADDRESS_TEXT];
	int err;

	r->fd = who->fd;
	r->peer = who->peer;
	nc_report_connected(&r->report, address_text(&r->peer, text));
	nc_trace_accepted(r->opt, &r->peer);
	if (steer_accepted(r))
		return -1;
	err = devmem_attach(r->ring, r->fd, r->binding, 0, NULL, &r->sock);
	/* the next connection may find enough resources */
	r->lost = err == -EMFILE || err == -ENFILE || err == -ENOMEM;
	if (err && !r->lost)
		return failed_by_library("cannot receive from the connection");
	if (err)
		say("lost a connection: %s", devmem_error());
	else
		nc_report_attached(&r->report, r->binding);
	return 0;
}

static int get_connection(struct receiver *r)
{
	struct stranger who;

	if (r->waiting_n) {
		who = forget_waiting(r, 0);
		return take_connection(r, &who);
	}
	who.fd = stopped() ? -1 : address_accept(r->listener, &who.peer);
	return who.fd < 0 ? -1 : take_connection(r, &who);
}

static void report_silent(const struct address *peer, const char *why)
{
	char text[ADDRESS_TEXT];

	say("%s has not sent anything, and %s", address_text(peer, text), why);
}

static void drop_connection(struct receiver *r, const char *why)
{
	report_silent(&r->peer, why);
	if (r->sock)
		devmem_detach(r->sock);
	r->sock = NULL;
	close(r->fd);
	r->fd = -1;
	own_rule_take_back(&r->rule, r->binding);
}

/* ---------------------------------------------------------------------- choosing the connection */

/* FIONREAD counts the bytes without reading them, which the kernel cannot do if they lie in device
 * memory. */
static bool has_sent(int fd)
{
	int bytes = 0;

	return !ioctl(fd, FIONREAD, &bytes) && bytes > 0;
}

static void accept_waiting(struct receiver *r)
{
	struct stranger who;

	if (r->waiting_n == MAX_WAITING) {
		who = forget_waiting(r, 0);
		report_silent(&who.peer, "too many others wait: its connection is closed");
		close(who.fd);
	}
	who.fd = address_accept(r->listener, &who.peer);
	if (who.fd >= 0)
		r->waiting[r->waiting_n++] = who;
}

/* A waiting connection has sent something, or has ended. */
static int look_at_waiting(struct receiver *r, unsigned int i)
{
	const struct stranger who = forget_waiting(r, i);

	if (has_sent(who.fd)) {
		drop_connection(r, "another one has: its connection is closed");
		return take_connection(r, &who);
	}
	report_silent(&who.peer, "its connection is over");
	close(who.fd);
	return 0;
}

/* Waits for any connection; the attached one comes first. */
static int await_somebody(struct receiver *r)
{
	struct pollfd fds[2 + MAX_WAITING] = {
		{ .fd = devmem_ring_fd(r->ring), .events = POLLIN },
		{ .fd = r->listener, .events = POLLIN },
	};

	for (unsigned int i = 0; i < r->waiting_n; i++)
		fds[2 + i] = (struct pollfd){ .fd = r->waiting[i].fd, .events = POLLIN };
	if (poll(fds, 2 + r->waiting_n, r->opt->progress ? 1000 : -1) < 0)
		return errno == EINTR ? 0 : failed("cannot wait: %s", strerror(errno));
	if (fds[0].revents)
		return 0;
	for (unsigned int i = 0; i < r->waiting_n; i++)
		if (fds[2 + i].revents)
			return look_at_waiting(r, i);
	if (fds[1].revents)
		accept_waiting(r);
	return 0;
}

/* Until a byte has arrived, the first connection that sends one is the awaited one. Silent
 * connections do not hold up others. */
static int receive_some(struct receiver *r)
{
	int n;

	if (r->listener < 0)
		return turn(r, r->opt->progress ? 1000 : -1);
	n = turn(r, 0);
	return n || r->over || r->lost ? n : await_somebody(r);
}

static int receive_all(struct receiver *r)
{
	while (!r->over) {
		if (r->fd < 0 && get_connection(r))
			return -1;
		if (stopped() || (!r->lost && receive_some(r) < 0))
			return -1;
		if (r->lost) /* for example a port scan */
			drop_connection(r, "its connection is over: still listening");
		r->lost = false;
		nc_report_progress(&r->report, r->ring);
	}
	return settle(r);
}

static int resolve(struct receiver *r)
{
	const struct nc_options *opt = r->opt;
	int family = opt->family;

	if (opt->sender && address_resolve(opt->sender, opt->port, family, &r->peer))
		return -1;
	if (opt->sender && !opt->receiver)
		family = r->peer.sa.sa_family;
	if (address_resolve(opt->receiver, opt->port, family, &r->local))
		return -1;
	if (opt->sender && r->peer.sa.sa_family != r->local.sa.sa_family)
		return failed("%s and %s are not of the same family: both IPv4 or both IPv6",
			      opt->receiver, opt->sender);
	return 0;
}

static int finish(struct receiver *r, int err)
{
	bool restored;

	stop_end();
	if (r->ring)
		nc_report_ring(&r->report, r->ring);
	r->report.wrong = r->check.wrong;
	devmem_ring_close(r->ring);
	restored = !nc_unbind(r->nic, r->binding);
	devmem_buffer_close(r->buffer);
	if (r->fd >= 0)
		close(r->fd);
	close_listener(r);
	free(r->piece);
	return nc_report_close(&r->report,
			       stopped()	  ? 128 + stopped()
			       : err || !restored ? NC_FAILED
						  : NC_OK,
			       restored);
}

int nc_receive(const struct nc_options *opt)
{
	struct receiver r = { .opt = opt, .listener = -1, .fd = -1 };
	int err;

	if (resolve(&r) || nc_report_open(&r.report, opt))
		return NC_USAGE;
	nc_check_begin(&r.check, opt->modulo);
	err = devmem_buffer_create(opt->backend, (size_t)opt->buffer_mib << 20, NULL, &r.buffer);
	if (err) {
		failed_by_library("cannot create the buffer");
		return nc_report_close(&r.report, err == -ENOENT ? NC_USAGE : NC_FAILED, true);
	}
	err = bind_queues(&r) || open_ring(&r) || listen_for_it(&r) || receive_all(&r);
	if (check_validation(&r))
		err = -1;
	return finish(&r, err);
}
