// SPDX-License-Identifier: MIT
/*
 * The client's side of a test: ask the server, make the connections, measure, and take the server's
 * figures. The client's own memory is made first, so that a failure of it does not concern the
 * server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "number.h"
#include "report.h"
#include "run.h"
#include "say.h"
#include "stop.h"
#include "sweep.h"

struct client {
	const struct perf_options *opt;
	const struct test *test;
	struct report *report;
	struct address server; /* first the control address, then the data address */
	struct control control;
	struct memory memory;
	struct crew crew;
	struct run run;
	int *fd;
};

/* ---------------------------------------------------------------------------------- connections */

static int connect_one(struct client *c, uint64_t i)
{
	const int on = 1;
	struct address local;

	c->fd[i] = stopped() ? -1 : address_connect(&c->server, NULL, c->opt->interface);
	if (c->fd[i] < 0)
		return -1;
	if (c->test->mode != TEST_STREAM)
		setsockopt(c->fd[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (address_local(c->fd[i], &local) ||
	    memory_steer_one(&c->memory, (unsigned int)(i % c->test->threads), &local, &c->server))
		return failed("%s", c->memory.why);
	return 0;
}

static int connect_all(struct client *c)
{
	const uint64_t n = c->test->connections;
	int err = 0;

	for (uint64_t i = 0; i < n; i++)
		c->fd[i] = -1;
	for (uint64_t i = 0; i < n && !err; i++)
		err = connect_one(c, i);
	if (!err)
		return 0;
	run_last_words(&c->run);
	if (c->run.why[0])
		say("%s", c->run.why);
	for (uint64_t i = 0; i < n; i++)
		if (c->fd[i] >= 0)
			close(c->fd[i]);
	return -1;
}

/* Steers everything that comes from the server's data port, to whatever local port. */
static int steer(struct client *c)
{
	struct address any = { .v6 = { .sin6_family = c->server.sa.sa_family } };

	return memory_steer(&c->memory, &any, &c->server) ? failed("%s", c->memory.why) : 0;
}

/* ----------------------------------------------------------------------------------- the server */

static int ask(struct client *c)
{
	struct message m = { 0 };
	const char *key, *value;
	uint64_t port = 0;
	struct lines l;
	int err;

	message_begin(&m, "test");
	fields_add(&m, test_fields, c->test);
	err = control_send(&c->control, &m);
	if (err)
		return failed("the server has gone: %s", control_why(err));
	if (run_await(&c->run, "ready", &l, -1))
		return failed("%s", c->run.why);
	while (message_next(&l, &key, &value))
		if (!strcmp(key, "port"))
			number_parse(value, 65535, false, &port);
	c->server.v4.sin_port = htons((uint16_t)port); /* at the same offset in IPv6 */
	return port ? 0 : failed("the server did not name its data port");
}

static int reach(struct client *c)
{
	int fd;

	if (address_resolve(c->opt->host, c->opt->port, c->opt->family, &c->server))
		return -1;
	fd = stopped() ? -1 : address_connect(&c->server, NULL, NULL);
	if (fd < 0)
		return stopped() ? -1
				 : failed("is \"devmem-perf server\" running on %s, with port %u?",
					  c->opt->host, c->opt->port);
	return control_open(&c->control, fd, CONTROL_ROOM_RESULT) ? failed("no memory") : 0;
}

/* ------------------------------------------------------------------------------------- the test */

static int prepare(struct client *c)
{
	const struct test *t = c->test;

	c->fd = calloc(t->connections, sizeof(*c->fd));
	if (!c->fd)
		return failed("no memory");
	if (memory_open(&c->memory, c->opt, test_receives(t, TEST_CLIENT),
			(unsigned int)t->threads))
		return failed("%s", c->memory.why);
	return reach(c) || ask(c) || steer(c) || connect_all(c) ? -1 : 0;
}

/* Both ends must have attached all connections before the first byte is sent. */
static int begin(struct client *c)
{
	struct lines l;

	if (run_await(&c->run, "attached", &l, -1))
		return -1;
	run_bytes(&c->run);
	if (run_say(&c->run, "go") || run_await(&c->run, "going", &l, -1))
		return -1;
	run_go(&c->run);
	return 0;
}

/* Checks that each end has received all that the other has sent. */
static int compare(struct client *c)
{
	const struct side *own = &c->report->own.side, *peer = &c->report->peer.side;

	if (own->total_sent == peer->total_received && own->total_received == peer->total_sent)
		return 0;
	return failed("bytes were lost: the client sent %" PRIu64 " and the server received "
		      "%" PRIu64 ", the server sent "
		      "%" PRIu64 " and the client received "
		      "%" PRIu64,
		      own->total_sent, peer->total_received, peer->total_sent, own->total_received);
}

static int measure(struct client *c)
{
	struct lines l;
	int err;

	err = crew_open(&c->crew, c->opt, c->test, TEST_CLIENT, &c->memory, c->fd);
	err = run_finish(&c->run, err || begin(c) || run_all(&c->run) ? -1 : 0);
	if (!err && !c->run.have_peer)
		err = run_await(&c->run, "result", &l, -1);
	if (err && !stopped())
		failed("%s", c->run.why);
	return err ? -1 : compare(c);
}

/* Tells the server why the client failed. */
static void report_failure(struct client *c)
{
	struct message m = { 0 };

	message_begin(&m, "failed");
	message_add(&m, "why", "%s",
		    stopped()	? "it was ended by a signal"
		    : failure() ? failure()
				: "it does not know why");
	control_send(&c->control, &m);
}

int client_run(struct report *r)
{
	struct client c = { .opt = r->opt, .test = r->test, .report = r, .control = { .fd = -1 } };
	int err;

	c.run = (struct run){ .opt = r->opt,
			      .test = r->test,
			      .which = TEST_CLIENT,
			      .control = &c.control,
			      .crew = &c.crew,
			      .own = &r->own,
			      .peer = &r->peer };
	err = prepare(&c) || measure(&c);
	stop_end();
	if (err && c.control.fd >= 0)
		report_failure(&c);
	control_close(&c.control);
	r->restored = !memory_close(&c.memory);
	if (!r->restored)
		err = failed("%s", c.memory.why);
	free(c.fd);
	return stopped() ? 128 + stopped() : err ? PERF_FAILED : PERF_OK;
}

int perf_client(const struct perf_options *opt)
{
	struct report r;
	struct test t;

	if (opt->sizes > 1)
		return perf_sweep(opt);
	perf_set_size(opt, 0, &t);
	if (report_open(&r, opt))
		return PERF_USAGE;
	r.test = &t;
	return report_close(&r, client_run(&r));
}
