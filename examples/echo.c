// SPDX-License-Identifier: MIT
/*
 * gpu_echo_server: what comes on a connection is sent back on it from where it lies, in device memory, and no byte of it
 * passes through the processor.
 *
 * The buffer is bound twice, for receiving and for sending. Bytes that came are handed to devmem_send() at once and belong
 * to the kernel until their SENT event; only then is their fragment released, and received into again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

#define EVENTS		256
#define SHARE		4	/* a connection may hold one so-manieth of the buffer: who does not read stops nobody else */
#define LAST_TURNS	50	/* of 100 ms, for sends of connections that were cut */

static const char usage[] =
	"usage: gpu_echo_server [options] INTERFACE\n"
	"Sends back what it receives, from device memory, without a copy if it has CAP_NET_ADMIN and INTERFACE can.\n"
	"  -p, --port N          listen here, IPv4 and IPv6 (default 5201)\n"
	"  -e, --engine NAME     devmem, zcrx, copy or syscall (default: the best that can be)\n"
	"  -b, --backend NAME    where the memory comes from: cuda, drm, udmabuf, ... (default: the best host memory)\n"
	"  -d, --device NAME     which device of it (default: cuda's nearest to INTERFACE, the first of others)\n"
	"  -m, --buffer MIB      size of the buffer (default 64)\n"
	"  -q, --queues N        RX queues to bind (default 1)\n"
	"  -c, --connections N   end after so many connections (default: at SIGINT or SIGTERM)\n"
	"  -s, --sends N         so many may be under way on a connection (default 1024)\n"
	"  -j, --json FILE       write the summary to FILE (- for standard output)\n"
	"  -P, --progress        a line each second (the default on a terminal; --no-progress: never)\n"
	"  -h, --help\n";

/* Bytes that came, and are to be sent or being sent: the cookie of their send. */
struct record {
	struct record *next;
	struct record *all;			/* the one that was made before it */
	struct devmem_event event;
};

struct connection {
	struct connection *next;
	struct devmem_sock *sock;
	int fd;
	unsigned int out;			/* sends that are not back: what they carry has to know where it belongs */
	struct record *waiting, **last;		/* for a SENDABLE event */
	bool refused, ended, closed;
};

struct echo {
	struct server server;
	struct devmem_binding *tx, *spill_tx;	/* the buffer and the ring's spill buffer, for sending */
	struct connection *open, *closed;
	struct record *free, *all;
	struct devmem_event back[EVENTS];	/* to be released */
	unsigned int n;
};

/* ------------------------------------------------------------------------------------ records and fragments */

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

/* ------------------------------------------------------------------------------------ one connection */

/* It is freed when the events at hand are done and its last send is back. @error: 0, or why it ends. */
static void close_connection(struct echo *e, struct connection *c, int error)
{
	struct connection **link = &e->open;
	struct record *r;

	if (error && ++e->server.broken)
		fprintf(stderr, "gpu_echo_server: a connection broke: %s\n", strerror(-error));
	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	c->next = e->closed;
	e->closed = c;
	c->closed = true;
	while ((r = c->waiting)) {
		c->waiting = r->next;
		free_record(e, r);
	}
	if (error || c->out)
		devmem_abort(c->sock);
	else
		shutdown(c->fd, SHUT_WR);
	devmem_detach(c->sock);
	close(c->fd);
	e->server.ended++;
}

static void close_if_done(struct echo *e, struct connection *c)
{
	if (!c->closed && c->ended && !c->waiting && !c->out)
		close_connection(e, c, 0);
}

/* Where host bytes are put, if any come. */
static struct devmem_binding *bind_spill(struct echo *e)
{
	if (!e->spill_tx)
		devmem_bind_tx(e->server.opt.interface, devmem_ring_spill(e->server.ring), NULL, &e->spill_tx);
	return e->spill_tx;
}

static int send_record(struct echo *e, struct connection *c, struct record *r)
{
	const bool placed = r->event.buffer != devmem_buffer_id(e->server.buffer);
	const struct devmem_range range = { .offset = r->event.offset, .length = r->event.length };

	return devmem_send(c->sock, placed ? bind_spill(e) : e->tx, &range, 1, (uintptr_t)r);
}

static void send_waiting(struct echo *e, struct connection *c)
{
	struct record *r;
	int err;

	while (!c->closed && !c->refused && (r = c->waiting)) {
		err = send_record(e, c, r);
		if (err == -EAGAIN)
			c->refused = true;
		else if (err && err != -ECANCELED)
			close_connection(e, c, err);
		if (err)
			return;		/* -ECANCELED: a SENT event says why */
		c->waiting = r->next;
		c->last = c->waiting ? c->last : &c->waiting;
		c->out++;
	}
}

static void received(struct echo *e, struct connection *c, const struct devmem_event *ev)
{
	struct record *r = c->closed ? NULL : new_record(e, ev);

	if (!r) {
		let_go(e, ev);
		if (!c->closed)
			close_connection(e, c, -ENOMEM);
		return;
	}
	*c->last = r;
	c->last = &r->next;
	send_waiting(e, c);
}

static void sent(struct echo *e, struct connection *c, const struct devmem_event *ev)
{
	free_record(e, (struct record *)(uintptr_t)ev->offset);
	c->out--;
	if (ev->result < 0 && !c->closed)
		close_connection(e, c, ev->result);
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
		c->ended = true;
		close_if_done(e, c);
		break;
	case DEVMEM_EVENT_ERROR:
		if (!c->closed)
			close_connection(e, c, ev->result);
		break;
	case DEVMEM_EVENT_MISPLACED:
		server_failed("warning");
		break;
	}
}

/* ------------------------------------------------------------------------------------ all of them */

/*
 * How many fragments a connection may hold, so that one that does not read its echo cannot take all of the buffer; each can
 * be as much as a page, or, where bytes are copied, 256 KiB.
 */
static uint32_t share(const struct server *s)
{
	uint32_t page = devmem_binding_page_size(s->binding, NULL);
	size_t most = devmem_buffer_size(s->buffer) / (page ? page : 256u << 10) / SHARE;

	return most ? (uint32_t)most : 1;
}

/* Bytes that the NIC could not put into the buffer are placed in another, so that all can be sent from device memory. */
static int attach(struct echo *e, struct connection *c)
{
	const struct server *s = &e->server;

	return devmem_attach(s->ring, c->fd, s->binding, (uintptr_t)c,
			     DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_PLACE, .max_sends = s->opt.sends,
					 .max_fragments = share(s)), &c->sock);
}

static int accept_all(struct echo *e)
{
	struct connection *c;
	int fd;

	while ((fd = server_accept(&e->server)) >= 0) {
		c = calloc(1, sizeof(*c));
		if (c)
			c->fd = fd;
		if (!c || attach(e, c)) {
			free(c);
			close(fd);
			return server_failed("attach");
		}
		c->last = &c->waiting;
		c->next = e->open;
		e->open = c;
	}
	return 0;
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
		free(c);
	}
}

/* One turn. *@stop: a signal came. */
static int turn(struct echo *e, int timeout_ms, bool *stop)
{
	struct devmem_event ev[EVENTS];
	int n = devmem_wait(e->server.ring, ev, EVENTS, timeout_ms);

	if (n < 0 && n != -ENOBUFS)	/* the spill buffer is full, of bytes that are being sent */
		return server_failed("wait");
	for (int i = 0; i < n; i++) {
		if (ev[i].type != DEVMEM_EVENT_READY)
			connection_event(e, &ev[i]);
		else if (ev[i].user_data == SERVER_SIGNALS)
			*stop = true;
		else if (accept_all(e))
			return -1;
	}
	give_back(e);
	free_closed(e);
	return 0;
}

/* Until a signal comes, or as many connections as were asked for have ended. */
static int serve(struct echo *e)
{
	struct server *s = &e->server;
	bool stop = false;

	while (!stop && !server_is_done(s)) {
		if (turn(e, 1000, &stop))
			return -1;
		server_progress(s);
	}
	while (e->open)
		close_connection(e, e->open, 0);
	if (devmem_unwatch(s->ring, s->listener) || devmem_unwatch(s->ring, s->signals))
		return server_failed("unwatch");
	for (int i = 0; i < LAST_TURNS && e->closed; i++)
		if (turn(e, 100, &stop))
			return -1;
	/* the last fragments go home on a turn in which nothing else happens */
	return turn(e, 50, &stop);
}

/* Of the engine that was named; zcrx is one for receiving alone. */
static int bind_for_sending(struct echo *e)
{
	const struct server_options *o = &e->server.opt;
	const char *engine = o->engine && strcmp(o->engine, "zcrx") ? o->engine : NULL;

	if (devmem_bind_tx(o->interface, e->server.buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = engine), &e->tx))
		return server_failed("bind for sending");
	return 0;
}

/* When the ring is closed, so that nothing comes back any more. */
static void free_all(struct echo *e)
{
	struct connection *c;
	struct record *r;

	devmem_binding_close(e->tx);
	devmem_binding_close(e->spill_tx);
	while ((c = e->closed)) {	/* some of their sends did not come back */
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
	struct echo e = { .server = { .opt = server_parse(argc, argv, usage, "s"), .listener = -1, .signals = -1 } };
	struct server *s = &e.server;
	struct report report = { 0 };
	bool ok = !server_open(s) && !bind_for_sending(&e);

	if (ok) {
		fprintf(stderr, "gpu_echo_server: listening on port %u\n", s->opt.port);
		ok = !serve(&e) && !s->broken;
		server_report(s, &report);
		report_sender(&report, e.tx);
	}
	while (e.open)		/* it has failed */
		close_connection(&e, e.open, 0);
	report.nic_restored = server_close(s);
	free_all(&e);
	return report_summary(&report, s->opt.json) || !ok || !report.nic_restored;
}
