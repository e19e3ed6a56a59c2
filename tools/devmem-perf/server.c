// SPDX-License-Identifier: MIT
/*
 * The server: one test after the other. Memory is made, bound and restored for each test, so that
 * between tests the NIC is as it was. Whatever a client does, the next one is served: each step has
 * a limit for the whole step, not for each byte.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../examples/accept.h"
#include "clock.h"
#include "report.h"
#include "run.h"
#include "say.h"
#include "stop.h"

/* added to the limit for each connection that the client has made */
#define EACH (100 * CLOCK_MS)
/* this many times --patience, for what is under way when the time of a test is over */
#define GRACES 3

struct server {
	const struct perf_options *opt;
	int listener;
	struct lobby lobby;
};

/* One client's test. */
struct session {
	const struct perf_options *opt;
	struct address local, peer;
	struct control control;
	struct test test;
	struct memory memory;
	struct crew crew;
	struct run run;
	struct report report;
	int listener; /* for the data connections */
	int *fd;
	bool began; /* a real client, which sent a test */
};

static int answer(struct session *s, const char *kind, const char *why)
{
	struct message m = { 0 };

	message_begin(&m, kind);
	message_add(&m, "why", "%s", why);
	return control_send(&s->control, &m);
}

static int refuse(struct session *s, const char *why)
{
	answer(s, "refused", why);
	snprintf(s->run.why, sizeof(s->run.why), "%s", why);
	return -1;
}

/* ------------------------------------------------------------------------------ before the test */

/* Sets the client's time limit for the next step. */
static void set_limit(struct session *s, uint64_t connections)
{
	s->control.until = clock_now() + s->opt->patience_ms * CLOCK_MS + connections * EACH;
}

static int get_test(struct session *s, struct lines *said)
{
	const char *complaint;

	if (strcmp(said->kind, "test"))
		return refuse(s, "the first message must be the parameters of a test");
	complaint = test_parse(&s->test, said);
	if (complaint)
		return refuse(s, complaint);
	if (!s->test.bytes && s->test.time_ms + s->test.warmup_ms > s->opt->max_time_ms)
		return refuse(s, "the server does not allow so long a test: use a shorter --time, "
				 "or a server with a longer --max-time");
	return 0;
}

/* Listens for the data connections. They use the address by which the client has reached the
 * server, so the rule need not cover more than that. */
static int open_data(struct session *s)
{
	struct address at = s->local;

	at.v4.sin_port = htons(s->opt->data_port); /* at the same offset in IPv6 */
	if (memory_open(&s->memory, s->opt, test_receives(&s->test, TEST_SERVER),
			(unsigned int)s->test.threads) ||
	    memory_steer(&s->memory, &at, NULL))
		return refuse(s, s->memory.why);
	s->local = at;
	/* only now: bytes that arrive before the rule is installed are copied */
	s->listener = address_listen(&at, false, 1024);
	if (s->listener < 0 || fcntl(s->listener, F_SETFL, O_NONBLOCK))
		return refuse(s, "the server cannot listen for the data: see its own messages");
	return 0;
}

static int say_ready(struct session *s)
{
	struct message m = { 0 };
	int err;

	message_begin(&m, "ready");
	message_add(&m, "port", "%u", s->opt->data_port);
	err = control_send(&s->control, &m);
	if (err)
		snprintf(s->run.why, sizeof(s->run.why), "the client has gone: %s",
			 control_why(err));
	return err;
}

static bool same_host(const struct address *a, const struct address *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	return a->sa.sa_family == AF_INET
		       ? a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr
		       : !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr));
}

/* Returns 1 if this is the client's next connection; 0 if it was somebody else's, or is gone. */
static int accept_one(struct session *s, uint64_t i)
{
	struct address peer = { 0 };
	socklen_t bytes = sizeof(peer);
	const int on = 1;
	int fd = accept_next(s->listener, &peer.sa, &bytes);

	if (fd == -EAGAIN || fd == -EINTR)
		return 0;
	if (fd < 0) {
		failed("cannot accept a connection: %s", strerror(-fd));
		return refuse(s, "the server cannot take that many connections: see its own "
				 "messages");
	}
	address_unmap(&peer);
	if (!same_host(&peer, &s->peer)) {
		close(fd);
		return 0;
	}
	if (s->test.mode != TEST_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	s->fd[i] = fd;
	if (memory_steer_one(&s->memory, (unsigned int)(i % s->test.threads), &s->local, &peer))
		return refuse(s, s->memory.why);
	return 1;
}

/* Waits for the next connection. Meanwhile the client may leave or report a failure, others may
 * connect, and the client's time may run out. */
static int wait_for_connection(struct session *s)
{
	struct pollfd fds[3] = {
		{ .fd = s->listener, .events = POLLIN },
		{ .fd = s->control.fd, .events = POLLIN },
		{ .fd = s->run.lobby->ready, .events = POLLIN },
	};
	struct lines l;

	while (!fds[0].revents) {
		const uint64_t now = clock_now();

		if (stopped())
			return refuse(s, "the server was ended by a signal");
		if (now >= s->control.until)
			return refuse(s, "the client did not make its connections in the time "
					 "that the server allows");
		if (poll(fds, 3, (int)((s->control.until - now) / CLOCK_MS) + 1) < 0)
			/* a signal, or a passing lack of resources */
			fds[0].revents = fds[1].revents = fds[2].revents = 0;
		if (fds[2].revents)
			run_turn_away(&s->run);
		if (fds[1].revents)
			return run_await(&s->run, "", &l, -1);
	}
	return 0;
}

static int accept_all(struct session *s)
{
	uint64_t n = 0;
	int got = 0;

	while (n < s->test.connections && got >= 0) {
		got = wait_for_connection(s);
		if (!got)
			got = accept_one(s, n);
		n += got > 0;
		s->control.until += got > 0 ? EACH : 0;
	}
	close(s->listener);
	s->listener = -1;
	for (uint64_t i = 0; got < 0 && i < s->test.connections; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	return got < 0 ? -1 : 0;
}

static int prepare(struct session *s, struct lines *said)
{
	if (get_test(s, said))
		return -1;
	s->began = true;
	s->fd = malloc(s->test.connections * sizeof(*s->fd));
	if (!s->fd)
		return refuse(s, "no memory");
	for (uint64_t i = 0; i < s->test.connections; i++)
		s->fd[i] = -1;
	if (open_data(s))
		return -1;
	set_limit(s, 0);
	return say_ready(s) || accept_all(s) ? -1 : 0;
}

/* ------------------------------------------------------------------------------------- the test */

static int begin(struct session *s)
{
	struct lines l;

	set_limit(s, s->test.connections);
	if (run_say(&s->run, "attached") || run_await(&s->run, "go", &l, -1))
		return -1;
	run_bytes(&s->run);
	if (run_say(&s->run, "going"))
		return -1;
	run_go(&s->run);
	return 0;
}

static int send_figures(struct session *s)
{
	struct message m = { 0 };
	int err;

	set_limit(s, 0);
	message_begin(&m, "result");
	result_pack(&m, &s->report.own);
	err = control_send(&s->control, &m);
	if (err)
		snprintf(s->run.why, sizeof(s->run.why), "the client has gone: %s",
			 control_why(err));
	return err;
}

static int measure(struct session *s)
{
	int err = crew_open(&s->crew, s->opt, &s->test, TEST_SERVER, &s->memory, s->fd);

	if (!run_finish(&s->run, err || begin(s) || run_all(&s->run) ? -1 : 0))
		return send_figures(s);
	answer(s, "failed", s->run.why);
	return -1;
}

/* -------------------------------------------------------------------------------------- clients */

static int finish(struct session *s, int err)
{
	char text[ADDRESS_TEXT];

	control_close(&s->control);
	if (s->listener >= 0)
		close(s->listener);
	if (memory_close(&s->memory))
		err = failed("%s", s->memory.why);
	if (err && s->run.why[0])
		say("%s: %s", address_text(&s->peer, text), s->run.why);
	if (!err || (stopped() && s->report.own.side.nanoseconds))
		report_server(&s->report);
	free(s->fd);
	result_free(&s->report.own);
	return err;
}

/* Serves one client. @said: its first message. @began: set if that requested a test, however the
 * test ended. */
static int serve(struct server *server, struct guest *guest, struct lines *said, bool *began)
{
	struct session *s = calloc(1, sizeof(*s));
	char text[ADDRESS_TEXT];
	int err;

	if (!s) {
		control_close(&guest->control);
		return failed("no memory");
	}
	s->opt = server->opt;
	s->control = guest->control;
	s->peer = guest->peer;
	s->listener = -1;
	set_limit(s, 0);
	s->report = (struct report){ .opt = s->opt, .test = &s->test };
	s->run = (struct run){ .opt = s->opt,
			       .test = &s->test,
			       .which = TEST_SERVER,
			       .control = &s->control,
			       .crew = &s->crew,
			       .own = &s->report.own,
			       .lobby = &server->lobby,
			       .limit = s->opt->max_time_ms * CLOCK_MS,
			       .grace = GRACES * s->opt->patience_ms * CLOCK_MS };
	err = address_local(s->control.fd, &s->local) || prepare(s, said);
	if (!err && s->opt->progress)
		say("a test of %s", address_text(&s->peer, text));
	err = err || measure(s) ? -1 : 0;
	*began = s->began;
	err = finish(s, err);
	free(s);
	return err;
}

/* Tries to bind at the start, so that a failure is reported now and not to the first client. */
static int try_memory(const struct perf_options *opt)
{
	struct memory m;
	int err = memory_open(&m, opt, true, 1);

	if (err)
		failed("%s", m.why);
	return memory_close(&m) ? failed("%s", m.why) : err;
}

static int listen_for_clients(struct server *server)
{
	const struct perf_options *opt = server->opt;
	struct address any;

	if (address_resolve(NULL, opt->port, opt->family, &any))
		return -1;
	server->listener = address_listen(&any, opt->family == AF_UNSPEC, 128);
	if (server->listener < 0 || lobby_open(&server->lobby, server->listener, opt->patience_ms))
		return -1;
	say("ready on port %u, and port %u for data: start a test with \"devmem-perf client\"",
	    opt->port, opt->data_port);
	return 0;
}

int perf_server(const struct perf_options *opt)
{
	struct server server = { .opt = opt,
				 .listener = -1,
				 .lobby = { .ready = -1, .timer = -1 } };
	int err = try_memory(opt) || listen_for_clients(&server);
	struct guest guest;
	struct lines said;
	bool over = err;

	while (!over && !stopped()) {
		bool began = false;

		poll(&(struct pollfd){ .fd = server.lobby.ready, .events = POLLIN }, 1, -1);
		if (!lobby_next(&server.lobby, &guest, &said))
			continue;
		err = serve(&server, &guest, &said, &began);
		over = began && opt->once;
	}
	stop_end();
	lobby_close(&server.lobby);
	if (server.listener >= 0)
		close(server.listener);
	return stopped() ? 128 + stopped() : err ? PERF_FAILED : PERF_OK;
}
