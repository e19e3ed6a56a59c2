// SPDX-License-Identifier: MIT
/*
 * Latency of 64-byte messages: the peer in the namespace far sends one and waits for the echo. Three connections take turns,
 * so that whatever else goes on meets all: two whose messages arrive in device memory, with the library's low-water mark and
 * without any, and plain TCP, received as in epoll.c: a loop for many connections, as ours is.
 *
 * pingpong [ROUND-TRIPS [CPU-HERE CPU-THERE]]: prints a line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "setup.h"

#define MESSAGE	64
#define TURN	50	/* round trips on one connection before it is the other's turn */

#define PORT	5400u
#define PLAIN_PORT 5401u

enum { MANAGED, WITHOUT, IN_DEVICE_MEMORY, PLAIN = IN_DEVICE_MEMORY, CONNECTIONS };
static const char *const names[] = { "managed", "without", "plain" };

struct pingpong {
	unsigned int trips;		/* on each connection */
	int cpu_here, cpu_there;
	int fd[CONNECTIONS];		/* the far ends */
	double *taken[CONNECTIONS];	/* seconds of each round trip */
};

static int turn_of(unsigned int trip)
{
	return trip / TURN % CONNECTIONS;
}

static void *dial(void *arg)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	int ns = open("/run/netns/far", O_RDONLY | O_CLOEXEC), one = 1;
	struct pingpong *p = arg;

	inet_pton(AF_INET6, "2001:db8:1ab::1", &to.sin6_addr);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		bench_die("no namespace far");
	close(ns);
	for (int i = 0; i < CONNECTIONS; i++) {
		p->fd[i] = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		to.sin6_port = htons(i == PLAIN ? PLAIN_PORT : PORT);
		if (connect(p->fd[i], (struct sockaddr *)&to, sizeof(to)))
			bench_die("connect: %s", strerror(errno));
		setsockopt(p->fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	return NULL;
}

/* The far side: it measures. */
static void *ping(void *arg)
{
	struct pingpong *p = arg;
	char message[MESSAGE] = { 0 };
	unsigned int done[CONNECTIONS] = { 0 };

	if (p->cpu_there >= 0)
		bench_pin(p->cpu_there);
	for (unsigned int k = 0; k < p->trips * CONNECTIONS; k++) {
		int c = turn_of(k);
		double start = bench_clock();

		if (send(p->fd[c], message, MESSAGE, MSG_NOSIGNAL) != MESSAGE ||
		    recv(p->fd[c], message, MESSAGE, MSG_WAITALL) != MESSAGE)
			bench_die("ping: %s", strerror(errno));
		p->taken[c][done[c]++] = bench_clock() - start;
	}
	return NULL;
}

static int listen_plainly(void)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(PLAIN_PORT) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1))
		bench_die("listen: %s", strerror(errno));
	return fd;
}

static int accept_plainly(int listener)
{
	int fd = accept(listener, NULL, NULL), one = 1;

	if (fd < 0)
		bench_die("accept: %s", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	close(listener);
	return fd;
}

static void answer(int fd)
{
	static const char message[MESSAGE];

	if (send(fd, message, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
		bench_die("pong: %s", strerror(errno));
}

static int watch_plainly(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev))
		bench_die("epoll: %s", strerror(errno));
	return epoll;
}

static void echo_plainly(int epoll, int fd)
{
	char message[MESSAGE];
	struct epoll_event ev;

	if (epoll_wait(epoll, &ev, 1, -1) != 1)
		bench_die("epoll: %s", strerror(errno));
	if (recv(fd, message, MESSAGE, MSG_WAITALL) != MESSAGE)
		bench_die("recv: %s", strerror(errno));
	answer(fd);
}

/* Our side: a message comes, goes back to the kernel, and is answered. */
static void echo(struct devmem_ring *ring, int fd)
{
	struct devmem_event ev[16];
	uint32_t got = 0;

	while (got < MESSAGE) {
		int n = devmem_wait(ring, ev, 16, -1);

		if (n < 0)
			bench_die("%s", devmem_error());
		for (int i = 0; i < n; i++) {
			if (ev[i].type != DEVMEM_EVENT_DATA)
				bench_die("a message did not come into device memory");
			got += ev[i].length;
		}
		if (devmem_release(ring, ev, (unsigned int)n))
			bench_die("%s", devmem_error());
	}
	answer(fd);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(struct pingpong *p)
{
	double median[CONNECTIONS], p99[CONNECTIONS];

	printf("{\"name\": \"pingpong\", \"round_trips\": %u", p->trips);
	for (int i = 0; i < CONNECTIONS; i++) {
		double *t = p->taken[i] + TURN;		/* the first turn warms up */
		unsigned int n = p->trips - TURN;

		qsort(t, n, sizeof(*t), by_size);
		median[i] = t[n / 2];
		p99[i] = t[n - 1 - n / 100];
		printf(", \"%s\": {\"median_us\": %.3f, \"p99_us\": %.3f}", names[i], median[i] * 1e6, p99[i] * 1e6);
	}
	printf(", \"ratio\": %.4f, \"ratio_p99\": %.4f, \"ratio_plain\": %.4f}\n", median[MANAGED] / median[WITHOUT],
	       p99[MANAGED] / p99[WITHOUT], median[MANAGED] / median[PLAIN]);
}

int main(int argc, char **argv)
{
	struct pingpong p = { .trips = argc > 1 ? (unsigned int)atoi(argv[1]) : 2000, .cpu_here = -1, .cpu_there = -1 };
	char *options[] = { argv[0], (char []){ "--connections" }, (char []){ "2" }, NULL };
	struct devmem_ring *ring[IN_DEVICE_MEMORY];
	struct devmem_sock *sock;
	int fd[CONNECTIONS], plain, epoll;
	pthread_t thread;
	struct bench b;

	if (argc > 3) {
		p.cpu_here = atoi(argv[2]);
		p.cpu_there = atoi(argv[3]);
	}
	p.trips = (p.trips + 2 * TURN - 1) / TURN * TURN;
	plain = listen_plainly();
	bench_parse(&b, "pingpong", 3, options);
	b.page_size = 4096;
	bench_bind(&b);
	bench_listen(&b);
	pthread_create(&thread, NULL, dial, &p);
	bench_accept(&b);
	fd[PLAIN] = accept_plainly(plain);
	epoll = watch_plainly(fd[PLAIN]);
	pthread_join(thread, NULL);
	for (int i = 0; i < CONNECTIONS; i++) {
		p.taken[i] = calloc(p.trips, sizeof(double));
		if (!p.taken[i])
			bench_die("no memory");
	}
	for (int i = 0; i < IN_DEVICE_MEMORY; i++) {
		fd[i] = b.fd[i];
		if (devmem_ring_open(NULL, &ring[i]) ||
		    devmem_attach(ring[i], b.fd[i], b.binding, 0,
				  DEVMEM_OPTS(devmem_attach_opts, .lowat = i == WITHOUT), &sock))
			bench_die("%s", devmem_error());
	}
	pthread_create(&thread, NULL, ping, &p);
	if (p.cpu_here >= 0)
		bench_pin(p.cpu_here);
	for (unsigned int k = 0; k < p.trips * CONNECTIONS; k++) {
		if (turn_of(k) == PLAIN)
			echo_plainly(epoll, fd[PLAIN]);
		else
			echo(ring[turn_of(k)], fd[turn_of(k)]);
	}
	pthread_join(thread, NULL);
	report(&p);
	for (int i = 0; i < CONNECTIONS; i++)
		close(p.fd[i]);
	close(fd[PLAIN]);
	close(epoll);
	for (int i = 0; i < IN_DEVICE_MEMORY; i++)
		devmem_ring_close(ring[i]);
	bench_close(&b);
	return 0;
}
