// SPDX-License-Identifier: MIT
/* devmem-perf's lobby: who may wait there and for how long, and that nothing makes it spin. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"
#include "clock.h"
#include "lobby.h"

#define FOR_EVER 1000000u /* ms */

static const char words[] = "devmem-perf 1 test\nsize 5\n\n";

struct fixture {
	struct lobby lobby;
	struct sockaddr_in at;
	int listener;
};

static void set_up(struct fixture *f, uint64_t patience_ms)
{
	socklen_t bytes = sizeof(f->at);

	f->at = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_false(bind(f->listener, (struct sockaddr *)&f->at, sizeof(f->at)));
	assert_false(listen(f->listener, 1024));
	assert_false(getsockname(f->listener, (struct sockaddr *)&f->at, &bytes));
	assert_int_equal(lobby_open(&f->lobby, f->listener, patience_ms), 0);
}

static void tear_down(struct fixture *f)
{
	lobby_close(&f->lobby);
	close(f->listener);
}

static int reach(const struct fixture *f)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_false(connect(fd, (const struct sockaddr *)&f->at, sizeof(f->at)));
	return fd;
}

static void say_words(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* It is ready when there is something to do, and not when there is not. */
static bool next(struct fixture *f, struct guest *g, int timeout_ms)
{
	struct pollfd pfd = { .fd = f->lobby.ready, .events = POLLIN };
	struct lines said;

	while (poll(&pfd, 1, timeout_ms) > 0)
		if (lobby_next(&f->lobby, g, &said)) {
			assert_string_equal(said.kind, "test");
			return true;
		}
	return false;
}

/* What a client hears, until it is closed. */
static void hears(int fd, const char *wanted)
{
	char text[512];
	size_t have = 0;
	ssize_t n;

	while ((n = recv(fd, text + have, sizeof(text) - 1 - have, 0)) > 0)
		have += (size_t)n;
	text[have] = '\0';
	if (!strstr(text, wanted))
		fail_msg("\"%s\" instead of \"%s\"", text, wanted);
	close(fd);
}

static void nobody_waits_for_anybody(void **state)
{
	struct fixture f;
	struct guest g;
	int silent[10], one;

	(void)state;
	set_up(&f, FOR_EVER);
	for (unsigned int i = 0; i < 10; i++) {
		silent[i] = reach(&f);
		say_words(silent[i], "devmem-perf 1 te");
	}
	one = reach(&f);
	say_words(one, words);
	assert_true(next(&f, &g, 10000));
	control_close(&g.control);
	close(one);
	say_words(silent[7], "st\n\n"); /* as one who drips has said it in the end */
	assert_true(next(&f, &g, 10000));
	control_close(&g.control);
	assert_int_equal(f.lobby.guests, 9);
	for (unsigned int i = 0; i < 10; i++)
		close(silent[i]);
	while (f.lobby.guests)
		assert_false(next(&f, &g, 100));
	tear_down(&f);
}

static void a_limit_is_of_all_that_is_said(void **state)
{
	struct fixture f;
	struct guest g;
	int drips, gone;

	(void)state;
	set_up(&f, 300);
	drips = reach(&f);
	gone = reach(&f);
	close(gone);
	for (size_t i = 0; i < 3 || f.lobby.guests; i++) {
		send(drips, &"devmem-perf 1 test\n"[i % 19], 1, MSG_NOSIGNAL);
		assert_false(next(&f, &g, 20));
		assert_true(i < 1000);
	}
	hears(drips, "it did not send a message in time");
	tear_down(&f);
}

/* Those who say nothing at once lose their seats to others; and meanwhile there is nothing to
 * do. */
static void seats_are_for_those_who_speak(void **state)
{
	enum { MANY = 3 * LOBBY_SEATS };
	struct fixture f;
	struct guest g;
	int silent[MANY], one;

	(void)state;
	set_up(&f, FOR_EVER);
	for (unsigned int i = 0; i < MANY; i++)
		silent[i] = reach(&f);
	one = reach(&f);
	say_words(one, words);
	assert_true(next(&f, &g, 10000));
	assert_true(f.lobby.guests <= LOBBY_SEATS);
	control_close(&g.control);
	close(one);
	for (unsigned int i = 0; i < MANY; i++)
		close(silent[i]);
	tear_down(&f);
}

/* A listener with somebody who waits stays readable: nobody is to poll it until there is something
 * to accept them with. */
static void without_descriptors_it_does_not_spin(void **state)
{
	struct rlimit before, none;
	struct fixture f;
	struct guest g;
	unsigned int turns = 0;
	int one, lowest;
	struct lines said;

	(void)state;
	set_up(&f, FOR_EVER);
	one = reach(&f);
	say_words(one, words);
	lowest = fcntl(0, F_DUPFD, 0);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)lowest;
	assert_false(setrlimit(RLIMIT_NOFILE, &none));
	assert_false(lobby_next(&f.lobby, &g, &said));
	/* it looks again now and then; a listener that is watched would be ready each time */
	for (unsigned int i = 0; i < 10000; i++)
		if (poll(&(struct pollfd){ .fd = f.lobby.ready, .events = POLLIN }, 1, 0)) {
			turns++;
			assert_false(lobby_next(&f.lobby, &g, &said));
		}
	assert_false(setrlimit(RLIMIT_NOFILE, &before));
	assert_true(turns < 1000);
	assert_true(next(&f, &g, 10000));
	control_close(&g.control);
	close(one);
	tear_down(&f);
}

static void a_reader_that_does_not_read_is_not_waited_for(void **state)
{
	struct message m = { 0 };
	struct control c;
	int pair[2];

	(void)state;
	assert_false(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	assert_int_equal(control_open(&c, pair[0], 4096), 0);
	message_begin(&m, "result");
	for (unsigned int i = 0; i < 5000; i++)
		message_add(&m, "point", "%0500u", i);
	c.until = clock_now() + 20 * CLOCK_MS;
	assert_int_equal(control_send(&c, &m), -ETIMEDOUT);
	control_close(&c);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_for_anybody),
		cmocka_unit_test(a_limit_is_of_all_that_is_said),
		cmocka_unit_test(seats_are_for_those_who_speak),
		cmocka_unit_test(without_descriptors_it_does_not_spin),
		cmocka_unit_test(a_reader_that_does_not_read_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
