// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../../examples/accept.h"
#include "clock.h"
#include "lobby.h"
#include "say.h"

#define TICK	(50 * CLOCK_MS)	 /* interval between checks for silent guests */
#define AT_ONCE (200 * CLOCK_MS) /* the limit while others wait for a seat */

/* Values in epoll's events; smaller ones are seat numbers. */
#define LISTENER LOBBY_SEATS
#define TIMER	 (LOBBY_SEATS + 1)

static int wait_for(struct lobby *l, int operation, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event ready = { .events = events, .data.u32 = what };

	return epoll_ctl(l->ready, operation, fd, &ready);
}

/* The timer runs as long as there is something to check. */
static void set_timer(struct lobby *l)
{
	const bool wanted = l->guests || l->paused;
	const long ns = wanted ? (long)TICK : 0;

	if (l->ticks == wanted)
		return;
	l->ticks = wanted;
	timerfd_settime(l->timer, 0,
			&(struct itimerspec){ .it_interval.tv_nsec = ns, .it_value.tv_nsec = ns },
			NULL);
}

static void listen_or_not(struct lobby *l, bool on)
{
	if (l->paused == !on)
		return;
	l->paused = !on;
	wait_for(l, EPOLL_CTL_MOD, l->listener, on ? EPOLLIN : 0, LISTENER);
}

/* The number of seats: a quarter of the descriptors that are left. */
static unsigned int seats(const struct lobby *l)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur < (rlim_t)l->timer + 8)
		return 1;
	files.rlim_cur = (files.rlim_cur - (rlim_t)l->timer) / 4;
	return files.rlim_cur < LOBBY_SEATS ? (unsigned int)files.rlim_cur : LOBBY_SEATS;
}

int lobby_open(struct lobby *l, int listener, uint64_t patience_ms)
{
	memset(l, 0, sizeof(*l));
	for (unsigned int i = 0; i < LOBBY_SEATS; i++)
		l->seat[i].control.fd = -1;
	l->listener = listener;
	l->patience = patience_ms * CLOCK_MS;
	l->ready = epoll_create1(EPOLL_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	l->seats = seats(l);
	if (l->ready >= 0 && l->timer >= 0 && !fcntl(listener, F_SETFL, O_NONBLOCK) &&
	    !wait_for(l, EPOLL_CTL_ADD, listener, EPOLLIN, LISTENER) &&
	    !wait_for(l, EPOLL_CTL_ADD, l->timer, EPOLLIN, TIMER))
		return 0;
	failed("cannot wait for clients: %s", strerror(errno));
	lobby_close(l);
	return -1;
}

void lobby_close(struct lobby *l)
{
	for (unsigned int i = 0; i < LOBBY_SEATS && l->ready >= 0; i++)
		control_close(&l->seat[i].control);
	if (l->ready >= 0)
		close(l->ready);
	if (l->timer >= 0)
		close(l->timer);
	l->ready = l->timer = -1;
}

/* --------------------------------------------------------------------------------------- guests */

static void vacate(struct lobby *l, struct guest *g)
{
	wait_for(l, EPOLL_CTL_DEL, g->control.fd, 0, 0);
	g->control = (struct control){ .fd = -1 };
	l->guests--;
}

/* Sends the reason, if that is possible without waiting, and closes the connection. */
static void send_away(struct lobby *l, struct guest *g, const char *why)
{
	struct control control = g->control;
	struct message m = { 0 };

	vacate(l, g);
	control.until = 0;
	message_begin(&m, "refused");
	message_add(&m, "why", "%s", why);
	control_send(&control, &m);
	control_close(&control);
}

static struct guest *free_seat(struct lobby *l)
{
	for (unsigned int i = 0; i < l->seats; i++)
		if (l->seat[i].control.fd < 0)
			return &l->seat[i];
	return NULL;
}

static void pause_for_shortage(struct lobby *l, int err)
{
	if (!l->shortage_reported)
		say("cannot accept a client now: %s", strerror(-err));
	l->shortage_reported = true;
	listen_or_not(l, false);
}

static void admit(struct lobby *l)
{
	struct guest *g;
	socklen_t bytes;
	int fd;

	while ((g = free_seat(l))) {
		bytes = sizeof(g->peer);
		memset(&g->peer, 0, sizeof(g->peer));
		fd = accept_next(l->listener, &g->peer.sa, &bytes);
		if (fd == -EAGAIN || fd == -EINTR)
			return;
		if (fd < 0) {
			pause_for_shortage(l, fd);
			return;
		}
		l->shortage_reported = false;
		address_unmap(&g->peer);
		g->since = clock_now();
		if (control_open(&g->control, fd, CONTROL_ROOM_ASKED))
			continue;
		l->guests++;
		if (wait_for(l, EPOLL_CTL_ADD, fd, EPOLLIN, (uint32_t)(g - l->seat)))
			send_away(l, g, "the server is out of memory");
	}
	listen_or_not(l, false); /* until the timer has freed a seat */
}

static void drop_silent_guests(struct lobby *l)
{
	const uint64_t now = clock_now(),
		       most = l->paused && AT_ONCE < l->patience ? AT_ONCE : l->patience;
	uint64_t times;

	if (read(l->timer, &times, sizeof(times)) < 0)
		return;
	for (unsigned int i = 0; i < LOBBY_SEATS; i++)
		if (l->seat[i].control.fd >= 0 && now - l->seat[i].since >= most)
			send_away(l, &l->seat[i], control_why(-ETIMEDOUT));
	if (l->guests < l->seats)
		listen_or_not(l, true);
}

/* True: the guest has sent its message. */
static bool listen_to(struct lobby *l, struct guest *g, struct lines *said)
{
	int got = control_take(&g->control, said);

	if (got == -EPIPE || got == -ECONNRESET) {
		struct control control = g->control;

		vacate(l, g);
		control_close(&control);
	} else if (got < 0) {
		send_away(l, g, control_why(got));
	}
	return got > 0;
}

static bool next(struct lobby *l, struct guest *out, struct lines *said)
{
	struct epoll_event ready[LOBBY_SEATS + 2];
	int n = epoll_wait(l->ready, ready, LOBBY_SEATS + 2, 0);

	for (int i = 0; i < n; i++) {
		const uint32_t what = ready[i].data.u32;

		if (what == LISTENER) {
			admit(l);
		} else if (what == TIMER) {
			drop_silent_guests(l);
		} else if (l->seat[what].control.fd >= 0 && listen_to(l, &l->seat[what], said)) {
			*out = l->seat[what];
			vacate(l, &l->seat[what]);
			return true;
		}
	}
	return false;
}

bool lobby_next(struct lobby *l, struct guest *out, struct lines *said)
{
	bool got = next(l, out, said);

	set_timer(l);
	return got;
}

void lobby_turn_away(struct lobby *l, const char *why)
{
	struct guest g;
	struct lines said;
	struct message m = { 0 };

	if (!lobby_next(l, &g, &said))
		return; /* other work is done by the next call */
	g.control.until = 0;
	message_begin(&m, "refused");
	message_add(&m, "why", "%s", why);
	control_send(&g.control, &m);
	control_close(&g.control);
}
