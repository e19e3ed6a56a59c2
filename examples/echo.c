// SPDX-License-Identifier: MIT
/*
 * gpu_echo_server: sends back what a connection receives, from where it lies in device memory. No
 * byte passes through the processor. The buffer is bound twice, for receiving and for sending.
 * Received bytes are passed to devmem_send() at once and belong to the kernel until their SENT
 * event. Only then is their fragment released, to be received into again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

#define EVENTS 256
/* a connection may hold 1/SHARE of the buffer, so that one that does not read stops nobody else */
#define SHARE	   4
#define LAST_TURNS 50 /* turns of 100 ms, for sends of connections that were cut */

static const char usage[] =
	"usage: gpu_echo_server [options] INTERFACE\n"
	"Sends back what it receives, from device memory, without a copy if it has CAP_NET_ADMIN "
	"and INTERFACE can.\n"
	"  -p, --port N          listen here, IPv4 and IPv6 (default 5201)\n"
	"  -e, --engine NAME     devmem, zcrx, copy or syscall (default: the best that can be)\n"
	"  -b, --backend NAME    where the memory comes from: cuda, drm, udmabuf, ... (default: "
	"the best host memory)\n"
	"  -d, --device NAME     which device of it (default: cuda's nearest to INTERFACE, the "
	"first of others)\n"
	"  -m, --buffer MIB      size of the buffer (default 64)\n"
	"  -q, --queues N        RX queues to bind (default 1)\n"
	"  -c, --connections N   end after so many connections (default: at SIGINT or SIGTERM)\n"
	"  -s, --sends N         so many may be under way on a connection (default 1024)\n"
	"  -j, --json FILE       write the summary to FILE (- for standard output)\n"
	"  -P, --progress        a line each second (the default on a terminal; --no-progress: "
	"never)\n" CLIENTS_USAGE "  -h, --help\n";

/* Received bytes that are to be sent or being sent. Its address is the cookie of the send. */
struct record {
	struct record *next;
	struct record *all; /* links all records, for freeing them */
	struct devmem_event event;
};

struct connection {
	struct client client;
	struct connection *next; /* list of closed connections */
	/* sends that are not complete: their records point here */
	unsigned int out;
	struct record *waiting, **last; /* records that wait for a SENDABLE event */
	bool refused, ended;
	int failure; /* a send's errno, until the connection's own error is known; or 0 */
};

struct echo {
	struct server server;
	/* bindings of the buffer and of the ring's spill buffer, for sending */
	struct devmem_binding *tx, *spill_tx;
	struct connection *closed;
	struct record *free, *all;
	struct devmem_event back[EVENTS]; /* events to be released */
	unsigned int n;
};

/* ------------------------------------------------------------------------ records and fragments */

static struct record *new_record(struct echo *e, const struct devmem_event *ev)
{
	struct record *r = e->free;

	if (r) {
		e->free = r->next;
	} else {
		r = malloc(sizeof(*r));
		if (!r)
			return NULL;
		r->all = e->all;
		e->all = r;
	}
	r->next = NULL;
	r->event = *ev;
	return r;
}

static void give_back(struct echo *e)
{
	if (devmem_release(e->server.ring, e->back, e->n))
		server_failed("release");
	e->n = 0;
}

static void let_go(struct echo *e, const struct devmem_event *ev)
{
	if (e->n == EVENTS)
		give_back(e);
	e->back[e->n++] = *ev;
}

static void free_record(struct echo *e, struct record *r)
{
	let_go(e, &r->event);
	r->next = e->free;
	e->free = r;
}

/* ------------------------------------------------------------------------------- one connection */

static bool is_closed(const struct connection *c)
{
	return !c->client.sock;
}

/*
 * Closes a connection. It keeps its place until its sends are complete and the events at hand are
 * handled; then it is freed. @why: it broke; NULL: everything received was sent back, or this
 * program ends.
 */
static void close_connection(struct echo *e, struct connection *c, const char *why)
{
	struct record *r;

	if (why)
		server_lose(&e->server, &c->client, why);
	c->next = e->closed;
	e->closed = c;
	while ((r = c->waiting)) {
		c->waiting = r->next;
		free_record(e, r);
	}
	if (why || c->out)
		devmem_abort(c->client.sock);
	else
		shutdown(c->client.fd, SHUT_WR);
	server_hang_up(&e->server, &c->client);
}

static void close_if_done(struct echo *e, struct connection *c)
{
	if (!is_closed(c) && c->ended && !c->waiting && !c->out)
		close_connection(e, c, NULL);
}

/* Binds the spill buffer, where host bytes are placed. */
static struct devmem_binding *bind_spill(struct echo *e)
{
	if (!e->spill_tx)
		devmem_bind_tx(e->server.opt.interface, devmem_ring_spill(e->server.ring), NULL,
			       &e->spill_tx);
	return e->spill_tx;
}

static int send_record(struct echo *e, struct connection *c, struct record *r)
{
	const bool placed = r->event.buffer != devmem_buffer_id(e->server.buffer);
	const struct devmem_range range = { .offset = r->event.offset, .length = r->event.length };

	return devmem_send(c->client.sock, placed ? bind_spill(e) : e->tx, &range, 1, (uintptr_t)r);
}

static void send_waiting(struct echo *e, struct connection *c)
{
	struct record *r;
	int err;

	while (!is_closed(c) && !c->refused && !c->failure && (r = c->waiting)) {
		err = send_record(e, c, r);
		if (err == -EAGAIN)
			c->refused = true;
		else if (err && err != -ECANCELED)
			close_connection(e, c, devmem_error());
		if (err)
			return; /* if it is -ECANCELED, a SENT event says why */
		c->waiting = r->next;
		c->last = c->waiting ? c->last : &c->waiting;
		c->out++;
	}
}

static void received(struct echo *e, struct connection *c, const struct devmem_event *ev)
{
	struct record *r = is_closed(c) ? NULL : new_record(e, ev);

	if (!r) {
		let_go(e, ev);
		if (!is_closed(c))
			close_connection(e, c, strerror(ENOMEM));
		return;
	}
	server_moved(&e->server, &c->client, ev->length);
	server_keeps(&e->server, &c->client);
	*c->last = r;
	c->last = &r->next;
	send_waiting(e, c);
}

/* Waits for the connection's ERROR event, which has a better reason than the send's errno. If only
 * the send failed, the event reports our own abort. */
static void await_reason(struct echo *e, struct connection *c, int failure)
{
	if (c->ended)
		close_connection(e, c, strerror(-failure));
	else if (!c->failure)
		devmem_abort(c->client.sock);
	c->failure = c->failure ? c->failure : failure;
}

static void broke(struct echo *e, struct connection *c, int result)
{
	close_connection(e, c,
			 c->failure && result == -ECONNABORTED ? strerror(-c->failure)
							       : e->server.why);
}

static void ended(struct echo *e, struct connection *c)
{
	c->ended = true;
	if (c->failure && !is_closed(c))
		close_connection(e, c, strerror(-c->failure));
	close_if_done(e, c);
}

static void sent(struct echo *e, struct connection *c, const struct devmem_event *ev)
{
	free_record(e, (struct record *)(uintptr_t)ev->cookie);
	server_lets_go(&e->server, &c->client);
	c->out--;
	if (ev->result >= 0)
		server_moved(&e->server, &c->client, (uint32_t)ev->result);
	else if (!is_closed(c))
		await_reason(e, c, ev->result);
	close_if_done(e, c);
}

static void connection_event(struct echo *e, const struct devmem_event *ev)
{
	struct connection *c = (struct connection *)(uintptr_t)ev->user_data;

	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
		received(e, c, ev);
		break;
	case DEVMEM_EVENT_SENT:
		sent(e, c, ev);
		break;
	case DEVMEM_EVENT_SENDABLE:
		c->refused = false;
		send_waiting(e, c);
		break;
	case DEVMEM_EVENT_END:
		ended(e, c);
		break;
	case DEVMEM_EVENT_ERROR:
		if (!is_closed(c))
			broke(e, c, ev->result);
		break;
	case DEVMEM_EVENT_MISPLACED:
		server_misplaced(&e->server);
		break;
	}
}

/* ------------------------------------------------------------------------------ all connections */

/* The largest fragment: a page, or 256 KiB where bytes are copied. */
static uint32_t fragment_bytes(const struct server *s)
{
	uint32_t page = devmem_binding_page_size(s->binding, NULL);

	return page ? page : 256u << 10;
}

/* The number of fragments that a connection may hold, so that one that does not read its echo
 * cannot take the whole buffer. */
static uint32_t share(const struct server *s)
{
	size_t most = devmem_buffer_size(s->buffer) / fragment_bytes(s) / SHARE;

	return most ? (uint32_t)most : 1;
}

/* Attaches with a spill buffer for bytes that the NIC could not place, so that everything can be
 * sent from device memory. */
static void accept_all(struct echo *e)
{
	struct server *s = &e->server;
	struct connection *c;
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		c = calloc(1, sizeof(*c));
		if (server_attach(s, c ? &c->client : NULL, fd,
				  DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_PLACE,
					      .max_sends = s->opt.sends,
					      .max_fragments = share(s))))
			free(c);
		else
			c->last = &c->waiting;
	}
}

static void free_closed(struct echo *e)
{
	struct connection *c, **link = &e->closed;

	while ((c = *link)) {
		if (c->out) {
			link = &c->next;
			continue;
		}
		*link = c->next;
		server_forget(&e->server, &c->client);
		free(c);
	}
}

/* Runs one turn. *@stop: a signal came. */
static int turn(struct echo *e, int timeout_ms, bool *stop)
{
	struct devmem_event ev[EVENTS];
	int n = server_wait(&e->server, ev, EVENTS, timeout_ms);
	struct client *c;

	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		if (ev[i].type == DEVMEM_EVENT_LOW) /* several connections that do not read */
			server_runs_low(&e->server, fragment_bytes(&e->server));
		else if (ev[i].type != DEVMEM_EVENT_READY)
			connection_event(e, &ev[i]);
		else if (ev[i].user_data == SERVER_SIGNALS)
			*stop = true;
		else
			accept_all(e);
	}
	while ((c = server_overdue(&e->server)))
		close_connection(e, (struct connection *)c, server_silent);
	give_back(e);
	free_closed(e);
	return 0;
}

static void close_all(struct echo *e)
{
	for (struct client *c = e->server.clients; c; c = c->next)
		if (c->sock)
			close_connection(e, (struct connection *)c, NULL);
}

/* Runs until a signal comes, or the requested number of connections has ended. */
static int serve(struct echo *e)
{
	struct server *s = &e->server;
	bool stop = false;

	while (!stop && !server_is_done(s)) {
		if (turn(e, 1000, &stop))
			return -1;
		server_progress(s);
	}
	close_all(e);
	if (server_stop_listening(s))
		return -1;
	for (int i = 0; i < LAST_TURNS && e->closed; i++)
		if (turn(e, 100, &stop))
			return -1;
	/* the last fragments are released by a turn in which nothing else happens */
	return turn(e, 50, &stop);
}

/* Binds for sending with the named engine; zcrx only receives. */
static int bind_for_sending(struct echo *e)
{
	const struct server_options *o = &e->server.opt;
	const char *engine = o->engine && strcmp(o->engine, "zcrx") ? o->engine : NULL;

	if (devmem_bind_tx(o->interface, e->server.buffer,
			   DEVMEM_OPTS(devmem_bind_tx_opts, .engine = engine), &e->tx))
		return server_failed("bind for sending");
	return 0;
}

/* Called when the ring is closed, so that no more sends complete. */
static void free_all(struct echo *e)
{
	struct connection *c;
	struct record *r;

	devmem_binding_close(e->tx);
	devmem_binding_close(e->spill_tx);
	while ((c = e->closed)) { /* some of their sends did not complete */
		e->closed = c->next;
		free(c);
	}
	while ((r = e->all)) {
		e->all = r->all;
		free(r);
	}
}

int main(int argc, char **argv)
{
	struct echo e = { .server = { .opt = server_parse(argc, argv, usage, "s"),
				      .listener = -1,
				      .signals = -1 } };
	struct server *s = &e.server;
	struct report report = { 0 };
	bool ok = !server_open(s) && !bind_for_sending(&e);

	if (ok) {
		fprintf(stderr, "gpu_echo_server: listening on port %u\n", s->opt.port);
		ok = !serve(&e) && !s->broken;
		server_report(s, &report);
		report_sender(&report, e.tx);
	}
	close_all(&e); /* open connections after a failure */
	report.nic_restored = server_close(s);
	free_all(&e);
	return report_summary(&report, s->opt.json) || !ok || !report.nic_restored;
}
