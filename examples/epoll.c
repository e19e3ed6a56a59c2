// SPDX-License-Identifier: MIT
/*
 * gpu_epoll_server: a ring in a program's existing event loop. It receives what gpu_recv_server
 * does, but epoll waits, for the ring's descriptor among others: here a listener, a signalfd and a
 * timer. There is one rule: when the descriptor is readable, devmem_wait() is called with a
 * time-out of 0. This loop calls it before each sleep, which saves a wake-up for what is pending.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "server.h"
#include "streams.h"

static const char usage[] =
	"usage: gpu_epoll_server [options] INTERFACE\n"
	"Receives TCP streams into device memory, in an epoll loop of its own.\n"
	"  -p, --port N          listen here, IPv4 and IPv6 (default 5201)\n"
	"  -e, --engine NAME     devmem, zcrx, copy or syscall (default: the best that can be)\n"
	"  -b, --backend NAME    where the memory comes from: cuda, drm, udmabuf, ... (default: "
	"the best host memory)\n"
	"  -d, --device NAME     which device of it (default: cuda's nearest to INTERFACE, the "
	"first of others)\n"
	"  -m, --buffer MIB      size of the buffer (default 64)\n"
	"  -q, --queues N        RX queues to bind (default 1)\n"
	"  -c, --connections N   end after so many connections (default: at SIGINT or SIGTERM)\n"
	"  -v, --verify          check that the bytes are what send_client sends\n"
	"  -j, --json FILE       write the summary to FILE (- for standard output)\n"
	"  -P, --progress        a line each second (the default on a terminal; --no-progress: "
	"never)\n" CLIENTS_USAGE "  -h, --help\n";

enum { RING, LISTENER, SIGNALS, TIMER };

struct loop {
	struct server server;
	struct streams streams;
	int epoll, timer;
};

static int wait_for(struct loop *l, int fd, uint32_t what)
{
	struct epoll_event ready = { .events = EPOLLIN, .data.u32 = what };

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ready);
}

/* Called when there is room for another connection, or no longer any. */
static int listen_or_not(struct server *s, bool on)
{
	struct loop *l = (struct loop *)s; /* @s is its first member */
	struct epoll_event ready = { .events = on ? EPOLLIN : 0, .data.u32 = LISTENER };

	return epoll_ctl(l->epoll, EPOLL_CTL_MOD, s->listener, &ready);
}

static int open_loop(struct loop *l)
{
	struct itimerspec look = { 0 };
	struct server *s = &l->server;
	int ring;

	s->listen = listen_or_not;
	if (server_prepare(s))
		return -1;
	/* interval of checks for silent connections */
	look.it_interval.tv_nsec = 100000000 / (server_patience(s) < 100 ? 10 : 1);
	look.it_value = look.it_interval;
	ring = devmem_ring_fd(s->ring); /* belongs to the ring: do not close it */
	if (ring < 0)
		return server_failed("the ring's descriptor");
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timerfd_settime(l->timer, 0, &look, NULL) || wait_for(l, ring, RING) ||
	    wait_for(l, s->listener, LISTENER) || wait_for(l, s->signals, SIGNALS) ||
	    wait_for(l, l->timer, TIMER)) {
		fprintf(stderr, "gpu_epoll_server: epoll: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}

static void is_readable(struct loop *l, uint32_t what)
{
	uint64_t times;

	switch (what) {
	case LISTENER:
		streams_accept(&l->streams);
		break;
	case SIGNALS:
		l->streams.stop = true;
		break;
	case TIMER:
		if (read(l->timer, &times, sizeof(times)) > 0)
			server_progress(&l->server);
		break;
	case RING: /* its events are taken before the next sleep */
		break;
	}
}

static int serve(struct loop *l)
{
	struct devmem_event last[16];
	struct epoll_event ready[4];
	int n;

	while (!l->streams.stop && !server_is_done(&l->server)) {
		/* takes a limited number of events, so that other descriptors get their turn */
		n = streams_turn(&l->streams, 0);
		if (n < 0)
			return -1;
		n = epoll_wait(l->epoll, ready, 4, n ? 0 : -1);
		for (int i = 0; i < n; i++)
			is_readable(l, ready[i].data.u32);
	}
	streams_close(&l->streams);
	/* release the last fragments */
	return server_wait(&l->server, last, 16, 50) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct loop l = { .server = { .opt = server_parse(argc, argv, usage, "v"),
				      .listener = -1,
				      .signals = -1 },
			  .streams = { .server = &l.server },
			  .epoll = -1,
			  .timer = -1 };
	struct server *s = &l.server;
	struct report report = { .verify = s->opt.verify };
	bool ok = !open_loop(&l);

	if (ok) {
		fprintf(stderr, "gpu_epoll_server: listening on port %u\n", s->opt.port);
		ok = !serve(&l) && !l.streams.wrong && !s->broken;
		server_report(s, &report);
		report.ok = ok;
	}
	streams_close(&l.streams);
	close(l.timer);
	close(l.epoll);
	report.nic_restored = server_close(s);
	return report_summary(&report, s->opt.json) || !ok || !report.nic_restored;
}
