// SPDX-License-Identifier: MIT
/*
 * The server: one test after the other. Its memory is made, bound and put back for each, so that between tests the NIC is as it
 * was; and whatever happens to a client, the next one is served.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "run.h"
#include "say.h"
#include "stop.h"

#define FIRST_WORDS_MS	10000	/* who connects and says nothing does not keep others waiting for longer */

struct server {
	const struct perf_options *opt;
	int listener;
};

/* A client's test. */
struct session {
	const struct perf_options *opt;
	struct address local, peer;
	struct control control;
	struct test test;
	struct memory memory;
	struct crew crew;
	struct run run;
	struct report report;
	int listener;			/* for the data */
	int *fd;
	bool began;			/* it was a client, and not just somebody */
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

/* ------------------------------------------------------------------------------------ before */

static int get_test(struct session *s)
{
	const char *complaint;
	struct lines l;
	int got = control_await(&s->control, &l, FIRST_WORDS_MS);

	if (got < 0) {
		snprintf(s->run.why, sizeof(s->run.why), "%s", control_why(got));
		return got == -EPIPE || got == -EINTR ? -1 : refuse(s, control_why(got));
	}
	if (strcmp(l.kind, "test"))
		return refuse(s, "a client begins with the parameters of a test");
	complaint = test_parse(&s->test, &l);
	return complaint ? refuse(s, complaint) : 0;
}

/* Where the data arrive: at the address that the client has reached, so that the rule need not lead more than that here. */
static int open_data(struct session *s)
{
	struct address at = s->local;

	at.v4.sin_port = htons(s->opt->data_port);	/* at the same place in IPv6 */
	if (memory_open(&s->memory, s->opt, test_receives(&s->test, TEST_SERVER), (unsigned int)s->test.threads) ||
	    memory_steer(&s->memory, &at, NULL))
		return refuse(s, s->memory.why);
	s->local = at;
	s->listener = address_listen(&at, false, 1024);	/* not before: what comes before the rule is there is copied */
	return s->listener < 0 ? refuse(s, "the server cannot listen for the data: it says why where it runs") : 0;
}

static int say_ready(struct session *s)
{
	struct message m = { 0 };
	int err;

	message_begin(&m, "ready");
	message_add(&m, "port", "%u", s->opt->data_port);
	err = control_send(&s->control, &m);
	if (err)
		snprintf(s->run.why, sizeof(s->run.why), "the client has gone: %s", control_why(err));
	return err;
}

static bool same_host(const struct address *a, const struct address *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	return a->sa.sa_family == AF_INET ? a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr :
					    !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr));
}

/* 1: it is the client's next; 0: it was somebody else's. */
static int accept_one(struct session *s, uint64_t i)
{
	struct address peer = { 0 };
	const int on = 1;
	int fd = address_accept(s->listener, &peer);

	if (fd < 0)
		return refuse(s, "the server cannot take that many connections: it says why where it runs");
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

/* The client may go, or say that it cannot. */
static int wait_for_connection(struct session *s)
{
	struct pollfd fds[2] = {
		{ .fd = s->listener, .events = POLLIN },
		{ .fd = s->control.fd, .events = POLLIN },
	};
	struct lines l;

	while (!fds[0].revents) {
		if (stopped())
			return refuse(s, "the server was ended by a signal");
		if (poll(fds, 2, -1) < 0)
			fds[0].revents = fds[1].revents = 0;	/* a signal, or nothing that would last */
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
	}
	close(s->listener);
	s->listener = -1;
	for (uint64_t i = 0; got < 0 && i < s->test.connections; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	return got < 0 ? -1 : 0;
}

static int prepare(struct session *s)
{
	if (get_test(s))
		return -1;
	s->began = true;
	s->fd = malloc(s->test.connections * sizeof(*s->fd));
	if (!s->fd)
		return refuse(s, "no memory");
	for (uint64_t i = 0; i < s->test.connections; i++)
		s->fd[i] = -1;
	return open_data(s) || say_ready(s) || accept_all(s) ? -1 : 0;
}

/* ------------------------------------------------------------------------------------ the test */

static int begin(struct session *s)
{
	struct lines l;

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

	message_begin(&m, "result");
	result_pack(&m, &s->report.own);
	err = control_send(&s->control, &m);
	if (err)
		snprintf(s->run.why, sizeof(s->run.why), "the client has gone: %s", control_why(err));
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

/* Somebody else, while a test is under way: a word, and its own is read so that it is not lost to a reset. */
static void turn_away(int listener)
{
	struct session s = { 0 };
	struct lines l;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0 || control_open(&s.control, fd, CONTROL_ROOM_ASKED))
		return;
	control_await(&s.control, &l, 200);
	answer(&s, "refused", "a test is under way: try again when it is over");
	control_close(&s.control);
}

/* ------------------------------------------------------------------------------------ one client, and all */

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
	else if (!err)
		report_server(&s->report);
	free(s->fd);
	result_free(&s->report.own);
	return err;
}

/* @began: it was a test, however it ended. */
static int serve(const struct server *server, int fd, const struct address *peer, bool *began)
{
	struct session *s = calloc(1, sizeof(*s));
	char text[ADDRESS_TEXT];
	int err;

	if (!s || control_open(&s->control, fd, CONTROL_ROOM_ASKED)) {
		free(s);
		return failed("no memory");
	}
	s->opt = server->opt;
	s->peer = *peer;
	s->listener = -1;
	s->report = (struct report){ .opt = s->opt, .test = &s->test };
	s->run = (struct run){ .opt = s->opt, .test = &s->test, .which = TEST_SERVER, .control = &s->control, .crew = &s->crew,
			       .own = &s->report.own, .listener = server->listener, .turn_away = turn_away };
	err = address_local(fd, &s->local) || prepare(s);
	if (!err && s->opt->progress)
		say("a test of %s", address_text(peer, text));
	err = err || measure(s) ? -1 : 0;
	*began = s->began;
	err = finish(s, err);
	free(s);
	return err;
}

/* What cannot be is told now, and not to the first client. */
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
	server->listener = address_listen(&any, opt->family == AF_UNSPEC, 16);
	if (server->listener < 0)
		return -1;
	say("ready on port %u, and port %u for data: a test is begun by \"devmem-perf client\"", opt->port, opt->data_port);
	return 0;
}

int perf_server(const struct perf_options *opt)
{
	struct server server = { .opt = opt, .listener = -1 };
	int err = try_memory(opt) || listen_for_clients(&server);
	struct address peer;
	bool over = err;

	while (!over && !stopped()) {
		bool began = false;
		int fd = address_accept(server.listener, &peer);

		if (fd < 0) {
			err = -1;
			break;
		}
		err = serve(&server, fd, &peer, &began);
		over = began && opt->once;
	}
	stop_end();
	if (server.listener >= 0)
		close(server.listener);
	return stopped() ? 128 + stopped() : err ? PERF_FAILED : PERF_OK;
}
