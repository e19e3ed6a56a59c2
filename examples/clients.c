// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accept.h"
#include "server.h"

/* per connection: the program's, the library's, and one more if it sends */
#define DESCRIPTORS 3
#define SPARE	    16	 /* descriptors for everything else, beyond those that are open now */
#define WORTH	    4096 /* bytes */
#define RETRY	    0.1	 /* seconds until the next try when a connection could not be accepted */
/* messages per second about broken connections, so that peers cannot fill a disk */
#define LINES 10

const char server_silent[] = "it was silent for too long, or did not take what is kept for it, and "
			     "others may want its place";

void server_make_room(struct server *s)
{
	/* all descriptors below this one are in use */
	const int first = fcntl(s->listener, F_DUPFD_CLOEXEC, 0);
	struct rlimit files;
	rlim_t most = 1;

	s->room = s->opt.max_connections;
	if (first >= 0)
		close(first);
	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	if (first >= 0 && files.rlim_cur > (rlim_t)first + SPARE)
		most = (files.rlim_cur - (rlim_t)first - SPARE) / DESCRIPTORS / s->opt.n_interfaces;
	if (most < s->room)
		s->room = most ? (unsigned int)most : 1;
}

/* --------------------------------------------------------------------------------- the listener */

static int by_the_ring(struct server *s, bool on)
{
	return on ? devmem_watch(s->ring, s->listener, SERVER_LISTENER)
		  : devmem_unwatch(s->ring, s->listener);
}

static int listen_or_not(struct server *s, bool on)
{
	return s->listen ? s->listen(s, on) : by_the_ring(s, on);
}

/* If this fails, the listener is still watched, and the next turn tries again. */
static void stop_listening(struct server *s, double seconds)
{
	s->retry = s->now + seconds;
	s->deaf = s->deaf || !listen_or_not(s, false);
}

void server_listen(struct server *s)
{
	if (!s->deaf || s->accepted - s->ended >= s->room || s->now < s->retry ||
	    listen_or_not(s, true))
		return;
	s->deaf = s->crowded = false;
}

int server_accept(struct server *s)
{
	int fd;

	if (s->accepted - s->ended >= s->room) {
		s->crowded = true;
		stop_listening(s, 0);
		return -1;
	}
	fd = accept_next(s->listener, NULL, NULL);
	if (fd >= 0) {
		if (!s->accepted++)
			s->started = report_clock();
		return fd;
	}
	if (fd != -EAGAIN && fd != -EINTR) {
		s->crowded = true;
		stop_listening(s, RETRY);
		if (s->short_of != -fd)
			fprintf(stderr, "%s: no connection can be taken now: %s\n",
				program_invocation_short_name, strerror(-fd));
		s->short_of = -fd;
	}
	return -1;
}

/* ---------------------------------------------------------------------------------- connections */

static void steer(struct server *s, struct client *c, int fd)
{
	if (!s->each || !own_rule_make(&c->rule, s->binding, fd) || s->no_rule)
		return;
	s->no_rule = true;
	fprintf(stderr, "%s: connections that cannot be steered are copied: %s\n",
		program_invocation_short_name, devmem_error());
}

static int attach(struct server *s, struct client *c, int fd, const struct devmem_attach_opts *opts)
{
	steer(s, c, fd);
	return devmem_attach(s->ring, fd, s->binding, (uintptr_t)c, opts, &c->sock);
}

int server_attach(struct server *s, struct client *c, int fd, const struct devmem_attach_opts *opts)
{
	int err = c ? attach(s, c, fd, opts) : -ENOMEM;

	if (err) {
		server_lose(s, NULL, c ? devmem_error() : strerror(ENOMEM));
		if (c)
			own_rule_take_back(&c->rule, s->binding);
		s->broken++;
		s->ended++;
		close(fd);
		if (err == -EMFILE || err == -ENOMEM)
			stop_listening(s, RETRY);
		return -1;
	}
	c->fd = fd;
	c->heard = c->paid = s->now;
	c->next = s->clients;
	c->link = &s->clients;
	if (c->next)
		c->next->link = &c->next;
	s->clients = c;
	return 0;
}

void server_moved(const struct server *s, struct client *c, uint32_t bytes)
{
	c->heard = s->now;
	c->moved = true;
	c->bytes = bytes < WORTH ? c->bytes + bytes : WORTH;
	if (c->bytes < WORTH)
		return;
	c->paid = s->now;
	c->bytes = 0;
}

void server_keeps(const struct server *s, struct client *c)
{
	if (c->kept++ != c->gone)
		return;
	c->since = s->now;
	c->mark = c->kept;
}

void server_lets_go(const struct server *s, struct client *c)
{
	if (++c->gone < c->mark)
		return;
	c->since = s->now;
	c->mark = c->kept;
}

void server_runs_low(struct server *s, uint32_t fragment_bytes)
{
	s->low = fragment_bytes;
}

/* More than half of the buffer may be in use. The library reports that again if it was less in
 * between. */
static bool is_low(struct server *s)
{
	struct devmem_stats st = { .size = sizeof(st) };

	if (!s->low)
		return false;
	devmem_ring_stats(s->ring, &st);
	if (st.tokens_outstanding < devmem_buffer_size(s->buffer) / 2 / s->low)
		s->low = 0;
	return s->low;
}

/* Seconds between two checks. */
static double step(const struct server *s)
{
	const double idle = s->opt.idle;

	return !idle || idle > 20 ? 1 : idle < 0.4 ? 0.02 : idle / 20;
}

static bool is_overdue(const struct server *s, const struct client *c, bool low)
{
	if (!c->sock || !s->opt.idle)
		return false;
	return s->now - c->heard > s->opt.idle ||
	       (s->crowded && s->now - c->paid > s->opt.idle / 10) ||
	       (low && c->kept != c->gone && s->now - c->since > s->opt.idle / 10);
}

struct client *server_overdue(struct server *s)
{
	struct client *c = s->clients;
	bool low;

	if (s->now - s->looked < step(s))
		return NULL;
	low = is_low(s);
	while (c && !is_overdue(s, c, low))
		c = c->next;
	if (!c)
		s->looked = s->now;
	return c;
}

int server_patience(const struct server *s)
{
	return (int)((s->deaf && step(s) > RETRY ? RETRY : step(s)) * 1000);
}

void server_lose(struct server *s, struct client *c, const char *why)
{
	s->broken += c && c->moved;
	if (c)
		c->lost = true;
	if (s->now - s->told >= 1) {
		s->told = s->now;
		s->lines = 0;
	}
	if (s->lines++ < LINES)
		fprintf(stderr, "%s: a connection broke: %s\n", program_invocation_short_name, why);
}

void server_hang_up(const struct server *s, struct client *c)
{
	devmem_detach(c->sock);
	c->sock = NULL;
	close(c->fd);
	own_rule_take_back(&c->rule, s->binding);
}

void server_forget(struct server *s, struct client *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	s->accepted -= c->lost && !c->moved;
	s->ended += !c->lost || c->moved;
}
